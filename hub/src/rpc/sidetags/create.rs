//! `createSideTag`.

use toji_hub_macros::rpc;
use toji_proto::value::Record;
use toji_proto::{Value, ValueExt, value};

use super::{Call, Rpc};
use crate::db::{Insert, Select, Update};
use crate::error;
use crate::rpc::lookup::{self, Table};
use crate::rpc::repos::requests;
use crate::rpc::tags::create::{self as tags_create, NewTag};
use crate::rpc::tags::store::{self as tags, When};
use crate::rpc::targets::store as targets;
use crate::rpc::{NameOrId, Struct};

/// Creates a side tag that inherits from a base tag, with a target of the same name that builds in it and for
/// it: a struct with `name, id, request` (for a repository, if the option SidetagTriggerNewRepo asks
/// for one; else nil) and `task_id` (nil).
///
/// `debuginfo`: the side tag's repositories shall have debuginfo packages. `suffix` is added to the name; only
/// what the option SidetagAllowedSuffixes lists is allowed. The policy `sidetag` decides who may have how many.
///
/// Faults: a tag that does not exist, a suffix that is not allowed (1000), the policy says no (1004).
#[rpc("createSideTag(basetag, debuginfo=False, suffix=None)", write, login)]
pub async fn create_side_tag(call: &mut Call, base: NameOrId, debuginfo: bool, suffix: Option<String>) -> Rpc<Record> {
    let suffix = suffix.filter(|suffix| !suffix.is_empty());
    check_suffix(call, suffix.as_deref())?;
    let user = call.session()?.clone();
    let base = tags::get(&call.db, &base, When::Now).await?;
    let data = Struct::from([
        ("tag".into(), value!(base.id)),
        ("number_of_tags".into(), value!(count_of(call, user.user_id).await?)),
    ]);
    call.assert_policy("sidetag", data, false).await?;

    let name = reserve_name(call, &base.name, suffix.as_deref()).await?;
    let mut extra = Struct::from([
        ("sidetag".into(), value!(true)),
        ("sidetag_user".into(), value!(user.user_name)),
        ("sidetag_user_id".into(), value!(user.user_id)),
    ]);
    if debuginfo {
        extra.insert("with_debuginfo".into(), value!(true));
    }
    let new = NewTag { arches: base.arches.clone(), extra, ..NewTag::default() };
    let id = tags_create::create(call, &name, Some(&NameOrId::Id(base.id)), new).await?;
    let target = lookup::get_or_create(&call.db, Table::Target, &NameOrId::Name(name.clone())).await?;
    targets::write_config(call, target.id, id, id).await?;
    let request = if call.hub.options.sidetag_trigger_new_repo {
        let asked = requests::request(call, NameOrId::Id(id), Value::Nil, None, Value::Nil, None, false).await?;
        asked.get("request").cloned()
    } else {
        None
    };
    Ok(Record::new().set("name", name).set("id", id).set("task_id", Value::Nil).set("request", request))
}

fn check_suffix(call: &Call, suffix: Option<&str>) -> Rpc<()> {
    let mut allowed = call.hub.options.sidetag_allowed_suffixes.split(',').map(str::trim);
    match suffix {
        Some(suffix) if !allowed.any(|one| one == suffix) => {
            Err(error::generic(format!("The suffix {suffix} is not allowed for side tags")))
        }
        _ => Ok(()),
    }
}

/// How many side tags a user has.
async fn count_of(call: &Call, user_id: i32) -> Rpc<i64> {
    Select::from("tag_extra")
        .clause("key = 'sidetag_user_id' AND value = ?", [user_id.to_string().into()])
        .at_event("tag_extra", None)
        .count(&call.db)
        .await
}

/// The name of a new side tag, which contains the id it will have: so the id is taken first, under a name that
/// nobody else can have.
async fn reserve_name(call: &Call, base: &str, suffix: Option<&str>) -> Rpc<String> {
    let provisional = format!("side tag {:032x}", rand::random::<u128>());
    let id = Insert::into("tag").set("name", provisional).returning_id(&call.db).await?;
    let template = &call.hub.options.sidetag_name_template;
    let mut name = template.replace("{basetag}", base).replace("{tag_id}", &id.to_string());
    if let Some(suffix) = suffix {
        name = format!("{name}-{suffix}");
    }
    if lookup::find(&call.db, Table::Tag, &NameOrId::Name(name.clone())).await?.is_some() {
        return Err(error::generic(format!("There is a tag {name} already")));
    }
    Update::table("tag").set("name", name.as_str()).clause("id = ?", [id.into()]).run(&call.db).await?;
    Ok(name)
}
