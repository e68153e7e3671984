//! Runs other programs: no shell, arguments are data, nothing survives.
//!
//! A program starts with a cleared environment in a process group of its own, confined as its
//! [`Sandbox`] says. Whatever it writes goes straight to the log file. When the task is cancelled,
//! the time is up or the future is dropped, the whole tree of processes is killed.

mod spawn;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::os::unix::process::ExitStatusExt;
use tokio::io::AsyncReadExt;
use tokio::process::Child;
use tokio_util::sync::CancellationToken;

use crate::sandbox::Sandbox;
use crate::task::TaskError;

/// How long a program may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);
/// The most that [`Command::output`] keeps of what a program prints.
const OUTPUT_LIMIT: u64 = 256 << 20;
/// How much of a log's end is looked at for an error message, and how many lines are told.
const TAIL_BYTES: u64 = 8 << 10;
const TAIL_LINES: usize = 5;
/// What a program inherits of the worker's own environment: how to reach the network.
const INHERITED: &[&str] =
    &["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE"];

/// A program to run.
#[derive(Debug, Clone)]
pub struct Command {
    program: OsString,
    args: Vec<OsString>,
    env: BTreeMap<OsString, OsString>,
    dir: Option<PathBuf>,
    log: Option<PathBuf>,
    timeout: Option<Duration>,
    personality: Option<String>,
    secret: Option<String>,
    sandbox: Sandbox,
}

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("{program} could not be started: {source}")]
    Start { program: String, source: std::io::Error },
    #[error("{program} did not end within {} seconds", after.as_secs())]
    Timeout { program: String, after: Duration },
    #[error("cancelled")]
    Cancelled,
    #[error("{failure}")]
    Failed { failure: Failure },
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
}

/// How a program failed and what it said last.
#[derive(Debug, Clone)]
pub struct Failure {
    pub program: String,
    pub status: ExitStatus,
    /// The last lines of its log.
    pub tail: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status.code(), self.status.signal()) {
            (Some(code), _) => write!(f, "{} exited with status {code}", self.program)?,
            (None, Some(signal)) => write!(f, "{} was killed by signal {signal}", self.program)?,
            (None, None) => write!(f, "{} failed", self.program)?,
        }
        if !self.tail.is_empty() {
            write!(f, ": {}", self.tail)?;
        }
        Ok(())
    }
}

impl From<CommandError> for TaskError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Cancelled => TaskError::Cancelled,
            other => TaskError::generic(other.to_string()),
        }
    }
}

impl Command {
    pub fn new(program: impl Into<OsString>, sandbox: Sandbox) -> Command {
        let mut env = BTreeMap::new();
        for (name, value) in [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LANG", "C.UTF-8"), ("TZ", "UTC")] {
            env.insert(name.into(), value.into());
        }
        if let Sandbox::Tool { writable, .. } | Sandbox::Install { writable, .. } = &sandbox {
            for name in INHERITED {
                if let Some(value) = std::env::var_os(name) {
                    env.insert(name.into(), value);
                }
            }
            // What runs on this machine is not behind a proxy.
            for name in ["no_proxy", "NO_PROXY"] {
                let listed = env.entry(name.into()).or_default();
                if !listed.is_empty() {
                    listed.push(",");
                }
                listed.push("127.0.0.1,localhost");
            }
            if let Some(dir) = writable.first() {
                env.insert("TMPDIR".into(), dir.into());
                env.insert("HOME".into(), dir.into());
            }
        }
        Command {
            program: program.into(),
            args: Vec::new(),
            env,
            dir: None,
            log: None,
            timeout: None,
            personality: None,
            secret: None,
            sandbox,
        }
    }

    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub fn args<I: IntoIterator<Item = S>, S: Into<OsString>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Where the program starts; inside a root, a place of the root.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// The file that both outputs are appended to as they come.
    pub fn log(mut self, path: impl Into<PathBuf>) -> Self {
        self.log = Some(path.into());
        self
    }

    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Makes the kernel report this machine type, for building 32-bit packages.
    pub fn personality(mut self, machine: Option<&str>) -> Self {
        self.personality = machine.map(str::to_owned);
        self
    }

    /// A word that is not to appear in the log with the command line.
    pub fn secret(mut self, word: Option<&str>) -> Self {
        self.secret = word.map(str::to_owned);
        self
    }

    /// Runs the program to its end. Any other end than success is an error.
    pub async fn run(&self, cancel: &CancellationToken) -> Result<(), CommandError> {
        let (status, tail) = self.status(cancel).await?;
        self.success(status, tail)
    }

    /// Runs the program to its end, whatever that is. Answers with its status and last words.
    pub async fn status(&self, cancel: &CancellationToken) -> Result<(ExitStatus, String), CommandError> {
        let (mut log, start) = self.open_log()?;
        let (out, err) = (clone(&log)?, clone(&log)?);
        let mut tree = self.start(Stdio::from(out), Stdio::from(err)).await?;
        let status = self.supervise(&mut tree, cancel, async { Ok(()) }).await?.0;
        Ok((status, tail(&mut log, start)))
    }

    /// Runs the program and answers with what it printed, which must be text. Its other output
    /// goes to the log.
    pub async fn output(&self, cancel: &CancellationToken) -> Result<String, CommandError> {
        let (mut log, start) = self.open_log()?;
        let err = clone(&log)?;
        let mut tree = self.start(Stdio::piped(), Stdio::from(err)).await?;
        let stdout = tree.child.stdout.take();
        let read = async {
            let mut bytes = Vec::new();
            if let Some(stdout) = stdout {
                stdout.take(OUTPUT_LIMIT).read_to_end(&mut bytes).await?;
            }
            Ok(bytes)
        };
        let (status, bytes) = self.supervise(&mut tree, cancel, read).await?;
        self.success(status, tail(&mut log, start))?;
        String::from_utf8(bytes).map_err(|_| CommandError::Io {
            what: format!("output of {}", self.name()),
            source: std::io::Error::from(std::io::ErrorKind::InvalidData),
        })
    }

    fn name(&self) -> String {
        Path::new(&self.program).file_name().unwrap_or(&self.program).to_string_lossy().into_owned()
    }

    fn success(&self, status: ExitStatus, tail: String) -> Result<(), CommandError> {
        if status.success() {
            return Ok(());
        }
        Err(CommandError::Failed { failure: Failure { program: self.name(), status, tail } })
    }

    fn open_log(&self) -> Result<(File, u64), CommandError> {
        let opened = match &self.log {
            Some(path) => OpenOptions::new().create(true).append(true).read(true).open(path),
            None => tempfile::tempfile(),
        };
        let io = |source| CommandError::Io { what: format!("log of {}", self.name()), source };
        let mut log = opened.map_err(io)?;
        if self.log.is_some() {
            writeln!(log, "$ {self}").map_err(io)?;
        }
        let start = log.seek(SeekFrom::End(0)).map_err(io)?;
        Ok((log, start))
    }

    async fn start(&self, stdout: Stdio, stderr: Stdio) -> Result<Tree, CommandError> {
        let mut line: Vec<OsString> = Vec::new();
        if let Some(machine) = &self.personality {
            line.extend(["setarch".into(), machine.into(), "--".into()]);
        }
        line.extend(self.sandbox.wrap(&self.program, &self.args, self.dir.as_deref()));
        let mut command = std::process::Command::new(&line[0]);
        command.args(&line[1..]).env_clear().envs(&self.env).stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        if let (Sandbox::Bare, Some(dir)) = (&self.sandbox, &self.dir) {
            command.current_dir(dir);
        }
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let failed = |source| CommandError::Start { program: line[0].to_string_lossy().into_owned(), source };
        let child = spawn::spawn(command).await.map_err(failed)?;
        match child.id().and_then(|id| i32::try_from(id).ok()) {
            Some(pid) => Ok(Tree { child, group: Pid::from_raw(pid), ended: false }),
            None => Err(failed(std::io::Error::other("it has no process id"))),
        }
    }

    async fn supervise<T>(
        &self,
        tree: &mut Tree,
        cancel: &CancellationToken,
        meanwhile: impl Future<Output = std::io::Result<T>>,
    ) -> Result<(ExitStatus, T), CommandError> {
        let timeout = self.timeout.unwrap_or(Duration::from_secs(7 * 24 * 3600));
        let ended = tokio::select! {
            both = async { tokio::try_join!(tree.child.wait(), meanwhile) } => {
                let both = both.map_err(|source| CommandError::Io { what: self.name(), source });
                tree.ended = both.is_ok();
                both
            }
            () = cancel.cancelled() => Err(CommandError::Cancelled),
            () = tokio::time::sleep(timeout) => Err(CommandError::Timeout { program: self.name(), after: timeout }),
        };
        if ended.is_err() {
            tree.end().await;
        }
        ended
    }
}

/// A running program with all that it started.
struct Tree {
    child: Child,
    group: Pid,
    ended: bool,
}

impl Tree {
    /// Asks the tree to end, and kills it if it does not.
    async fn end(&mut self) {
        self.signal(Signal::SIGTERM);
        if tokio::time::timeout(GRACE, self.child.wait()).await.is_err() {
            self.signal(Signal::SIGKILL);
            if let Err(error) = self.child.wait().await {
                tracing::warn!(%error, "a killed program could not be waited for");
            }
        }
        // Stragglers of the group, if the leader went first.
        self.signal(Signal::SIGKILL);
        self.ended = true;
    }

    fn signal(&self, signal: Signal) {
        // A group that is gone already is what we want.
        let _ = killpg(self.group, signal);
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if !self.ended {
            self.signal(Signal::SIGKILL);
        }
    }
}

fn clone(file: &File) -> Result<File, CommandError> {
    file.try_clone().map_err(|source| CommandError::Io { what: "log".into(), source })
}

/// The last lines that were written to `log` after `start`, fit for an error message.
fn tail(log: &mut File, start: u64) -> String {
    let end = log.seek(SeekFrom::End(0)).unwrap_or(start);
    let from = start.max(end.saturating_sub(TAIL_BYTES));
    let mut bytes = Vec::new();
    if log.seek(SeekFrom::Start(from)).is_err() || log.take(TAIL_BYTES).read_to_end(&mut bytes).is_err() {
        return String::new();
    }
    last_lines(&String::from_utf8_lossy(&bytes))
}

fn last_lines(text: &str) -> String {
    let clean = |line: &str| line.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned();
    let lines: Vec<String> = text.lines().map(clean).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

/// The command line as a log tells it.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = self.program.to_string_lossy().into_owned();
        for arg in &self.args {
            line.push(' ');
            line.push_str(&arg.to_string_lossy());
        }
        match self.secret.as_deref().filter(|s| !s.is_empty()) {
            Some(secret) => f.write_str(&line.replace(secret, "***")),
            None => f.write_str(&line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn alive(pid: &str) -> bool {
        Path::new("/proc").join(pid.trim()).join("exe").exists()
    }

    #[tokio::test]
    async fn a_failure_tells_status_and_last_words() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("x.log");
        let command =
            Command::new("sh", Sandbox::offline(dir.path())).args(["-c", "echo one; echo two >&2; exit 3"]).log(&log);
        let error = command.run(&CancellationToken::new()).await.unwrap_err();
        assert_eq!(error.to_string(), "sh exited with status 3: one\ntwo");
        let text = std::fs::read_to_string(&log).unwrap();
        assert!(text.starts_with("$ sh -c") && text.ends_with("one\ntwo\n"), "{text}");
    }

    #[tokio::test]
    async fn the_environment_is_a_known_set_and_the_host_is_readonly() {
        let dir = tempfile::tempdir().unwrap();
        let script = "env | cut -d= -f1 | sort | tr '\n' ' '; touch /usr/here 2>&1 || echo readonly";
        let command = Command::new("sh", Sandbox::offline(dir.path())).args(["-c", script]).dir(dir.path());
        let out = command.output(&CancellationToken::new()).await.unwrap();
        assert!(out.starts_with("HOME LANG "), "{out}");
        assert!(!out.contains("CARGO"), "{out}");
        assert!(out.ends_with("readonly\n"), "{out}");
    }

    #[tokio::test]
    async fn cancelling_kills_the_whole_tree_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let beat = dir.path().join("beat");
        let script =
            "trap '' TERM; setsid sh -c \"trap '' TERM; while :; do date +%s%N >beat; sleep 0.02; done\" & wait";
        let command = Command::new("sh", Sandbox::offline(dir.path())).args(["-c", script]).dir(dir.path());
        let cancel = CancellationToken::new();
        let begun = Instant::now();
        let stop = async {
            while !beat.exists() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            cancel.cancel();
        };
        let (result, ()) = tokio::join!(command.run(&cancel), stop);
        assert!(matches!(result, Err(CommandError::Cancelled)));
        assert!(begun.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(100)).await;
        let last = std::fs::read(&beat).unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(std::fs::read(&beat).unwrap(), last, "a process is still writing");
    }

    #[tokio::test]
    async fn a_dropped_program_is_killed_and_time_is_limited() {
        let dir = tempfile::tempdir().unwrap();
        let bare = |script: &str| Command::new("sh", Sandbox::Bare).args(["-c", script]).dir(dir.path());
        let sleeping = bare("echo $$ >pid; exec sleep 60");
        let never = CancellationToken::new();
        let run = tokio::time::timeout(Duration::from_millis(500), sleeping.run(&never));
        assert!(run.await.is_err());
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!alive(&std::fs::read_to_string(dir.path().join("pid")).unwrap()));

        let slow = bare("exec sleep 60").timeout(Duration::from_millis(200));
        let error = slow.run(&CancellationToken::new()).await.unwrap_err();
        assert!(matches!(error, CommandError::Timeout { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_missing_program_is_named_and_secrets_are_not_logged() {
        let error = Command::new("no-such-program", Sandbox::Bare).run(&CancellationToken::new()).await.unwrap_err();
        assert!(error.to_string().contains("no-such-program"), "{error}");
        let shown = Command::new("git", Sandbox::Bare).arg("https://me:pw1@host/x").secret(Some("pw1")).to_string();
        assert_eq!(shown, "git https://me:***@host/x");
    }
}
