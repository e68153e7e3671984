//! Looking users up.

use toji_hub_macros::rpc;
use toji_proto::{IntoValue, Value, ValueExt};

use crate::db::{QueryOpts, Row, RowExt, Select};
use crate::error::{self, Rpc};
use crate::rpc::lookup::{self, Table};
use crate::rpc::{Call, FromArg, NameOrId, groups_of};

use super::store::{self, UserRef};

/// A user: `id`, `name`, `status` (0 normal, 1 blocked), `usertype` (0 person, 1 host, 2 group),
/// `krb_principals` (unless not wanted) and, if asked for, `groups` (names).
///
/// `userInfo` is an id, a name or principal, or a struct of `id`, `name` and `krb_principal` of which all that
/// are given must fit; without it the caller. Nothing if there is none; with `strict` fault 1000.
#[rpc("getUser(userInfo=None, strict=False, krb_princs=True, groups=False)", read)]
pub async fn get_user(
    call: &mut Call,
    user_info: UserRef,
    strict: bool,
    krb_princs: bool,
    groups: bool,
) -> Rpc<Option<Row>> {
    let user = match strict {
        true => store::get(call, &user_info).await?,
        false => match store::find(call, &user_info).await? {
            Some(user) => user,
            None => return Ok(None),
        },
    };
    let mut told = user.told();
    if krb_princs {
        told.insert("krb_principals".into(), store::principals_of(&call.db, user.id).await?.into_value());
    }
    if groups {
        let names: Vec<String> = groups_of(&call.db, user.id).await?.into_values().collect();
        told.insert("groups".into(), names.into_value());
    }
    Ok(Some(told))
}

/// Users as `getUser` tells them: of one type or of a list of types (`None`: of all), whose name begins with
/// `prefix` (in any case; `%` and `_` are wildcards), who have the permission `perm` themselves or, with
/// `inherited_perm`, through a group.
///
/// A principal is listed once for every way in which its user has an inherited permission.
#[rpc("listUsers(userType=0, prefix=None, queryOpts=None, perm=None, inherited_perm=False)", read)]
pub async fn list_users(
    call: &mut Call,
    user_type: Value,
    prefix: Option<String>,
    query_opts: Value,
    perm: Option<NameOrId>,
    inherited_perm: bool,
) -> Rpc<Value> {
    if inherited_perm && perm.is_none() {
        return Err(error::generic("inherited_perm must be used with perm"));
    }
    let mut select = Select::from("users")
        .columns(&[("users.id", "id"), ("users.name", "name"), ("users.status", "status")])
        .columns(&[("users.usertype", "usertype"), ("count(*)", "ways")])
        .group("users.id, users.name, users.status, users.usertype")
        .order("id");
    select = match user_type {
        Value::Nil => select,
        Value::Integer(kind) => select.clause("users.usertype = ?", [kind.into()]),
        kinds @ Value::Array(_) => select.is_in(&call.db, "users.usertype", &Vec::from_arg(kinds, "userType")?),
        _ => return Err(error::param("userType must be an integer, a list of integers or None")),
    };
    if let Some(prefix) = prefix.filter(|p| !p.is_empty()) {
        select = select.clause("lower(users.name) LIKE lower(?) || '%' ESCAPE '\\'", [prefix.into()]);
    }
    if let Some(perm) = perm {
        let perm = lookup::get(&call.db, Table::Permission, &perm).await?.id;
        select = select.clause("user_perms.active = TRUE AND user_perms.perm_id = ?", [perm.into()]);
        select = match inherited_perm {
            true => select
                .join("LEFT JOIN user_groups ON user_groups.user_id = users.id AND user_groups.active = TRUE")
                .join("user_perms ON user_perms.user_id = users.id OR user_perms.user_id = user_groups.group_id"),
            false => select.join("user_perms ON user_perms.user_id = users.id"),
        };
    }
    if query_opts.get("group").is_some_and(ValueExt::is_true) {
        return Err(error::generic("listUsers does not offer the query option group"));
    }
    let opts: Option<QueryOpts> = Option::from_arg(query_opts, "queryOpts")?;
    store::with_principals(select, &call.db).opts(opts).answer_with(&call.db, told_in_all_ways).await
}

/// Lists the principals as often as there are `ways`.
fn told_in_all_ways(mut row: Row) -> Rpc<Row> {
    let ways = row.int("ways")?;
    row.remove("ways");
    if let Some(Value::Array(principals)) = row.get_mut("krb_principals") {
        let once = principals.clone();
        (1..ways).for_each(|_| principals.extend(once.iter().cloned()));
    }
    Ok(row)
}
