//! The main job through the running program and the stock client: sources become RPMs, on both kinds of
//! site; and what happens when they do not.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::support::client::Koji;
use crate::support::process::Running;
use crate::support::rabbitmq::rabbitmq;
use crate::support::toji::{Site, Toji};
use crate::support::{folder, root, wait_until};

/// How long a build may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// The bootstrap distribution, made once; making it again is quick when nothing changed.
fn bootstrap() -> &'static PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let place = root().join("target/bootstrap");
        let made =
            Command::new(root().join("tests/bootstrap/make")).arg(&place).output().expect("tests/bootstrap/make");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        place
    })
}

/// The SRPM of one of `tests/packages`; `changes` are of the form `MACRO=VALUE`.
fn srpm(package: &str, changes: &[&str]) -> String {
    let place = folder("srpm-");
    let mut command = Command::new(root().join("tests/packages/srpm"));
    let made = command.arg(package).arg(&place).args(changes).output().expect("srpm");
    assert!(made.status.success(), "{package}: {}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8_lossy(&made.stdout).trim().to_string()
}

/// A git repository with one of `tests/packages`, served on this machine.
struct GitServer {
    _daemon: Running,
    port: u16,
    commit: String,
}

impl GitServer {
    fn start(package: &str) -> Self {
        let base = folder("git-");
        let work = base.join(package);
        let run = |program: &str, arguments: &[&str]| {
            let done = Command::new(program).args(arguments).current_dir(&base).output().expect(program);
            assert!(done.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
            String::from_utf8_lossy(&done.stdout).trim().to_string()
        };
        let source = root().join("tests/packages").join(package);
        run("cp", &["-r", &source.to_string_lossy(), &work.to_string_lossy()]);
        run("git", &["-C", package, "init", "-q", "-b", "main"]);
        run("git", &["-C", package, "add", "-A"]);
        run("git", &["-C", package, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "first"]);
        let commit = run("git", &["-C", package, "rev-parse", "HEAD"]);
        let port = crate::support::free_port();
        let mut daemon = Command::new("git");
        daemon
            .args(["daemon", "--export-all", "--listen=127.0.0.1", "--reuseaddr"])
            .arg(format!("--port={port}"))
            .arg(format!("--base-path={}", base.display()));
        let daemon = Running::start(&mut daemon, &base.join("daemon.log"));
        let server = Self { _daemon: daemon, port, commit };
        let url = format!("git://127.0.0.1:{port}/{package}");
        let answers = || Command::new("git").args(["ls-remote", &url]).output().is_ok_and(|o| o.status.success());
        wait_until("git daemon", Duration::from_secs(20), answers);
        server
    }
}

/// A site whose tag `dist` is ready to build.
struct Ready {
    site: Site,
    koji: Koji,
    roles: Vec<(String, Toji)>,
}

/// What the workers of these tests are told besides the defaults.
const WORKER: &str = "heartbeat = 2\nmax_load = 0\nallowed_scms = ['127.0.0.1*:/*:no:']\ndisable_notifications = true\n\
     [hub.options]\nDisableNotifications = true\n[hub.policy]\nbuild_from_scm = 'all :: allow'\n\
     [scheduler]\nworker_lease = 8\n";

impl Ready {
    /// Everything in one process.
    fn embedded() -> Self {
        let site = Site::embedded();
        let host = site.host("builder");
        site.create_host(&host);
        let all = site.start("all", &host, WORKER);
        Self::prepare(site, vec![(host, all)])
    }

    /// Hub, scheduler and two workers as processes of their own, on PostgreSQL and RabbitMQ.
    fn production() -> Self {
        let site = Site::production(rabbitmq().url());
        let mut roles = vec![("hub".to_string(), site.start("hub", "hub", WORKER))];
        roles.push(("scheduler".into(), site.start_silent("scheduler", "scheduler", WORKER)));
        for name in ["one", "two"] {
            let host = site.host(name);
            site.admin(&["create-host", &host, "--arches", "x86_64", "--channel", "createrepo"], &host);
            roles.push((host.clone(), site.start_silent("worker", &host, WORKER)));
        }
        Self::prepare(site, roles)
    }

    fn prepare(site: Site, roles: Vec<(String, Toji)>) -> Self {
        let koji = Koji::new(&site, "admin", "admin");
        for (host, _) in roles.iter().filter(|(name, _)| name.contains("builder")) {
            koji.ok(&["add-host-to-channel", host, "createrepo"]);
        }
        koji.ok(&["add-tag", "dist", "--arches", "x86_64"]);
        koji.ok(&["add-tag", "dist-build", "--parent", "dist", "--arches", "x86_64"]);
        let url = format!("file://{}/", bootstrap().display());
        koji.ok(&["add-external-repo", "-t", "dist-build", "bootstrap", &url]);
        koji.ok(&["add-target", "dist", "dist-build", "dist"]);
        for group in ["build", "srpm-build"] {
            koji.ok(&["add-group", "dist-build", group]);
            let packages = "bash coreutils rpm-build gcc make sed grep gawk findutils diffutils patch tar gzip xz cpio \
                 which shadow-utils util-linux";
            let arguments: Vec<&str> =
                ["add-group-pkg", "dist-build", group].into_iter().chain(packages.split_whitespace()).collect();
            koji.ok(&arguments);
        }
        let packages = ["hello", "greeting", "needs-hello", "broken", "slow", "missing-br"];
        koji.ok(&[&["add-pkg", "--owner", "admin", "dist"], &packages[..]].concat());
        koji.ok(&["regen-repo", "--wait", "dist-build"]);
        Self { site, koji, roles }
    }

    /// The task's state and what `taskinfo` says of it.
    fn task(&self, id: i64) -> serde_json::Value {
        self.koji.call("getTaskInfo", &[&id.to_string()])
    }

    fn state_of(&self, id: i64) -> i64 {
        self.task(id)["state"].as_i64().expect("a task's state")
    }

    /// Submits a build without waiting; returns the task.
    fn submit(&self, arguments: &[&str]) -> i64 {
        let said = self.koji.ok(&[&["build", "--nowait", "--noprogress"], arguments].concat());
        let line = said.lines().find_map(|l| l.strip_prefix("Created task: ")).expect("a task id");
        line.trim().parse().expect("a task id")
    }

    fn wait_for_state(&self, task: i64, state: i64) {
        wait_until(&format!("task {task} in state {state}"), PATIENCE, || {
            std::thread::sleep(Duration::from_millis(200));
            self.state_of(task) == state
        });
    }

    fn build(&self, nvr: &str) -> serde_json::Value {
        self.koji.call("getBuild", &[nvr])
    }

    /// The child of a task by method, once it is open.
    fn open_child(&self, task: i64, method: &str) -> serde_json::Value {
        let mut found = serde_json::Value::Null;
        wait_until(&format!("an open {method} of task {task}"), PATIENCE, || {
            std::thread::sleep(Duration::from_millis(100));
            let children = self.koji.call("getTaskChildren", &[&task.to_string(), "--kwargs={\"request\": False}"]);
            let open = children.as_array().into_iter().flatten().find(|c| c["method"] == method && c["state"] == OPEN);
            found = open.cloned().unwrap_or_default();
            !found.is_null()
        });
        found
    }
}

const OPEN: i64 = 1;
const CLOSED: i64 = 2;
const CANCELED: i64 = 3;
const FAILED: i64 = 5;
const BUILD_COMPLETE: i64 = 1;
const BUILD_FAILED: i64 = 3;
const BUILD_CANCELED: i64 = 4;

/// Processes whose command line has this text.
fn processes(text: &str) -> usize {
    let all = std::fs::read_dir("/proc").expect("/proc").filter_map(Result::ok);
    let lines = all.filter_map(|e| std::fs::read(e.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).replace('\0', " ").contains(text)).count()
}

fn sources_become_rpms(ready: &Ready) {
    let koji = &ready.koji;
    // A C package from an SRPM; the client waits and reports.
    let said = koji.ok(&["build", "--wait", "--noprogress", "dist", &srpm("hello", &[])]);
    assert!(said.contains("completed successfully"), "{said}");
    let build = ready.build("hello-1.0-1");
    assert_eq!(build["state"], BUILD_COMPLETE, "{build}");
    let rpms = koji.call("listBuildRPMs", &["hello-1.0-1"]);
    let names: Vec<_> = rpms.as_array().expect("a list").iter().map(|r| r["name"].as_str().unwrap_or("")).collect();
    for name in ["hello", "hello-devel", "hello-debuginfo"] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    let log = ready.site.topdir().join("packages/hello/1.0/1/data/logs/x86_64/build.log");
    assert!(std::fs::metadata(&log).is_ok_and(|m| m.len() > 0), "{}", log.display());
    // A noarch package from git.
    let git = GitServer::start("greeting");
    let url = format!("git://127.0.0.1:{}/greeting#{}", git.port, git.commit);
    koji.ok(&["build", "--wait", "--noprogress", "dist", &url]);
    let tagged = koji.call("listTagged", &["dist"]);
    let nvrs: Vec<_> = tagged.as_array().expect("a list").iter().map(|b| b["name"].clone()).collect();
    assert_eq!(nvrs.len(), 2, "{tagged}");
    // The RPMs come back and are what they say.
    let place = folder("downloads-");
    let downloaded = koji.command(&["download-build", "hello-1.0-1"]).current_dir(&place).output().expect("koji");
    assert!(downloaded.status.success(), "{}", String::from_utf8_lossy(&downloaded.stderr));
    for entry in std::fs::read_dir(&place).expect("downloads").flatten() {
        let checked = Command::new("rpm").args(["-K", "--nosignature"]).arg(entry.path()).output().expect("rpm");
        assert!(checked.status.success(), "{}: {}", entry.path().display(), String::from_utf8_lossy(&checked.stdout));
    }
    // What the buildroot held is known.
    let rpm = "hello-1.0-1.x86_64";
    let root = koji.call("getRPM", &[rpm])["buildroot_id"].as_i64().expect("a buildroot");
    let held = koji.call("listRPMs", &[&format!("--kwargs={{\"componentBuildrootID\": {root}}}")]);
    assert!(held.as_array().is_some_and(|l| l.iter().any(|r| r["name"] == "gcc")), "gcc is not among {held}");
}

fn a_build_needs_one_built_just_before(ready: &Ready) {
    ready.koji.ok(&["wait-repo", "dist-build", "--build=hello-1.0-1", "--request"]);
    let said = ready.koji.ok(&["build", "--wait", "--noprogress", "dist", &srpm("needs-hello", &[])]);
    assert!(said.contains("completed successfully"), "{said}");
}

fn a_scratch_build_leaves_no_build(ready: &Ready) {
    let task = ready.submit(&["--scratch", "dist", &srpm("hello", &[])]);
    ready.wait_for_state(task, CLOSED);
    let scratch = ready.site.topdir().join(format!("scratch/admin/task_{task}"));
    assert!(std::fs::read_dir(&scratch).is_ok_and(|mut d| d.next().is_some()), "{} is empty", scratch.display());
    assert_eq!(
        ready.koji.call("listBuilds", &[&format!("--kwargs={{\"taskID\": {task}}}")]).as_array().map(Vec::len),
        Some(0)
    );
}

fn a_failing_build_says_why_and_may_be_tried_again(ready: &Ready) {
    let said = ready.koji.run(&["build", "--wait", "--noprogress", "dist", &srpm("broken", &[])]);
    assert!(!said.ok && said.out.contains("FAILED"), "{said:?}");
    let build = ready.build("broken-1.0-1");
    assert_eq!(build["state"], BUILD_FAILED, "{build}");
    let task = build["task_id"].as_i64().expect("a task");
    let why = ready.koji.run(&["taskinfo", "-v", &task.to_string()]);
    assert!(why.ok, "{why:?}");
    let result = ready.koji.run(&["call", "getTaskResult", &task.to_string()]);
    assert!(!result.ok && result.err.contains("build.log"), "{result:?}");
    let again = ready.koji.ok(&["resubmit", "--nowait", &task.to_string()]);
    let new: i64 = again.lines().rev().find_map(|l| l.rsplit(' ').next()?.parse().ok()).expect("the new task");
    assert_ne!(new, task);
    ready.wait_for_state(new, FAILED);
    let rebuilt = ready.build("broken-1.0-1");
    assert_eq!((&rebuilt["id"], &rebuilt["state"]), (&build["id"], &BUILD_FAILED.into()), "{rebuilt}");
}

fn bad_input_is_named(ready: &Ready) {
    let garbage = folder("garbage-").join("garbage-1.0-1.src.rpm");
    std::fs::write(&garbage, "this is no RPM").expect("a file");
    let refused = [
        (garbage.to_string_lossy().into_owned(), "garbage-1.0-1.src.rpm"),
        (srpm("missing-br", &[]), "no-such-package"),
        ("git://refused.example.com/x#main".to_string(), "refused.example.com"),
    ];
    for (source, named) in refused {
        let task = ready.submit(&["dist", &source]);
        ready.wait_for_state(task, FAILED);
        let result = ready.koji.run(&["call", "getTaskResult", &task.to_string()]);
        assert!(!result.ok && result.err.contains(named), "{named} is not in {result:?}");
    }
}

fn a_cancelled_build_leaves_nothing_behind(ready: &Ready) {
    // A name by which the program that the build runs can be found among all processes.
    let program = format!("toji-cancelled-{}", ready.site.port);
    let task = ready.submit(&["dist", &srpm("slow", &[&format!("program={program}")])]);
    wait_until("rpmbuild in the root", PATIENCE, || processes(&program) > 0);
    ready.koji.ok(&["cancel", &task.to_string()]);
    wait_until("the end of the process tree", Duration::from_secs(30), || processes(&program) == 0);
    assert_eq!(ready.state_of(task), CANCELED);
    assert_eq!(ready.build("slow-1.0-1")["state"], BUILD_CANCELED);
    let work = ready.site.folder.to_string_lossy().into_owned();
    wait_until("the root's mounts are gone", Duration::from_secs(30), || {
        let mounts = std::fs::read_to_string("/proc/self/mounts").expect("mounts");
        !mounts.lines().any(|l| l.contains(&work) && l.contains("overlay"))
    });
}

#[test]
fn the_story_in_one_process() {
    let ready = Ready::embedded();
    sources_become_rpms(&ready);
    a_build_needs_one_built_just_before(&ready);
    a_scratch_build_leaves_no_build(&ready);
    a_failing_build_says_why_and_may_be_tried_again(&ready);
    bad_input_is_named(&ready);
    a_cancelled_build_leaves_nothing_behind(&ready);
}

#[test]
fn the_story_in_production() {
    let mut ready = Ready::production();
    sources_become_rpms(&ready);
    a_build_needs_one_built_just_before(&ready);
    a_cancelled_build_leaves_nothing_behind(&ready);
    a_killed_workers_build_runs_again_elsewhere(&mut ready);
}

/// `kill -9` of the worker in the middle of rpmbuild: nothing of it goes on, the other worker does the task
/// again, and one build results.
fn a_killed_workers_build_runs_again_elsewhere(ready: &mut Ready) {
    let program = format!("toji-killed-{}", ready.site.port);
    let changes = ["RELEASE=2", "seconds=12", &format!("program={program}")];
    let task = ready.submit(&["dist", &srpm("slow", &changes)]);
    let child = ready.open_child(task, "buildArch");
    wait_until("rpmbuild in the root", PATIENCE, || processes(&program) > 0);
    let host = child["host_id"].as_i64().expect("a host");
    let name = ready.koji.call("getHost", &[&host.to_string()])["name"].as_str().expect("a name").to_string();
    let (_, worker) = ready.roles.iter_mut().find(|(role, _)| *role == name).expect("that worker");
    worker.kill9();
    wait_until("the end of the process tree", Duration::from_secs(10), || processes(&program) == 0);
    ready.wait_for_state(task, CLOSED);
    let done = ready.task(child["id"].as_i64().expect("an id"));
    assert_eq!(done["state"], CLOSED, "{done}");
    assert_ne!(done["host_id"].as_i64(), Some(host), "{done}");
    assert_eq!(ready.build("slow-1.0-2")["state"], BUILD_COMPLETE);
    let builds = ready.koji.call("listBuilds", &["--kwargs={\"packageID\": \"slow\", \"state\": 1}"]);
    assert_eq!(builds.as_array().map(Vec::len), Some(1), "{builds}");
}
