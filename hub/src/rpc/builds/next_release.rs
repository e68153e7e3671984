//! The next release of a version.

use toji_hub_macros::rpc;
use toji_proto::states::BuildState;

use crate::db::Db;
use crate::error;
use crate::rpc::{Call, FromArg, Rpc, Struct};

/// The release that follows the last build of a package's version: `build_info` has `name` and `version`.
///
/// The last build is the one with the highest id among those that are not drafts, failed or canceled. After
/// none comes `incr`; a release `N`, `N.x` or `a.b.N` has N raised by `incr`; other forms are a build fault.
#[rpc("getNextRelease(build_info, incr=1)", read)]
pub async fn get_next_release(call: &mut Call, build_info: Struct, incr: i64) -> Rpc<String> {
    let part = |key: &str| match build_info.get(key) {
        Some(value) => String::from_arg(value.clone(), key),
        None => Err(error::param(format!("build_info has no {key}"))),
    };
    after_last(&call.db, &part("name")?, &part("version")?, incr).await
}

/// See `getNextRelease`.
pub async fn after_last(db: &Db, name: &str, version: &str, incr: i64) -> Rpc<String> {
    let counted = [BuildState::Building, BuildState::Complete, BuildState::Deleted].map(BuildState::code);
    let sql = "SELECT build.release FROM build JOIN package ON package.id = build.pkg_id \
         WHERE package.name = ? AND build.version = ? AND build.draft = FALSE AND build.state IN (?, ?, ?) \
         ORDER BY build.id DESC LIMIT 1";
    let [building, complete, deleted] = counted;
    let params = vec![name.into(), version.into(), building.into(), complete.into(), deleted.into()];
    match db.value::<String>(sql, params).await? {
        None => Ok(incr.to_string()),
        Some(last) => {
            raised(&last, incr).ok_or_else(|| error::build(format!("Unable to increment release value: {last}")))
        }
    }
}

fn raised(release: &str, incr: i64) -> Option<String> {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if digits { text.parse::<i64>().ok()?.checked_add(incr) } else { None }
    };
    match release.split('.').collect::<Vec<_>>()[..] {
        // An empty release is as good as none.
        [""] => Some(incr.to_string()),
        [n] => Some(number(n)?.to_string()),
        [n, rest] => Some(format!("{}.{rest}", number(n)?)),
        [a, b, n] => Some(format!("{a}.{b}.{}", number(n)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::raised;

    #[test]
    fn three_forms_have_a_successor() {
        for (release, next) in [
            ("1", Some("2")),
            ("007", Some("8")),
            ("3.fc40", Some("4.fc40")),
            ("20240306.n.7", Some("20240306.n.8")),
            ("", Some("1")),
            ("rc1", None),
            ("a.1", None),
            ("1.x.y", None),
            ("1.2.3.4", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(raised(release, 1).as_deref(), next, "{release}");
        }
    }
}
