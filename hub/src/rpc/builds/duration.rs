//! How long builds take.

use chrono::{Months, Utc};
use toji_hub_macros::rpc;
use toji_proto::states::BuildState;

use crate::error;
use crate::rpc::lookup::{self, Table};
use crate::rpc::{Call, NameOrId, Rpc};

/// The average duration of a package's complete builds in seconds, those of the last `age` months if given.
///
/// Builds without a task do not count, unless their `extra` names one. Nil if there is none, or no such
/// package.
#[rpc("getAverageBuildDuration(package, age=None)", read)]
pub async fn get_average_build_duration(call: &mut Call, package: NameOrId, age: Option<i32>) -> Rpc<Option<f64>> {
    let Some(package) = lookup::find(&call.db, Table::Package, &package).await? else { return Ok(None) };
    let average = if call.db.is_postgres() {
        "date_part('epoch', avg(build.completion_time - events.time))"
    } else {
        "avg(julianday(build.completion_time) - julianday(events.time)) * 86400"
    };
    let mut sql = format!(
        "SELECT {average} FROM build JOIN events ON events.id = build.create_event \
         WHERE build.pkg_id = ? AND build.state = ? AND (build.task_id IS NOT NULL OR build.extra LIKE ?)"
    );
    let mut params = vec![package.id.into(), BuildState::Complete.code().into(), "%koji_task_id%".into()];
    if let Some(age) = age {
        let months = |n: u32| Utc::now().checked_sub_months(Months::new(n));
        let since = u32::try_from(age).ok().and_then(months);
        let since = since.ok_or_else(|| error::param(format!("age is no number of months: {age}")))?;
        sql.push_str(" AND build.completion_time > ?");
        params.push(since.into());
    }
    call.db.value(&sql, params).await
}
