use toji_migrations::{PoolOptions, connect, migrate};
use toji_proto::value;
use toji_proto::xmlrpc::write_call;

use super::super::task_data;
use super::*;

/// Users 11 `alice` (also `alice@EXAMPLE.COM`), 12 the group `packagers` with alice in it and the
/// permission `tag`, 13 `builder`. Build 1 is hello-1.0-1 by task 1, with RPMs from buildroots 1 (of tag
/// `child`) and none, and an archive from content generator `osbs`'s buildroot 2; 2 is an empty draft.
/// Tag `child` (1) inherits from 2 `near` and, at most one step deep, 4 `deep`; `near` from 3 `far`
/// and, intransitively, 6 `private`; `deep` from 5 `deeper`, that from 7 `deepest`; `far` from
/// `child` again. Tag 8 `gone` was deleted at event 105 and had the extra `a`.
const WORLD: &[&str] = &[
    "INSERT INTO users (id, name, status, usertype) VALUES \
     (11, 'alice', 0, 0), (12, 'packagers', 0, 2), (13, 'builder', 0, 1)",
    "INSERT INTO user_krb_principals (user_id, krb_principal) VALUES (11, 'alice@EXAMPLE.COM')",
    "INSERT INTO events (id, time) VALUES (101, '2026-01-01 00:00:00+00'), (102, '2026-01-02 00:00:00+00'), \
     (105, '2026-01-05 00:00:00+00')",
    "INSERT INTO user_groups (user_id, group_id, create_event, creator_id, active) VALUES (11, 12, 101, 11, TRUE)",
    "INSERT INTO user_perms (user_id, perm_id, create_event, creator_id, active) VALUES \
     (12, (SELECT id FROM permissions WHERE name = 'tag'), 101, 11, TRUE)",
    "INSERT INTO tag (id, name) VALUES (1, 'child'), (2, 'near'), (3, 'far'), (4, 'deep'), (5, 'deeper'), \
     (6, 'private'), (7, 'deepest'), (8, 'gone')",
    "INSERT INTO tag_config (tag_id, create_event, revoke_event, creator_id, revoker_id, active) VALUES \
     (1, 101, NULL, 11, NULL, TRUE), (8, 101, 105, 11, 11, NULL)",
    "INSERT INTO tag_extra (tag_id, key, value, create_event, revoke_event, creator_id, revoker_id, active) VALUES \
     (1, 'sidetag', 'true', 101, NULL, 11, NULL, TRUE), (1, 'blocked', NULL, 101, NULL, 11, NULL, TRUE), \
     (8, 'a', '{\"b\": [1]}', 101, 105, 11, 11, NULL)",
    "INSERT INTO tag_inheritance \
     (tag_id, parent_id, priority, maxdepth, intransitive, noconfig, create_event, creator_id, active) VALUES \
     (1, 2, 0, NULL, FALSE, FALSE, 102, 11, TRUE), (1, 4, 5, 1, FALSE, FALSE, 101, 11, TRUE), \
     (2, 3, 0, NULL, FALSE, FALSE, 101, 11, TRUE), (2, 6, 1, NULL, TRUE, FALSE, 101, 11, TRUE), \
     (3, 1, 0, NULL, FALSE, FALSE, 101, 11, TRUE), (4, 5, 0, NULL, FALSE, FALSE, 101, 11, TRUE), \
     (5, 7, 0, NULL, FALSE, FALSE, 101, 11, TRUE)",
    "INSERT INTO build_target (id, name) VALUES (1, 'dist-target')",
    "INSERT INTO build_target_config (build_target_id, build_tag, dest_tag, create_event, creator_id, active) \
     VALUES (1, 1, 2, 101, 11, TRUE)",
    "INSERT INTO package (id, name) VALUES (1, 'hello')",
    "INSERT INTO task (id, state, owner, method, channel_id, arch) VALUES (1, 2, 11, 'build', 1, 'noarch')",
    "INSERT INTO build (id, volume_id, pkg_id, version, release, create_event, state, owner, task_id) VALUES \
     (1, 0, 1, '1.0', '1', 101, 0, 12, 1)",
    "INSERT INTO build (id, volume_id, pkg_id, version, release, create_event, state, owner, draft, source, extra) \
     VALUES (2, 0, 1, '1.0', '1,draft_2', 101, 0, 11, TRUE, 'git://x', '{\"container_koji_task_id\": 1}')",
    "INSERT INTO build_types (build_id, btype_id) VALUES (1, (SELECT id FROM btype WHERE name = 'rpm'))",
    "INSERT INTO image_builds (build_id) VALUES (1)",
    "INSERT INTO tag_listing (build_id, tag_id, create_event, revoke_event, creator_id, revoker_id, active) VALUES \
     (1, 2, 101, NULL, 11, NULL, TRUE), (1, 3, 101, 102, 11, 11, NULL)",
    "INSERT INTO content_generator (id, name) VALUES (1, 'osbs')",
    "INSERT INTO host (id, user_id, name) VALUES (1, 13, 'builder')",
    "INSERT INTO repo (id, create_event, tag_id, state) VALUES (1, 102, 1, 1)",
    "INSERT INTO buildroot (id, br_type, cg_id, cg_version) VALUES (1, 0, NULL, NULL), (2, 1, 1, '1')",
    "INSERT INTO standard_buildroot (buildroot_id, host_id, repo_id, task_id, create_event) VALUES (1, 1, 1, 1, 102)",
    "INSERT INTO rpminfo (id, build_id, buildroot_id, name, version, release, arch, external_repo_id, payloadhash, \
     size, buildtime, metadata_only, draft) VALUES (1, 1, 1, 'hello', '1.0', '1', 'x86_64', 0, 'x', 1, 1, FALSE, FALSE), \
     (2, 1, NULL, 'hello', '1.0', '1', 'src', 0, 'x', 1, 1, FALSE, FALSE)",
    "INSERT INTO archiveinfo (id, type_id, build_id, buildroot_id, filename, size, checksum, checksum_type, metadata_only) \
     VALUES (1, 1, 1, 2, 'a.jar', 1, 'x', 0, FALSE)",
];

struct World {
    db: Db,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("db").display());
        let database = connect(&url, &PoolOptions::default()).await.unwrap();
        migrate(&database).await.unwrap();
        let db = Db::new(&database, true);
        let request = write_call("build", &[value!("cli-build/hello.src.rpm"), value!("dist-target")]);
        for statement in WORLD {
            db.execute(statement, vec![]).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        db.execute("UPDATE task SET request = ?", vec![request.into()]).await.unwrap();
        World { db, _folder: folder }
    }

    fn facts(&self) -> CallFacts<'_> {
        CallFacts { db: &self.db, caller: None, data: Struct::new() }
    }
}

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn users_are_found_by_each_of_their_names() {
    let world = World::new().await;
    let facts = world.facts();
    for user in [value!(11), value!("alice"), value!("alice@EXAMPLE.COM"), value!({ "id": 11 })] {
        let found = facts.user(&user).await.unwrap();
        assert_eq!(found, Some(User { id: 11, name: "alice".into() }), "{user:?}");
    }
    assert_eq!(facts.user(&value!("nobody")).await.unwrap(), None);
    assert!(facts.user(&value!([1])).await.is_err());
    assert_eq!(facts.user_groups(11).await.unwrap(), BTreeMap::from([(12, "packagers".to_owned())]));
    assert_eq!(facts.user_permissions(11).await.unwrap(), names(&["tag"]));
    assert_eq!(facts.user_permissions(13).await.unwrap(), names(&[]));
}

#[tokio::test]
async fn builds_are_known_with_their_parts() {
    let world = World::new().await;
    let facts = world.facts();
    for named in
        [value!(1), value!("hello-1.0-1"), value!({ "name": "hello", "version": "1.0", "release": "1", "id": 7 })]
    {
        let build = facts.build(&named).await.unwrap().unwrap();
        assert_eq!((build.id, build.name.as_str(), build.owner_id, build.draft), (1, "hello", 12, false));
        assert_eq!((build.volume.as_str(), build.source, build.task_id), ("DEFAULT", None, Some(1)));
    }
    let draft = facts.build(&value!(2)).await.unwrap().unwrap();
    assert_eq!((draft.draft, draft.source.as_deref(), draft.task_id), (true, Some("git://x"), Some(1)));
    assert!(facts.build(&value!(99)).await.unwrap().is_none());
    for bad in [value!("hello"), value!({ "id": 1 }), value!(None::<i32>)] {
        assert!(facts.build(&bad).await.is_err(), "{bad:?}");
    }
    assert_eq!(facts.build_tags(1).await.unwrap(), names(&["near"]));
    assert_eq!(facts.build_types(1).await.unwrap(), names(&["image", "rpm"]));
    assert_eq!(facts.build_buildroots(1).await.unwrap(), [None, Some(1), Some(2)].into());
    assert_eq!(facts.build_buildroots(2).await.unwrap(), [].into());
    let of_tag = facts.buildroot(1).await.unwrap().unwrap();
    assert_eq!((of_tag.content_generator, of_tag.tag), (None, Some(("child".into(), 102))));
    let of_generator = facts.buildroot(2).await.unwrap().unwrap();
    assert_eq!((of_generator.content_generator.as_deref(), of_generator.tag), (Some("osbs"), None));
    assert!(facts.buildroot(99).await.unwrap().is_none());
    assert_eq!(facts.task_source(1).await.unwrap().as_deref(), Some("cli-build/hello.src.rpm"));
    assert!(facts.task_source(99).await.is_err());
}

#[tokio::test]
async fn things_are_known_by_name() {
    let world = World::new().await;
    let facts = world.facts();
    assert_eq!(facts.package_name(&value!(1)).await.unwrap().as_deref(), Some("hello"));
    assert_eq!(facts.package_name(&value!("other")).await.unwrap(), None);
    assert_eq!(facts.volume_name(&value!("DEFAULT")).await.unwrap().as_deref(), Some("DEFAULT"));
    assert_eq!(facts.content_generator(&value!(1)).await.unwrap().as_deref(), Some("osbs"));
    assert_eq!(facts.target_build_tag(&value!("dist-target")).await.unwrap(), Some(1));
    assert_eq!(facts.target_build_tag(&value!("other")).await.unwrap(), None);
}

#[tokio::test]
async fn deleted_tags_are_known_as_they_were() {
    let world = World::new().await;
    let facts = world.facts();
    let child = facts.tag(&value!("child"), TagTime::Latest).await.unwrap().unwrap();
    assert_eq!((child.id, child.event), (1, None));
    assert_eq!(child.extra, Struct::from([("sidetag".into(), value!(true))]));
    assert!(facts.tag(&value!("gone"), TagTime::Now).await.unwrap().is_none());
    let gone = facts.tag(&value!("gone"), TagTime::Latest).await.unwrap().unwrap();
    assert_eq!((gone.id, gone.event), (8, Some(104)));
    assert_eq!(gone.extra, Struct::from([("a".into(), value!({ "b": value!([1]) }))]));
    assert!(facts.tag(&value!(8), TagTime::Event(102)).await.unwrap().is_some());
    assert!(facts.tag(&value!(8), TagTime::Event(105)).await.unwrap().is_none());
}

#[tokio::test]
async fn ancestors_respect_depth_and_intransitive_links() {
    let world = World::new().await;
    let facts = world.facts();
    for (tag, event, expected) in [
        (1, None, &["near", "far", "deep", "deeper"][..]),
        // The link to `near` came later.
        (1, Some(101), &["deep", "deeper"]),
        (2, None, &["far", "private", "child", "deep", "deeper"]),
        (7, None, &[]),
    ] {
        let found = facts.tag_ancestors(tag, event).await.unwrap();
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), names(expected), "tag {tag} at {event:?}");
    }
}

#[tokio::test]
async fn requests_tell_what_they_name() {
    let world = World::new().await;
    let src = value!("git://x#1");
    for (kind, params, expected) in [
        (
            "build",
            vec![src.clone(), value!("dist-target"), value!({ "scratch": true })],
            value!({ "source": "git://x#1", "target": "dist-target", "scratch": true }),
        ),
        ("build", vec![src.clone(), value!("nosuch")], value!({ "source": "git://x#1", "target": None::<i32> })),
        ("newRepo", vec![value!("child")], value!({ "tag": "child" })),
        ("tagBuild", vec![value!(1), value!(5)], value!({ "tag": "child" })),
        ("tagBuild", vec![value!(99), value!(5)], value!({})),
        ("nosuch", vec![value!(1)], value!({})),
        ("build", vec![], value!({})),
    ] {
        let data = task_data(&world.db, kind, &params).await.unwrap();
        assert_eq!(Value::Struct(data), expected, "{kind} {params:?}");
    }
    assert!(task_data(&world.db, "build", &[value!(5), value!("dist-target")]).await.is_err());
}
