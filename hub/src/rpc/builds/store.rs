//! Builds in the database: how clients name them, and the row that most methods answer with.

use toji_proto::nvr::Nvr;
use toji_proto::paths::BuildPlace;
use toji_proto::states::{BuildState, TagUpdateType};
use toji_proto::{Value, ValueExt};

use crate::db::{Db, Insert, Kind, Row, RowExt, Select};
use crate::error::{self, Rpc};
use crate::rpc::{Call, FromArg};

/// How clients name a build: by id, by `name-version-release`, or by a struct with these three.
///
/// Anything else is a general fault, also where a build need not exist; a struct with only an `id` too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildRef {
    /// Too large an id names no build.
    Id(i64),
    Nvr(Nvr),
}

impl FromArg for BuildRef {
    fn from_arg(value: Value, name: &str) -> Rpc<Self> {
        let part = |key: &str| match value.get(key) {
            Some(Value::String(text)) => Ok(text.clone()),
            // A build has all three; nothing matches none.
            Some(Value::Nil) => Ok(String::new()),
            Some(other) => Err(error::param(format!("Invalid type for {name}: {key} is {}", other.repr()))),
            None => Err(error::generic(format!("{name} names no build: {} has no {key}", value.repr()))),
        };
        match &value {
            Value::Integer(id) => Ok(Self::Id((*id).into())),
            Value::Long(id) => Ok(Self::Id(*id)),
            Value::String(text) => {
                Nvr::parse(text).map(Self::Nvr).map_err(|e| error::generic(format!("Invalid build: {e}")))
            }
            Value::Struct(_) => Ok(Self::Nvr(Nvr {
                name: part("name")?,
                version: part("version")?,
                release: part("release")?,
                epoch: None,
            })),
            other => Err(error::generic(format!("Invalid type for {name}: {} names no build", other.repr()))),
        }
    }
}

impl From<i32> for BuildRef {
    fn from(id: i32) -> Self {
        Self::Id(id.into())
    }
}

impl std::fmt::Display for BuildRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Nvr(nvr) => match &nvr.epoch {
                Some(epoch) => write!(f, "{epoch}:{nvr}"),
                None => write!(f, "{nvr}"),
            },
        }
    }
}

/// A build, with what most methods need of it at hand.
#[derive(Clone, Debug)]
pub struct Build {
    pub id: i32,
    pub name: String,
    pub version: String,
    pub release: String,
    pub epoch: Option<i32>,
    pub draft: bool,
    pub state: BuildState,
    pub task_id: Option<i32>,
    pub owner_id: i32,
    pub volume_id: i32,
    pub volume: String,
    pub cg_id: Option<i32>,
    /// The whole row, in the shape of `getBuild`.
    pub row: Row,
}

impl Build {
    fn from_row(row: Row) -> Rpc<Self> {
        let state = row.int("state")?;
        Ok(Self {
            id: row.int("id")?,
            name: row.text("name").into(),
            version: row.text("version").into(),
            release: row.text("release").into(),
            epoch: row.opt_int("epoch"),
            draft: row.is("draft"),
            state: BuildState::from_code(state)
                .ok_or_else(|| error::internal(format!("{state} is no state of a build")))?,
            task_id: row.opt_int("task_id"),
            owner_id: row.int("owner_id")?,
            volume_id: row.int("volume_id")?,
            volume: row.text("volume_name").into(),
            cg_id: row.opt_int("cg_id"),
            row,
        })
    }

    pub fn nvr(&self) -> String {
        format!("{}-{}-{}", self.name, self.version, self.release)
    }

    /// Where its files lie.
    pub fn place(&self) -> BuildPlace<'_> {
        self.place_on(&self.volume)
    }

    /// Where its files would lie on another volume.
    pub fn place_on<'a>(&'a self, volume: &'a str) -> BuildPlace<'a> {
        BuildPlace { name: &self.name, version: &self.version, release: &self.release, volume: Some(volume) }
    }
}

/// The columns that `getBuild` and `listBuilds` share.
pub fn select() -> Select {
    Select::from("build")
        .join("events ON events.id = build.create_event")
        .join("package ON package.id = build.pkg_id")
        .join("volume ON volume.id = build.volume_id")
        .join("users ON users.id = build.owner")
        .join("LEFT JOIN users AS promoter ON promoter.id = build.promoter")
        .columns(&[
            ("build.id", "build_id"),
            ("build.version", "version"),
            ("build.release", "release"),
            ("build.epoch", "epoch"),
            ("build.draft", "draft"),
            ("build.state", "state"),
            ("build.task_id", "task_id"),
            ("build.source", "source"),
            ("build.start_time", "start_time"),
            ("build.completion_time", "completion_time"),
            ("build.promotion_time", "promotion_time"),
            ("events.id", "creation_event_id"),
            ("events.time", "creation_time"),
            ("package.id", "package_id"),
            ("package.name", "package_name"),
            ("package.name", "name"),
            ("package.name || '-' || build.version || '-' || build.release", "nvr"),
            ("volume.id", "volume_id"),
            ("volume.name", "volume_name"),
            ("users.id", "owner_id"),
            ("users.name", "owner_name"),
            ("promoter.id", "promoter_id"),
            ("promoter.name", "promoter_name"),
        ])
        .column_as("build.extra", "extra", Kind::Json)
        .epoch("events.time", "creation_ts")
        .epoch("build.start_time", "start_ts")
        .epoch("build.completion_time", "completion_ts")
        .epoch("build.promotion_time", "promotion_ts")
}

/// The id of a build. One that is named by its id is not looked up.
pub async fn find_id(db: &Db, build: &BuildRef) -> Rpc<Option<i32>> {
    let nvr = match build {
        BuildRef::Id(id) => return Ok((*id).try_into().ok()),
        BuildRef::Nvr(nvr) => nvr,
    };
    let sql = "SELECT build.id FROM build JOIN package ON package.id = build.pkg_id \
         WHERE package.name = ? AND build.version = ? AND build.release = ?";
    db.value(sql, vec![nvr.name.clone().into(), nvr.version.clone().into(), nvr.release.clone().into()]).await
}

/// The build, if there is one.
pub async fn find(db: &Db, build: &BuildRef) -> Rpc<Option<Build>> {
    let Some(id) = find_id(db, build).await? else { return Ok(None) };
    let row = select()
        .join("LEFT JOIN content_generator ON content_generator.id = build.cg_id")
        .columns(&[("build.id", "id"), ("build.cg_id", "cg_id"), ("content_generator.name", "cg_name")])
        .clause("build.id = ?", [id.into()])
        .one(db)
        .await?;
    row.map(Build::from_row).transpose()
}

/// The build; a general fault if there is none.
pub async fn get(db: &Db, build: &BuildRef) -> Rpc<Build> {
    find(db, build).await?.ok_or_else(|| no_such(build))
}

/// The fault for a build that does not exist.
pub fn no_such(build: &BuildRef) -> error::Error {
    error::generic(format!("No such build: {build}"))
}

/// Marks a build as one of a type (`rpm`, `maven`, …); harmless if it is one already.
pub async fn add_type(db: &Db, build_id: i32, btype_id: i32) -> Rpc<()> {
    let sql = "INSERT INTO build_types (build_id, btype_id) SELECT ?, ? WHERE NOT EXISTS \
         (SELECT 1 FROM build_types WHERE build_id = ? AND btype_id = ?)";
    db.execute(sql, vec![build_id.into(), btype_id.into(), build_id.into(), btype_id.into()]).await?;
    Ok(())
}

/// The same by the type's name, which must exist.
pub async fn add_type_named(db: &Db, build_id: i32, btype: &str) -> Rpc<()> {
    let id = db.value("SELECT id FROM btype WHERE name = ?", vec![btype.into()]).await?;
    let id = id.ok_or_else(|| error::generic(format!("No such build type: {btype}")))?;
    add_type(db, build_id, id).await
}

/// Notes for all tags of a build that their content changed although nothing was tagged.
pub async fn note_tag_updates(call: &mut Call, build_id: i32, kind: TagUpdateType) -> Rpc<()> {
    let tags: Vec<i32> = call
        .db
        .values(
            "SELECT DISTINCT tag_id FROM tag_listing WHERE build_id = ? AND active = TRUE ORDER BY tag_id",
            vec![build_id.into()],
        )
        .await?;
    for tag in tags {
        let (event, user) = (call.event().await?, call.user_id()?);
        Insert::into("tag_updates")
            .set("tag_id", tag)
            .set("update_event", event)
            .set("updater_id", user)
            .set("update_type", kind.code())
            .run(&call.db)
            .await?;
    }
    Ok(())
}
