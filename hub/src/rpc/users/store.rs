//! Finding users: people, hosts and groups share one table.

use toji_proto::states::{UserStatus, UserType};
use toji_proto::{IntoValue, Value, ValueExt};

use crate::db::{Db, Insert, Kind, Param, Row, RowExt, Select};
use crate::error::{self, Rpc};
use crate::options::Options;
use crate::rpc::{Call, FromArg};

/// How clients name a user: by id, by name or principal, by a struct of `id`, `name` and `krb_principal` (all
/// that are given must fit), or not at all, which means themselves. Anything else is a general fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserRef {
    Caller,
    Id(i32),
    /// A name or a principal.
    Text(String),
    Fields {
        id: Option<i32>,
        name: Option<String>,
        principal: Option<String>,
    },
}

impl FromArg for UserRef {
    fn from_arg(value: Value, name: &str) -> Rpc<Self> {
        let wrong = |value: &Value| error::generic(format!("Invalid type for {name}: {}", value.repr()));
        match value {
            Value::Nil => Ok(Self::Caller),
            Value::Integer(id) => Ok(Self::Id(id)),
            Value::String(text) => Ok(Self::Text(text)),
            Value::Struct(ref fields) => {
                let id = match fields.get("id") {
                    None | Some(Value::Nil) => None,
                    Some(Value::Integer(id)) => Some(*id),
                    Some(_) => return Err(wrong(&value)),
                };
                let text = |key: &str| match fields.get(key).filter(|v| v.is_true()) {
                    None => Ok(None),
                    Some(Value::String(text)) => Ok(Some(text.clone())),
                    Some(_) => Err(wrong(&value)),
                };
                let (name, principal) = (text("name")?, text("krb_principal")?);
                if id.is_none() && name.is_none() && principal.is_none() {
                    return Err(wrong(&value));
                }
                Ok(Self::Fields { id, name, principal })
            }
            other => Err(wrong(&other)),
        }
    }
}

impl std::fmt::Display for UserRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Caller => f.write_str("the caller"),
            Self::Id(id) => write!(f, "{id}"),
            Self::Text(text) => f.write_str(text),
            Self::Fields { id, name, principal } => {
                let id = id.map(|id| id.to_string());
                let given = [("id", &id), ("name", name), ("krb_principal", principal)];
                let given: Vec<_> = given.iter().filter_map(|(k, v)| Some(format!("{k} {}", v.as_ref()?))).collect();
                f.write_str(&given.join(", "))
            }
        }
    }
}

/// A user as `getUser` tells it: `id`, `name`, `status`, `usertype`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: i32,
    pub name: String,
    pub status: Option<i32>,
    pub user_type: Option<i32>,
}

impl User {
    fn from_row(row: &Row) -> Rpc<Self> {
        Ok(Self {
            id: row.int("id")?,
            name: row.text("name").into(),
            status: row.opt_int("status"),
            user_type: row.opt_int("usertype"),
        })
    }

    /// As clients see it; more may be added.
    pub fn told(&self) -> Row {
        Row::from([
            ("id".into(), self.id.into_value()),
            ("name".into(), self.name.clone().into_value()),
            ("status".into(), self.status.into_value()),
            ("usertype".into(), self.user_type.into_value()),
        ])
    }

    pub fn is_group(&self) -> bool {
        self.user_type == Some(UserType::Group.code())
    }
}

/// The user, if there is one. Who means themselves must be logged in.
pub async fn find(call: &Call, who: &UserRef) -> Rpc<Option<User>> {
    match who {
        UserRef::Caller => match call.identity.user() {
            Some(session) => find_where(&call.db, "id = ?", vec![session.user_id.into()]).await,
            None => Err(error::generic("No user is given, and nobody is logged in")),
        },
        UserRef::Id(id) => find_where(&call.db, "id = ?", vec![(*id).into()]).await,
        UserRef::Text(text) => {
            let clause = format!("id IN ({WITH_PRINCIPAL}) OR name = ?");
            find_where(&call.db, &clause, vec![text.clone().into(), text.clone().into()]).await
        }
        UserRef::Fields { id, name, principal } => {
            let (mut clauses, mut params): (Vec<String>, Vec<Param>) = (vec![], vec![]);
            if let Some(id) = id {
                clauses.push("id = ?".into());
                params.push((*id).into());
            }
            if let Some(name) = name {
                clauses.push("name = ?".into());
                params.push(name.clone().into());
            }
            if let Some(principal) = principal {
                clauses.push(format!("id IN ({WITH_PRINCIPAL})"));
                params.push(principal.clone().into());
            }
            find_where(&call.db, &clauses.join(" AND "), params).await
        }
    }
}

/// The user; a general fault if there is none.
pub async fn get(call: &Call, who: &UserRef) -> Rpc<User> {
    find(call, who).await?.ok_or_else(|| error::generic(format!("No such user: {who}")))
}

/// The user with that very name, if there is one.
pub async fn find_by_name(db: &Db, name: &str) -> Rpc<Option<User>> {
    find_where(db, "name = ?", vec![name.into()]).await
}

/// The user who has a principal, if anybody has.
pub async fn find_by_principal(db: &Db, principal: &str) -> Rpc<Option<User>> {
    find_where(db, &format!("id IN ({WITH_PRINCIPAL})"), vec![principal.into()]).await
}

const WITH_PRINCIPAL: &str = "SELECT user_id FROM user_krb_principals WHERE krb_principal = ?";

async fn find_where(db: &Db, clause: &str, params: Vec<Param>) -> Rpc<Option<User>> {
    let select = Select::from("users").columns(&[("id", "id"), ("name", "name"), ("status", "status")]);
    let found = select.column("usertype", "usertype").clause(clause, params).order("id").one(db).await?;
    found.as_ref().map(User::from_row).transpose()
}

/// A user's principals, sorted.
pub async fn principals_of(db: &Db, user_id: i32) -> Rpc<Vec<String>> {
    let sql = "SELECT krb_principal FROM user_krb_principals WHERE user_id = ? ORDER BY krb_principal";
    db.values(sql, vec![user_id.into()]).await
}

/// Adds the column `krb_principals` to a query of `users`: a list, sorted.
pub fn with_principals(select: Select, db: &Db) -> Select {
    let (list, sorted) = (
        if db.is_postgres() { "json_agg(krb_principal)" } else { "json_group_array(krb_principal)" },
        "SELECT krb_principal FROM user_krb_principals WHERE user_id = users.id ORDER BY krb_principal",
    );
    let expr = format!("(SELECT COALESCE({list}, '[]') FROM ({sorted}) AS sorted)");
    select.column_as(&expr, "krb_principals", Kind::Json)
}

/// Makes a user. Names are checked by who calls this; a principal's realm is checked here.
pub async fn create(call: &Call, name: &str, kind: UserType, status: UserStatus, principal: Option<&str>) -> Rpc<i32> {
    if let Some(principal) = principal {
        check_realm(&call.hub.options, principal)?;
    }
    let insert = Insert::into("users").set("name", name).set("usertype", kind.code()).set("status", status.code());
    let id = insert.returning_id(&call.db).await?;
    if let Some(principal) = principal {
        add_principal(call, id, principal).await?;
    }
    Ok(id)
}

/// Gives a user a principal. One that somebody has, or of a realm that is not allowed, is refused.
pub async fn add_principal(call: &Call, user_id: i32, principal: &str) -> Rpc<()> {
    if find_by_principal(&call.db, principal).await?.is_some() {
        return Err(error::generic(format!("user with this Kerberos principal already exists: {principal}")));
    }
    check_realm(&call.hub.options, principal)?;
    Insert::into("user_krb_principals").set("user_id", user_id).set("krb_principal", principal).run(&call.db).await
}

/// Refuses principals of realms that the site does not allow (fault 1002).
pub fn check_realm(options: &Options, principal: &str) -> Rpc<()> {
    let allowed = &options.allowed_krb_realms;
    if allowed == "*" {
        return Ok(());
    }
    match principal.split_once('@') {
        None | Some((_, "")) => Err(error::auth(format!("invalid Kerberos principal: {principal}"))),
        Some((_, realm)) if allowed.split(',').any(|r| r.trim() == realm) => Ok(()),
        Some((_, realm)) => Err(error::auth(format!("Kerberos realm {realm} is not allowed"))),
    }
}
