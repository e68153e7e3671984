//! What a program that the worker starts may see and do.
//!
//! Everything runs below bubblewrap in a process namespace of its own whose first process dies
//! with the worker: whatever ends the worker, even `kill -9`, ends the whole tree. Programs of the
//! host see the host read-only and only the folders they need are writable; what runs inside a
//! build root sees nothing but the root, has no privileges and, unless asked for, no network.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Owner of all that a build does and makes. No account of the host has it, so that nobody's
/// processes or files are within a build's reach and the other way round.
pub const BUILD_UID: u32 = 45_000;
pub const BUILD_GID: u32 = 45_000;
/// Name of that user inside a root.
pub const BUILD_USER: &str = "mockbuild";

/// Capabilities that installing packages takes: owning files, and changing into the root. No
/// mounting, no raw devices (binds are `nodev`), no looking at other processes.
const INSTALL_CAPABILITIES: &[&str] = &[
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_SETFCAP",
    "CAP_SYS_CHROOT",
    "CAP_MKNOD",
    "CAP_AUDIT_WRITE",
];

/// Capabilities that entering a root and becoming its user takes. They end with that.
const ENTER_CAPABILITIES: &[&str] = &["CAP_SYS_CHROOT", "CAP_SETUID", "CAP_SETGID"];

/// Where a root is mounted before it is entered.
const ROOT: &str = "/root";

/// How a program is confined.
#[derive(Debug, Clone)]
pub enum Sandbox {
    /// A program of the host that writes only below `writable`.
    Tool { writable: Vec<PathBuf>, network: bool },
    /// dnf filling `root`; scriptlets of packages run within. It must have `proc` and `dev`.
    Install { root: PathBuf, writable: Vec<PathBuf>, network: bool },
    /// A program inside a build root.
    Root(RootSandbox),
    /// No confinement but a process group of its own: for programs that build roots themselves.
    Bare,
}

/// A build root and what is laid over it.
#[derive(Debug, Clone)]
pub struct RootSandbox {
    /// The folder that becomes `/`.
    pub root: PathBuf,
    /// Folders of the host, writable at the given place inside.
    pub binds: Vec<(PathBuf, PathBuf)>,
    /// Folders of the host, readable at the given place inside.
    pub readonly: Vec<(PathBuf, PathBuf)>,
    pub network: bool,
    pub hostname: String,
}

impl Sandbox {
    /// A host program that writes below one folder and reaches the network.
    pub fn online(writable: impl Into<PathBuf>) -> Sandbox {
        Sandbox::Tool { writable: vec![writable.into()], network: true }
    }

    /// A host program that writes below one folder.
    pub fn offline(writable: impl Into<PathBuf>) -> Sandbox {
        Sandbox::Tool { writable: vec![writable.into()], network: false }
    }

    /// The command line that runs `program` confined, starting in `dir` (a folder inside).
    pub(crate) fn wrap(&self, program: &OsStr, args: &[OsString], dir: Option<&Path>) -> Vec<OsString> {
        let mut line = Line::default();
        match self {
            Sandbox::Bare => line.push(["setpriv", "--pdeathsig", "KILL", "--"]),
            Sandbox::Tool { writable, network } => {
                line.host(*network, writable);
                line.end(dir);
            }
            Sandbox::Install { root, writable, network } => {
                line.host(*network, writable);
                line.mount("--bind", root, root);
                line.devices(root);
                line.capabilities(INSTALL_CAPABILITIES);
                line.end(dir);
            }
            Sandbox::Root(root) => line.root(root, dir),
        }
        line.0.push(program.into());
        line.0.extend_from_slice(args);
        line.0
    }
}

/// A bubblewrap command line in the making.
#[derive(Default)]
struct Line(Vec<OsString>);

impl Line {
    fn push<const N: usize>(&mut self, words: [&str; N]) {
        self.0.extend(words.map(OsString::from));
    }

    fn mount(&mut self, how: &str, from: &Path, to: &Path) {
        self.0.extend([how.into(), from.into(), to.into()]);
    }

    fn capabilities(&mut self, names: &[&str]) {
        for name in names {
            self.push(["--cap-add", name]);
        }
    }

    fn namespaces(&mut self, network: bool) {
        self.push(["bwrap", "--die-with-parent", "--new-session"]);
        self.push(["--unshare-pid", "--unshare-ipc", "--unshare-cgroup-try"]);
        if !network {
            self.push(["--unshare-net"]);
        }
    }

    /// The host, read-only but for `writable`.
    fn host(&mut self, network: bool, writable: &[PathBuf]) {
        self.namespaces(network);
        self.push(["--ro-bind", "/", "/"]);
        self.devices(Path::new("/"));
        for path in writable {
            self.mount("--bind", path, path);
        }
    }

    /// What every root needs of the kernel.
    fn devices(&mut self, root: &Path) {
        for (how, place) in [("--proc", "proc"), ("--dev", "dev")] {
            self.0.extend([how.into(), root.join(place).into()]);
        }
    }

    /// A root with nothing of the host in it. The program that enters it and gives up all
    /// privileges is the host's, because what lies in the root is not to be trusted with them.
    fn root(&mut self, root: &RootSandbox, dir: Option<&Path>) {
        let inside = |place: &Path| Path::new(ROOT).join(place.strip_prefix("/").unwrap_or(place));
        self.namespaces(root.network);
        self.push(["--unshare-uts", "--hostname", &root.hostname]);
        self.push(["--ro-bind", "/usr", "/usr"]);
        for place in ["/bin", "/sbin", "/lib", "/lib64"] {
            self.push(["--ro-bind-try", place, place]);
        }
        self.mount("--bind", &root.root, Path::new(ROOT));
        self.devices(Path::new(ROOT));
        self.push(["--perms", "1777", "--tmpfs"]);
        self.0.push(Path::new(ROOT).join("dev/shm").into());
        for (from, to) in &root.binds {
            self.mount("--bind", from, &inside(to));
        }
        for (from, to) in &root.readonly {
            self.mount("--ro-bind", from, &inside(to));
        }
        self.capabilities(ENTER_CAPABILITIES);
        self.push(["--", "unshare"]);
        self.0.push(format!("--root={ROOT}").into());
        let mut wd = OsString::from("--wd=");
        wd.push(dir.unwrap_or(Path::new("/")));
        self.0.push(wd);
        self.0.extend([format!("--setgid={BUILD_GID}").into(), format!("--setuid={BUILD_UID}").into(), "--".into()]);
    }

    fn end(&mut self, dir: Option<&Path>) {
        if let Some(dir) = dir {
            self.0.extend(["--chdir".into(), dir.into()]);
        }
        self.push(["--"]);
    }
}
