//! dnf, filling a root from outside it.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::settings::Settings;
use crate::command::{Command, CommandError};
use crate::config::WorkerConfig;
use crate::sandbox::Sandbox;
use crate::task::TaskError;

/// Where the package database goes when the host's rpm has no place of its own for it in a root.
const DATABASE: &str = "/usr/lib/sysimage/rpm";

/// The longest that installing packages may take.
const TIMEOUT: Duration = Duration::from_secs(4 * 3600);

/// The host's dnf with one configuration.
pub struct Dnf {
    /// Own files: configuration, home.
    dir: PathBuf,
    release_version: String,
    personality: Option<String>,
    force_arch: Option<String>,
    network: bool,
    log: PathBuf,
}

impl Dnf {
    /// Writes the configuration into `dir`, a folder of its own.
    pub async fn new(
        dir: &Path,
        log: &Path,
        config: &WorkerConfig,
        settings: &Settings,
        cancel: &CancellationToken,
    ) -> Result<Dnf, TaskError> {
        let io = |error| TaskError::io(dir.display(), error);
        std::fs::create_dir_all(dir).map_err(io)?;
        std::fs::write(dir.join("dnf.conf"), configuration(config, settings)).map_err(io)?;
        if homeless_database(dir, cancel).await? {
            std::fs::write(dir.join(".rpmmacros"), format!("%_dbpath {DATABASE}\n")).map_err(io)?;
        }
        Ok(Dnf {
            dir: dir.to_owned(),
            release_version: settings.release_version.clone().unwrap_or_else(|| "0".into()),
            personality: personality(&settings.arch),
            force_arch: settings.force_arch.then(|| settings.target_arch.clone()),
            network: settings.repo_urls.iter().any(|url| !url.starts_with("file:")),
            log: log.to_owned(),
        })
    }

    fn command(&self, root: &Path) -> Command {
        let mut installroot = OsString::from("--installroot=");
        installroot.push(root);
        let sandbox =
            Sandbox::Install { root: root.to_owned(), writable: vec![self.dir.clone()], network: self.network };
        let mut command = Command::new("dnf", sandbox)
            .personality(self.personality.as_deref())
            .log(&self.log)
            .timeout(TIMEOUT)
            .arg("-c")
            .arg(self.dir.join("dnf.conf"))
            .arg(installroot)
            .arg(format!("--releasever={}", self.release_version))
            .args(["--disableplugin=*", "--enableplugin=builddep"]);
        if let Some(arch) = &self.force_arch {
            command = command.arg(format!("--forcearch={arch}"));
        }
        command
    }

    /// Prepares the tag's modules.
    pub async fn module(
        &self,
        root: &Path,
        command: &str,
        modules: &str,
        cancel: &CancellationToken,
    ) -> Result<(), CommandError> {
        let words = modules.split([',', ' ']).filter(|word| !word.is_empty());
        self.command(root).args(["module", command, "--"]).args(words).run(cancel).await
    }

    /// Installs the packages of a group of the repository.
    pub async fn install_group(
        &self,
        root: &Path,
        group: &str,
        cancel: &CancellationToken,
    ) -> Result<(), CommandError> {
        self.command(root).args(["install", &format!("@{group}")]).run(cancel).await
    }

    /// Installs what a source package needs to be built.
    pub async fn build_requirements(
        &self,
        root: &Path,
        srpm: &Path,
        cancel: &CancellationToken,
    ) -> Result<(), CommandError> {
        self.command(root).args(["builddep", "--srpm"]).arg(srpm).run(cancel).await
    }
}

/// Whether the host's rpm keeps its database in a home folder, as Debian's does. In a root, dnf
/// would then leave it where nobody looks.
async fn homeless_database(dir: &Path, cancel: &CancellationToken) -> Result<bool, TaskError> {
    static ANSWER: OnceCell<bool> = OnceCell::const_new();
    let ask = async || {
        let command = Command::new("rpm", Sandbox::offline(dir)).args(["--eval", "%_dbpath"]);
        let path = command.output(cancel).await?;
        Ok::<bool, TaskError>(path.contains("/.rpmdb"))
    };
    ANSWER.get_or_try_init(ask).await.copied()
}

/// What the kernel is to call the machine while packages of a 32-bit arch are handled.
pub fn personality(arch: &str) -> Option<String> {
    let machine = match arch {
        "i386" => "i686",
        "ppc" => "ppc32",
        "s390" => "s390",
        "armhfp" | "armel" => "linux32",
        _ => return None,
    };
    Some(machine.to_owned())
}

fn configuration(config: &WorkerConfig, settings: &Settings) -> String {
    let mut text = String::from(
        "[main]\ngpgcheck=0\nassumeyes=1\nplugins=1\nreposdir=/dev/null\nobsoletes=1\nretries=20\nstrict=1\n\
         install_weak_deps=0\nkeepcache=0\nlogfilelevel=2\n",
    );
    if let Some(best) = settings.best {
        let _ = writeln!(text, "best={}", i32::from(best != 0));
    }
    if let Some(proxy) = &config.yum_proxy {
        let _ = writeln!(text, "proxy={proxy}");
    }
    if let Some(authority) = &config.serverca {
        let _ = writeln!(text, "sslcacert={}", authority.display());
    }
    if config.no_ssl_verify {
        text.push_str("sslverify=0\n");
    }
    // A repository never changes, it is replaced by one with another id.
    text.push_str("\n[build]\nname=build\nmetadata_expire=never\nskip_if_unavailable=0\n");
    let _ = writeln!(text, "baseurl={}", settings.repo_urls.join("\n        "));
    if settings.module_hotfixes {
        text.push_str("module_hotfixes=1\n");
    }
    text
}

/// What everything installed depends on: two roots with equal texts may be one.
pub fn fingerprint(config: &WorkerConfig, settings: &Settings) -> String {
    format!(
        "{}{:?}{:?}{:?}{:?}{}",
        configuration(config, settings),
        settings.module_setup,
        settings.release_version,
        settings.group,
        settings.target_arch,
        settings.force_arch
    )
}
