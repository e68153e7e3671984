//! Which tables have history, what is told of their entries, and what they can be searched by.

/// A table with history.
pub struct History {
    pub table: &'static str,
    /// Its own columns, besides those that all of them have.
    pub columns: &'static [&'static str],
    /// Names that are told besides ids: the table that has them, our column with the id, and the column told.
    pub names: &'static [(&'static str, &'static str, &'static str)],
    /// What it can be searched by, and the columns of which one must be the id (or text) searched for.
    pub filters: &'static [(Filter, &'static [&'static str])],
}

/// What clients search by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    Build,
    BuildTarget,
    Channel,
    ContentGenerator,
    ExternalRepo,
    Group,
    Host,
    Package,
    /// A package as groups know it: by a name that may be anything.
    PackageName,
    Permission,
    Tag,
    User,
    Key,
}

impl Filter {
    /// The argument that asks for it.
    pub fn argument(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::BuildTarget => "build_target",
            Self::Channel => "channel",
            Self::ContentGenerator => "cg",
            Self::ExternalRepo => "external_repo",
            Self::Group => "group",
            Self::Host => "host",
            Self::Package | Self::PackageName => "package",
            Self::Permission => "permission",
            Self::Tag => "tag",
            Self::User => "user",
            Self::Key => "xkey",
        }
    }

    /// The arguments that name something to search by.
    pub const ARGUMENTS: [&'static str; 12] = [
        "build",
        "build_target",
        "channel",
        "cg",
        "external_repo",
        "group",
        "host",
        "package",
        "permission",
        "tag",
        "user",
        "xkey",
    ];
}

/// All of them, by name.
///
/// Some searches look odd and are as clients know them: a user is searched for among the groups of
/// `user_groups`, a group among the required ones, and a tag among the destinations of targets.
pub const HISTORIES: &[History] = &[
    History {
        table: "build_target_config",
        columns: &["build_target_id", "build_tag", "dest_tag"],
        names: &[
            ("build_target", "build_target_id", "build_target.name"),
            ("tag", "build_tag", "build_tag.name"),
            ("tag", "dest_tag", "dest_tag.name"),
        ],
        filters: &[(Filter::BuildTarget, &["build_target_id"]), (Filter::Tag, &["dest_tag"])],
    },
    History {
        table: "cg_users",
        columns: &["user_id", "cg_id"],
        names: &[("users", "user_id", "user.name"), ("content_generator", "cg_id", "content_generator.name")],
        filters: &[(Filter::User, &["user_id"]), (Filter::ContentGenerator, &["cg_id"])],
    },
    History {
        table: "external_repo_config",
        columns: &["external_repo_id", "url"],
        names: &[("external_repo", "external_repo_id", "external_repo.name")],
        filters: &[(Filter::ExternalRepo, &["external_repo_id"])],
    },
    History {
        table: "external_repo_data",
        columns: &["external_repo_id", "data"],
        names: &[("external_repo", "external_repo_id", "external_repo.name")],
        filters: &[(Filter::ExternalRepo, &["external_repo_id"])],
    },
    History {
        table: "group_config",
        columns: &[
            "group_id",
            "tag_id",
            "blocked",
            "exported",
            "display_name",
            "is_default",
            "uservisible",
            "description",
            "langonly",
            "biarchonly",
        ],
        names: &[("groups", "group_id", "group.name"), ("tag", "tag_id", "tag.name")],
        filters: &[(Filter::Group, &["group_id"]), (Filter::Tag, &["tag_id"])],
    },
    History {
        table: "group_package_listing",
        columns: &["group_id", "tag_id", "package", "blocked", "type", "basearchonly", "requires"],
        names: &[("groups", "group_id", "group.name"), ("tag", "tag_id", "tag.name")],
        filters: &[(Filter::Group, &["group_id"]), (Filter::Tag, &["tag_id"]), (Filter::PackageName, &["package"])],
    },
    History {
        table: "group_req_listing",
        columns: &["group_id", "tag_id", "req_id", "blocked", "type", "is_metapkg"],
        names: &[("groups", "group_id", "group.name"), ("tag", "tag_id", "tag.name"), ("groups", "req_id", "req.name")],
        filters: &[(Filter::Group, &["req_id"]), (Filter::Tag, &["tag_id"])],
    },
    History {
        table: "host_channels",
        columns: &["host_id", "channel_id"],
        names: &[("host", "host_id", "host.name"), ("channels", "channel_id", "channels.name")],
        filters: &[(Filter::Host, &["host_id"]), (Filter::Channel, &["channel_id"])],
    },
    History {
        table: "host_config",
        columns: &["host_id", "arches", "capacity", "description", "comment", "enabled"],
        names: &[("host", "host_id", "host.name")],
        filters: &[(Filter::Host, &["host_id"])],
    },
    History {
        table: "tag_config",
        columns: &["tag_id", "arches", "perm_id", "locked", "maven_support", "maven_include_all"],
        names: &[("tag", "tag_id", "tag.name"), ("permissions", "perm_id", "permission.name")],
        filters: &[(Filter::Tag, &["tag_id"]), (Filter::Permission, &["perm_id"])],
    },
    History {
        table: "tag_external_repos",
        columns: &["tag_id", "external_repo_id", "priority", "merge_mode", "arches"],
        names: &[("tag", "tag_id", "tag.name"), ("external_repo", "external_repo_id", "external_repo.name")],
        filters: &[(Filter::Tag, &["tag_id"]), (Filter::ExternalRepo, &["external_repo_id"])],
    },
    History {
        table: "tag_extra",
        columns: &["tag_id", "key", "value"],
        names: &[("tag", "tag_id", "tag.name")],
        filters: &[(Filter::Tag, &["tag_id"]), (Filter::Key, &["key"])],
    },
    History {
        table: "tag_inheritance",
        columns: &["tag_id", "parent_id", "priority", "maxdepth", "intransitive", "noconfig", "pkg_filter"],
        names: &[("tag", "tag_id", "tag.name"), ("tag", "parent_id", "parent.name")],
        filters: &[(Filter::Tag, &["tag_id", "parent_id"])],
    },
    History {
        table: "tag_listing",
        columns: &["build_id", "tag_id"],
        names: &[("tag", "tag_id", "tag.name")],
        filters: &[(Filter::Tag, &["tag_id"]), (Filter::Build, &["build_id"]), (Filter::Package, &["pkg_id"])],
    },
    History {
        table: "tag_package_owners",
        columns: &["package_id", "tag_id", "owner"],
        names: &[
            ("package", "package_id", "package.name"),
            ("tag", "tag_id", "tag.name"),
            ("users", "owner", "owner.name"),
        ],
        filters: &[(Filter::Package, &["package_id"]), (Filter::Tag, &["tag_id"]), (Filter::User, &["owner"])],
    },
    History {
        table: "tag_packages",
        columns: &["package_id", "tag_id", "blocked", "extra_arches"],
        names: &[("package", "package_id", "package.name"), ("tag", "tag_id", "tag.name")],
        filters: &[(Filter::Package, &["package_id"]), (Filter::Tag, &["tag_id"])],
    },
    History {
        table: "user_groups",
        columns: &["user_id", "group_id"],
        names: &[("users", "user_id", "user.name"), ("users", "group_id", "group.name")],
        filters: &[(Filter::User, &["group_id"])],
    },
    History {
        table: "user_perms",
        columns: &["user_id", "perm_id"],
        names: &[("users", "user_id", "user.name"), ("permissions", "perm_id", "permission.name")],
        filters: &[(Filter::User, &["user_id"]), (Filter::Permission, &["perm_id"])],
    },
];
