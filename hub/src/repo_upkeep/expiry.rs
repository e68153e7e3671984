//! When repositories end.
//!
//! * In the making for too long, or by a task that failed: a problem.
//! * Ready, but its tag has changed since or it has options of its own, and that for longer than its lifetime:
//!   expired; but the latest that a build target, or the users of dist repositories, may want is kept.
//! * Expired or a problem for long enough, and used by no buildroot: deleted. The sweep then removes its files.

use chrono::{DateTime, Duration, Utc};
use toji_proto::states::{BuildrootState, RepoState, TaskState};
use tracing::info;

use super::RepoConfig;
use crate::db::Select;
use crate::error::Rpc;
use crate::rpc::Call;
use crate::rpc::repos::store::set_state;

/// Ends what is due.
pub async fn run(call: &mut Call, config: RepoConfig) -> Rpc<()> {
    let due = [
        (RepoState::Problem, stuck(call, &config)),
        (RepoState::Expired, outdated(call, &config)),
        (RepoState::Deleted, unused(call, &config)),
    ];
    for (state, select) in due {
        for id in select.column("repo.id", "id").order("id").values::<i32>(&call.db).await? {
            info!(repo = id, "a repo becomes {state}");
            set_state(call, id, state).await?;
        }
    }
    Ok(())
}

fn ago(seconds: u64) -> DateTime<Utc> {
    let seconds = i64::try_from(seconds).ok().and_then(Duration::try_seconds);
    seconds.and_then(|seconds| Utc::now().checked_sub_signed(seconds)).unwrap_or_default()
}

/// That the repository came to its state before a time. Old hubs did not note when: then since it was made.
fn since(call: &Call) -> String {
    call.db.compare_time("COALESCE(repo.state_time, repo.creation_time, create_ev.time)", "<")
}

fn in_states(states: [RepoState; 2]) -> Select {
    Select::from("repo")
        .join("events AS create_ev ON create_ev.id = repo.create_event")
        .join("LEFT JOIN task ON task.id = repo.task_id")
        .clause("repo.state IN (?, ?)", states.map(|state| state.code().into()))
}

fn stuck(call: &Call, config: &RepoConfig) -> Select {
    let failed = [TaskState::Canceled, TaskState::Failed].map(TaskState::code);
    in_states([RepoState::Init; 2]).clause(
        &format!("{} OR task.state IN (?, ?)", since(call)),
        [ago(config.init_timeout).into(), failed[0].into(), failed[1].into()],
    )
}

fn outdated(call: &Call, config: &RepoConfig) -> Select {
    let plain = "(repo.custom_opts IS NULL OR repo.custom_opts = '{}')";
    let newer = format!(
        "EXISTS (SELECT 1 FROM repo AS newer WHERE newer.tag_id = repo.tag_id AND newer.state = {ready} \
         AND newer.create_event > repo.create_event AND newer.dist = repo.dist \
         AND (newer.dist = TRUE OR newer.custom_opts = '{{}}'))",
        ready = RepoState::Ready.code()
    );
    let wanted = "repo.dist = TRUE OR EXISTS (SELECT 1 FROM build_target_config \
         WHERE build_target_config.build_tag = repo.tag_id AND build_target_config.active = TRUE)";
    in_states([RepoState::Ready; 2])
        .clause(&format!("repo.end_event IS NOT NULL OR NOT {plain}"), [])
        .clause(
            &format!("(repo.dist = TRUE AND {since}) OR (repo.dist = FALSE AND {since})", since = since(call)),
            [ago(config.dist_repo_lifetime).into(), ago(config.repo_lifetime).into()],
        )
        .clause(&format!("{newer} OR NOT {plain} OR NOT ({wanted})"), [])
}

fn unused(call: &Call, config: &RepoConfig) -> Select {
    let used = "SELECT 1 FROM standard_buildroot WHERE standard_buildroot.repo_id = repo.id \
         AND standard_buildroot.retire_event IS NULL \
         AND (standard_buildroot.state IS NULL OR standard_buildroot.state <> ?)";
    in_states([RepoState::Expired, RepoState::Problem])
        .clause(&since(call), [ago(config.expired_repo_lifetime).into()])
        .clause(&format!("NOT EXISTS ({used})"), [BuildrootState::Expired.code().into()])
}
