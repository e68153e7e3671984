//! The policies of a hub that configures none. Their names, outcomes and messages are
//! those of the stock hub, for clients show them.

/// Name and rules of each.
pub(super) const DEFAULTS: &[(&str, &str)] = &[
    ("build_rpm", "all :: allow"),
    ("build_from_srpm", ADMIN_ONLY),
    ("build_from_repo_id", ADMIN_ONLY),
    ("build_from_scm", ADMIN_ONLY),
    (
        "package_list",
        "has_perm admin tag :: allow
         all :: deny Only admin/tag can do this via default policy",
    ),
    (
        "channel",
        "has req_channel :: req
         is_child_task :: parent
         all :: use default",
    ),
    (
        "vm",
        "has_perm admin win-admin :: allow
         all :: deny Only admin/win-admin can do this via default policy",
    ),
    ("cg_import", "all :: allow"),
    ("volume", "all :: DEFAULT"),
    ("priority", "all :: stay"),
    (
        "draft_promotion",
        "has_perm draft-promoter :: allow
         is_build_owner :: allow
         all :: deny Only draft-promoter and build owner can do this via default policy",
    ),
];

const ADMIN_ONLY: &str = "has_perm admin :: allow
    all :: deny Only admin can do this via default policy";
