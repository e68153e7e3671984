//! What the requests of tasks mean.
//!
//! A request is the list of parameters that a task was made with. New ones are a single struct with
//! the mark `__method__`; others are positional, the last perhaps a struct of named ones with the
//! mark `__starstar`, and mean what the kind's signature says.

use std::collections::BTreeMap;

use crate::value::{Struct, ValueExt};
use crate::xmlrpc::Value;

/// Marks a struct of named arguments, as the last argument of a call.
pub const NAMED: &str = "__starstar";
/// Marks the one struct of a request that names all of its parameters.
pub const METHOD: &str = "__method__";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error("no parameters are known for tasks of kind '{0}'")]
    UnknownKind(String),
    #[error("invalid request for {kind}: {why}")]
    Invalid { kind: String, why: String },
}

/// Splits a call's parameters into the positional and the named ones.
pub fn split_named(params: &[Value]) -> (&[Value], Option<Struct>) {
    let Some((Value::Struct(last), positional)) = params.split_last() else {
        return (params, None);
    };
    if !last.get(NAMED).is_some_and(Value::is_true) {
        return (params, None);
    }
    let mut named = last.clone();
    named.remove(NAMED);
    (positional, Some(named))
}

/// A request's parameters by name, with the defaults of those that were left out.
pub fn parse_task_params(kind: &str, params: &[Value]) -> Result<Struct, RequestError> {
    if let [Value::Struct(all)] = params
        && all.contains_key(METHOD)
    {
        let mut all = all.clone();
        all.remove(METHOD);
        return Ok(all);
    }
    let (positional, named) = split_named(params);
    let named = named.unwrap_or_default();
    let mut why = None;
    for signature in signatures(kind).ok_or_else(|| RequestError::UnknownKind(kind.to_owned()))? {
        match signature.apply(positional, &named) {
            Ok(params) => return Ok(params),
            // The first signature is the current one: its complaint is the useful one.
            Err(complaint) => why = why.or(Some(complaint)),
        }
    }
    Err(RequestError::Invalid { kind: kind.to_owned(), why: why.unwrap_or_default() })
}

/// What a parameter is when it is left out.
#[derive(Debug, Clone, Copy)]
enum Omitted {
    Nil,
    False,
    Text,
    List,
    Number(i32),
}

impl Omitted {
    fn value(self) -> Value {
        match self {
            Omitted::Nil => Value::Nil,
            Omitted::False => Value::Boolean(false),
            Omitted::Text => Value::String(String::new()),
            Omitted::List => Value::Array(Vec::new()),
            Omitted::Number(n) => Value::Integer(n),
        }
    }
}

struct Signature {
    required: &'static [&'static str],
    optional: &'static [(&'static str, Omitted)],
    /// The name under which surplus positional parameters are gathered, if they may be given.
    rest: Option<&'static str>,
    /// The same for surplus named ones.
    named_rest: Option<&'static str>,
}

impl Signature {
    const fn new(required: &'static [&'static str], optional: &'static [(&'static str, Omitted)]) -> Self {
        Signature { required, optional, rest: None, named_rest: None }
    }

    fn apply(&self, positional: &[Value], named: &Struct) -> Result<Struct, String> {
        let names: Vec<&str> =
            self.required.iter().copied().chain(self.optional.iter().map(|(name, _)| *name)).collect();
        let mut params: Struct =
            names.iter().zip(positional).map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let surplus = positional.get(names.len()..).unwrap_or_default();
        match self.rest {
            Some(name) => drop(params.insert(name.to_owned(), Value::Array(surplus.to_vec()))),
            None if !surplus.is_empty() => {
                return Err(format!("{} parameters, at most {}", positional.len(), names.len()));
            }
            None => {}
        }
        let mut named_surplus = BTreeMap::new();
        for (name, value) in named {
            if params.contains_key(name) {
                return Err(format!("'{name}' is given twice"));
            }
            if names.contains(&name.as_str()) {
                params.insert(name.clone(), value.clone());
            } else if self.named_rest.is_some() {
                named_surplus.insert(name.clone(), value.clone());
            } else {
                return Err(format!("'{name}' is no parameter of it"));
            }
        }
        if let Some(name) = self.named_rest {
            params.insert(name.to_owned(), Value::Struct(named_surplus));
        }
        for (name, default) in self.optional {
            params.entry((*name).to_owned()).or_insert_with(|| default.value());
        }
        match self.required.iter().find(|name| !params.contains_key(**name)) {
            Some(missing) => Err(format!("'{missing}' is missing")),
            None => Ok(params),
        }
    }
}

/// The signatures of a kind, the current one first.
fn signatures(kind: &str) -> Option<&'static [Signature]> {
    use Omitted::{False, List, Nil, Number, Text};

    macro_rules! signatures {
        ($($kind:pat => $([$($required:ident),*; $($optional:ident = $default:expr),*])|+,)*) => {
            match kind {
                $($kind => const { &[$(Signature::new(
                    &[$(stringify!($required)),*],
                    &[$((stringify!($optional), $default)),*],
                )),+] },)*
                "default" => const { &[Signature {
                    required: &[], optional: &[], rest: Some("args"), named_rest: Some("opts"),
                }] },
                "someMethod" => const { &[Signature {
                    required: &[], optional: &[], rest: Some("args"), named_rest: None,
                }] },
                _ => return None,
            }
        };
    }

    Some(signatures! {
        // Building packages
        "build" => [src, target; opts = Nil],
        "buildArch" => [pkg, root, arch, keep_srpm; opts = Nil],
        "buildSRPMFromSCM" => [url, build_tag; opts = Nil],
        "rebuildSRPM" => [srpm, build_tag; opts = Nil],
        "chainbuild" => [srcs, target; opts = Nil],
        "wrapperRPM" => [spec_url, build_target, build, task; opts = Nil],
        "maven" => [url, target; opts = Nil],
        "buildMaven" => [url, build_tag; opts = Nil],
        "chainmaven" => [builds, target; opts = Nil],
        "winbuild" => [name, source_url, target, opts; ],
        "vmExec" => [name, task_info, opts; ],
        "runroot" => [root, arch, command; keep = False, packages = List, mounts = List, repo_id = Nil,
                      skip_setarch = False, weight = Nil, upload_logs = Nil, new_chroot = False],
        "saveFailedTree" => [buildrootID; full = False],
        // Tags
        "tagBuild" => [tag_id, build_id; force = False, fromtag = Nil, ignore_success = False],
        "tagNotification" => [recipients, is_successful, tag_info, from_info, build_info, user_info;
                              ignore_success = Nil, failure_msg = Text],
        "buildNotification" => [recipients, build, target, weburl; ],
        // Repositories
        "newRepo" => [tag; event = Nil, src = False, debuginfo = False, separate_src = False]
                   | [tag; event = Nil, src = Nil, debuginfo = Nil, separate_src = Nil, opts = Nil],
        "createrepo" => [repo_id, arch, oldrepo; ],
        "waitrepo" => [tag; newer_than = Nil, nvrs = Nil, min_event = Nil],
        "distRepo" => [tag, repo_id, keys, task_opts; ],
        "createdistrepo" => [tag, repo_id, arch, keys, opts; ],
        // Images
        "image" => [name, version, arches, target, inst_tree; opts = Nil],
        "createImage" => [name, version, release, arch, target_info, build_tag, repo_info, inst_tree;
                          opts = Nil],
        "livecd" | "appliance" => [name, version, arch, target, ksfile; opts = Nil],
        "livemedia" => [name, version, arches, target, ksfile; opts = Nil],
        "createLiveCD" | "createAppliance" | "createLiveMedia" =>
            [name, version, release, arch, target_info, build_tag, repo_info, ksfile; opts = Nil],
        "indirectionimage" => [opts; ],
        "kiwiBuild" => [target, arches, desc_url, desc_path; opts = Nil],
        "createKiwiImage" => [name, version, release, arch, target_info, build_tag, repo_info, desc_url, desc_path;
                              opts = Nil],
        // Hosts, and trying them out
        "shutdown" => [; ],
        "restart" => [host; ],
        "restartVerify" => [task_id, host; ],
        "restartHosts" => [; options = Nil],
        "dependantTask" => [wait_list, task_list; ],
        "sleep" => [n; ],
        "fork" => [; n = Number(5), m = Number(37)],
        "subtask" => [; n = Number(4)],
        "waittest" => [count; seconds = Number(10)],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;

    fn parsed(kind: &str, params: &[Value]) -> Value {
        Value::Struct(parse_task_params(kind, params).unwrap())
    }

    #[test]
    fn positional_named_and_left_out() {
        assert_eq!(
            parsed("build", &[value!("x.src.rpm"), value!("f40")]),
            value!({ "src": "x.src.rpm", "target": "f40", "opts": Value::Nil }),
        );
        let named = value!({ "target": "f40", "opts": value!({ "scratch": true }), "__starstar": true });
        assert_eq!(
            parsed("build", &[value!("x"), named]),
            value!({ "src": "x", "target": "f40", "opts": value!({ "scratch": true }) }),
        );
        assert_eq!(parsed("fork", &[]), value!({ "n": 5, "m": 37 }));
        assert_eq!(parsed("shutdown", &[]), value!({}));
    }

    #[test]
    fn a_marked_struct_is_the_request() {
        let request = value!({ "__method__": "build", "anything": 1 });
        assert_eq!(parsed("noSuchKind", &[request]), value!({ "anything": 1 }));
    }

    #[test]
    fn older_alternatives() {
        let old = parsed("newRepo", &[value!("f40")]);
        assert_eq!(old.get("src"), Some(&value!(false)));
        assert_eq!(old.get("opts"), None);
        let new = parsed("newRepo", &[value!("f40"), value!({ "opts": value!({}), "__starstar": true })]);
        assert_eq!(new.get("opts"), Some(&value!({})));
        assert_eq!(new.get("src"), Some(&Value::Nil));
    }

    #[test]
    fn anything_goes_for_some() {
        assert_eq!(
            parsed("default", &[value!(1), value!({ "a": 2, "__starstar": 1 })]),
            value!({ "args": value!([1]), "opts": value!({ "a": 2 }) }),
        );
        assert_eq!(parsed("someMethod", &[]), value!({ "args": value!([]) }));
    }

    #[test]
    fn wrong_requests_are_named() {
        let why = |kind: &str, params: &[Value]| parse_task_params(kind, params).unwrap_err().to_string();
        assert_eq!(why("build", &[value!("x")]), "invalid request for build: 'target' is missing");
        assert_eq!(why("sleep", &[value!(1), value!(2)]), "invalid request for sleep: 2 parameters, at most 1");
        assert_eq!(
            why("sleep", &[value!(1), value!({ "n": 2, "__starstar": true })]),
            "invalid request for sleep: 'n' is given twice",
        );
        assert_eq!(
            why("sleep", &[value!({ "x": 2, "__starstar": true })]),
            "invalid request for sleep: 'x' is no parameter of it",
        );
        assert_eq!(why("zzz", &[]), "no parameters are known for tasks of kind 'zzz'");
    }

    #[test]
    fn an_unmarked_struct_is_a_parameter() {
        let opts = value!({ "__starstar": false });
        assert_eq!(parsed("indirectionimage", std::slice::from_ref(&opts)), value!({ "opts": opts }));
    }
}
