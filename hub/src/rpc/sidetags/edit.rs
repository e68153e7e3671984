//! `editSideTag`.

use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt, value};

use super::{Call, Rpc, own};
use crate::error;
use crate::policy::Glob;
use crate::rpc::tags::edit::{self, Changes};
use crate::rpc::tags::inheritance;
use crate::rpc::tags::store::{self as tags, Tag, When};
use crate::rpc::{FromArg, NameOrId, Struct};

/// Changes a side tag, as far as its base tag's extra settings allow:
///
/// * `debuginfo`: whether repositories have debuginfo packages, if `sidetag_debuginfo_allowed`;
/// * `rpm_macros` (a struct) and `remove_rpm_macros` (a list of names): RPM macros for builds, those that
///   `sidetag_rpm_macros_allowed` has globs for (a list, or text with spaces between);
/// * `extra` and `remove_extra`: any extra settings, if the caller has the permission sidetag_admin or admin.
///
/// Faults: a tag that does not exist or is no side tag, a change that is not allowed, a macro's name that can be
/// none (1000), somebody else's side tag (1004), a wrong type (1019).
#[rpc(
    "editSideTag(sidetag, debuginfo=None, rpm_macros=None, remove_rpm_macros=None, extra=None, remove_extra=None)",
    write,
    login
)]
pub async fn edit_side_tag(
    call: &mut Call,
    side_tag: NameOrId,
    debuginfo: Option<bool>,
    rpm_macros: Value,
    remove_rpm_macros: Value,
    extra: Option<Struct>,
    remove_extra: Option<Vec<String>>,
) -> Rpc<()> {
    let tag = own(call, &side_tag).await?;
    let free = extra.is_some() || remove_extra.is_some();
    if free && !call.has_perm("sidetag_admin").await? && !call.has_perm("admin").await? {
        return Err(error::generic("Changing the extra settings of side tags needs the permission sidetag_admin"));
    }
    let base = base_of(call, &tag).await?;
    let mut changes = Changes {
        extra: extra.unwrap_or_default(),
        remove_extra: remove_extra.unwrap_or_default(),
        ..Changes::default()
    };
    if let Some(debuginfo) = debuginfo {
        if !base.settings().get("sidetag_debuginfo_allowed").is_some_and(ValueExt::is_true) {
            return Err(error::generic(format!("Tag {} does not let side tags choose debuginfo", base.name)));
        }
        changes.extra.insert("with_debuginfo".into(), value!(debuginfo));
    }
    let macros = if rpm_macros.is_true() || remove_rpm_macros.is_true() {
        AllowedMacros::of(&base)?
    } else {
        AllowedMacros::default()
    };
    for (name, value) in Option::<Struct>::from_arg(rpm_macros, "rpm_macros")?.unwrap_or_default() {
        changes.extra.insert(macros.setting(&name)?, value);
    }
    for name in Option::<Vec<String>>::from_arg(remove_rpm_macros, "remove_rpm_macros")?.unwrap_or_default() {
        changes.remove_extra.push(macros.removable(&name)?);
    }
    edit::edit(call, &NameOrId::Id(tag.id), changes).await
}

/// The tag that a side tag inherits from first.
async fn base_of(call: &Call, tag: &Tag) -> Rpc<Tag> {
    let parents = inheritance::parents(&call.db, tag.id, None).await?;
    let parent = parents.first().ok_or_else(|| error::generic(format!("Side tag {} has no base tag", tag.name)))?;
    tags::get(&call.db, &NameOrId::Id(parent.parent_id), When::Now).await
}

/// The macros that side tags on some base tag may set.
#[derive(Default)]
struct AllowedMacros(Vec<Glob>);

impl AllowedMacros {
    fn of(base: &Tag) -> Rpc<Self> {
        let broken = || error::generic(format!("Tag {}: sidetag_rpm_macros_allowed is no list of globs", base.name));
        let globs = match base.settings().remove("sidetag_rpm_macros_allowed") {
            None | Some(Value::Nil) => Vec::new(),
            Some(Value::String(text)) => text.split_whitespace().map(Glob::new).collect(),
            Some(Value::Array(items)) => {
                let globs = items.iter().map(|item| item.as_str().map(Glob::new).ok_or_else(broken));
                globs.collect::<Rpc<Vec<_>>>()?
            }
            Some(_) => return Err(broken()),
        };
        if globs.is_empty() {
            return Err(error::generic(format!("Tag {} does not let side tags change RPM macros", base.name)));
        }
        Ok(Self(globs))
    }

    /// The extra setting of a macro that may be set.
    fn setting(&self, name: &str) -> Rpc<String> {
        let begins_well = name.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
        if !begins_well || name.chars().count() < 2 {
            return Err(error::generic(format!("{name} cannot be the name of an RPM macro")));
        }
        self.removable(name)
    }

    /// The extra setting of a macro that may be taken away.
    fn removable(&self, name: &str) -> Rpc<String> {
        if self.0.iter().any(|glob| glob.matches(name)) {
            Ok(format!("rpm.macro.{name}"))
        } else {
            Err(error::generic(format!("The base tag does not let side tags change the RPM macro {name}")))
        }
    }
}
