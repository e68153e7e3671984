use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use async_trait::async_trait;
use toji_proto::{FaultCode, Struct, Value};

use super::*;

/// A small world, which remembers what it was asked.
///
/// User 1 `root` has admin; 2 `alice` is in group 9 `packagers`, which has `tag`. Build 5 is
/// hello-1.0-1, owned by the group; build 6 is a draft of alice's. Tag 1 `f42-build` inherits
/// from `f42` and `base`; tag 2 `f42-side` is alice's side tag.
#[derive(Default)]
struct World {
    data: Struct,
    caller: Option<i32>,
    asked: Mutex<Vec<String>>,
}

impl World {
    fn ask(&self, question: impl Into<String>) {
        self.asked.lock().unwrap().push(question.into());
    }
}

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

#[async_trait]
impl Facts for World {
    fn data(&self) -> &Struct {
        &self.data
    }

    async fn caller(&self) -> Rpc<Option<User>> {
        match self.caller {
            Some(id) => self.user(&Value::Integer(id)).await,
            None => Ok(None),
        }
    }

    async fn user(&self, user: &Value) -> Rpc<Option<User>> {
        self.ask("user");
        let known = [(1, "root"), (2, "alice"), (9, "packagers")];
        let found =
            known.iter().find(|(id, name)| *user == Value::Integer(*id) || *user == Value::String((*name).into()));
        Ok(found.map(|(id, name)| User { id: *id, name: (*name).into() }))
    }

    async fn user_groups(&self, user_id: i32) -> Rpc<BTreeMap<i32, String>> {
        self.ask("groups");
        Ok(if user_id == 2 { BTreeMap::from([(9, "packagers".into())]) } else { BTreeMap::new() })
    }

    async fn user_permissions(&self, user_id: i32) -> Rpc<BTreeSet<String>> {
        self.ask("permissions");
        Ok(match user_id {
            1 => names(&["admin"]),
            2 => names(&["tag"]),
            _ => BTreeSet::new(),
        })
    }

    async fn package_name(&self, package: &Value) -> Rpc<Option<String>> {
        self.ask("package");
        let known = [Value::Integer(1), Value::String("hello".into())];
        Ok(known.contains(package).then(|| "hello".into()))
    }

    async fn build(&self, build: &Value) -> Rpc<Option<Build>> {
        self.ask("build");
        let hello = Build {
            id: 5,
            name: "hello".into(),
            version: "1.0".into(),
            release: "1".into(),
            owner_id: 9,
            volume: "DEFAULT".into(),
            task_id: Some(70),
            ..Build::default()
        };
        Ok(match build {
            Value::Integer(5) => Some(hello),
            Value::String(nvr) if nvr == "hello-1.0-1" => Some(hello),
            Value::Integer(6) => Some(Build {
                id: 6,
                owner_id: 2,
                draft: true,
                source: Some("git://example.com/x#1".into()),
                volume: "ssd".into(),
                ..hello
            }),
            _ => None,
        })
    }

    async fn build_tags(&self, build_id: i32) -> Rpc<BTreeSet<String>> {
        Ok(if build_id == 5 { names(&["f42", "f42-updates"]) } else { BTreeSet::new() })
    }

    async fn build_types(&self, build_id: i32) -> Rpc<BTreeSet<String>> {
        Ok(if build_id == 5 { names(&["rpm", "image"]) } else { BTreeSet::new() })
    }

    async fn build_buildroots(&self, build_id: i32) -> Rpc<BTreeSet<Option<i32>>> {
        Ok(if build_id == 5 { [Some(30), Some(31)].into() } else { [None, Some(30)].into() })
    }

    async fn buildroot(&self, buildroot_id: i32) -> Rpc<Option<Buildroot>> {
        Ok(match buildroot_id {
            30 => Some(Buildroot { content_generator: Some("osbs".into()), tag: None }),
            31 => Some(Buildroot { content_generator: Some("osbuild".into()), tag: Some(("f42-build".into(), 77)) }),
            _ => None,
        })
    }

    async fn content_generator(&self, generator: &Value) -> Rpc<Option<String>> {
        Ok((*generator == Value::String("osbs".into())).then(|| "osbs".into()))
    }

    async fn volume_name(&self, volume: &Value) -> Rpc<Option<String>> {
        Ok((*volume == Value::Integer(3)).then(|| "ssd".into()))
    }

    async fn tag(&self, tag: &Value, time: TagTime) -> Rpc<Option<Tag>> {
        self.ask(format!("tag {time:?}"));
        let event = match time {
            TagTime::Event(event) => Some(event),
            _ => None,
        };
        Ok(match tag {
            Value::Integer(1) => Some(Tag { id: 1, name: "f42-build".into(), event, ..Tag::default() }),
            Value::String(name) if name == "f42-build" => {
                Some(Tag { id: 1, name: "f42-build".into(), event, ..Tag::default() })
            }
            Value::Integer(2) => Some(Tag {
                id: 2,
                name: "f42-side".into(),
                extra: data(&[("sidetag", true.into()), ("sidetag_user_id", 2.into())]),
                event,
            }),
            _ => None,
        })
    }

    async fn tag_ancestors(&self, tag_id: i32, event: Option<i32>) -> Rpc<Vec<String>> {
        self.ask(format!("ancestors {event:?}"));
        Ok(if tag_id == 1 { vec!["f42".into(), "base".into()] } else { Vec::new() })
    }

    async fn target_build_tag(&self, target: &Value) -> Rpc<Option<i32>> {
        Ok((*target == Value::String("f42-target".into())).then_some(1))
    }

    async fn task_source(&self, task_id: i32) -> Rpc<Option<String>> {
        self.ask("task");
        Ok((task_id == 70).then(|| "cli-build/hello.src.rpm".into()))
    }
}

/// A value, written shortly.
struct V(Value);
impl From<i32> for V {
    fn from(value: i32) -> V {
        V(Value::Integer(value))
    }
}
impl From<bool> for V {
    fn from(value: bool) -> V {
        V(Value::Boolean(value))
    }
}
impl From<&str> for V {
    fn from(value: &str) -> V {
        V(Value::String(value.into()))
    }
}
impl From<f64> for V {
    fn from(value: f64) -> V {
        V(Value::Double(value))
    }
}
impl From<()> for V {
    fn from(_: ()) -> V {
        V(Value::Nil)
    }
}
impl<const N: usize> From<[V; N]> for V {
    fn from(values: [V; N]) -> V {
        V(Value::Array(values.into_iter().map(|value| value.0).collect()))
    }
}

fn data(fields: &[(&str, V)]) -> Struct {
    fields.iter().map(|(name, value)| ((*name).to_owned(), value.0.clone())).collect()
}

fn set(policies: &[(&str, &str)]) -> Result<PolicySet, PolicyError> {
    let texts = policies.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    PolicySet::new(&texts, &Options::default())
}

async fn outcome(test: &str, world: &World) -> Rpc<bool> {
    let policies = set(&[("p", &format!("{test} :: yes"))]).unwrap();
    Ok(policies.apply("p", world).await?.is_some())
}

#[tokio::test]
async fn each_test_looks_at_its_facts() {
    let nothing = || data(&[]);
    let build = |id: i32| data(&[("build", id.into())]);
    let list = || data(&[("l", [V::from("a1"), V::from(7), V::from("a2")].into())]);
    for (test, fields, expected) in [
        ("all", nothing(), true),
        ("true", nothing(), true),
        ("none", nothing(), false),
        ("false", nothing(), false),
        ("has x", data(&[("x", ().into())]), true),
        ("has x", nothing(), false),
        ("bool x", data(&[("x", 0.into())]), false),
        ("bool x", data(&[("x", "a".into())]), true),
        ("skip_tag", data(&[("skip_tag", true.into())]), true),
        ("skip_tag", nothing(), false),
        ("is_child_task", data(&[("parent", ().into())]), false),
        ("is_child_task", data(&[("parent", 7.into())]), true),
        ("match x a* b", data(&[("x", "b".into())]), true),
        ("match x a* b", data(&[("x", "c".into())]), false),
        ("match x *", data(&[("x", ().into())]), false),
        ("match x", data(&[("x", "".into())]), false),
        ("method newRepo", data(&[("method", "newRepo".into())]), true),
        ("target f*", data(&[("target", "f42".into())]), true),
        ("target *", nothing(), false),
        ("operation move", data(&[("operation", "tag".into())]), false),
        ("vm_name w?", data(&[("vm_name", "w7".into())]), true),
        ("match_any l b* 7", list(), true),
        ("match_any l b*", list(), false),
        ("match_any x *", data(&[("x", "text".into())]), false),
        ("match_all l a* 7", list(), true),
        ("match_all l a*", list(), false),
        ("match_all l *", data(&[("l", [].into())]), false),
        ("match_all l *", data(&[("l", [V::from(())].into())]), false),
        ("compare n < 5", data(&[("n", 4.into())]), true),
        ("compare n <= 5", data(&[("n", 5.5.into())]), false),
        ("compare n >= 0.5", data(&[("n", true.into())]), true),
        ("compare n > 5", data(&[("n", 5.into())]), false),
        ("compare n = 5", data(&[("n", "5".into())]), false),
        ("compare n != 5", data(&[("n", ().into())]), true),
        ("compare n = 5", nothing(), false),
        ("user ali*", data(&[("user_id", 2.into())]), true),
        ("user alice", data(&[("user_id", "nosuch".into())]), false),
        ("user root", data(&[("user_id", ().into())]), true),
        ("user root", nothing(), true),
        ("user_in_group pack*", data(&[("user_id", 2.into())]), true),
        ("user_in_group pack*", nothing(), false),
        ("has_perm x adm*", nothing(), true),
        ("has_perm admin", data(&[("user_id", "alice".into())]), false),
        ("is_build_owner", build(5), false),
        ("is_build_owner", data(&[("build", 5.into()), ("user_id", 2.into())]), true),
        ("is_build_owner", data(&[("build", 6.into()), ("user_id", 2.into())]), true),
        ("package hel*", data(&[("package", 1.into())]), true),
        ("package hel*", build(5), true),
        ("package newcomer", data(&[("package", "newcomer".into())]), true),
        ("is_new_package", data(&[("package", "newcomer".into())]), true),
        ("is_new_package", data(&[("package", "hello".into())]), false),
        ("version 1.*", build(5), true),
        ("version 1.*", data(&[("version", "2".into()), ("build", 5.into())]), false),
        ("release 1", data(&[("build", "hello-1.0-1".into())]), true),
        ("volume ssd", data(&[("volume", 3.into())]), true),
        ("volume *", data(&[("volume", 4.into()), ("build", 5.into())]), false),
        ("volume DEF*", build(5), true),
        ("volume *", nothing(), false),
        ("source git*", data(&[("source", "git://x".into())]), true),
        ("source git*", build(6), true),
        ("source cli-build/*", build(5), true),
        ("source *", nothing(), false),
        ("buildtype image", build(5), true),
        ("buildtype image", data(&[("btypes", [V::from("rpm")].into())]), false),
        ("buildtype *", nothing(), false),
        ("imported", build(5), false),
        ("imported", build(6), true),
        ("is_draft", build(6), true),
        ("is_draft", build(5), false),
        ("is_draft", data(&[("draft", true.into()), ("build", 5.into())]), true),
        ("is_draft", nothing(), false),
        ("cg_match_any osbs", build(5), true),
        ("cg_match_any osbs", build(6), true),
        ("cg_match_any x*", build(5), false),
        ("cg_match_any osbs", data(&[("cg_list", [V::from("osbs")].into())]), true),
        ("cg_match_all osbs", build(5), false),
        ("cg_match_all os*", build(5), true),
        ("cg_match_all *", build(6), false),
        ("cg_match_all *", nothing(), false),
        ("cg_match_any osbs", data(&[("buildroots", [V::from(30), V::from(())].into())]), true),
        ("tag f42-*", data(&[("tag", 1.into())]), true),
        ("tag *", data(&[("tag", ().into())]), false),
        ("tag *", data(&[("tag", "nosuch".into())]), false),
        ("fromtag *-build", data(&[("fromtag", "f42-build".into())]), true),
        ("fromtag *", data(&[("tag", 1.into())]), false),
        ("hastag *-updates", build(5), true),
        ("hastag *", nothing(), false),
        ("buildtag f42-*", data(&[("build_tag", 1.into())]), true),
        ("buildtag *-side", data(&[("build_tags", [V::from(1), V::from(2)].into())]), true),
        ("buildtag f42-build", data(&[("target", "f42-target".into())]), true),
        ("buildtag f42-build", build(5), true),
        ("buildtag *", build(6), false),
        ("buildtag_inherits_from base", data(&[("target", "f42-target".into())]), true),
        ("buildtag_inherits_from f42-build", data(&[("build_tag", 1.into())]), false),
        ("is_sidetag", data(&[("tag", 2.into())]), true),
        ("is_sidetag", data(&[("tag", 1.into())]), false),
        ("is_sidetag_owner", data(&[("tag", 2.into()), ("user_id", 2.into())]), true),
        ("is_sidetag_owner both", data(&[("tag", 2.into()), ("user_id", 2.into())]), false),
        ("is_sidetag_owner both", data(&[("tag", 2.into()), ("fromtag", 2.into())]), true),
        ("is_sidetag_owner fromtag", data(&[("fromtag", 1.into())]), false),
    ] {
        // The caller is root, who may not be in the data.
        let world = World { data: fields, caller: Some(1), ..World::default() };
        let found = outcome(test, &world).await.unwrap_or_else(|error| panic!("{test}: {error}"));
        assert_eq!(found, expected, "{test} on {:?}", world.data);
    }
}

#[tokio::test]
async fn data_a_test_cannot_use_is_a_fault() {
    for (test, fields, expected) in [
        ("match x *", data(&[("x", 5.into())]), FaultCode::Internal),
        ("compare n < 5", data(&[("n", "4".into())]), FaultCode::Internal),
        ("is_build_owner", data(&[]), FaultCode::Internal),
        ("is_build_owner", data(&[("build", 99.into())]), FaultCode::Internal),
        ("volume *", data(&[("build", 99.into())]), FaultCode::Internal),
        ("is_sidetag", data(&[("tag", ().into())]), FaultCode::Internal),
        ("package *", data(&[]), FaultCode::Generic),
        ("package *", data(&[("package", 99.into())]), FaultCode::Generic),
        ("version *", data(&[]), FaultCode::Generic),
        ("imported", data(&[]), FaultCode::Generic),
        ("hastag *", data(&[("build", 99.into())]), FaultCode::Generic),
        ("buildtag *", data(&[("build_tag", "nosuch".into())]), FaultCode::Generic),
        ("cg_match_any *", data(&[("cg_list", [V::from("nosuch")].into())]), FaultCode::Generic),
        ("cg_match_any *", data(&[("buildroots", [V::from(99)].into())]), FaultCode::Generic),
        ("cg_match_any *", data(&[("buildroots", [V::from("x")].into())]), FaultCode::Parameter),
    ] {
        let world = World { data: fields, ..World::default() };
        let error = outcome(test, &world).await.expect_err(test);
        assert_eq!(error.code(), expected.code(), "{test}: {error}");
    }
}

#[tokio::test]
async fn rules_nest_negate_and_stop_at_the_first_action() {
    let text = "
        # comments and blank lines are nothing

        has a && has b :: {
            has c :: abc   # not part of the action
            has d !! ab without d
        }
        has a :: {
            none :: never
        }
        match m x::y :: double
        has a !! not a
        all :: rest: it's && all
    ";
    // The last line's `&&` stands in the action, after the `::`.
    let policies = set(&[("p", text)]).unwrap();
    for (fields, action, rule) in [
        ("a b c", "abc", "has a && has b :: ... has c :: abc"),
        ("a b", "ab without d", "has a && has b :: ... has d !! ab without d"),
        ("a b d", "rest: it's && all", "all :: rest: it's && all"),
        ("b", "not a", "has a !! not a"),
    ] {
        let fields = fields.split(' ').map(|name| (name, V::from(1))).collect::<Vec<_>>();
        let world = World { data: data(&fields), ..World::default() };
        let verdict = policies.apply("p", &world).await.unwrap().unwrap();
        assert_eq!((verdict.action.as_str(), verdict.rule.as_str()), (action, rule));
    }
    let world = World { data: data(&[("m", "x::y".into())]), ..World::default() };
    assert_eq!(policies.apply("p", &world).await.unwrap().unwrap().action, "double");
    let none = set(&[("p", "none :: x"), ("empty", "")]).unwrap();
    assert_eq!(none.apply("p", &world).await.unwrap(), None);
    assert_eq!(none.apply("empty", &world).await.unwrap(), None);
}

#[tokio::test]
async fn only_what_is_needed_is_asked() {
    let policies =
        set(&[("p", "none && user * :: a\n has build && package x :: b\n all :: c\n hastag * :: d")]).unwrap();
    let world = World::default();
    assert_eq!(policies.apply("p", &world).await.unwrap().unwrap().action, "c");
    assert_eq!(*world.asked.lock().unwrap(), Vec::<String>::new());
    let world = World { data: data(&[("build", 5.into())]), ..World::default() };
    policies.apply("p", &world).await.unwrap();
    assert_eq!(*world.asked.lock().unwrap(), ["build"]);
}

#[tokio::test]
async fn tags_of_buildroots_are_looked_up_as_they_were() {
    let world = World { data: data(&[("build", 5.into())]), ..World::default() };
    assert!(outcome("buildtag_inherits_from base", &world).await.unwrap());
    assert_eq!(*world.asked.lock().unwrap(), ["build", "tag Event(77)", "ancestors Some(77)"]);
}

#[tokio::test]
async fn policies_refer_to_each_other_but_not_in_circles() {
    let policies = set(&[
        ("yes", "all :: Allow"),
        ("reason", "all :: allow it"),
        ("both", "policy yes && policy reason :: both\n policy yes && policy yes :: one"),
        ("a", "has x && policy b :: allow\n all :: allow"),
        ("b", "policy a :: allow"),
        ("lost", "policy nosuch :: allow"),
    ])
    .unwrap();
    let world = World::default();
    assert_eq!(policies.apply("both", &world).await.unwrap().unwrap().action, "one");
    assert_eq!(policies.apply("b", &world).await.unwrap().unwrap().action, "allow");
    let world = World { data: data(&[("x", 1.into())]), ..World::default() };
    for (policy, culprit) in [("a", "policy a"), ("b", "policy b"), ("lost", "nosuch"), ("nosuch", "nosuch")] {
        let error = policies.apply(policy, &world).await.unwrap_err();
        assert_eq!(error.code(), FaultCode::Generic.code());
        assert!(error.to_string().contains(culprit), "{error}");
    }
}

#[test]
fn bad_text_is_told_with_policy_and_line() {
    for (text, line, reason) in [
        ("all :: allow\nall allow", 2, "expected"),
        ("\n\n nosuch x :: allow", 3, "no test nosuch"),
        (" :: allow", 1, "missing"),
        ("all && :: allow", 1, "missing"),
        ("all ::", 1, "no action"),
        ("all :: {\n all :: allow", 1, "never closed"),
        ("all :: {\n all :: {\n all :: allow\n }\n", 1, "never closed"),
        ("all :: allow\n}", 2, "no { to close"),
        ("all :: {\n } all :: x", 2, "no test }"),
        ("has :: allow", 1, "needs a field"),
        ("match :: allow", 1, "needs a field"),
        ("policy :: allow", 1, "name of a policy"),
        ("compare x ~ 5 :: allow", 1, "no comparison ~"),
        ("compare x < five :: allow", 1, "five is not a number"),
        ("compare x < :: allow", 1, "needs a number"),
        ("compare x < 5 6 :: allow", 1, "there is 6"),
        ("is_sidetag_owner all :: allow", 1, "not all"),
        ("is_sidetag_owner tag fromtag :: allow", 1, "also fromtag"),
    ] {
        let error = set(&[("mine", text)]).expect_err(text);
        assert_eq!((error.policy.as_str(), error.line), ("mine", line), "{error}");
        assert!(error.reason.contains(reason), "{text:?}: {error}");
        assert!(error.to_string().contains("policy mine, line"), "{error}");
    }
}

#[tokio::test]
async fn defaults_decide_as_the_stock_hub_does() {
    let policies = set(&[("vm", "all :: allow")]).unwrap();
    let admin_only = "deny Only admin can do this via default policy";
    for (policy, fields, caller, action) in [
        ("build_rpm", data(&[]), None, "allow"),
        ("build_from_srpm", data(&[]), Some(1), "allow"),
        ("build_from_srpm", data(&[]), Some(2), admin_only),
        ("build_from_repo_id", data(&[]), None, admin_only),
        ("build_from_scm", data(&[]), Some(2), admin_only),
        ("package_list", data(&[]), Some(1), "allow"),
        ("package_list", data(&[]), Some(2), "allow"),
        ("package_list", data(&[]), None, "deny Only admin/tag can do this via default policy"),
        ("package_list", data(&[("user_id", 9.into())]), Some(1), "deny Only admin/tag can do this via default policy"),
        ("channel", data(&[]), None, "use default"),
        ("channel", data(&[("parent", 5.into())]), None, "parent"),
        ("channel", data(&[("parent", 5.into()), ("req_channel", "vm".into())]), None, "req"),
        ("vm", data(&[]), None, "allow"),
        ("cg_import", data(&[]), None, "allow"),
        ("volume", data(&[]), None, "DEFAULT"),
        ("priority", data(&[]), None, "stay"),
        ("draft_promotion", data(&[("build", 6.into())]), Some(2), "allow"),
        (
            "draft_promotion",
            data(&[("build", 6.into())]),
            Some(1),
            "deny Only draft-promoter and build owner can do this via default policy",
        ),
    ] {
        let world = World { data: fields, caller, ..World::default() };
        let verdict = policies.apply(policy, &world).await.unwrap().unwrap();
        assert_eq!(verdict.action, action, "{policy} for {caller:?}");
    }
}

#[tokio::test]
async fn checks_read_allow_and_deny() {
    let policies = set(&[
        ("open", "all :: ALLOW"),
        ("reasoned", "all :: allow  for a reason"),
        ("shut", "all :: deny"),
        ("told", "all :: Deny not  today"),
        ("odd", "all :: yes"),
        ("silent", "none :: allow"),
    ])
    .unwrap();
    let world = World { caller: Some(2), ..World::default() };
    for (policy, default, allowed, reason) in [
        ("open", "deny", true, ""),
        ("reasoned", "deny", true, "for a reason"),
        ("shut", "allow", false, ""),
        ("told", "allow", false, "not  today"),
        ("odd", "allow", false, "error in policy"),
        ("silent", "allow", true, "not covered by policy"),
        ("silent", "deny", false, "not covered by policy"),
        ("silent", "perhaps", false, "error in policy"),
        ("nosuch", "deny", true, "missing policy"),
    ] {
        let decision = policies.check(policy, &world, default, true).await.unwrap();
        assert_eq!((decision.allowed, decision.reason.as_str()), (allowed, reason), "{policy}");
        let asserted = policies.assert(policy, &world, default, true).await;
        assert_eq!(
            asserted.as_ref().err().map(|error| error.code()),
            (!allowed).then_some(FaultCode::NotAllowed.code())
        );
    }
    let error = policies.assert("told", &world, "deny", false).await.unwrap_err();
    assert_eq!(error.public_text(), "policy violation (told): not  today");
}

#[tokio::test]
async fn options_change_what_a_check_says() {
    let texts = BTreeMap::from([("told".to_owned(), "all :: deny why".to_owned())]);
    let strict = Options { missing_policy_ok: false, verbose_policy: true, ..Options::default() };
    let policies = PolicySet::new(&texts, &strict).unwrap();
    let world = World { caller: Some(1), ..World::default() };
    let missing = policies.check("nosuch", &world, "allow", false).await.unwrap();
    assert_eq!((missing.allowed, missing.reason.as_str()), (false, "missing policy"));
    let error = policies.assert("told", &world, "deny", false).await.unwrap_err();
    assert_eq!(error.public_text(), "policy violation (told): why [rule: all :: deny why]");
    let forced = policies.check("told", &world, "deny", true).await.unwrap();
    assert!(forced.allowed);
    let other = World { caller: Some(1), data: data(&[("user_id", 2.into())]), ..World::default() };
    assert!(!policies.check("told", &other, "deny", true).await.unwrap().allowed);
}
