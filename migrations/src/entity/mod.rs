//! One entity per table, named as the table. The columns are the stock ones; a string is `text` or `varchar`
//! alike, and every time is UTC.
//!
//! Versioned tables end with `create_event … active`: a row is current while `active` is true, and past when it
//! is null (never false).

use sea_orm::sea_query::ColumnType;
use sea_orm::{ColumnTrait, EntityTrait, IdenStatic, Iterable};

pub mod archive_components;
pub mod archive_rpm_components;
pub mod archiveinfo;
pub mod archivetypes;
pub mod btype;
pub mod build;
pub mod build_notifications;
pub mod build_notifications_block;
pub mod build_reservations;
pub mod build_target;
pub mod build_target_config;
pub mod build_types;
pub mod buildroot;
pub mod buildroot_archives;
pub mod buildroot_listing;
pub mod buildroot_tools_info;
pub mod cg_users;
pub mod channels;
pub mod content_generator;
pub mod event_labels;
pub mod events;
pub mod external_repo;
pub mod external_repo_config;
pub mod external_repo_data;
pub mod group_config;
pub mod group_package_listing;
pub mod group_req_listing;
pub mod groups;
pub mod host;
pub mod host_channels;
pub mod host_config;
pub mod image_archives;
pub mod image_builds;
pub mod locks;
pub mod maven_archives;
pub mod maven_builds;
pub mod package;
pub mod permissions;
pub mod proton_queue;
pub mod repo;
pub mod repo_queue;
pub mod rpm_checksum;
pub mod rpminfo;
pub mod rpmsigs;
pub mod scheduler_host_data;
pub mod scheduler_log_messages;
pub mod scheduler_sys_data;
pub mod scheduler_task_refusals;
pub mod scheduler_task_runs;
pub mod sessions;
pub mod standard_buildroot;
pub mod tag;
pub mod tag_config;
pub mod tag_external_repos;
pub mod tag_extra;
pub mod tag_inheritance;
pub mod tag_listing;
pub mod tag_package_owners;
pub mod tag_packages;
pub mod tag_updates;
pub mod task;
pub mod toji_leader;
pub mod toji_outbox;
pub mod toji_workers;
pub mod user_groups;
pub mod user_krb_principals;
pub mod user_perms;
pub mod users;
pub mod volume;
pub mod win_archives;
pub mod win_builds;

/// A table as its entity knows it.
pub(crate) struct Table {
    pub name: &'static str,
    pub columns: Vec<(&'static str, ColumnType)>,
}

fn table<E: EntityTrait>(entity: E) -> Table {
    let columns = E::Column::iter().map(|column| (column.as_str(), column.def().get_column_type().clone()));
    Table { name: entity.as_str(), columns: columns.collect() }
}

macro_rules! tables {
    ($($name:ident),*) => { vec![$(table($name::Entity)),*] };
}

/// The tables that a stock hub has.
#[rustfmt::skip]
pub(crate) fn stock() -> Vec<Table> {
    tables![
        archive_components, archive_rpm_components, archiveinfo, archivetypes, btype, build,
        build_notifications, build_notifications_block, build_reservations, build_target,
        build_target_config, build_types, buildroot, buildroot_archives, buildroot_listing,
        buildroot_tools_info, cg_users, channels, content_generator, event_labels, events,
        external_repo, external_repo_config, external_repo_data, group_config,
        group_package_listing, group_req_listing, groups, host, host_channels, host_config,
        image_archives, image_builds, locks, maven_archives, maven_builds, package, permissions,
        proton_queue, repo, repo_queue, rpm_checksum, rpminfo, rpmsigs, scheduler_host_data,
        scheduler_log_messages, scheduler_sys_data, scheduler_task_refusals, scheduler_task_runs,
        sessions, standard_buildroot, tag, tag_config, tag_external_repos, tag_extra,
        tag_inheritance, tag_listing, tag_package_owners, tag_packages, tag_updates, task,
        user_groups, user_krb_principals, user_perms, users, volume, win_archives, win_builds
    ]
}
