//! `queryHistory`: the versions of all that keeps its history.

mod tables;

use std::collections::BTreeMap;

use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt};

use super::lookup::{self, Table};
use super::times::Moment;
use super::{Call, FromArg, Method, NameOrId, Rpc, Struct};
use crate::db::{Kind, Param, QueryOpts, Row, Select};
use crate::error;
use crate::rpc::builds::store::{self as builds, BuildRef};
use crate::rpc::users::store::{self as users, UserRef};

use tables::{Filter, HISTORIES, History};

pub const METHODS: &[Method] = &[QUERY_HISTORY];

/// Versions of entries: a struct with a list of structs for each table, by its name.
///
/// `tables` are names of tables; without them, all that can be searched by what is given. Each struct has
/// `active` (true or nil), `create_event, create_ts, creator_id, creator_name`, the same for `revoke` and
/// `revoker`, the table's own columns, and names for ids.
///
/// * `tag, build, package, user, permission, external_repo, build_target, group, cg, host, channel, xkey`:
///   only entries about that; tables that have no such thing are left out of the answer;
/// * `active`: true or false; nil is both;
/// * `editor`: made or revoked by that user; adds `_created_by` and `_revoked_by`;
/// * `before, after` (times), `beforeEvent, afterEvent`: made or revoked then; each adds two members such as
///   `_created_before` and `_revoked_after_event`;
/// * `queryOpts`, for each table.
///
/// Faults: an unknown table, something to search by that does not exist (1000).
#[rpc("queryHistory(tables=None, **kwargs)", read)]
pub async fn query_history(call: &mut Call, tables: Value, mut kwargs: Struct) -> Rpc<BTreeMap<String, Value>> {
    let histories = wanted(&tables)?;
    let opts: Option<QueryOpts> = take(&mut kwargs, "queryOpts")?;
    let mut answer = BTreeMap::new();
    for history in histories {
        if let Some(searches) = searches(history, &kwargs) {
            let mut query = start(history);
            for (filter, columns, value) in searches {
                query = search(call, query, history, filter, columns, value).await?;
            }
            query = editing(call, query, history, &kwargs).await?;
            let (query, bounds) = timed(query, &kwargs)?;
            let mark = |row| Ok(bounds.iter().fold(row, |row, bound| bound.mark(row)));
            let entries = query.opts(opts.clone()).answer_with(&call.db, mark).await?;
            answer.insert(history.table.into(), entries);
        }
    }
    Ok(answer)
}

fn wanted(tables: &Value) -> Rpc<Vec<&'static History>> {
    let find = |name: &Value| {
        let found = HISTORIES.iter().find(|history| Some(history.table) == name.as_str());
        found.ok_or_else(|| error::generic(format!("No such history table: {}", name.repr())))
    };
    match tables {
        Value::Nil => Ok(HISTORIES.iter().collect()),
        Value::Array(names) => names.iter().map(find).collect(),
        other => Err(error::generic(format!("No such history tables: {}", other.repr()))),
    }
}

fn take<T: FromArg>(kwargs: &mut Struct, name: &str) -> Rpc<Option<T>> {
    match kwargs.remove(name) {
        Some(value) => Option::from_arg(value, name),
        None => Ok(None),
    }
}

type Search<'a> = (Filter, &'static [&'static str], &'a Value);

/// What to search a table by; nothing at all if it lacks something that is asked for.
fn searches<'a>(history: &'static History, kwargs: &'a Struct) -> Option<Vec<Search<'a>>> {
    let asked = kwargs.iter().filter(|(name, _)| Filter::ARGUMENTS.contains(&name.as_str()));
    asked
        .map(|(name, value)| {
            let (filter, columns) = history.filters.iter().find(|(filter, _)| filter.argument() == name)?;
            Some((*filter, *columns, value))
        })
        .collect()
}

/// All entries of a table.
fn start(history: &History) -> Select {
    let table = history.table;
    let own = |column: &str| format!("{table}.{column}");
    let mut query = Select::from(table)
        .join(&format!("events AS created ON created.id = {table}.create_event"))
        .join(&format!("LEFT JOIN events AS revoked ON revoked.id = {table}.revoke_event"))
        .join(&format!("users AS creator ON creator.id = {table}.creator_id"))
        .join(&format!("LEFT JOIN users AS revoker ON revoker.id = {table}.revoker_id"))
        .epoch("created.time", "create_ts")
        .epoch("revoked.time", "revoke_ts")
        .columns(&[("creator.name", "creator_name"), ("revoker.name", "revoker_name")]);
    for column in ["active", "create_event", "revoke_event", "creator_id", "revoker_id"].iter().chain(history.columns) {
        // What an external repository held is JSON, which only one of the databases says of it.
        let kind = if *column == "data" { Kind::Json } else { Kind::Auto };
        query = query.column_as(&own(column), column, kind);
    }
    for (n, (named, key, told)) in history.names.iter().enumerate() {
        query = query
            .join(&format!("LEFT JOIN {named} AS named{n} ON named{n}.id = {table}.{key}"))
            .column(&format!("named{n}.name"), told);
    }
    if history.columns.contains(&"build_id") {
        query = query
            .join(&format!("build ON build.id = {table}.build_id"))
            .join("package ON package.id = build.pkg_id")
            .columns(&[
                ("package.name", "name"),
                ("build.version", "version"),
                ("build.release", "release"),
                ("build.epoch", "epoch"),
                ("build.state", "build.state"),
            ]);
    }
    let subject = history.columns.first().map_or(String::new(), |column| format!("{column},"));
    query.order(&format!("{subject}create_event"))
}

async fn search(
    call: &Call,
    query: Select,
    history: &History,
    filter: Filter,
    columns: &[&str],
    value: &Value,
) -> Rpc<Select> {
    let sought: Param = sought(call, filter, value).await?;
    let qualified = |column: &str| {
        if history.columns.contains(&column) {
            format!("{}.{column} = ?", history.table)
        } else {
            format!("{column} = ?")
        }
    };
    let clauses: Vec<String> = columns.iter().map(|column| qualified(column)).collect();
    Ok(query.clause(&clauses.join(" OR "), vec![sought; columns.len()]))
}

/// The id, or text, that a column must have.
async fn sought(call: &Call, filter: Filter, value: &Value) -> Rpc<Param> {
    let named = || NameOrId::from_arg(value.clone(), filter.argument());
    let table = match filter {
        Filter::Build => {
            return Ok(builds::get(&call.db, &BuildRef::from_arg(value.clone(), "build")?).await?.id.into());
        }
        Filter::User => return Ok(users::get(call, &UserRef::from_arg(value.clone(), "user")?).await?.id.into()),
        Filter::PackageName | Filter::Key => return Ok(text(value).into()),
        Filter::Host => {
            let host = match named()? {
                NameOrId::Id(id) => Some(id),
                NameOrId::Name(name) => call.db.value("SELECT id FROM host WHERE name = ?", vec![name.into()]).await?,
            };
            return Ok(host.into());
        }
        // Unknown hosts and channels have no history, but are no fault.
        Filter::Channel => {
            return Ok(lookup::find(&call.db, Table::Channel, &named()?).await?.map(|found| found.id).into());
        }
        Filter::BuildTarget => Table::Target,
        Filter::ContentGenerator => Table::ContentGenerator,
        Filter::ExternalRepo => Table::ExternalRepo,
        Filter::Group => Table::Group,
        Filter::Package => Table::Package,
        Filter::Permission => Table::Permission,
        Filter::Tag => Table::Tag,
    };
    Ok(lookup::get(&call.db, table, &named()?).await?.id.into())
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.repr().to_string(),
    }
}

/// Who made the versions, when, and whether they are in force.
async fn editing(call: &Call, mut query: Select, history: &History, kwargs: &Struct) -> Rpc<Select> {
    let table = history.table;
    match kwargs.get("active") {
        None | Some(Value::Nil) => {}
        Some(active) if active.is_true() => query = query.clause(&format!("{table}.active = TRUE"), []),
        Some(_) => query = query.clause(&format!("{table}.active IS NULL"), []),
    }
    if let Some(editor) = kwargs.get("editor") {
        let id = users::get(call, &UserRef::from_arg(editor.clone(), "editor")?).await?.id;
        query = query
            .clause("creator.id = ? OR revoker.id = ?", [id.into(), id.into()])
            .column_as(&format!("creator.id = {id}"), "_created_by", Kind::Bool)
            .column_as(&format!("revoker.id = {id}"), "_revoked_by", Kind::Bool);
    }
    for (argument, compare, told) in [("beforeEvent", "<", "before_event"), ("afterEvent", ">", "after_event")] {
        if let Some(event) = kwargs.get(argument) {
            let event = i32::from_arg(event.clone(), argument)?;
            let (created, revoked) = (format!("{table}.create_event"), format!("{table}.revoke_event"));
            query = query
                .clause(&format!("{created} {compare} ? OR {revoked} {compare} ?"), [event.into(), event.into()])
                .column_as(&format!("{created} {compare} {event}"), &format!("_created_{told}"), Kind::Bool)
                .column_as(&format!("{revoked} {compare} {event}"), &format!("_revoked_{told}"), Kind::Bool);
        }
    }
    Ok(query)
}

/// A time that versions were asked for.
struct Bound {
    argument: &'static str,
    before: bool,
    /// Seconds since 1970.
    seconds: f64,
}

impl Bound {
    /// Adds whether the version was made, and revoked, on the asked side of the time.
    fn mark(&self, mut row: Row) -> Row {
        for (what, column) in [("created", "create_ts"), ("revoked", "revoke_ts")] {
            let holds = match row.get(column).and_then(ValueExt::as_f64) {
                Some(time) => Value::Boolean(if self.before { time < self.seconds } else { time > self.seconds }),
                None => Value::Nil,
            };
            row.insert(format!("_{what}_{}", self.argument), holds);
        }
        row
    }
}

fn timed(mut query: Select, kwargs: &Struct) -> Rpc<(Select, Vec<Bound>)> {
    let mut bounds = Vec::new();
    for (argument, before) in [("before", true), ("after", false)] {
        let Some(time) = kwargs.get(argument) else { continue };
        let Moment(time) = Moment::from_arg(time.clone(), argument)?;
        let compare = if before { "<" } else { ">" };
        query =
            query.clause(&format!("created.time {compare} ? OR revoked.time {compare} ?"), [time.into(), time.into()]);
        bounds.push(Bound { argument, before, seconds: time.timestamp_micros() as f64 / 1e6 });
    }
    Ok((query, bounds))
}
