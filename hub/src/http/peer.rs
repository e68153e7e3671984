//! Where a request comes from: the peer itself, or what a trusted proxy says of its client.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use crate::config::ProxyConfig;
use crate::session::Peer;

/// The headers count only if the peer is trusted; what is in them must make sense, or it counts for nothing.
pub fn of(proxy: &ProxyConfig, peer: SocketAddr, headers: &HeaderMap) -> Peer {
    let address = peer.ip().to_canonical();
    if !proxy.trusted.iter().any(|network| network.contains(address)) {
        return Peer { address: address.to_string(), verified_user: None };
    }
    let last = |name: &Option<String>| headers.get_all(name.as_deref()?).iter().next_back()?.to_str().ok();
    let client = last(&proxy.address_header).and_then(|list| list.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
    let user = last(&proxy.user_header).map(str::trim).filter(|user| !user.is_empty());
    Peer { address: client.unwrap_or(address).to_canonical().to_string(), verified_user: user.map(str::to_string) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let proxy: ProxyConfig = serde_json::from_value(serde_json::json!({
            "trusted": ["10.1.0.0/16", "192.0.2.7"],
            "address_header": "x-forwarded-for",
            "user_header": "X-Remote-User",
        }))
        .expect("a configuration");
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "198.51.100.1, 203.0.113.9".parse().expect("a header"));
        headers.insert("x-remote-user", "alice@EXAMPLE.COM".parse().expect("a header"));
        let from = |address: &str| of(&proxy, address.parse().expect("an address"), &headers);
        let believed = from("[::ffff:10.1.2.3]:4000");
        assert_eq!(believed.address, "203.0.113.9");
        assert_eq!(believed.verified_user.as_deref(), Some("alice@EXAMPLE.COM"));
        assert_eq!(from("192.0.2.7:4000").address, "203.0.113.9");
        let stranger = from("10.2.0.1:4000");
        assert_eq!(stranger.address, "10.2.0.1");
        assert_eq!(stranger.verified_user, None);
        assert!(serde_json::from_value::<ProxyConfig>(serde_json::json!({ "trusted": ["10.1"] })).is_err());
    }
}
