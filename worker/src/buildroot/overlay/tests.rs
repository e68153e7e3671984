//! Packages built in real roots, made from the bootstrap distribution.

use super::*;
use crate::config::WorkerConfig;
use crate::logs::LogUploader;
use crate::members;
use crate::value::Value;
use std::process::Command as Process;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const GROUPS: &str = "<comps><group><id>build</id><name>build</name><packagelist>\
    <packagereq type='mandatory'>bash</packagereq><packagereq type='mandatory'>rpm-build</packagereq>\
    </packagelist></group></comps>";

/// A repository with the bootstrap distribution and a group, and room for roots.
struct World {
    dir: tempfile::TempDir,
    config: Arc<WorkerConfig>,
}

fn run(line: &[&str]) -> String {
    let out = Process::new(line[0]).args(&line[1..]).output().unwrap_or_else(|error| panic!("{line:?}: {error}"));
    assert!(out.status.success(), "{line:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

impl World {
    fn new() -> World {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let packages = top.join("target/bootstrap").to_string_lossy().into_owned();
        run(&[&top.join("tests/bootstrap/make").to_string_lossy(), &packages]);
        // Not below /tmp, which may be an overlay or in memory.
        let dir = tempfile::tempdir_in(top.join("target")).unwrap();
        let at = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
        std::fs::write(at("comps.xml"), GROUPS).unwrap();
        std::fs::create_dir(at("repo")).unwrap();
        let out = format!("--outputdir={}", at("repo"));
        let base = format!("--baseurl=file://{packages}");
        run(&["createrepo_c", "-q", "--no-database", &out, &base, "-g", &at("comps.xml"), &packages]);
        let config = WorkerConfig { workdir: at("work").into(), rpmbuild_timeout: 60, ..WorkerConfig::default() };
        World { config: Arc::new(config), dir }
    }

    fn srpm(&self, name: &str, changes: &[&str]) -> PathBuf {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("tests/packages/srpm");
        let script = script.to_string_lossy();
        let out = self.dir.path().join("srpms").to_string_lossy().into_owned();
        PathBuf::from(run(&[&[&*script, name, &out], changes].concat()))
    }

    fn root(&self, task: &str, extra: crate::value::Members) -> Overlay {
        let tag = Value::Struct(members! { "id" => 1, "name" => "t", "extra" => extra });
        let wanted = super::super::Wanted { group: "build", arch: "x86_64", network: false, credentials: None };
        let url = format!("file://{}", self.dir.path().join("repo").display());
        let settings = Settings::new(&self.config, &tag, 1, 7, vec![url], &wanted).unwrap();
        let workdir = self.config.workdir.join(task);
        std::fs::create_dir_all(&workdir).unwrap();
        let context = Context {
            config: self.config.clone(),
            workdir,
            cancel: CancellationToken::new(),
            logs: LogUploader::detached(),
        };
        Overlay::new(context, settings).unwrap()
    }

    fn log(&self, task: &str, name: &str) -> String {
        std::fs::read_to_string(self.config.workdir.join(task).join(name)).unwrap_or_default()
    }
}

fn results(root: &Overlay) -> Vec<String> {
    let files = super::super::results::list(&root.result_dir()).unwrap();
    files.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

/// Everything that needs an installed root, in one test: installing takes the longest.
#[tokio::test]
async fn packages_are_built_in_clean_roots() {
    let world = World::new();

    // A C package, with requirements that the group lacks, and with the tag's macros.
    let mut root = world.root("hello", members! { "rpm.macro.vendor" => "Makers", "rpm.env.LANG" => "C" });
    let fail = |what: &str, task: &str, error: TaskError| -> ! {
        let logs = ["root.log", "build.log"].map(|name| world.log(task, name)).join("\n");
        panic!("{what}: {error}\n{logs}")
    };
    if let Err(error) = root.init().await {
        fail("install", "hello", error);
    }
    let before = super::super::packages::installed(&root.root(), &root.context).await.unwrap();
    assert!(before.iter().any(|p| p.name == "bash") && !before.iter().any(|p| p.name == "gcc"));
    if let Err(error) = root.build(&world.srpm("hello", &[]), "x86_64").await {
        fail("build", "hello", error);
    }
    let after = super::super::packages::installed(&root.root(), &root.context).await.unwrap();
    assert!(after.iter().any(|p| p.name == "gcc" && p.payload_hash.len() == 32));
    let made = results(&root);
    for name in ["hello-1.0-1.src.rpm", "hello-1.0-1.x86_64.rpm", "hello-debuginfo-1.0-1.x86_64.rpm"] {
        assert!(made.iter().any(|made| made == name), "{name} is not among {made:?}");
    }
    let header = rpms::Header::read(&root.result_dir().join("hello-1.0-1.x86_64.rpm")).unwrap();
    assert_eq!((header.vendor.as_deref(), header.packager.as_deref()), (Some("Makers"), Some("Koji")));
    assert!(world.log("hello", "state.log").contains("build: done"));
    assert!(world.log("hello", "hw_info.log").contains("Processors: "));
    let path = root.root();
    root.close().await.unwrap();
    assert!(!path.join("usr").exists(), "still mounted");

    // Failures name their cause; the kept root is used and unharmed.
    for (name, cause) in [("broken", "about to fail"), ("missing-br", "no-such-package")] {
        let mut root = world.root(name, members! {});
        root.init().await.unwrap();
        let error = root.build(&world.srpm(name, &[]), "noarch").await.unwrap_err().to_string();
        assert!(error.contains("build.log") || error.contains("no-such-package"), "{error}");
        let logs = world.log(name, "build.log") + &world.log(name, "root.log");
        assert!(logs.contains(cause) && logs.contains("kept root 7-x86_64-"), "{cause} is not in {logs}");
    }

    // What runs inside: no host, no network, no privileges; and sources become a source package.
    let mut root = world.root("sources", members! {});
    root.init().await.unwrap();
    let top = world.dir.path().join("scmroot");
    std::fs::create_dir_all(top.join("greeting")).unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("tests/packages/greeting");
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), top.join("greeting").join(entry.file_name())).unwrap();
    }
    let look = "id -u; id -un; ls /home /root 2>&1; cat /proc/net/dev; touch /usr/x 2>&1; env; pwd";
    let source = SourceTree {
        top,
        dir: "greeting".into(),
        spec: "greeting/greeting.spec".into(),
        sources: "greeting".into(),
        command: Some(["sh", "-c", look].map(str::to_owned).to_vec()),
    };
    if let Err(error) = root.build_srpm(&source).await {
        fail("source package", "sources", error);
    }
    assert_eq!(results(&root), ["greeting-1.0-1.boot99.src.rpm"]);
    let seen = world.log("sources", "build.log");
    for sign in ["45000\nmockbuild\n", "Permission denied", "HOME=/builddir", "/builddir/scmroot/greeting\n"] {
        assert!(seen.contains(sign), "{sign:?} is not in {seen}");
    }
    assert!(seen.contains("lo:") && !seen.contains("eth"), "{seen}");

    // A build that is cancelled.
    let mut root = world.root("slow", members! {});
    root.init().await.unwrap();
    let cancel = root.context.cancel.clone();
    let watch = async {
        while !world.log("slow", "build.log").contains("second 2") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        cancel.cancel();
    };
    let program = format!("slow-build-{}", std::process::id());
    let srpm = world.srpm("slow", &[&format!("program={program}")]);
    let (built, ()) = tokio::join!(root.build(&srpm, "noarch"), watch);
    assert!(matches!(built, Err(TaskError::Cancelled)), "{built:?}");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let running = Process::new("pgrep").args(["-f", &program]).output().unwrap();
    assert!(running.stdout.is_empty(), "the build still runs");
    drop(root);
    crate::clean::remove_tree(&world.config.workdir).await.unwrap();
}
