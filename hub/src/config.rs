//! The `[hub]` section of toji's configuration file.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use serde::Deserialize;
use toji_proto::states::AuthType;

/// Where the hub listens, keeps its files and finds a stock configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct HubConfig {
    /// The address of the API, the file tree and the health checks.
    pub listen: SocketAddr,
    /// The top of the file tree: packages, work, repos, scratch and volumes are below it.
    pub topdir: Option<PathBuf>,
    /// A stock `hub.conf`.
    pub hub_conf: Option<PathBuf>,
    /// A stock `hub.conf.d`.
    pub hub_conf_dir: Option<PathBuf>,
    /// Make or update the tables at the start.
    pub migrate: bool,
    /// Stock options by their stock names; they win over the stock file.
    pub options: BTreeMap<String, serde_json::Value>,
    /// Policies by name; they win over the stock file.
    pub policy: BTreeMap<String, String>,
    /// The proxy in front of the hub, if there is one.
    pub proxy: ProxyConfig,
    /// Keys that mean nothing; they are told in the log.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, serde_json::Value>,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            topdir: None,
            hub_conf: None,
            hub_conf_dir: None,
            migrate: false,
            options: BTreeMap::new(),
            policy: BTreeMap::new(),
            proxy: ProxyConfig::default(),
            unknown: BTreeMap::new(),
        }
    }
}

/// A proxy that knows more of a client than the hub does. Its headers count only if the request comes from one
/// of its addresses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ProxyConfig {
    /// Addresses or networks of the proxies: `["10.0.0.7", "10.1.0.0/16"]`.
    pub trusted: Vec<Network>,
    /// The header with the client's address, such as `X-Forwarded-For`: of several addresses the last, which the
    /// proxy itself added.
    pub address_header: Option<String>,
    /// The header with the user whom the proxy has verified, a name or Kerberos principal. The proxy must set or
    /// remove it in every request. Without it nobody logs in by `sslLogin`.
    pub user_header: Option<String>,
    /// How the proxy verifies users.
    pub user_by: Verification,
    /// Keys that mean nothing; they are told in the log.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, serde_json::Value>,
}

/// How a proxy verifies users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verification {
    /// By Kerberos ticket; the header holds a principal.
    #[default]
    Kerberos,
    /// By client certificate; the header holds a name.
    Certificate,
}

impl Verification {
    /// What sessions are marked with.
    pub fn auth_type(self) -> AuthType {
        match self {
            Self::Kerberos => AuthType::Gssapi,
            Self::Certificate => AuthType::Ssl,
        }
    }
}

/// An address or a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network(IpNet);

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network.map(Self).map_err(|_| format!("{text} is no address and no network"))
    }
}
