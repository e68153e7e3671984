use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;

/// Loads a file with this text and nothing else.
fn load(text: &str) -> Result<Settings, OptionsError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hub.conf");
    std::fs::write(&file, text).unwrap();
    Settings::load(None, Some(&file), &BTreeMap::new(), &BTreeMap::new())
}

fn load_table(options: Value) -> Result<Settings, OptionsError> {
    let options = serde_json::from_value(options).unwrap();
    Settings::load(None, None, &options, &BTreeMap::new())
}

/// Runs `work` and returns what was logged meanwhile.
fn logged(work: impl FnOnce()) -> String {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, work);
    String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn stock_file_sets_options_and_policies() {
    let settings = load(
        "
# a comment
[hub]
EnableMaven = On
enablewin: yes
MaxJobs=7
Plugins = sidetag_hub
    kiwi
EmailDomain = example.com # no comment, but part of the value
; another
NotifyOnSuccess = 0

[policy]
Channel =
    # commented out :: deny
    method build && target f*-x :: use special
    all :: {

        has req_channel :: req
        true :: use default
    }
volume = all :: DEFAULT
",
    )
    .unwrap();
    let options = &settings.options;
    assert!(options.enable_maven && options.enable_win && !options.notify_on_success);
    assert_eq!(options.max_jobs, 7);
    assert_eq!(options.plugins().collect::<Vec<_>>(), ["sidetag_hub", "kiwi"]);
    assert_eq!(options.email_domain.as_deref(), Some("example.com # no comment, but part of the value"));
    assert_eq!(
        settings.policies["channel"].lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>(),
        [
            "method build && target f*-x :: use special",
            "all :: {",
            "has req_channel :: req",
            "true :: use default",
            "}"
        ]
    );
    assert_eq!(settings.policies["volume"], "all :: DEFAULT");
}

#[test]
fn later_places_win() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("10-a.conf", "[hub]\nMaxJobs = 1\nHostTimeout = 1\nRunInterval = 1\n");
    write("20-b.conf", "[hub]\nHostTimeout = 2\nRunInterval = 2\n[policy]\ntag = all :: deny\nvm = all :: deny\n");
    write("30.conf.off", "[hub]\nMaxJobs = 9\n");
    let file = folder.path().join("hub-file");
    std::fs::write(&file, "[hub]\nRunInterval = 3\nEnableWin = on\n[policy]\ntag = all :: allow\n").unwrap();
    let options = BTreeMap::from([("EnableWin".to_string(), json!(false)), ("MaxRepoTasks".to_string(), json!(4))]);
    let policies = BTreeMap::from([("VM".to_string(), "all :: allow".to_string())]);
    let settings = Settings::load(Some(folder.path()), Some(&file), &options, &policies).unwrap();
    let options = &settings.options;
    assert_eq!((options.max_jobs, options.host_timeout, options.run_interval), (1, 2, 3));
    assert_eq!((options.enable_win, options.max_repo_tasks), (false, 4));
    assert_eq!(settings.policies["tag"], "all :: allow");
    assert_eq!(settings.policies["vm"], "all :: allow");
}

#[test]
fn only_the_folder_may_be_missing() {
    let nowhere = PathBuf::from("/nonexistent/hub.conf");
    assert!(Settings::load(Some(&nowhere), None, &BTreeMap::new(), &BTreeMap::new()).is_ok());
    let error = Settings::load(None, Some(&nowhere), &BTreeMap::new(), &BTreeMap::new()).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/hub.conf"), "{error}");
}

#[test]
fn bad_values_name_their_option() {
    for (text, name) in [
        ("EnableMaven = maybe", "enablemaven"),
        ("MaxJobs = -1", "maxjobs"),
        ("MaxJobs = 1.5", "maxjobs"),
        ("MaxJobs = 99999999999", "maxjobs"),
        ("MaxJobs =", "maxjobs"),
        ("RegexUserName = ([a-z]", "regexusername"),
        ("EnableMaven\nMaxJobs = 1", "enablemaven"),
    ] {
        let error = load(&format!("[hub]\n{text}\n")).unwrap_err().to_string();
        assert!(error.contains(name), "{text}: {error}");
        assert!(error.contains("hub.conf"), "{text}: {error}");
    }
    let error = load_table(json!({"MaxJobs": ["a"]})).unwrap_err().to_string();
    assert!(error.contains("MaxJobs") && error.contains("[hub.options]"), "{error}");
}

#[test]
fn what_means_nothing_is_told() {
    let text = logged(|| {
        load("[hub]\nMaxJobz = 1\nDBHost = db\nPlugins = echo made_up\nMaxJobs = 2\n[hubb]\na = 1\n").unwrap();
    });
    for name in ["maxjobz", "DBHost", "made_up", "[hubb]"] {
        assert!(text.contains(name), "{name} is missing from {text}");
    }
    assert!(!text.contains("echo") && !text.contains("MaxJobs "), "{text}");
    assert_eq!(logged(|| drop(load("[hub]\nEnableWin = on\n").unwrap())), "");
}

#[test]
fn names_are_checked_from_their_first_character() {
    let options = load("[hub]\nRegexUserName = [a-z]+\nRegexNameInternal =\n").unwrap().options;
    assert!(options.regex_user_name.allows("abc"));
    assert!(!options.regex_user_name.allows("1abc"));
    assert!(options.regex_name_internal.allows("any thing"));
    let options = Options::default();
    assert!(options.regex_name_internal.allows("a.b+c") && !options.regex_name_internal.allows("a@b"));
    assert!(options.regex_user_name.allows("a@b") && !options.regex_user_name.allows("a+b"));
    assert!(!options.regex_user_name.allows("a\n"));
}

#[test]
fn every_option_is_shown_and_none_is_secret() {
    let shown = load_table(json!({"EnableWin": true, "MaxJobs": 3})).unwrap().options.as_value_map();
    let names: Vec<_> = shown.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, TABLE.iter().map(|option| option.name).collect::<Vec<_>>());
    let shown: BTreeMap<_, _> = shown.into_iter().collect();
    assert_eq!(shown["EnableWin"], json!(true));
    assert_eq!(shown["MaxJobs"], json!(3));
    assert_eq!(shown["OfflineMessage"], Value::Null);
    assert_eq!(shown["RPMDefaultChecksums"], json!("md5 sha256"));
    assert_eq!(shown["MaxRequestLength"], json!(4194304));
    assert!(!shown.contains_key("DBPass") && !shown.contains_key("DBConnectionString"));
    assert!(WITHOUT_MEANING.iter().all(|(name, _)| !shown.contains_key(name)));
}
