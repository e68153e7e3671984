//! What the `build` task asks of the hub and of its children.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::Answer;
use support::tasks::{CLOSED, FAILED, Row};
use support::world::World;
use toji_proto::{Value, ValueExt, value};

/// A hub with one target and one package, changed by a test where it wants something else.
#[derive(Clone)]
struct Site {
    srpm: Vec<u8>,
    arches: &'static str,
    /// What the documentation package that aarch64 built says.
    docs: &'static str,
    package: Value,
    init_build: Answer,
    earlier_builds: Value,
    repo: Value,
    policy: Option<(i32, String)>,
    /// Results of the builds, by arch.
    built: fn(&str) -> Answer,
}

fn repo(event: i32) -> Value {
    value!({ "id": 5, "tag_id": 10, "tag_name": "f40-build", "create_event": event, "state": 1 })
}

impl Site {
    fn new(spec: &str) -> Site {
        Site {
            srpm: srpm(spec),
            arches: "x86_64 aarch64",
            docs: "docs",
            package: value!({ "blocked": false, "extra_arches": "" }),
            init_build: Ok(value!(77)),
            earlier_builds: value!([]),
            repo: repo(50),
            policy: None,
            built,
        }
    }

    async fn world(self) -> World {
        let world = World::with_worker().await;
        world.running.hub.files.lock().unwrap().insert("work/cli-build/x/hello-1-1.src.rpm".into(), self.srpm.clone());
        for arch in ["x86_64", "aarch64"] {
            let path = format!("work/tasks/{arch}/docs-1-1.noarch.rpm");
            let package = noarch_package(if arch == "aarch64" { self.docs } else { "docs" });
            world.running.hub.files.lock().unwrap().insert(path, package);
        }
        world.running.hub.script(move |hub, method, params| {
            Some(match method {
                "getBuildTarget" if params[0] == value!("f40") => Ok(value!({
                    "name": "f40", "build_tag": 10, "build_tag_name": "f40-build", "dest_tag": 11,
                    "dest_tag_name": "f40-candidate",
                })),
                "getBuildTarget" => Ok(Value::Nil),
                "getTag" => Ok(value!({ "id": 10, "name": "f40-build" })),
                "host.assertPolicy" => self.policy.clone().map_or(Ok(Value::Nil), Err),
                "repo.request" => Ok(value!({ "repo": self.repo.clone(), "request": Value::Nil })),
                "repoInfo" => Ok(self.repo.clone()),
                "tagLastChangeEvent" => Ok(value!(50)),
                "getLastEvent" => Ok(value!({ "id": 60 })),
                "getBuildConfig" => Ok(value!({ "name": "f40-build", "arches": self.arches, "extra": value!({}) })),
                "getPackageConfig" => Ok(self.package.clone()),
                "host.initBuild" => self.init_build.clone(),
                "listBuilds" => Ok(self.earlier_builds.clone()),
                "host.completeBuild" | "host.moveBuildToScratch" | "host.failBuild" => Ok(Value::Nil),
                "host.subtask" => {
                    let request = params[1].as_array().unwrap();
                    let result = match params[0].as_str().unwrap() {
                        "rebuildSRPM" => Ok(value!({
                            "srpm": "cli-build/x/hello-1-1.src.rpm",
                            "source": value!({ "source": "hello", "url": "hello.src.rpm" }),
                        })),
                        "buildArch" => (self.built)(request[2].as_str().unwrap()),
                        _ => Ok(Value::Nil),
                    };
                    Ok(value!(hub.tasks.make_ended_child(params, result)))
                }
                _ => return None,
            })
        });
        world
    }

    async fn build(self, opts: Value) -> (World, Row) {
        let world = self.world().await;
        let request = vec![value!("cli-build/x/hello-1-1.src.rpm"), value!("f40"), opts];
        let task = world.running.hub.tasks.assign("build", request).await;
        world.until("the build to end", || matches!(world.row(task).state, CLOSED | FAILED)).await;
        let row = world.row(task);
        (world, row)
    }
}

fn built(arch: &str) -> Answer {
    let srpms =
        if arch == "x86_64" || arch == "noarch" { vec![format!("tasks/{arch}/hello-1-1.src.rpm")] } else { vec![] };
    Ok(value!({
        "rpms": vec![format!("tasks/{arch}/hello-1-1.{arch}.rpm")], "srpms": srpms,
        "logs": vec![format!("tasks/{arch}/build.log")], "brootid": if arch == "x86_64" { 1 } else { 2 },
    }))
}

fn built_with_docs(arch: &str) -> Answer {
    let mut result = built(arch)?;
    if let Value::Struct(members) = &mut result {
        members.insert("rpms".into(), value!([format!("tasks/{arch}/docs-1-1.noarch.rpm")]));
    }
    Ok(result)
}

fn broken_on_aarch64(arch: &str) -> Answer {
    if arch == "aarch64" { Err((1005, "it does not compile".into())) } else { built(arch) }
}

fn srpm(spec: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hello.spec");
    let text = format!(
        "Name: hello\nVersion: 1\nRelease: 1\nSummary: a test\nLicense: MIT\n{spec}\n%description\na test\n%files\n"
    );
    std::fs::write(&path, text).unwrap();
    let topdir = format!("_topdir {}", dir.path().display());
    let made = Command::new("rpmbuild").args(["-bs", "--define", &topdir]).arg(&path).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::read(find(&dir.path().join("SRPMS"))).unwrap()
}

fn find(dir: &Path) -> PathBuf {
    std::fs::read_dir(dir).unwrap().next().unwrap().unwrap().path()
}

fn noarch_package(description: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let mut package = rpm::PackageBuilder::new("docs", "1", "MIT", "noarch", "docs");
    let package = package.description(description).release("1").build().unwrap();
    std::fs::read(package.write_to(dir.path()).unwrap()).unwrap()
}

fn failure(row: Row) -> (i32, String) {
    row.result.unwrap().unwrap_err()
}

/// The subtasks that were made: method, label and arch.
fn children(world: &World) -> Vec<(String, String, String)> {
    let text = |value: Option<&Value>| value.and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let calls = world.running.hub.calls_of("host.subtask");
    calls.iter().map(|call| (text(Some(&call[0])), text(call[3].get("label")), text(call[3].get("arch")))).collect()
}

fn child(method: &str, label: &str, arch: &str) -> (String, String, String) {
    (method.into(), label.into(), arch.into())
}

#[tokio::test]
async fn a_package_is_built_imported_and_tagged() {
    let (world, row) = Site::new("").build(Value::Nil).await;
    assert_eq!(row.result, Some(Ok(Value::Nil)));
    assert_eq!(
        children(&world),
        [
            child("rebuildSRPM", "srpm", "noarch"),
            child("buildArch", "x86_64", "x86_64"),
            child("buildArch", "aarch64", "aarch64"),
            child("tagBuild", "tag", "noarch"),
        ]
    );
    let hub = &world.running.hub;
    let policies: Vec<Value> = hub.calls_of("host.assertPolicy").into_iter().map(|call| call[0].clone()).collect();
    assert_eq!(policies, [value!("build_from_srpm"), value!("build_rpm")]);
    let data = &hub.calls_of("host.initBuild")[0][0];
    assert_eq!(data.get("name"), Some(&value!("hello")));
    assert_eq!(data.get("source"), Some(&value!("hello")));
    assert_eq!(data.get("extra").unwrap().get("source").unwrap().get("original_url"), Some(&value!("hello.src.rpm")));
    let complete = &hub.calls_of("host.completeBuild")[0];
    assert_eq!(complete[1], value!(77));
    assert_eq!(complete[2], value!("tasks/x86_64/hello-1-1.src.rpm"));
    assert_eq!(complete[3].as_array().unwrap().len(), 2);
    assert_eq!(complete[4].get("tasks/aarch64/hello-1-1.aarch64.rpm"), Some(&value!(2)));
    assert!(complete[5].get("logs").unwrap().get("aarch64").is_some());
    let build = &hub.calls_of("host.subtask")[1][1];
    let first = |index: usize| build.as_array().unwrap()[index].clone();
    assert_eq!((first(0), first(3)), (value!("cli-build/x/hello-1-1.src.rpm"), value!(true)));
    assert_eq!(first(4), value!({ "repo_id": 5 }));
    world.end().await.unwrap();
}

#[tokio::test]
async fn a_scratch_build_is_neither_announced_nor_tagged() {
    let opts = value!({ "scratch": true, "arch_override": "x86_64" });
    let site = Site { package: Value::Nil, ..Site::new("") };
    let (world, row) = site.build(opts).await;
    assert_eq!(row.state, CLOSED, "{row:?}");
    let hub = &world.running.hub;
    assert_eq!(children(&world).len(), 2);
    assert_eq!((hub.count("host.moveBuildToScratch"), hub.count("host.initBuild")), (1, 0));
    world.end().await.unwrap();
}

#[tokio::test]
async fn a_noarch_package_goes_where_it_is_allowed() {
    let (world, row) = Site::new("BuildArch: noarch\nExclusiveArch: aarch64 noarch").build(Value::Nil).await;
    assert_eq!(row.state, CLOSED, "{row:?}");
    assert_eq!(children(&world)[1], child("buildArch", "noarch", "aarch64"));
    world.end().await.unwrap();
}

#[tokio::test]
async fn equal_noarch_packages_of_two_arches_are_fine() {
    let (world, row) = Site { built: built_with_docs, ..Site::new("") }.build(Value::Nil).await;
    assert_eq!(row.state, CLOSED, "{row:?}");
    assert_eq!(world.running.hub.calls_of("host.completeBuild")[0][3].as_array().unwrap().len(), 2);
    world.end().await.unwrap();
}

#[tokio::test]
async fn a_failing_arch_fails_the_build_with_its_words() {
    let (world, row) = Site { built: broken_on_aarch64, ..Site::new("") }.build(Value::Nil).await;
    assert_eq!(failure(row), (1005, "it does not compile".into()));
    let hub = &world.running.hub;
    assert_eq!((hub.count("host.failBuild"), hub.count("host.completeBuild")), (1, 0));
    world.end().await.unwrap();
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_with_a_reason() {
    let bad_metadata = value!({ "custom_user_metadata": value!({ "x": Value::Base64(vec![1]) }) });
    for (site, opts, reason) in [
        (Site::new(""), value!({ "arch_override": "x86_64" }), "scratch builds only"),
        (Site::new(""), bad_metadata, "JSON cannot express"),
        (
            Site { package: Value::Nil, ..Site::new("") },
            Value::Nil,
            "package hello is not in the list of tag f40-candidate",
        ),
        (Site { package: value!({ "blocked": true }), ..Site::new("") }, Value::Nil, "is blocked"),
        (Site { policy: Some((1004, "policy says no".into())), ..Site::new("") }, Value::Nil, "policy says no"),
        (Site::new("ExclusiveArch: s390x"), Value::Nil, "ExclusiveArch s390x"),
        (Site { srpm: b"no package".to_vec(), ..Site::new("") }, Value::Nil, "is not an RPM package"),
        (Site { init_build: Err((1000, "exists".into())), ..Site::new("") }, Value::Nil, "exists"),
        (Site { built: built_with_docs, docs: "other", ..Site::new("") }, Value::Nil, "came out differently"),
    ] {
        let (world, row) = site.build(opts).await;
        let (_, why) = failure(row);
        assert!(why.contains(reason), "{why:?} instead of {reason:?}");
        assert_eq!(world.running.hub.count("host.completeBuild"), 0);
        world.end().await.unwrap();
    }
}

#[tokio::test]
async fn a_chosen_repository_must_fit_the_target() {
    let wrong = value!({ "id": 5, "tag_id": 99, "tag_name": "f41-build", "create_event": 1, "state": 1 });
    let deleted = value!({ "id": 5, "tag_id": 10, "tag_name": "f40-build", "create_event": 1, "state": 3 });
    for (repo, reason) in [(wrong, "f41-build"), (deleted, "DELETED"), (Value::Nil, "no repository 5")] {
        let (world, row) = Site { repo, ..Site::new("") }.build(value!({ "repo_id": 5 })).await;
        let (_, why) = failure(row);
        assert!(why.contains(reason), "{why:?} instead of {reason:?}");
        world.end().await.unwrap();
    }
    let (world, row) = Site::new("").build(value!({ "repo_id": 5 })).await;
    assert_eq!(row.state, CLOSED, "{row:?}");
    let hub = &world.running.hub;
    assert!(hub.calls_of("host.assertPolicy").iter().any(|call| call[0] == value!("build_from_repo_id")));
    assert_eq!(hub.count("repo.request"), 0);
    world.end().await.unwrap();
}

#[tokio::test]
async fn a_rerun_after_the_import_only_tags() {
    let site = Site {
        init_build: Err((1000, "the build exists".into())),
        earlier_builds: value!([value!({ "build_id": 78 })]),
        ..Site::new("")
    };
    let (world, row) = site.build(Value::Nil).await;
    assert_eq!(row.state, CLOSED, "{row:?}");
    let tag = world.running.hub.calls_of("host.subtask").pop().unwrap();
    assert_eq!(tag[1].as_array().unwrap()[1], value!(78));
    assert_eq!(world.running.hub.count("host.completeBuild"), 0);
    world.end().await.unwrap();
}

#[tokio::test]
async fn a_repository_that_is_too_old_is_waited_for() {
    let site = Site { repo: repo(40), ..Site::new("") };
    let world = site.world().await;
    let opts = value!({ "wait_repo": true });
    let request = vec![value!("cli-build/x/hello-1-1.src.rpm"), value!("f40"), opts];
    let task = world.running.hub.tasks.assign("build", request).await;
    world.until("a waitrepo task", || children(&world).iter().any(|(method, ..)| method == "waitrepo")).await;
    let call = world.running.hub.calls_of("host.subtask").remove(0);
    assert_eq!(call[1], value!([value!("f40-build"), Value::Nil, value!([]), value!(50)]));
    world.until("the build to end", || matches!(world.row(task).state, CLOSED | FAILED)).await;
    world.end().await.unwrap();
}
