//! Which arches a package is built for, and on which hosts.

use std::collections::BTreeSet;

use globset::Glob;
use rand::seq::IndexedRandom;
use toji_proto::arch::canonical;

use crate::rpms::Header;
use crate::task::TaskError;
use crate::value::{Lookup, Value, ValueExt};

/// The arches to build for, the first of which hands in the source package.
///
/// The build tag's arches and the package's extra ones, as far as the source package allows them;
/// only those that the tag can serve. `wish` (of a scratch build) takes the place of the first two.
pub fn to_build(
    build_tag: &Value,
    extra: Option<&str>,
    header: &Header,
    wish: Option<&str>,
) -> Result<Vec<String>, TaskError> {
    let tag_arches = tag_arches(build_tag)?;
    let families: BTreeSet<&str> = tag_arches.iter().map(|arch| canonical(arch)).collect();
    let Header { build_archs, exclusive_arch, exclude_arch, .. } = header;
    let mut arches: Vec<String> = if build_archs.is_empty() {
        let extra = extra.unwrap_or_default().split_whitespace();
        tag_arches.iter().copied().chain(extra).map(str::to_owned).collect()
    } else {
        build_archs.clone()
    };
    arches.retain(|arch| (exclusive_arch.is_empty() || exclusive_arch.contains(arch)) && !exclude_arch.contains(arch));
    let is_noarch = |list: &[String]| list.iter().any(|arch| arch == "noarch");
    if !is_noarch(exclude_arch) && (is_noarch(build_archs) || is_noarch(exclusive_arch)) {
        arches.push("noarch".into());
    }
    if let Some(wish) = wish {
        arches = wish.split_whitespace().map(str::to_owned).collect();
    }
    let mut seen = BTreeSet::new();
    arches.retain(|arch| (arch == "noarch" || families.contains(canonical(arch))) && seen.insert(arch.clone()));
    if arches.is_empty() {
        return Err(TaskError::build(format!(
            "no arch is left to build for: the tag has {}; the package has BuildArch {}, ExclusiveArch {}, ExcludeArch {}",
            tag_arches.join(" "),
            shown(build_archs),
            shown(exclusive_arch),
            shown(exclude_arch),
        )));
    }
    Ok(arches)
}

/// The arch of the task that builds for `arch`, which decides which hosts may take it.
///
/// A noarch build can run anywhere, unless the package (or the tag, by `noarch_arches`) keeps it off
/// some of the tag's arches: then one of the others is picked.
pub fn of_task(
    arch: &str,
    header: Option<&Header>,
    build_tag: &Value,
    literal: &[String],
) -> Result<String, TaskError> {
    if literal.iter().any(|pattern| matches(pattern, arch)) {
        return Ok(arch.to_owned());
    }
    if arch != "noarch" {
        return Ok(canonical(arch).to_owned());
    }
    let none = Vec::new();
    let (exclusive, exclude) = header.map_or((&none, &none), |header| (&header.exclusive_arch, &header.exclude_arch));
    let by_tag =
        build_tag.get("extra").and_then(|extra| extra.get_str("noarch_arches")).filter(|arches| !arches.is_empty());
    if exclusive.is_empty() && exclude.is_empty() && by_tag.is_none() {
        return Ok("noarch".into());
    }
    let all: Vec<&str> = tag_arches(build_tag)?.into_iter().map(canonical).collect();
    let families = |list: &'_ [String]| list.iter().map(|arch| canonical(arch).to_owned()).collect::<Vec<_>>();
    let (exclusive, exclude) = (families(exclusive), families(exclude));
    let mut choices: BTreeSet<&str> = match by_tag {
        Some(arches) => arches.split_whitespace().map(canonical).filter(|arch| all.contains(arch)).collect(),
        None => all.iter().copied().collect(),
    };
    choices.retain(|arch| {
        (exclusive.is_empty() || exclusive.iter().any(|other| other == arch))
            && !exclude.iter().any(|other| other == arch)
    });
    if choices.len() == all.iter().collect::<BTreeSet<_>>().len() {
        return Ok("noarch".into());
    }
    let choices: Vec<&str> = choices.into_iter().collect();
    match choices.choose(&mut rand::rng()) {
        Some(arch) => Ok((*arch).to_owned()),
        None => Err(TaskError::build(format!(
            "no arch is left for the noarch build: the tag has {} (noarch_arches {}); the package has ExclusiveArch {}, ExcludeArch {}",
            all.join(" "),
            by_tag.unwrap_or("not set"),
            shown(&exclusive),
            shown(&exclude),
        ))),
    }
}

fn tag_arches(build_tag: &Value) -> Result<Vec<&str>, TaskError> {
    let arches: Vec<&str> = build_tag.get_str("arches").unwrap_or_default().split_whitespace().collect();
    if arches.is_empty() {
        let name = build_tag.get_str("name").unwrap_or("?");
        return Err(TaskError::build(format!("tag {name} has no arches")));
    }
    Ok(arches)
}

fn matches(pattern: &str, arch: &str) -> bool {
    Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(arch))
}

fn shown(list: &[String]) -> String {
    if list.is_empty() { "none".to_owned() } else { list.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::members;

    fn header(build: &[&str], exclusive: &[&str], exclude: &[&str]) -> Header {
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
        Header {
            name: "x".into(),
            version: "1".into(),
            release: "1".into(),
            epoch: None,
            arch: "x86_64".into(),
            source: true,
            exclusive_arch: list(exclusive),
            exclude_arch: list(exclude),
            build_archs: list(build),
            payload_hash: String::new(),
            build_time: 0,
            file_size: 0,
            packager: None,
            vendor: None,
            distribution: None,
        }
    }

    fn tag(arches: &str, noarch: Option<&str>) -> Value {
        Value::Struct(members! {
            "name" => "f40-build", "arches" => arches, "extra" => members! { "noarch_arches" => noarch },
        })
    }

    #[test]
    fn the_source_package_decides_within_the_tag() {
        let built = |header: Header, extra: Option<&str>, wish: Option<&str>| {
            to_build(&tag("x86_64 i686 aarch64", None), extra, &header, wish).map_err(|error| error.to_string())
        };
        assert_eq!(built(header(&[], &[], &[]), None, None).unwrap(), ["x86_64", "i686", "aarch64"]);
        assert_eq!(built(header(&[], &["x86_64", "s390x"], &[]), None, None).unwrap(), ["x86_64"]);
        assert_eq!(built(header(&[], &[], &["i686"]), None, None).unwrap(), ["x86_64", "aarch64"]);
        assert_eq!(built(header(&["noarch"], &[], &[]), None, None).unwrap(), ["noarch"]);
        assert_eq!(built(header(&[], &["noarch", "x86_64"], &[]), None, None).unwrap(), ["x86_64", "noarch"]);
        assert_eq!(built(header(&["noarch"], &["x86_64"], &[]), None, None).unwrap(), ["noarch"]);
        // Extra arches of the package must be of a family that the tag has.
        assert_eq!(
            built(header(&[], &[], &[]), Some("i586 s390x"), None).unwrap(),
            ["x86_64", "i686", "aarch64", "i586"]
        );
        assert_eq!(built(header(&[], &["x86_64"], &[]), None, Some("i386 ppc64")).unwrap(), ["i386"]);
        let error = built(header(&[], &["s390x"], &[]), None, None).unwrap_err();
        assert!(error.contains("ExclusiveArch s390x"), "{error}");
        assert!(to_build(&tag("", None), None, &header(&[], &[], &[]), None).is_err());
    }

    #[test]
    fn noarch_tasks_go_anywhere_unless_kept_off() {
        let task = |header: &Header, noarch: Option<&str>| {
            of_task("noarch", Some(header), &tag("x86_64 aarch64", noarch), &[]).map_err(|error| error.to_string())
        };
        assert_eq!(task(&header(&[], &[], &[]), None).unwrap(), "noarch");
        assert_eq!(task(&header(&[], &["x86_64", "aarch64"], &[]), None).unwrap(), "noarch");
        assert_eq!(task(&header(&[], &["x86_64"], &[]), None).unwrap(), "x86_64");
        assert_eq!(task(&header(&[], &[], &["x86_64"]), None).unwrap(), "aarch64");
        assert_eq!(task(&header(&[], &[], &[]), Some("aarch64 s390x")).unwrap(), "aarch64");
        assert!(task(&header(&[], &["s390x"], &[]), None).unwrap_err().contains("noarch build"));
        assert_eq!(of_task("i686", None, &tag("i686", None), &[]).unwrap(), "i386");
        assert_eq!(of_task("i686", None, &tag("i686", None), &["i?86".into()]).unwrap(), "i686");
    }
}
