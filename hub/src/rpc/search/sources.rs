//! What can be searched, and what its names are made of.

use crate::db::{Param, Select};

/// A type of things to search.
#[derive(Debug)]
pub struct Source {
    kind: &'static str,
    from: &'static str,
    join: Option<&'static str>,
    /// Which of them count.
    only: Option<&'static str>,
    pub id: &'static str,
    name: &'static str,
    /// What the terms are compared with; one that matches is enough.
    pub texts: &'static [&'static str],
}

const NVR: &str = "package.name || '-' || build.version || '-' || build.release";
const RPM_FILE: &str = "name || '-' || version || '-' || release || '.' || arch || '.rpm'";
const GAV: &str = "maven_archives.group_id || '-' || maven_archives.artifact_id || '-' || maven_archives.version";
const WIN_PATH: &str = "win_archives.relpath || '/' || archiveinfo.filename";

const SOURCES: &[Source] = &[
    Source::plain("package", "package"),
    Source {
        join: Some("package ON package.id = build.pkg_id"),
        id: "build.id",
        name: NVR,
        texts: &[NVR],
        ..Source::plain("build", "build")
    },
    Source {
        join: Some("tag_config ON tag_config.tag_id = tag.id"),
        only: Some("tag_config.active = TRUE"),
        ..Source::plain("tag", "tag")
    },
    Source {
        join: Some("build_target_config ON build_target_config.build_target_id = build_target.id"),
        only: Some("build_target_config.active = TRUE"),
        ..Source::plain("target", "build_target")
    },
    Source::plain("user", "users"),
    Source::plain("host", "host"),
    Source { name: RPM_FILE, texts: &[RPM_FILE], ..Source::plain("rpm", "rpminfo") },
    Source {
        join: Some("maven_archives ON maven_archives.archive_id = archiveinfo.id"),
        name: "archiveinfo.filename",
        texts: &["archiveinfo.filename", GAV],
        ..Source::plain("maven", "archiveinfo")
    },
    Source {
        join: Some("win_archives ON win_archives.archive_id = archiveinfo.id"),
        name: "ltrim(win_archives.relpath || '/' || archiveinfo.filename, '/')",
        texts: &["archiveinfo.filename", WIN_PATH],
        ..Source::plain("win", "archiveinfo")
    },
];

impl Source {
    const fn plain(kind: &'static str, table: &'static str) -> Self {
        Self { kind, from: table, join: None, only: None, id: "id", name: "name", texts: &["name"] }
    }

    pub fn of(kind: &str) -> Option<&'static Self> {
        SOURCES.iter().find(|source| source.kind == kind)
    }

    /// All of them, as clients see them.
    pub fn select(&self) -> Select {
        self.rows().column(self.id, "id").column(self.name, "name")
    }

    /// Those of which some text meets a condition.
    pub fn matching(&self, condition: impl Fn(&str) -> (String, Vec<Param>)) -> Select {
        let (clauses, params): (Vec<_>, Vec<_>) = self.texts.iter().map(|text| condition(text)).unzip();
        self.select().clause(&clauses.join(" OR "), params.concat())
    }

    /// All of them, without columns yet.
    pub fn rows(&self) -> Select {
        let select = Select::from(self.from);
        let select = match self.join {
            Some(join) => select.join(join),
            None => select,
        };
        match self.only {
            Some(only) => select.clause(only, []),
            None => select,
        }
    }
}
