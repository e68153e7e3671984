//! Repositories and packages, really made: from the bootstrap distribution to a package that needs
//! another one built just before. Everything between hub and worker goes over HTTP.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::tasks::{CLOSED, FAILED, Row};
use support::world::World;
use support::{Answer, FakeHub};
use toji_proto::{Value, ValueExt, value};
use toji_worker::rpms::Header;

const PACKAGES: &[&str] = &["bash", "rpm-build", "gcc", "make"];
/// Unpacking and building take their time on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn run(line: &[&str]) -> String {
    let out = Command::new(line[0]).args(&line[1..]).output().unwrap_or_else(|error| panic!("{line:?}: {error}"));
    assert!(out.status.success(), "{line:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

/// One tag at the hub, with what is tagged into it and the repositories made of it.
struct Site {
    external: String,
    /// Packages in the tag: path in the tree, and row.
    tagged: Mutex<Vec<(String, Value)>>,
    next: AtomicI32,
    ready: Mutex<Vec<i32>>,
    /// What roots were said to hold, by call.
    lists: Mutex<Vec<(String, Vec<Value>)>>,
}

impl Site {
    fn answer(&self, hub: &FakeHub, method: &str, params: &[Value]) -> Option<Answer> {
        let repo = |id: i32| {
            let state = i32::from(self.ready.lock().unwrap().contains(&id));
            value!({ "id": id, "tag_id": 10, "tag_name": "t-build", "create_event": 50, "state": state,
                "opts": value!({}) })
        };
        Some(Ok(match method {
            "host.getHost" => value!({ "id": 1, "name": "host1", "arches": "x86_64" }),
            "getTag" | "getBuildConfig" => {
                let extra = value!({ "rpm.macro.vendor": "Makers" });
                value!({ "id": 10, "name": "t-build", "arches": "x86_64", "extra": extra })
            }
            "getExternalRepoList" => value!([value!({
                "external_repo_id": 3, "external_repo_name": "bootstrap", "url": &self.external, "arches": Value::Nil,
                "merge_mode": "koji",
            })]),
            "getRepo" => {
                let newest = self.ready.lock().unwrap().last().copied();
                newest.map_or(Value::Nil, repo)
            }
            "repoInfo" => repo(params[0].as_i64().unwrap() as i32),
            "getFullInheritance" => value!([]),
            "getAverageBuildDuration" => value!(9600.0),
            "host.repoInit" => {
                let id = self.next.fetch_add(1, Ordering::SeqCst);
                self.write_repo(&mut hub.files.lock().unwrap(), id);
                value!([id, 50])
            }
            "host.repoDone" => {
                self.move_uploads(&mut hub.files.lock().unwrap(), params);
                self.ready.lock().unwrap().push(params[0].as_i64().unwrap() as i32);
                Value::Nil
            }
            "host.newBuildRoot" => value!(self.next.fetch_add(1, Ordering::SeqCst)),
            "host.setBuildRootList" | "host.updateBuildRootList" => {
                let list = params[1].as_array().unwrap().to_vec();
                self.lists.lock().unwrap().push((method.to_owned(), list));
                Value::Nil
            }
            _ => return None,
        }))
    }

    /// The lists that the hub writes for a new repository.
    fn write_repo(&self, files: &mut BTreeMap<String, Vec<u8>>, id: i32) {
        let base = format!("repos/t-build/{id}");
        let (mut paths, mut rows) = (String::new(), String::new());
        for (path, row) in self.tagged.lock().unwrap().iter() {
            paths += &format!("toplink/{path}\n");
            let text = |name: &str| row.get(name).unwrap().as_str().unwrap().to_owned();
            let json = serde_json::json!({
                "id": row.get("id").unwrap().as_i64(), "name": text("name"), "version": text("version"),
                "release": text("release"), "arch": text("arch"), "payloadhash": text("payloadhash"),
            });
            rows += &format!("{json}\n");
        }
        let group = |name: &str| {
            let packages = PACKAGES.iter().map(|p| format!("<packagereq type='mandatory'>{p}</packagereq>"));
            let packages: String = packages.collect();
            format!("<group><id>{name}</id><name>{name}</name><packagelist>{packages}</packagelist></group>")
        };
        let groups = format!("<comps>{}{}</comps>", group("build"), group("srpm-build"));
        for (name, text) in [
            ("groups/comps.xml", groups),
            ("x86_64/pkglist", paths),
            ("x86_64/rpmlist.jsonl", rows),
            ("x86_64/blocklist", String::new()),
            ("repo.json", "{}".into()),
        ] {
            files.insert(format!("{base}/{name}"), text.into_bytes());
        }
    }

    fn move_uploads(&self, files: &mut BTreeMap<String, Vec<u8>>, params: &[Value]) {
        let base = format!("repos/t-build/{}", params[0].as_i64().unwrap());
        let Value::Struct(arches) = &params[1] else { panic!("{:?}", params[1]) };
        for (arch, upload) in arches {
            let [folder, names] = upload.as_array().unwrap() else { panic!("{upload:?}") };
            for name in names.as_array().unwrap() {
                let name = name.as_str().unwrap();
                let data = files.remove(&format!("work/{}/{name}", folder.as_str().unwrap())).unwrap();
                files.insert(format!("{base}/{arch}/repodata/{name}"), data);
            }
        }
    }

    /// Puts what a `buildArch` made into the tag.
    fn tag(&self, hub: &FakeHub, result: &Value) {
        let mut files = hub.files.lock().unwrap();
        for path in result.get("rpms").unwrap().as_array().unwrap() {
            let data = files.get(&format!("work/{}", path.as_str().unwrap())).unwrap().clone();
            let name = path.as_str().unwrap().rsplit('/').next().unwrap();
            let local = tempfile::tempdir().unwrap();
            std::fs::write(local.path().join(name), &data).unwrap();
            let header = Header::read(&local.path().join(name)).unwrap();
            let place = format!("packages/p/1/1/x86_64/{name}");
            let id = self.next.fetch_add(1, Ordering::SeqCst);
            let row = value!({ "id": id, "name": header.name, "version": header.version, "release": header.release,
                "arch": header.arch, "payloadhash": header.payload_hash });
            files.insert(place.clone(), data);
            self.tagged.lock().unwrap().push((place, row));
        }
    }
}

struct Story {
    world: World,
    site: Arc<Site>,
    sources: tempfile::TempDir,
}

impl Story {
    async fn begin() -> Story {
        let bootstrap = top().join("target/bootstrap").to_string_lossy().into_owned();
        run(&[&top().join("tests/bootstrap/make").to_string_lossy(), &bootstrap]);
        let site = Arc::new(Site {
            external: format!("file://{bootstrap}/"),
            tagged: Mutex::default(),
            next: AtomicI32::new(500),
            ready: Mutex::default(),
            lists: Mutex::default(),
        });
        let mut world = World::new().await;
        let mut config = world.config();
        config.allowed_scms = vec!["127.0.0.1*:/*:no:".into()];
        world.live(config);
        let answers = site.clone();
        world.running.hub.script(move |hub, method, params| answers.answer(hub, method, params));
        Story { world, site, sources: tempfile::tempdir().unwrap() }
    }

    fn hub(&self) -> &FakeHub {
        &self.world.running.hub
    }

    async fn run(&self, method: &str, request: Vec<Value>) -> (i32, Row) {
        let task = self.hub().tasks.assign(method, request).await;
        let begun = std::time::Instant::now();
        loop {
            let row = self.world.row(task);
            if matches!(row.state, CLOSED | FAILED) {
                return (task, row);
            }
            assert!(begun.elapsed() < PATIENCE, "{method} does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn log(&self, task: i32, name: &str) -> String {
        let files = self.hub().files.lock().unwrap();
        let path = format!("work/tasks/{}/{task}/{name}", task % 10_000);
        files.get(&path).map_or(format!("(no {name})"), |data| String::from_utf8_lossy(data).into_owned())
    }

    /// The task's result; if it failed, what its logs say.
    async fn done(&self, method: &str, request: Vec<Value>) -> Value {
        let (task, row) = self.run(method, request).await;
        match row.result.unwrap() {
            Ok(value) => value,
            Err(fault) => {
                let logs = ["checkout.log", "createrepo.log", "mergerepos.log", "root.log", "build.log"];
                let logs = logs.map(|name| self.log(task, name)).join("\n");
                panic!("{method} failed: {fault:?}\n{logs}")
            }
        }
    }

    async fn new_repo(&self) -> i32 {
        self.done("newRepo", vec![value!("t-build")]).await.as_array().unwrap()[0].as_i64().unwrap() as i32
    }

    fn upload(&self, name: &str) -> String {
        let out = self.sources.path().to_string_lossy().into_owned();
        let path = PathBuf::from(run(&[&top().join("tests/packages/srpm").to_string_lossy(), name, &out]));
        let place = format!("cli-build/x/{}", path.file_name().unwrap().to_string_lossy());
        self.hub().files.lock().unwrap().insert(format!("work/{place}"), std::fs::read(path).unwrap());
        place
    }

    fn build_request(&self, srpm: &str, repo: i32) -> Vec<Value> {
        vec![value!(srpm), value!(10), value!("x86_64"), value!(true), value!({ "repo_id": repo })]
    }

    /// The rows of the last list of a root of which a method told.
    fn listed(&self, method: &str) -> Vec<Value> {
        let lists = self.site.lists.lock().unwrap();
        lists.iter().rev().find(|(name, _)| name == method).unwrap().1.clone()
    }
}

fn names(result: &Value, member: &str) -> Vec<String> {
    let name = |path: &Value| path.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let mut names: Vec<String> = result.get(member).unwrap().as_array().unwrap().iter().map(name).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_repository_to_packages_and_back() {
    let story = Story::begin().await;

    // A repository of a tag that is empty itself, merged with the bootstrap distribution.
    let first = story.new_repo().await;

    // A C package.
    let built = story.done("buildArch", story.build_request(&story.upload("hello"), first)).await;
    let rpms = ["hello-1.0-1.x86_64.rpm", "hello-debuginfo-1.0-1.x86_64.rpm", "hello-devel-1.0-1.x86_64.rpm"];
    for name in rpms {
        assert!(names(&built, "rpms").iter().any(|made| made == name), "{name} is not in {built:?}");
    }
    assert_eq!(names(&built, "srpms"), ["hello-1.0-1.src.rpm"]);
    assert_eq!(names(&built, "logs"), ["build.log", "hw_info.log", "root.log", "state.log"]);
    assert!(built.get("brootid").unwrap().as_i64().is_some());
    let weights = story.hub().calls_of("host.setTaskWeight");
    assert!(weights.iter().any(|params| params[1] == value!(3.5)), "{weights:?}");
    let bash = story.listed("host.setBuildRootList");
    let bash = bash.iter().find(|row| row.get("name") == Some(&value!("bash"))).unwrap();
    assert_eq!(bash.get("location"), Some(&value!(3)), "{bash:?}");
    assert_eq!(bash.get("external_repo").and_then(|repo| repo.get("external_repo_name")), Some(&value!("bootstrap")));
    let states: Vec<Value> =
        story.hub().calls_of("host.setBuildRootState").into_iter().map(|params| params[1].clone()).collect();
    assert_eq!(states, [value!("BUILDING"), value!("EXPIRED")]);

    // What needs it cannot be built yet, and says why.
    let request = story.build_request(&story.upload("needs-hello"), first);
    let (task, row) = story.run("buildArch", request).await;
    let (code, text) = row.result.unwrap().unwrap_err();
    assert_eq!(code, 1005);
    assert!(text.contains("hello-devel") && text.contains("root.log"), "{text}");
    assert!(story.log(task, "root.log").contains("hello-devel"));

    // With it in a new repository, it can. The new repository begins with the old one's metadata.
    story.site.tag(story.hub(), &built);
    let second = story.new_repo().await;
    let built = story.done("buildArch", story.build_request(&story.upload("needs-hello"), second)).await;
    assert!(names(&built, "rpms").contains(&"needs-hello-1.0-1.x86_64.rpm".to_owned()));
    let devel = story.listed("host.updateBuildRootList");
    let devel = devel.iter().find(|row| row.get("name") == Some(&value!("hello-devel"))).unwrap();
    assert!(devel.get("id").is_some_and(|id| id.as_i64() > Some(500)), "{devel:?}");

    // A third repository describes the same packages again without their files.
    story.hub().files.lock().unwrap().retain(|path, _| !path.contains("hello-devel"));
    run(&["rm", "-r", &story.world.workdir.path().join("rpms").to_string_lossy()]);
    story.new_repo().await;

    // A build that fails has its logs at the hub, and the root is gone.
    let (task, row) = story.run("buildArch", story.build_request(&story.upload("broken"), first)).await;
    let (code, text) = row.result.unwrap().unwrap_err();
    assert!(code == 1005 && text.contains("build.log") && text.contains("rpmbuild exited"), "{text}");
    assert!(story.log(task, "build.log").contains("about to fail"));
    story.world.until("its folder to go", || !story.world.folder(task).exists()).await;

    // What is no package, or is not there.
    story.hub().files.lock().unwrap().insert("work/cli-build/x/fake.src.rpm".into(), b"not an rpm".to_vec());
    for (srpm, why) in
        [("cli-build/x/fake.src.rpm", "is not an RPM package"), ("cli-build/x/no.src.rpm", "not at the hub")]
    {
        let (_, row) = story.run("buildArch", story.build_request(srpm, first)).await;
        let (code, text) = row.result.unwrap().unwrap_err();
        assert!(code == 1005 && text.contains(why), "{text}");
    }

    // A source package from another one, and from git.
    let opts = value!({ "repo_id": first });
    let made = story.done("rebuildSRPM", vec![value!(story.upload("hello")), value!("t-build"), opts.clone()]).await;
    assert!(made.get("srpm").unwrap().as_str().unwrap().ends_with("/hello-1.0-1.src.rpm"));
    assert_eq!(made.get("source").and_then(|source| source.get("url")), Some(&value!("hello-1.0-1.src.rpm")));
    let (git, url, commit) = serve_git();
    let made = story.done("buildSRPMFromSCM", vec![value!(&url), value!("t-build"), opts.clone()]).await;
    assert!(made.get("srpm").unwrap().as_str().unwrap().ends_with("/greeting-1.0-1.boot99.src.rpm"));
    let source = made.get("source").and_then(|source| source.get("source")).unwrap().as_str().unwrap();
    assert!(source.ends_with(&commit), "{source}");
    assert!(names(&made, "logs").contains(&"checkout.log".to_owned()));
    let refused = url.replace("127.0.0.1", "localhost");
    let (_, row) = story.run("buildSRPMFromSCM", vec![value!(refused), value!("t-build"), opts]).await;
    assert!(row.result.unwrap().unwrap_err().1.contains("refused"));
    drop(git);
    story.world.end().await.unwrap();
}

/// A cancelled build is gone with all its processes, at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_is_cancelled_in_the_middle() {
    let story = Story::begin().await;
    let repo = story.new_repo().await;
    let request = story.build_request(&story.upload("slow"), repo);
    let task = story.hub().tasks.assign("buildArch", request).await;
    let begun = std::time::Instant::now();
    while !story.log(task, "build.log").contains("second 2") {
        assert!(begun.elapsed() < PATIENCE, "{}", story.log(task, "root.log"));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    story.hub().tasks.change(task, |row| row.state = support::tasks::CANCELED);
    story.hub().tasks.send(toji_proto::message::HostMessage::Cancelled { task_id: task }).await;
    let folder = story.world.folder(task);
    story.world.until("the root to go", || !folder.exists()).await;
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(&*folder.to_string_lossy()), "still mounted");
    story.world.end().await.unwrap();
}

struct Server(std::process::Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A git server with the greeting; its address and commit.
fn serve_git() -> ((Server, tempfile::TempDir), String, String) {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("greeting").to_string_lossy().into_owned();
    run(&["cp", "-r", &top().join("tests/packages/greeting").to_string_lossy(), &place]);
    let git = |args: &[&str]| {
        run(&[&["git", "-C", &place, "-c", "user.name=t", "-c", "user.email=t@example.com"], args].concat())
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "first"]);
    let commit = git(&["rev-parse", "HEAD"]);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (base, listen) = (format!("--base-path={}", dir.path().display()), format!("--port={port}"));
    let line = ["daemon", "--export-all", "--reuseaddr", "--listen=127.0.0.1", &listen, &base];
    let server = Server(Command::new("git").args(line).spawn().unwrap());
    for _ in 0..200 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    ((server, dir), format!("git://127.0.0.1:{port}/greeting#main"), commit)
}
