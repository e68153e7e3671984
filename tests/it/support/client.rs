//! The stock client, from the environment that `tests/setup` made.

use std::path::PathBuf;
use std::process::{Command, Output};

use super::root;
use super::toji::Site;

/// A program of the private Python environment.
pub fn venv(program: &str) -> PathBuf {
    let path = root().join(".venv/bin").join(program);
    assert!(path.exists(), "there is no {}: run tests/setup", path.display());
    path
}

/// The stock `koji` as one user of a site, whose password is given.
pub struct Koji {
    config: PathBuf,
    home: PathBuf,
    /// The client takes these from the command line only.
    login: [String; 2],
}

/// What a command did.
#[derive(Debug)]
pub struct Said {
    pub ok: bool,
    pub out: String,
    pub err: String,
}

impl Koji {
    pub fn new(site: &Site, user: &str, password: &str) -> Self {
        let home = site.folder.join(format!("home-{user}"));
        std::fs::create_dir_all(&home).expect("home");
        let config = home.join("koji.conf");
        let text = format!(
            "[koji]\nserver = {}\ntopurl = {}\nweburl = http://127.0.0.1:{}/koji\ntopdir = {}\n\
             authtype = password\npoll_interval = 1\n",
            site.hub(),
            site.files(),
            site.port,
            site.topdir().display(),
        );
        std::fs::write(&config, text).expect("koji.conf");
        Self { config, home, login: [format!("--user={user}"), format!("--password={password}")] }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(venv("koji"));
        command
            .arg("--config")
            .arg(&self.config)
            .args(&self.login)
            .args(arguments)
            .current_dir(&self.home)
            .env("HOME", &self.home);
        command.env("PYTHONUNBUFFERED", "1");
        command
    }

    /// Runs a command, whatever comes of it.
    pub fn run(&self, arguments: &[&str]) -> Said {
        let Output { status, stdout, stderr } = self.command(arguments).output().expect("koji");
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Said { ok: status.success(), out: text(&stdout), err: text(&stderr) }
    }

    /// Runs a command that must succeed and returns what it printed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert!(said.ok, "koji {arguments:?} failed\n{}{}", said.out, said.err);
        said.out
    }

    /// Calls an API method with arguments in Python's notation and returns its JSON result.
    pub fn call(&self, method: &str, arguments: &[&str]) -> serde_json::Value {
        let printed = self.ok(&[&["call", "--json-output", method], arguments].concat());
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{method}: {error}: {printed}"))
    }
}
