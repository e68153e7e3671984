//! Processes that never outlive the test binary.
//!
//! Each runs in a process group of its own. A janitor, a small shell script, holds a pipe from the
//! test binary. When that closes, whether tests ended, panicked or were killed, the janitor kills
//! the groups that are still there and removes the temporary folder.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

const JANITOR: &str = r#"
trap '' INT TERM HUP
groups=' '
while read -r change group; do
    case $change in
        add) groups="$groups$group " ;;
        drop) groups="${groups%% $group *} ${groups#* $group }" ;;
    esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
[ -z "$TOJI_KEEP" ] || exit 0
sleep 0.5
awk -v dir="$1/" 'index($2, dir) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount -l
rm -rf --one-file-system "$1"
"#;

struct World {
    scratch: PathBuf,
    janitor: Mutex<ChildStdin>,
}

#[expect(clippy::zombie_processes, reason = "the janitor ends after us")]
static WORLD: LazyLock<World> = LazyLock::new(|| {
    let scratch = tempfile::Builder::new().prefix("toji-it-").tempdir().expect("temporary folder").keep();
    // The database runs as another user, whose folder is inside.
    std::fs::set_permissions(&scratch, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("chmod");
    let mut janitor = Command::new("sh")
        .args(["-c", JANITOR, "janitor"])
        .arg(&scratch)
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("the janitor's shell");
    World { scratch, janitor: Mutex::new(janitor.stdin.take().expect("a pipe was asked for")) }
});

/// The folder in which everything is.
pub fn scratch() -> &'static Path {
    &WORLD.scratch
}

fn tell_janitor(change: &str, group: Pid) {
    let mut janitor = WORLD.janitor.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(janitor, "{change} {group}").expect("the janitor lives as long as we do");
}

/// A process with all its descendants that stayed in its group. Dropping it kills them.
pub struct Running {
    child: Child,
    /// `Some` until it was waited for.
    group: Option<Pid>,
}

impl Running {
    /// Starts the command; what it prints goes to the file `log`.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let out = std::fs::OpenOptions::new().create(true).append(true).open(log).expect("log file");
        let error = out.try_clone().expect("log file");
        let child =
            command.stdin(Stdio::null()).stdout(out).stderr(error).process_group(0).spawn().unwrap_or_else(|error| {
                panic!("{:?}: {error} (tests/setup installs what is needed)", command.get_program())
            });
        let group = Pid::from_raw(child.id().try_into().expect("a process id"));
        tell_janitor("add", group);
        Self { child, group: Some(group) }
    }

    /// The exit status, if the process has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("our child")
    }

    /// Sends a signal to the process alone.
    pub fn signal(&mut self, signal: Signal) {
        if let (None, Some(group)) = (self.ended(), self.group) {
            kill(group, signal).expect("our child");
        }
    }

    /// Kills the process and its group at once and waits for its end.
    pub fn kill(&mut self) {
        if let Some(group) = self.group {
            // The group may be empty by now.
            let _ = killpg(group, Signal::SIGKILL);
            self.wait();
        }
    }

    /// Waits for the end of the process itself.
    pub fn wait(&mut self) -> ExitStatus {
        let status = self.child.wait().expect("our child");
        if let Some(group) = self.group.take() {
            tell_janitor("drop", group);
        }
        status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
