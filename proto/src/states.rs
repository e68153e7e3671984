//! The stock enumerations and constants: their numbers are in every stock database and client.

use crate::coded::coded;

pub const API_VERSION: i32 = 1;
/// A task's priority when nobody asks for another; smaller runs first.
pub const PRIO_DEFAULT: i32 = 20;
/// The volume that is the top directory itself.
pub const DEFAULT_VOLUME: &str = "DEFAULT";
/// How a repository may be merged with external ones.
pub const REPO_MERGE_MODES: [&str; 3] = ["bare", "koji", "simple"];

coded! {
    /// FREE → ASSIGNED → OPEN → CLOSED, FAILED or CANCELED. Freeing leads back to FREE; from the
    /// three ends nothing leads away but a resubmission, which is a task of its own.
    enum TaskState {
        Free = 0 "FREE",
        Open = 1 "OPEN",
        Closed = 2 "CLOSED",
        Canceled = 3 "CANCELED",
        Assigned = 4 "ASSIGNED",
        Failed = 5 "FAILED",
    }

    /// BUILDING ends in COMPLETE, FAILED or CANCELED; the last two may be built again under the
    /// same id, and a COMPLETE one may become DELETED.
    enum BuildState {
        Building = 0 "BUILDING",
        Complete = 1 "COMPLETE",
        Deleted = 2 "DELETED",
        Failed = 3 "FAILED",
        Canceled = 4 "CANCELED",
    }

    enum RepoState {
        Init = 0 "INIT",
        Ready = 1 "READY",
        Expired = 2 "EXPIRED",
        Deleted = 3 "DELETED",
        Problem = 4 "PROBLEM",
    }

    enum BuildrootState {
        Init = 0 "INIT",
        Waiting = 1 "WAITING",
        Building = 2 "BUILDING",
        Expired = 3 "EXPIRED",
    }

    /// Who made a buildroot: one of our hosts, or a content generator.
    enum BuildrootType {
        Standard = 0 "STANDARD",
        External = 1 "EXTERNAL",
    }

    enum UserType {
        Normal = 0 "NORMAL",
        Host = 1 "HOST",
        Group = 2 "GROUP",
    }

    enum UserStatus {
        Normal = 0 "NORMAL",
        Blocked = 1 "BLOCKED",
    }

    /// How a session was opened; NORMAL is a password.
    enum AuthType {
        Normal = 0 "NORMAL",
        Kerberos = 1 "KERBEROS",
        Ssl = 2 "SSL",
        Gssapi = 3 "GSSAPI",
    }

    /// What changed a tag's content without a tagging.
    enum TagUpdateType {
        VolumeChange = 0 "VOLUME_CHANGE",
        Import = 1 "IMPORT",
        Manual = 2 "MANUAL",
        DraftPromotion = 3 "DRAFT_PROMOTION",
    }

    enum ChecksumType {
        Md5 = 0 "md5",
        Sha1 = 1 "sha1",
        Sha256 = 2 "sha256",
    }

    /// The kinds of a package's relation to another, as `getRPMDeps` numbers them.
    enum DependencyType {
        Requires = 0 "REQUIRE",
        Provides = 1 "PROVIDE",
        Obsoletes = 2 "OBSOLETE",
        Conflicts = 3 "CONFLICT",
        Suggests = 4 "SUGGEST",
        Enhances = 5 "ENHANCE",
        Supplements = 6 "SUPPLEMENT",
        Recommends = 7 "RECOMMEND",
    }
}

impl TaskState {
    /// Nothing runs, and nothing will.
    pub const fn is_finished(self) -> bool {
        matches!(self, TaskState::Closed | TaskState::Canceled | TaskState::Failed)
    }

    /// A host is responsible for it.
    pub const fn is_on_host(self) -> bool {
        matches!(self, TaskState::Open | TaskState::Assigned)
    }
}

impl BuildState {
    /// The same name, version and release may be built again, under the same id.
    pub const fn can_be_rebuilt(self) -> bool {
        matches!(self, BuildState::Failed | BuildState::Canceled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_back() {
        for state in TaskState::ALL {
            assert_eq!(TaskState::from_code(state.code()), Some(*state));
            assert_eq!(TaskState::from_name(state.name()), Some(*state));
        }
        assert_eq!(TaskState::from_code(6), None);
        assert_eq!(BuildState::from_code(-1_i64), None);
        assert_eq!(RepoState::from_code(1_i64 << 32), None);
        assert_eq!(ChecksumType::from_name("sha256").map(ChecksumType::code), Some(2));
    }

    #[test]
    fn finished_tasks_are_on_no_host() {
        let finished: Vec<_> = TaskState::ALL.iter().filter(|s| s.is_finished()).map(|s| s.name()).collect();
        assert_eq!(finished, ["CLOSED", "CANCELED", "FAILED"]);
        assert!(TaskState::ALL.iter().all(|s| !(s.is_finished() && s.is_on_host())));
    }
}
