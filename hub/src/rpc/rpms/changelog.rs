//! Change logs of source packages.

use chrono::DateTime;
use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt, value};

use super::headers;
use super::store::{self, RpmRef};
use crate::db::{QueryOpts, Row};
use crate::error::{self, Rpc};
use crate::rpc::builds::store::{self as builds, BuildRef};
use crate::rpc::{Call, FromArg, times};
use crate::rpmfile::{RpmFile, tags};

/// The change log of a build's source package, or of a file among a task's uploads, as it stands there (newest
/// first): structs with `date` (text, UTC), `date_ts` (seconds since 1970), `author` and `text`; with `asList`,
/// lists of date, author and text.
///
/// `author` asks for entries of exactly that author; `before` and `after` (seconds, or text in UTC, both
/// exclusive) for a time: text that is no date asks for none, other types are faults. Nothing to read is an
/// empty list, or a fault with `strict`.
#[rpc(
    "getChangelogEntries(buildID=None, taskID=None, filepath=None, author=None, before=None, after=None, queryOpts=None, strict=False)",
    read
)]
pub async fn get_changelog_entries(
    call: &mut Call,
    build: Value,
    task_id: Option<i32>,
    filepath: Option<String>,
    author: Option<String>,
    before: Value,
    after: Value,
    opts: Option<QueryOpts>,
    strict: bool,
) -> Rpc<Value> {
    let mut opts = opts.unwrap_or_default();
    // Dates sort as what they mean, whatever their text.
    opts.order = opts.order.map(|order| match order.as_str() {
        "date" => "date_ts".into(),
        "-date" => "-date_ts".into(),
        _ => order,
    });
    let found = match task_id.filter(|id| *id != 0) {
        _ if build.is_true() => of_build(call, &BuildRef::from_arg(build, "buildID")?, strict).await?,
        Some(task_id) => headers::of_task(call, task_id, filepath, strict).await?,
        None => return Err(error::generic("either buildID or taskID and filepath must be specified")),
    };
    let (before, after) = (bound(before, "before")?, bound(after, "after")?);
    let author = author.filter(|author| !author.is_empty());
    let mut rows = found.as_ref().map(entries).unwrap_or_default();
    rows.retain(|entry| {
        author.as_ref().is_none_or(|author| *author == entry.author)
            && before.is_none_or(|before| entry.time < before)
            && after.is_none_or(|after| entry.time > after)
    });
    opts.apply_to_columns(rows.into_iter().map(Entry::row).collect(), &["date", "author", "text"])
}

struct Entry {
    time: i64,
    author: String,
    text: String,
}

impl Entry {
    fn row(self) -> Row {
        let date = DateTime::from_timestamp(self.time, 0).unwrap_or_default();
        Row::from([
            ("date".into(), value!(date.format("%Y-%m-%d %H:%M:%S").to_string())),
            ("date_ts".into(), value!(self.time)),
            ("author".into(), value!(self.author)),
            ("text".into(), value!(self.text)),
        ])
    }
}

async fn of_build(call: &Call, build: &BuildRef, strict: bool) -> Rpc<Option<RpmFile>> {
    let missing = |why: String| if strict { Err(error::generic(why)) } else { Ok(None) };
    let Some(found) = builds::find(&call.db, build).await? else {
        return missing(builds::no_such(build).public_text());
    };
    let sql = "SELECT id FROM rpminfo WHERE build_id = ? AND arch = 'src' ORDER BY id LIMIT 1";
    let Some(id) = call.db.value::<i32>(sql, vec![found.id.into()]).await? else {
        return missing(format!("Build {build} has no source package"));
    };
    let rpm = store::get(&call.db, &RpmRef::from(id)).await?;
    let path = rpm.path(call, &found)?;
    if !tokio::fs::try_exists(&path).await.unwrap_or(false) {
        return missing(format!("the file of {} does not exist", rpm.nvra));
    }
    RpmFile::open(&path).await.map(Some)
}

fn entries(file: &RpmFile) -> Vec<Entry> {
    let column = |name: &str| match tags::field(file, name) {
        Some(Value::Array(items)) => items,
        _ => vec![],
    };
    let text = |value: Value| value.as_str().unwrap_or_default().to_string();
    let times = column("changelogtime").into_iter().map(|time| time.as_i64().unwrap_or(0));
    let rest = column("changelogname").into_iter().zip(column("changelogtext"));
    times.zip(rest).map(|(time, (author, what))| Entry { time, author: text(author), text: text(what) }).collect()
}

/// Seconds since 1970, if they ask for anything.
fn bound(value: Value, name: &str) -> Rpc<Option<i64>> {
    match value {
        unset if !unset.is_true() => Ok(None),
        Value::Integer(n) => Ok(Some(n.into())),
        Value::Long(n) => Ok(Some(n)),
        Value::String(text) => Ok(times::parse(&text).map(|time| time.timestamp())),
        other => Err(error::generic(format!("Invalid type for {name}: {}", other.repr()))),
    }
}
