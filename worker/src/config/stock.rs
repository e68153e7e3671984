//! Reading a stock builder's `kojid.conf`.
//!
//! Every option that the stock builder knows stands in one table: with the field it sets here, or
//! with the reason why it means nothing here. Options that nobody knows are named in a warning.

use std::path::Path;

use anyhow::{Context, bail};
use configparser::ini::Ini;
use serde_json::{Map, Value, json};

/// What becomes of a stock option.
enum Use {
    /// Sets the field of the same name, read as that kind of value.
    Number,
    Flag,
    Text,
    /// Items between white space.
    Words,
    /// The first of them, as the stock builder does.
    First,
    /// Known to the stock builder; here it has no effect, for this reason.
    Nothing(&'static str),
}

const NO_KERBEROS: &str = "this worker logs in with user and password";
const LATER: &str = "no task kind of this worker uses it";
const PROGRAMS: &str = "this worker always does so";

/// The stock options.
fn meaning(name: &str) -> Option<Use> {
    use Use::{First, Flag, Nothing, Number, Text, Words};
    Some(match name {
        "maxjobs"
        | "minspace"
        | "sleeptime"
        | "retry_interval"
        | "max_retries"
        | "offline_retry_interval"
        | "timeout"
        | "rpmbuild_timeout"
        | "failed_buildroot_lifetime"
        | "buildroot_basic_cleanup_delay"
        | "buildroot_final_cleanup_delay" => Number,
        "offline_retry"
        | "no_ssl_verify"
        | "log_timestamps"
        | "support_rpm_source_layout"
        | "build_arch_can_fail"
        | "allowed_scms_use_config"
        | "allowed_scms_use_policy"
        | "allow_password_in_scm_url"
        | "createrepo_skip_stat"
        | "createrepo_update"
        | "copy_old_repodata"
        | "mock_bootstrap_image"
        | "distrepo_skip_stat" => Flag,
        "server"
        | "user"
        | "password"
        | "serverca"
        | "topdir"
        | "workdir"
        | "mockdir"
        | "mockuser"
        | "mockhost"
        | "chroot_tmpdir"
        | "packager"
        | "vendor"
        | "distribution"
        | "yum_proxy"
        | "scm_credentials_dir"
        | "smtphost"
        | "smtp_user"
        | "smtp_pass"
        | "from_addr" => Text,
        "topurl" => First,
        "allowed_scms" | "literal_task_arches" => Words,

        "krb_principal"
        | "host_principal_format"
        | "keytab"
        | "ccache"
        | "cert"
        | "krb_rdns"
        | "krb_canon_host"
        | "krbservice" => Nothing(NO_KERBEROS),
        "task_avail_delay" => Nothing("the hub's scheduler decides who takes a task"),
        "pkgurl" => Nothing("obsolete in the stock builder too; topurl is used"),
        "use_fast_upload" | "use_createrepo_c" => Nothing(PROGRAMS),
        "plugin" | "plugins" | "pluginpath" => Nothing("plugins of the stock builder are Python code"),
        "maven_repo_ignore" | "oz_install_timeout" | "xz_options" => Nothing(LATER),
        "admin_emails" => Nothing("the stock builder mails nobody either; watch the log"),
        "log_level" => Nothing("set RUST_LOG, or the log option of toji's own configuration"),
        "allow_noverifyssl" => Nothing("fetching sources without TLS verification is not offered"),
        _ if name.starts_with("rlimit_") => Nothing("set limits where the worker is started"),
        _ => return None,
    })
}

/// The settings in a `kojid.conf`, by field of [`super::WorkerConfig`], and remarks for the log about
/// options without effect.
pub fn read(path: &Path) -> anyhow::Result<(Map<String, Value>, Vec<String>)> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| path.display().to_string())
}

fn parse(text: &str) -> anyhow::Result<(Map<String, Value>, Vec<String>)> {
    let mut rules = Ini::new().defaults();
    rules.multiline = true;
    rules.enable_inline_comments = false;
    let sections = Ini::new_from_defaults(rules).read(text.to_owned()).map_err(anyhow::Error::msg)?;
    // What the stock builder does without being told.
    let mut settings = Map::from_iter([("buildroot".into(), json!("mock")), ("max_load".into(), json!(4.0))]);
    let mut remarks = Vec::new();
    for (section, options) in sections {
        if section != "kojid" {
            remarks.push(format!("unknown section [{section}] is ignored"));
            continue;
        }
        let mut options: Vec<_> = options.into_iter().collect();
        options.sort();
        for (name, value) in options {
            let value = value.unwrap_or_default();
            let value = value.trim();
            let value = match meaning(&name) {
                None => {
                    remarks.push(format!("unknown option {name} is ignored"));
                    continue;
                }
                Some(Use::Nothing(why)) => {
                    remarks.push(format!("option {name} has no effect: {why}"));
                    continue;
                }
                Some(Use::Number) => json!(number(&name, value)?),
                Some(Use::Flag) => json!(flag(&name, value)?),
                Some(Use::Words) => json!(value.split_whitespace().collect::<Vec<_>>()),
                Some(Use::First) => json!(value.split_whitespace().next()),
                Some(Use::Text) => json!(value),
            };
            settings.insert(name, value);
        }
    }
    Ok((settings, remarks))
}

fn number(name: &str, value: &str) -> anyhow::Result<u64> {
    value.parse().with_context(|| format!("option {name}: {value:?} is no number"))
}

fn flag(name: &str, value: &str) -> anyhow::Result<bool> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "yes" | "true" | "on" => Ok(true),
        "0" | "no" | "false" | "off" => Ok(false),
        _ => bail!("option {name}: {value:?} is neither true nor false"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BuildrootKind, WorkerConfig};

    #[test]
    fn a_stock_file_becomes_a_configuration() {
        let text = "[kojid]\n; a comment\nserver = https://hub/kojihub\ntopurl=https://a/files https://b/files\n\
            maxjobs = 4\nMinSpace=100\nuser = builder1\npassword = a;b#c%d\n\
            allowed_scms = !bad.example.com:/*\n  scm.example.com:/git/*:no:make sources\n\
            offline_retry = no\nkeytab = /etc/kojid/kojid.keytab\nRLIMIT_NOFILE=5\nfrobnicate = 1\n[other]\nx=y\n";
        let (settings, mut remarks) = parse(text).unwrap();
        let config: WorkerConfig = serde_json::from_value(Value::Object(settings)).unwrap();
        assert_eq!(config.server, "https://hub/kojihub");
        assert_eq!(config.topurl, "https://a/files");
        assert_eq!((config.maxjobs, config.minspace, config.offline_retry), (4, 100, false));
        assert_eq!(config.password.as_deref(), Some("a;b#c%d"));
        assert_eq!(config.allowed_scms[..2], ["!bad.example.com:/*", "scm.example.com:/git/*:no:make"]);
        assert_eq!(config.buildroot, BuildrootKind::Mock);
        assert!(config.unknown.is_empty(), "{:?}", config.unknown);
        remarks.sort();
        assert_eq!(
            remarks,
            [
                "option keytab has no effect: this worker logs in with user and password",
                "option rlimit_nofile has no effect: set limits where the worker is started",
                "unknown option frobnicate is ignored",
                "unknown section [other] is ignored",
            ]
        );
    }

    #[test]
    fn wrong_values_are_named() {
        let error = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(error("[kojid]\nmaxjobs=many"), "option maxjobs: \"many\" is no number");
        assert_eq!(error("[kojid]\noffline_retry=2"), "option offline_retry: \"2\" is neither true nor false");
    }

    /// Each option that sets something sets a field that exists.
    #[test]
    fn the_table_names_real_fields() {
        let options = "maxjobs minspace sleeptime retry_interval max_retries offline_retry_interval timeout \
            rpmbuild_timeout failed_buildroot_lifetime buildroot_basic_cleanup_delay \
            buildroot_final_cleanup_delay offline_retry no_ssl_verify log_timestamps \
            support_rpm_source_layout build_arch_can_fail allowed_scms_use_config allowed_scms_use_policy \
            allow_password_in_scm_url createrepo_skip_stat createrepo_update copy_old_repodata mock_bootstrap_image distrepo_skip_stat topdir server user \
            password serverca workdir mockdir mockuser mockhost chroot_tmpdir packager vendor distribution \
            yum_proxy scm_credentials_dir smtphost smtp_user smtp_pass from_addr topurl allowed_scms \
            literal_task_arches";
        let lines: Vec<String> = options.split_whitespace().map(|name| format!("{name} = 1\n")).collect();
        let (settings, remarks) = parse(&format!("[kojid]\n{}", lines.concat())).unwrap();
        assert!(remarks.is_empty(), "{remarks:?}");
        let config: WorkerConfig = serde_json::from_value(Value::Object(settings)).unwrap();
        assert!(config.unknown.is_empty(), "{:?}", config.unknown);
    }
}
