-- The stock schema, version 1.36, in PostgreSQL's words; `schema::sqlite` says how SQLite reads them.
-- The word in braces stands for the columns that every versioned table ends with (`schema::VERSIONED`).
-- Constraints without a name get PostgreSQL's own, which are the stock ones.

-- Events and accounts

create table events (
    id serial primary key,
    time timestamptz not null default clock_timestamp()
);

create table event_labels (
    event_id integer not null references events (id),
    label varchar(255) not null unique
);

create table users (
    id serial primary key,
    name varchar(255) not null unique,
    password varchar(255),
    status integer not null,
    usertype integer not null
);

create table user_krb_principals (
    user_id integer not null references users (id),
    krb_principal varchar(255) not null unique,
    primary key (user_id, krb_principal)
);

create table permissions (
    id serial primary key,
    name varchar(50) not null unique,
    description text
);

create table user_perms (
    user_id integer not null references users (id),
    perm_id integer not null references permissions (id),
    {versioned},
    primary key (create_event, user_id, perm_id),
    unique (user_id, perm_id, active)
);

create table user_groups (
    user_id integer not null references users (id),
    group_id integer not null references users (id),
    {versioned},
    primary key (create_event, user_id, group_id),
    unique (user_id, group_id, active)
);

create table sessions (
    id serial primary key,
    user_id integer not null references users (id),
    expired boolean not null default false,
    master integer references sessions (id),
    key varchar(255),
    authtype integer,
    hostip varchar(255),
    callnum integer,
    start_time timestamptz not null default now(),
    update_time timestamptz not null default now(),
    exclusive boolean check (exclusive),
    closed boolean not null default false,
    renew_time timestamptz,
    unique (user_id, exclusive),
    constraint no_closed_exclusive check (closed is false or exclusive is null),
    constraint no_exclusive_subsessions check (master is null or exclusive is null)
);
create index sessions_active_and_recent on sessions (expired, master, update_time)
    where expired = false and master is null;
create index sessions_expired on sessions (expired);
create index sessions_master on sessions (master);

-- Hosts and tasks

create table channels (
    id serial primary key,
    name varchar(128) not null unique,
    description text,
    enabled boolean not null default true,
    comment text
);

create table host (
    id serial primary key,
    user_id integer not null references users (id),
    name varchar(128) not null unique,
    update_time timestamptz,
    task_load double precision not null default 0.0 check (not task_load < 0),
    ready boolean not null default false
);

create table host_config (
    host_id integer not null references host (id),
    arches text,
    capacity double precision not null default 2.0 check (capacity > 1),
    description text,
    comment text,
    enabled boolean not null default true,
    {versioned},
    primary key (create_event, host_id),
    unique (host_id, active)
);
create index host_config_by_active_and_enabled on host_config (active, enabled);

create table host_channels (
    host_id integer not null references host (id),
    channel_id integer not null references channels (id),
    {versioned},
    primary key (create_event, host_id, channel_id),
    unique (host_id, channel_id, active)
);

create table task (
    id serial primary key,
    state integer,
    create_time timestamptz not null default now(),
    start_time timestamptz,
    completion_time timestamptz,
    channel_id integer not null references channels (id),
    host_id integer references host (id),
    parent integer references task (id),
    label varchar(255),
    waiting boolean,
    awaited boolean,
    owner integer not null references users (id),
    method text,
    request text,
    result text,
    eta integer,
    arch varchar(16) not null,
    priority integer,
    weight double precision not null default 1.0 check (not weight < 0),
    unique (parent, label),
    constraint parent_label_sane check (parent is not null or label is null)
);
create index task_by_host on task (host_id);
create index task_by_no_parent_state_method on task (parent, state, method)
    where parent is null;
create index task_by_state on task (state);

-- Tags and targets

create table tag (
    id serial primary key,
    name text not null unique
);

create table tag_config (
    tag_id integer not null references tag (id),
    arches text,
    perm_id integer references permissions (id),
    locked boolean not null default false,
    maven_support boolean not null default false,
    maven_include_all boolean not null default false,
    {versioned},
    primary key (create_event, tag_id),
    unique (tag_id, active)
);

create table tag_inheritance (
    tag_id integer not null references tag (id),
    parent_id integer not null references tag (id),
    priority integer not null,
    maxdepth integer,
    intransitive boolean not null default false,
    noconfig boolean not null default false,
    pkg_filter text,
    {versioned},
    primary key (create_event, tag_id, priority),
    unique (tag_id, parent_id, active),
    unique (tag_id, priority, active)
);
create index tag_inheritance_by_parent on tag_inheritance (parent_id);

create table tag_extra (
    tag_id integer not null references tag (id),
    key text not null,
    value text,
    {versioned},
    primary key (create_event, tag_id, key),
    unique (tag_id, key, active)
);

create table tag_updates (
    id serial primary key,
    tag_id integer not null references tag (id),
    update_event integer not null default get_event() references events (id),
    updater_id integer not null references users (id),
    update_type integer not null
);
create index tag_updates_by_event on tag_updates (update_event);
create index tag_updates_by_tag on tag_updates (tag_id);

create table build_target (
    id serial primary key,
    name text not null unique
);

create table build_target_config (
    build_target_id integer not null references build_target (id),
    build_tag integer not null references tag (id),
    dest_tag integer not null references tag (id),
    {versioned},
    primary key (create_event, build_target_id),
    unique (build_target_id, active)
);

-- Repositories

create table repo (
    id serial primary key,
    creation_time timestamptz default now(),
    create_event integer not null default get_event() references events (id),
    state_time timestamptz default now(),
    begin_event integer references events (id),
    end_event integer references events (id),
    tag_id integer not null references tag (id),
    state integer,
    dist boolean default false,
    opts jsonb,
    custom_opts jsonb,
    task_id integer references task (id)
);

create table repo_queue (
    id serial primary key,
    create_time timestamptz not null default now(),
    owner integer not null references users (id),
    priority integer not null,
    tag_id integer not null references tag (id),
    at_event integer references events (id),
    min_event integer references events (id),
    opts jsonb not null,
    update_time timestamptz not null default now(),
    active boolean not null default true,
    task_id integer references task (id),
    tries integer not null default 0,
    repo_id integer references repo (id),
    constraint active_sane check (not active or repo_id is null),
    constraint only_one_event check (at_event is null or min_event is null)
);

create table external_repo (
    id serial primary key,
    name text not null unique
);

create table external_repo_config (
    external_repo_id integer not null references external_repo (id),
    url text not null,
    {versioned},
    primary key (create_event, external_repo_id),
    unique (external_repo_id, active)
);

create table external_repo_data (
    external_repo_id integer not null references external_repo (id),
    data jsonb,
    {versioned},
    primary key (create_event, external_repo_id),
    unique (external_repo_id, active)
);

create table tag_external_repos (
    tag_id integer not null references tag (id),
    external_repo_id integer not null references external_repo (id),
    priority integer not null,
    merge_mode text not null default 'koji',
    arches text,
    {versioned},
    primary key (create_event, tag_id, priority),
    unique (tag_id, external_repo_id, active),
    unique (tag_id, priority, active)
);

-- Builds

create table package (
    id serial primary key,
    name text not null unique
);

create table volume (
    id serial primary key,
    name text not null unique
);

create table content_generator (
    id serial primary key,
    name text not null unique
);

create table cg_users (
    cg_id integer not null references content_generator (id),
    user_id integer not null references users (id),
    {versioned},
    primary key (create_event, cg_id, user_id),
    unique (cg_id, user_id, active)
);

create table build (
    id serial primary key,
    volume_id integer not null references volume (id),
    pkg_id integer not null references package (id) deferrable,
    version text not null,
    release text not null,
    epoch integer,
    draft boolean not null default false,
    source text,
    create_event integer not null default get_event() references events (id),
    start_time timestamptz,
    completion_time timestamptz,
    promotion_time timestamptz,
    state integer not null,
    task_id integer references task (id),
    owner integer not null references users (id),
    promoter integer references users (id),
    cg_id integer references content_generator (id),
    extra text,
    constraint build_pkg_ver_rel unique (pkg_id, version, release),
    constraint draft_for_rpminfo unique (id, draft),
    constraint completion_sane check (
        (state = 0 and completion_time is null) or
        (state <> 0 and completion_time is not null)
    ),
    constraint draft_release_sane check (not draft or release ~ ('^.*,draft_' || id::text || '$')),
    constraint promotion_sane check (not draft or (promotion_time is null and promoter is null))
);
create index build_by_pkg_id on build (pkg_id);
create index build_completion on build (completion_time);

create table build_reservations (
    build_id integer not null primary key references build (id),
    token varchar(64),
    created timestamptz not null
);
create index build_reservations_created on build_reservations (created);

create table btype (
    id serial primary key,
    name text not null unique
);

create table build_types (
    build_id integer not null references build (id),
    btype_id integer not null references btype (id),
    primary key (build_id, btype_id)
);

create table maven_builds (
    build_id integer not null primary key references build (id),
    group_id text not null,
    artifact_id text not null,
    version text not null
);

create table win_builds (
    build_id integer not null primary key references build (id),
    platform text not null
);

create table image_builds (
    build_id integer not null primary key references build (id)
);

-- What a tag holds

create table tag_packages (
    package_id integer not null references package (id),
    tag_id integer not null references tag (id),
    blocked boolean not null default false,
    extra_arches text,
    {versioned},
    primary key (create_event, package_id, tag_id),
    unique (package_id, tag_id, active)
);
create index tag_packages_active_tag_id on tag_packages (active, tag_id);
create index tag_packages_create_event on tag_packages (create_event);
create index tag_packages_revoke_event on tag_packages (revoke_event);

create table tag_package_owners (
    package_id integer not null references package (id),
    tag_id integer not null references tag (id),
    owner integer not null references users (id),
    {versioned},
    primary key (create_event, package_id, tag_id),
    unique (package_id, tag_id, active)
);

create table tag_listing (
    build_id integer not null references build (id),
    tag_id integer not null references tag (id),
    {versioned},
    primary key (create_event, build_id, tag_id),
    unique (build_id, tag_id, active)
);
create index tag_listing_tag_id_key on tag_listing (tag_id);

-- Buildroots

create table buildroot (
    id serial primary key,
    br_type integer not null,
    cg_id integer references content_generator (id),
    cg_version text,
    container_type text,
    container_arch text,
    host_os text,
    host_arch text,
    extra text,
    constraint cg_sane check (
        (cg_id is null and cg_version is null) or
        (cg_id is not null and cg_version is not null)
    ),
    constraint container_sane check (
        (container_type is null and container_arch is null) or
        (container_type is not null and container_arch is not null)
    )
);

create table standard_buildroot (
    buildroot_id integer not null primary key references buildroot (id),
    host_id integer not null references host (id),
    repo_id integer not null references repo (id),
    task_id integer not null references task (id),
    create_event integer not null default get_event() references events (id),
    retire_event integer,
    state integer
);

create table buildroot_tools_info (
    buildroot_id integer not null references buildroot (id),
    tool text not null,
    version text not null,
    primary key (buildroot_id, tool)
);

-- RPMs

create table rpminfo (
    id serial primary key,
    build_id integer,
    buildroot_id integer references buildroot (id),
    name text not null,
    version text not null,
    release text not null,
    epoch integer,
    arch varchar(16) not null,
    draft boolean,
    external_repo_id integer not null references external_repo (id),
    payloadhash text not null,
    size bigint not null,
    buildtime bigint not null,
    metadata_only boolean not null default false,
    extra text,
    foreign key (build_id, draft) references build (id, draft) on update cascade,
    constraint build_id_draft_external_repo_id_sane check (
        (draft is null and build_id is null and external_repo_id <> 0) or
        (draft is not null and build_id is not null and external_repo_id = 0)
    )
);
create index rpminfo_build on rpminfo (build_id);
create index rpminfo_filename on rpminfo ((name || '-' || version || '-' || release || '.' || arch || '.rpm'))
    include (id);
create index rpminfo_nvra on rpminfo (name, version, release, arch, external_repo_id);
create unique index rpminfo_unique_nvra_not_draft on rpminfo (name, version, release, arch, external_repo_id)
    where draft is not true;

create table rpmsigs (
    rpm_id integer not null references rpminfo (id),
    sigkey text not null,
    sighash text not null,
    constraint rpmsigs_no_resign unique (rpm_id, sigkey)
);

create table rpm_checksum (
    rpm_id integer not null references rpminfo (id),
    sigkey text not null,
    checksum text not null unique,
    checksum_type smallint not null,
    primary key (rpm_id, sigkey, checksum_type)
);
create index rpm_checksum_rpm_id on rpm_checksum (rpm_id);

create table buildroot_listing (
    buildroot_id integer not null references buildroot (id),
    rpm_id integer not null references rpminfo (id),
    is_update boolean not null default false,
    unique (buildroot_id, rpm_id)
);
create index buildroot_listing_rpms on buildroot_listing (rpm_id);

-- Archives

create table archivetypes (
    id serial primary key,
    name text not null unique,
    description text not null,
    extensions text not null,
    compression_type text
);

create table archiveinfo (
    id serial primary key,
    type_id integer not null references archivetypes (id),
    btype_id integer references btype (id),
    build_id integer not null references build (id),
    buildroot_id integer references buildroot (id),
    filename text not null,
    size bigint not null,
    checksum text not null,
    checksum_type integer not null,
    metadata_only boolean not null default false,
    extra text
);
create index archiveinfo_build_idx on archiveinfo (build_id);
create index archiveinfo_buildroot_idx on archiveinfo (buildroot_id);
create index archiveinfo_filename_idx on archiveinfo (filename);
create index archiveinfo_type_idx on archiveinfo (type_id);

create table maven_archives (
    archive_id integer not null primary key references archiveinfo (id),
    group_id text not null,
    artifact_id text not null,
    version text not null
);

create table win_archives (
    archive_id integer not null primary key references archiveinfo (id),
    relpath text not null,
    platforms text not null,
    flags text
);

create table image_archives (
    archive_id integer not null primary key references archiveinfo (id),
    arch varchar(16) not null
);

create table archive_components (
    archive_id integer not null references archiveinfo (id),
    component_id integer not null references archiveinfo (id),
    unique (archive_id, component_id)
);
create index archive_components_idx on archive_components (component_id);

create table archive_rpm_components (
    archive_id integer not null references archiveinfo (id),
    rpm_id integer not null references rpminfo (id),
    unique (archive_id, rpm_id)
);
create index rpm_components_idx on archive_rpm_components (rpm_id);

create table buildroot_archives (
    buildroot_id integer not null references buildroot (id),
    archive_id integer not null references archiveinfo (id),
    project_dep boolean not null,
    primary key (buildroot_id, archive_id)
);
create index buildroot_archives_archive_idx on buildroot_archives (archive_id);

-- Package groups

create table groups (
    id serial primary key,
    name varchar(50) not null unique
);

create table group_config (
    group_id integer not null references groups (id),
    tag_id integer not null references tag (id),
    blocked boolean not null default false,
    exported boolean default true,
    display_name text not null,
    is_default boolean,
    uservisible boolean,
    description text,
    langonly text,
    biarchonly boolean,
    {versioned},
    primary key (create_event, group_id, tag_id),
    unique (group_id, tag_id, active)
);

create table group_req_listing (
    group_id integer not null references groups (id),
    tag_id integer not null references tag (id),
    req_id integer not null references groups (id),
    blocked boolean not null default false,
    type varchar(25),
    is_metapkg boolean not null default false,
    {versioned},
    primary key (create_event, group_id, tag_id, req_id),
    unique (group_id, tag_id, req_id, active)
);

create table group_package_listing (
    group_id integer not null references groups (id),
    tag_id integer not null references tag (id),
    package text not null,
    blocked boolean not null default false,
    type varchar(25) not null,
    basearchonly boolean,
    requires text,
    {versioned},
    primary key (create_event, group_id, tag_id, package),
    unique (group_id, tag_id, package, active)
);

-- Notifications and messages

create table build_notifications (
    id serial primary key,
    user_id integer not null references users (id),
    package_id integer references package (id),
    tag_id integer references tag (id),
    success_only boolean not null default false,
    email text not null
);

create table build_notifications_block (
    id serial primary key,
    user_id integer not null references users (id),
    package_id integer references package (id),
    tag_id integer references tag (id)
);

create table proton_queue (
    id serial primary key,
    created_ts timestamptz default now(),
    address text not null,
    props json not null,
    body json not null
);

-- Scheduler

create table scheduler_task_runs (
    id serial primary key,
    task_id integer not null references task (id),
    host_id integer not null references host (id),
    active boolean not null default true,
    create_time timestamptz not null default now()
);
create index scheduler_task_runs_create_time on scheduler_task_runs (create_time);
create index scheduler_task_runs_host on scheduler_task_runs (host_id);
create index scheduler_task_runs_task on scheduler_task_runs (task_id);

create table scheduler_task_refusals (
    id serial primary key,
    task_id integer not null references task (id),
    host_id integer not null references host (id),
    by_host boolean not null,
    soft boolean not null default false,
    msg text,
    time timestamptz not null default now(),
    unique (task_id, host_id)
);

create table scheduler_host_data (
    host_id integer not null primary key references host (id),
    data jsonb
);

create table scheduler_sys_data (
    name text not null primary key,
    data jsonb
);

create table scheduler_log_messages (
    id serial primary key,
    task_id integer references task (id),
    host_id integer references host (id),
    msg_time timestamptz not null default now(),
    msg text not null
);

create table locks (
    name text not null primary key
);
