//! One private PostgreSQL for all tests, on a free port, without durability.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::unistd::{User, geteuid};

use super::process::Running;
use super::{folder, free_port, wait_until};

const PASSWORD: &str = "toji";

pub struct Postgres {
    port: u16,
    /// Ends with the test binary: a static is never dropped.
    _server: Running,
}

/// The server, started when it is first asked for.
pub fn postgres() -> &'static Postgres {
    static SERVER: LazyLock<Postgres> = LazyLock::new(Postgres::start);
    &SERVER
}

/// The URL of a new database with all tables.
pub fn fresh_database() -> String {
    // Migrated once; the others are copies.
    static TEMPLATE: LazyLock<String> = LazyLock::new(|| {
        let url = empty_database();
        super::toji::migrate(&url);
        url.rsplit('/').next().expect("a URL has a path").to_owned()
    });
    postgres().create(&format!("TEMPLATE {}", *TEMPLATE))
}

/// The URL of a new database without tables.
pub fn empty_database() -> String {
    postgres().create("TEMPLATE template0")
}

impl Postgres {
    fn start() -> Self {
        let home = folder("postgres");
        let port = free_port();
        let password = home.join("password");
        std::fs::write(&password, PASSWORD).expect("password file");
        // PostgreSQL refuses to run as root.
        let user = geteuid().is_root().then(|| {
            let user = User::from_name("postgres").expect("user database").expect("user postgres (run tests/setup)");
            for path in [&home, &password] {
                chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("chown");
            }
            user
        });
        let command = |program: &str| {
            let mut command = Command::new(binary(program));
            command.current_dir("/").arg("-D").arg(home.join("data"));
            if let Some(user) = &user {
                command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
            }
            command
        };
        let log = home.with_extension("log");
        let mut init = command("initdb");
        init.args(["-U", "toji", "-A", "password", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--pwfile"]);
        assert!(Running::start(init.arg(&password), &log).wait().success(), "initdb: see {}", log.display());
        let mut server = command("postgres");
        server.arg("-k").arg(&home).args(["-p", &port.to_string()]);
        for setting in ["listen_addresses=127.0.0.1", "fsync=off", "synchronous_commit=off", "full_page_writes=off"] {
            server.args(["-c", setting]);
        }
        server.args(["-c", "max_connections=400"]);
        let mut server = Running::start(&mut server, &log);
        let ready = binary("pg_isready");
        wait_until("PostgreSQL", Duration::from_secs(60), || {
            assert!(server.ended().is_none(), "PostgreSQL ended: see {}", log.display());
            let asked = Command::new(&ready).args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]).status();
            asked.is_ok_and(|status| status.success())
        });
        Self { port, _server: server }
    }

    /// The URL of one of its databases; `postgres` always exists.
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://toji:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    fn create(&self, options: &str) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        sql(&self.url("postgres"), &format!("CREATE DATABASE {name} {options}"));
        self.url(&name)
    }
}

/// Runs statements and returns the rows, one per line, columns separated by `|`.
pub fn sql(url: &str, statements: &str) -> String {
    let done = Command::new("psql")
        .args(["-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", url, "-c", statements])
        .output()
        .expect("psql (run tests/setup)");
    assert!(done.status.success(), "{statements}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("UTF-8").trim_end().to_owned()
}

/// The newest installed version of a server program; Debian keeps them out of PATH.
fn binary(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.map(|version| version.path().join("bin").join(name)).filter(|path| path.exists()).max();
    newest.unwrap_or_else(|| name.into())
}
