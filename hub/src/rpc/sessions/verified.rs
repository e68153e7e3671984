//! Logging in without a password: a proxy in front of the hub has verified the user.

use toji_hub_macros::rpc;
use toji_proto::Value;
use toji_proto::states::{AuthType, UserStatus, UserType};

use crate::error::{self, Rpc};
use crate::names;
use crate::rpc::users::store::{self as users, User};
use crate::rpc::{Args, Call, Struct};
use crate::session::{Identity, client_ip};

use super::open::{open, renewed};

/// Opens a session for the user whom a trusted proxy has verified:
/// `sslLogin(proxyuser=None, proxyauthtype=None, renew=False, exclusive=None)`.
///
/// Who is in the options `ProxyPrincipals` or `ProxyDNs` may log in as `proxyuser`, and with `AllowProxyAuthType`
/// say how that one was verified. An unknown user is made if `LoginCreatesUser` says so. Returns what `login`
/// returns, and renews as it does. Everything that is refused is fault 1002.
#[rpc("sslLogin(*args, **opts)", write)]
pub async fn ssl_login(call: &mut Call, args: Vec<Value>, opts: Struct) -> Rpc<Value> {
    let mut args = Args::of("sslLogin(proxyuser=None, proxyauthtype=None, renew=False, exclusive=None)", args, opts)?;
    let as_user: Option<String> = args.take("proxyuser")?;
    let as_type: Option<i32> = args.take("proxyauthtype")?;
    let (renew, exclusive): (bool, bool) = (args.take("renew")?, args.take("exclusive")?);
    if call.logged_in() {
        return Err(error::auth("Already logged in"));
    }
    let verified = call.peer.verified_user.clone();
    let verified = verified.ok_or_else(|| error::auth("could not verify client: nobody was verified"))?;
    let (name, auth_type) = match as_user.filter(|name| !name.is_empty()) {
        Some(name) => (name, other_type(call, &verified, as_type)?),
        None => (verified, call.hub.proxy.user_by.auth_type()),
    };
    let user = find_or_create(call, &name, auth_type).await?;
    if user.status != Some(UserStatus::Normal.code()) {
        return Err(error::auth(format!("logins by {} are not allowed", user.name)));
    }
    if let (true, Identity::Expired(session)) = (renew, &call.identity) {
        let session = session.clone();
        return renewed(call, &session, user.id, exclusive).await;
    }
    let host_ip = client_ip(&call.hub.options, &call.peer.address);
    open(call, user.id, host_ip, Some(auth_type.code()), None).await
}

/// Checks that `verified` may log in as others, and how those count as verified.
fn other_type(call: &Call, verified: &str, as_type: Option<i32>) -> Rpc<AuthType> {
    let options = &call.hub.options;
    let own = call.hub.proxy.user_by.auth_type();
    let may = match own {
        AuthType::Ssl => options.proxy_dns.split('|').any(|name| name.trim() == verified),
        _ => options.proxy_principals.split(',').any(|name| name.trim() == verified),
    };
    if !may {
        return Err(error::auth(format!("{verified} is not authorized to login other users")));
    }
    let Some(code) = as_type else { return Ok(own) };
    match AuthType::from_code(code) {
        Some(asked) if asked == own => Ok(own),
        Some(_) if !options.allow_proxy_auth_type => {
            Err(error::auth("others must count as verified in the same way (AllowProxyAuthType is off)"))
        }
        Some(asked @ (AuthType::Gssapi | AuthType::Ssl)) => Ok(asked),
        _ => Err(error::auth(format!("Proxied authtype {code} is not valid for sslLogin"))),
    }
}

/// The user of a name, or of a principal if it looks like one and tickets count.
async fn find_or_create(call: &Call, name: &str, auth_type: AuthType) -> Rpc<User> {
    let principal = (auth_type == AuthType::Gssapi && name.contains('@')).then_some(name);
    if let Some(principal) = principal {
        users::check_realm(&call.hub.options, principal)?;
    }
    let found = match principal {
        Some(principal) => users::find_by_principal(&call.db, principal).await?,
        None => users::find_by_name(&call.db, name).await?,
    };
    if let Some(user) = found {
        return Ok(user);
    }
    if !call.hub.options.login_creates_user {
        return Err(error::auth(format!("Unknown user: {name}")));
    }
    create(call, name, principal).await
}

/// A principal becomes the user of the name before its realm, be they there or new.
async fn create(call: &Call, name: &str, principal: Option<&str>) -> Rpc<User> {
    let own_name = principal.and_then(|p| p.split_once('@')).map_or(name, |(own_name, _)| own_name);
    names::check_user(&call.hub.options, own_name)?;
    if let Some(user) = users::find_by_name(&call.db, own_name).await? {
        if user.is_group() {
            return Err(error::auth(format!("{own_name} is a group")));
        }
        if let Some(principal) = principal {
            users::add_principal(call, user.id, principal).await?;
        }
        return Ok(user);
    }
    let (kind, status) = (UserType::Normal, UserStatus::Normal);
    let id = users::create(call, own_name, kind, status, principal).await?;
    Ok(User { id, name: own_name.into(), status: Some(status.code()), user_type: Some(kind.code()) })
}
