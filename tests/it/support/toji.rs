//! The program itself: a site with its database, broker and file tree, and the roles that serve it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use super::process::Running;
use super::{folder, free_port, wait_until};

/// How long a role may take to become ready on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program under test.
pub const TOJI: &str = env!("CARGO_BIN_EXE_toji");

/// `toji` without the settings that the tests' own environment may hold.
pub fn command() -> Command {
    let mut command = Command::new(TOJI);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TOJI_")) {
        command.env_remove(name);
    }
    command
}

/// Runs `toji migrate`.
pub fn migrate(database: &str) {
    let done = command().args(["migrate", "--database", database]).output().expect("toji");
    assert!(done.status.success(), "toji migrate: {}", String::from_utf8_lossy(&done.stderr));
}

/// One installation: everything that its processes share.
pub struct Site {
    /// Holds the file tree (`topdir`), configurations and logs.
    pub folder: PathBuf,
    pub database: String,
    pub queue: String,
    pub port: u16,
}

impl Site {
    /// Everything in one process: SQLite and the queue in memory.
    pub fn embedded() -> Self {
        let folder = folder("site-");
        let database = format!("sqlite://{}", folder.join("hub.db").display());
        migrate(&database);
        Self::new(folder, database, "memory:".to_owned())
    }

    /// PostgreSQL and RabbitMQ. The broker may be shared, so hosts need names that no other site has:
    /// see [`Site::host`].
    pub fn production(queue: String) -> Self {
        Self::new(folder("site-"), super::postgres::fresh_database(), queue)
    }

    fn new(folder: PathBuf, database: String, queue: String) -> Self {
        std::fs::create_dir(folder.join("topdir")).expect("topdir");
        let site = Self { folder, database, queue, port: free_port() };
        site.admin(&["create-user", "admin", "--password-stdin", "--perm", "admin"], "admin");
        site
    }

    /// The XML-RPC address.
    pub fn hub(&self) -> String {
        format!("http://127.0.0.1:{}/kojihub", self.port)
    }

    /// Where the file tree is served.
    pub fn files(&self) -> String {
        format!("http://127.0.0.1:{}/kojifiles", self.port)
    }

    pub fn topdir(&self) -> PathBuf {
        self.folder.join("topdir")
    }

    /// A host name that is this site's alone.
    pub fn host(&self, name: &str) -> String {
        format!("{name}-{}.example.com", self.port)
    }

    /// Runs `toji admin …` with `input` (a password) on standard input.
    pub fn admin(&self, arguments: &[&str], input: &str) {
        let mut child = command()
            .arg("admin")
            .args(arguments)
            .args(["--database", &self.database])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("toji");
        // A command that reads no password may have ended.
        let _ = child.stdin.take().expect("a pipe was asked for").write_all(input.as_bytes());
        let done = child.wait_with_output().expect("toji");
        assert!(done.status.success(), "toji admin {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Makes a builder account, whose password is its name.
    pub fn create_host(&self, host: &str) {
        self.admin(&["create-host", host, "--arches", "x86_64"], host);
    }

    /// Starts a role that serves HTTP (`all` or `hub`) and waits until it is ready. `extra` is TOML of
    /// more sections; the worker of `all` is the host `host`.
    pub fn start(&self, role: &str, host: &str, extra: &str) -> Toji {
        let toji = self.start_silent(role, host, extra);
        self.wait_ready(toji)
    }

    /// Starts a role that serves no HTTP: `scheduler`, or `worker` as the host `host`.
    pub fn start_silent(&self, role: &str, host: &str, extra: &str) -> Toji {
        let name = format!("{role}-{host}");
        let config = self.folder.join(format!("{name}.toml"));
        std::fs::write(&config, self.config(host) + extra).expect("configuration");
        let log = self.folder.join(format!("{name}.log"));
        let mut command = command();
        command.arg(role).arg("--config").arg(&config).env("RUST_BACKTRACE", "1");
        Toji { process: Running::start(&mut command, &log), log }
    }

    fn wait_ready(&self, mut toji: Toji) -> Toji {
        wait_until("/readyz", PATIENCE, || {
            assert!(toji.process.ended().is_none(), "toji ended at once");
            get(self.port, "/readyz").is_some_and(|status| status == 200)
        });
        toji
    }

    fn config(&self, host: &str) -> String {
        let work = self.folder.join(format!("work-{host}"));
        let text = |value: &str| toml_text(value);
        format!(
            "[database]\nurl = {}\n[queue]\nurl = {}\n\
             [hub]\nlisten = '127.0.0.1:{}'\ntopdir = {}\n\
             [worker]\nserver = {}\ntopurl = {}\nuser = {}\npassword = {}\nworkdir = {}\nminspace = 512\n",
            text(&self.database),
            text(&self.queue),
            self.port,
            text(&self.topdir().display().to_string()),
            text(&self.hub()),
            text(&self.files()),
            text(host),
            text(host),
            text(&work.display().to_string()),
        )
    }
}

fn toml_text(value: &str) -> String {
    assert!(!value.contains(['\'', '\n']), "{value:?} cannot be a literal TOML string");
    format!("'{value}'")
}

/// One running role. Dropping it kills it with all its children.
pub struct Toji {
    process: Running,
    log: PathBuf,
}

impl Toji {
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Ends the process, and only it, as a crash would.
    pub fn kill9(&mut self) {
        self.process.signal(Signal::SIGKILL);
        self.process.wait();
    }

    /// Sends SIGTERM or SIGINT, which ask for an end in order, and waits for that.
    pub fn stop(mut self, signal: Signal) -> ExitStatus {
        self.process.signal(signal);
        self.ended_by_itself()
    }

    /// Waits for the end, which must not take long.
    pub fn ended_by_itself(&mut self) -> ExitStatus {
        wait_until("the end of toji", PATIENCE, || self.process.ended().is_some());
        self.process.wait()
    }
}

impl Drop for Toji {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read(&self.log).unwrap_or_default();
            let tail = &log[log.len().saturating_sub(8_000)..];
            eprintln!("--- the end of {}\n{}", self.log.display(), String::from_utf8_lossy(tail));
        }
    }
}

/// The status with which a local server answers GET.
pub fn get(port: u16, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}
