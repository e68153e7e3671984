//! The one table of options.

use serde_json::Value;

use super::types::{NamePattern, OptionType};

/// What is known of an option besides its value.
#[derive(Clone, Copy, Debug)]
pub struct Declared {
    /// The stock name.
    pub name: &'static str,
    /// `boolean`, `integer`, `string` or `regular expression`.
    pub kind: &'static str,
    pub doc: &'static str,
}

macro_rules! options {
    ($($(#[doc = $doc:literal])+ $name:ident => $field:ident: $type:ty = $default:expr;)+) => {
        /// The value of every option that means something here.
        #[derive(Clone, Debug)]
        pub struct Options {
            $($(#[doc = $doc])+ pub $field: $type,)+
        }

        /// Every option that means something here, in the order of `showOpts`.
        pub const TABLE: &[Declared] = &[
            $(Declared {
                name: stringify!($name),
                kind: <$type as OptionType>::KIND,
                doc: concat!($($doc, "\n"),+),
            },)+
        ];

        impl Default for Options {
            fn default() -> Self {
                Options { $($field: $default,)+ }
            }
        }

        impl Options {
            /// Sets an option from its text; `None` if there is no such option.
            pub(super) fn set(&mut self, name: &str, text: &str) -> Option<Result<(), String>> {
                $(if name.eq_ignore_ascii_case(stringify!($name)) {
                    return Some(<$type as OptionType>::parse(text).map(|value| self.$field = value));
                })+
                None
            }

            /// Names and values as `showOpts` tells them. None of them is a secret: what
            /// the stock hub keeps beside them (the database's password) is not an option here.
            pub fn as_value_map(&self) -> Vec<(&'static str, Value)> {
                vec![$((stringify!($name), self.$field.show()),)+]
            }
        }
    };
}

fn pattern(text: &str) -> NamePattern {
    NamePattern::new(text).expect("a default that is a valid expression")
}

options! {
    /// Top of the file tree: packages, work, repos, scratch and volumes are below it.
    KojiDir => koji_dir: Option<String> = None;
    /// Address of the web pages, for links in mails.
    KojiWebURL => koji_web_url: String = "http://localhost.localdomain/koji".into();

    /// Bind a session to the address it was opened from.
    CheckClientIP => check_client_ip: bool = true;
    /// Refuse session data in the URL; only the headers count.
    DisableURLSessions => disable_url_sessions: bool = false;
    /// Minutes after which a session must log in again; 0 means never.
    SessionRenewalTimeout => session_renewal_timeout: u32 = 1440;
    /// Create an unknown user who proved an identity.
    LoginCreatesUser => login_creates_user: bool = true;
    /// Principals, separated by commas, that may log in as others: web pages that act for their users.
    ProxyPrincipals => proxy_principals: String = String::new();
    /// Names from certificates, separated by `|`, that may log in as others.
    ProxyDNs => proxy_dns: String = String::new();
    /// Whether who logs in as another may say how that one was verified.
    AllowProxyAuthType => allow_proxy_auth_type: bool = false;
    /// Kerberos realms whose principals may be given to users, separated by commas; `*` means any.
    AllowedKrbRealms => allowed_krb_realms: String = "*".into();
    /// Principal of a new host; `%s` stands for its name.
    HostPrincipalFormat => host_principal_format: Option<String> = None;

    /// Domain appended to user names to make mail addresses.
    EmailDomain => email_domain: Option<String> = None;
    /// Tell owners of successes too, not only watchers.
    NotifyOnSuccess => notify_on_success: bool = true;
    /// Send no notifications at all.
    DisableNotifications => disable_notifications: bool = false;

    /// Names of stock plugins, separated by spaces. Their features are built in.
    Plugins => plugins: String = String::new();
    /// Maven builds and their calls.
    EnableMaven => enable_maven: bool = false;
    /// Windows builds and their calls.
    EnableWin => enable_win: bool = false;

    /// Quote the policy rule in faults, and log every policy's outcome.
    KojiDebug => koji_debug: bool = false;
    /// Quote the rule that denied in policy faults.
    VerbosePolicy => verbose_policy: bool = false;
    /// Whether an action is allowed when its policy is not defined.
    MissingPolicyOk => missing_policy_ok: bool = true;

    /// Largest XML-RPC request in bytes.
    MaxRequestLength => max_request_length: u32 = 4_194_304;
    /// Only administrators may call.
    LockOut => lock_out: bool = false;
    /// Nobody may call.
    ServerOffline => server_offline: bool = false;
    /// What callers are told while the hub is offline or locked.
    OfflineMessage => offline_message: Option<String> = None;

    /// Longest name of a tag, user, package and the like, in characters; 0 means no limit.
    MaxNameLengthInternal => max_name_length_internal: u32 = 256;
    /// What names of tags, packages, hosts and the like must match; empty means anything.
    RegexNameInternal => regex_name_internal: NamePattern = pattern("^[A-Za-z0-9/_.+-]+$");
    /// What names of users must match; empty means anything.
    RegexUserName => regex_user_name: NamePattern = pattern("^[A-Za-z0-9/_.@-]+$");
    /// Checksums that `getRPMChecksums` computes when none are named, separated by spaces.
    RPMDefaultChecksums => rpm_default_checksums: String = "md5 sha256".into();

    /// Most tasks on a host at a time; 0 means the default.
    MaxJobs => max_jobs: u32 = 15;
    /// How far a task's weight may exceed a host's free capacity.
    CapacityOvercommit => capacity_overcommit: u32 = 5;
    /// Seconds since its last check-in after which a host gets no new tasks.
    ReadyTimeout => ready_timeout: u32 = 180;
    /// Seconds a host has to open a task assigned to it.
    AssignTimeout => assign_timeout: u32 = 300;
    /// Seconds for which a host is not offered a task it let time out.
    SoftRefusalTimeout => soft_refusal_timeout: u32 = 900;
    /// Seconds since its last check-in after which a host's open tasks are taken from it.
    HostTimeout => host_timeout: u32 = 900;
    /// Seconds between scheduler runs that nothing else caused.
    RunInterval => run_interval: u32 = 60;

    /// Most newRepo tasks at a time.
    MaxRepoTasks => max_repo_tasks: u32 = 10;
    /// Most newRepo tasks at a time for tags with Maven support.
    MaxRepoTasksMaven => max_repo_tasks_maven: u32 = 2;
    /// How often a failed repository request is tried again.
    RepoRetries => repo_retries: u32 = 3;
    /// Minutes after which a finished repository request is deleted.
    RequestCleanTime => request_clean_time: u32 = 24 * 60;
    /// Let hosts start newRepo tasks themselves, as builders before repository requests did.
    AllowNewRepo => allow_new_repo: bool = true;
    /// Age in seconds a repository may have for a request that does not say.
    RepoLag => repo_lag: u32 = 3600;
    /// Age in seconds after which a changed tag's automatic repository is made anew.
    RepoAutoLag => repo_auto_lag: u32 = 7200;
    /// Seconds to which requested events are rounded, so that requests can share a repository.
    RepoLagWindow => repo_lag_window: u32 = 600;
    /// User who owns the newRepo tasks of the repository queue.
    RepoQueueUser => repo_queue_user: String = "kojira".into();
    /// Globs of tags whose repositories contain debuginfo, separated by spaces.
    DebuginfoTags => debuginfo_tags: String = String::new();
    /// Globs of tags whose repositories contain sources, separated by spaces.
    SourceTags => source_tags: String = String::new();
    /// Globs of tags whose repositories have a separate source repository, separated by spaces.
    SeparateSourceTags => separate_source_tags: String = String::new();
    /// Remove a side tag when the last build is untagged from it.
    SidetagRemoveEmpty => sidetag_remove_empty: bool = false;
    /// What may be added to the names of side tags on request, separated by commas.
    SidetagAllowedSuffixes => sidetag_allowed_suffixes: String = String::new();
    /// How side tags are named; `{basetag}` and `{tag_id}` are filled in.
    SidetagNameTemplate => sidetag_name_template: String = "{basetag}-side-{tag_id}".into();
    /// Request a repository of each new side tag at once.
    SidetagTriggerNewRepo => sidetag_trigger_new_repo: bool = false;
}

const DATABASE: &str = "the database's URL stands in toji's own configuration";
const LIMITS: &str = "limits are set by whoever starts the service";
const LOGGING: &str = "logging is set in toji's own configuration";
const LOGIN: &str = "a proxy verifies users, see hub.proxy in toji's own configuration";

/// Stock options that mean nothing here, and why. Setting one is logged.
pub const WITHOUT_MEANING: &[(&str, &str)] = &[
    ("DBName", DATABASE),
    ("DBUser", DATABASE),
    ("DBHost", DATABASE),
    ("DBPort", DATABASE),
    ("DBPass", DATABASE),
    ("DBConnectionString", DATABASE),
    ("DNUsernameComponent", LOGIN),
    ("PluginPath", "plugins are built in"),
    ("PythonPath", "there is no Python here"),
    ("KojiTraceback", "faults never carry a traceback"),
    ("LogLevel", LOGGING),
    ("LogFormat", LOGGING),
    ("MemoryWarnThreshold", LIMITS),
    ("RLIMIT_AS", LIMITS),
    ("RLIMIT_CORE", LIMITS),
    ("RLIMIT_CPU", LIMITS),
    ("RLIMIT_DATA", LIMITS),
    ("RLIMIT_FSIZE", LIMITS),
    ("RLIMIT_MEMLOCK", LIMITS),
    ("RLIMIT_NOFILE", LIMITS),
    ("RLIMIT_NPROC", LIMITS),
    ("RLIMIT_OFILE", LIMITS),
    ("RLIMIT_RSS", LIMITS),
    ("RLIMIT_STACK", LIMITS),
];
