//! Roots on this host, made by dnf and entered through bubblewrap.
//!
//! The group's packages are installed once per repository, arch and settings ([`RootCache`]). Each
//! build gets an overlay on that, into which dnf installs what the source package requires, and
//! runs inside as a user without privileges or network. All of it lies in the task's own folder,
//! which the worker removes with everything mounted in it, whenever the task ends.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::cache::{Kept, RootCache};
use super::dnf::{Dnf, fingerprint, personality};
use super::mount::FreshRoot;
use super::report::{StateLog, hardware};
use super::results;
use super::rootfs::RootFs;
use super::settings::{HOME, Settings};
use super::{Buildroot, Context, SourceTree, only_spec};
use crate::command::{Command, CommandError};
use crate::rpms;
use crate::sandbox::{BUILD_GID, BUILD_UID, BUILD_USER, RootSandbox, Sandbox};
use crate::task::TaskError;

const LOGS: &[&str] = &["root.log", "build.log", "state.log", "hw_info.log"];
/// rpmbuild's status when generated requirements are missing.
const REQUIREMENTS_MISSING: i32 = 11;
/// How many rounds generated requirements may take to settle.
const ROUNDS: usize = 10;

pub struct Overlay {
    context: Context,
    settings: Settings,
    cache: RootCache,
    /// Everything of this root.
    dir: PathBuf,
    state: StateLog,
    dnf: Option<Dnf>,
    // In this order: the mount goes before the lock on what lies under it.
    root: Option<FreshRoot>,
    base: Option<Kept>,
    /// Sources that are bound into the root.
    sources: Option<PathBuf>,
}

impl Overlay {
    pub fn new(context: Context, settings: Settings) -> Result<Overlay, TaskError> {
        if !nix::unistd::geteuid().is_root() {
            let why = "this worker does not run as root, which making clean roots takes";
            return Err(TaskError::buildroot(why));
        }
        let dir = context.workdir.join("buildroot");
        for (name, mode) in [("", 0o700), ("builddir", 0o755), ("tmp", 0o1777), ("result", 0o755)] {
            make_dir(&dir.join(name), mode)?;
        }
        let log = |name: &str| context.workdir.join(name);
        for name in LOGS {
            context.logs.follow(log(name), name);
        }
        let io = |error| TaskError::io("hw_info.log", error);
        std::fs::write(log("hw_info.log"), hardware(&context.workdir)).map_err(io)?;
        let builddir = dir.join("builddir");
        std::fs::write(builddir.join(".rpmmacros"), settings.macro_file())
            .and_then(|()| results::give_to_build(&builddir))
            .map_err(|error| TaskError::io(builddir.display(), error))?;
        let config = &context.config;
        let cache = config.root_cache.clone().unwrap_or_else(|| config.workdir.join("roots"));
        Ok(Overlay {
            state: StateLog::new(log("state.log")),
            cache: RootCache::new(cache),
            dir,
            dnf: None,
            root: None,
            base: None,
            sources: None,
            settings,
            context,
        })
    }

    fn log(&self, name: &str) -> PathBuf {
        self.context.workdir.join(name)
    }

    fn builddir(&self) -> PathBuf {
        self.dir.join("builddir")
    }

    fn fresh(&self) -> Result<&FreshRoot, TaskError> {
        self.root.as_ref().ok_or_else(|| TaskError::buildroot("the root is not ready"))
    }

    fn dnf(&self) -> Result<&Dnf, TaskError> {
        self.dnf.as_ref().ok_or_else(|| TaskError::buildroot("the root is not ready"))
    }

    /// Installs the group into an empty folder and makes it fit for builds.
    async fn install_base(&self, dnf: &Dnf, root: &Path) -> Result<(), TaskError> {
        let Settings { tag, arch, group, .. } = &self.settings;
        let cancel = &self.context.cancel;
        let io = |error| TaskError::io("the new root", error);
        for name in ["proc", "dev", "var/log"] {
            std::fs::create_dir_all(root.join(name)).map_err(io)?;
        }
        let failed = |what: String| {
            move |error| match error {
                CommandError::Cancelled => TaskError::Cancelled,
                error => TaskError::buildroot(format!("{what} of tag {tag} ({arch}) failed, see root.log: {error}")),
            }
        };
        for (command, modules) in &self.settings.module_setup {
            let done = dnf.module(root, command, modules, cancel).await;
            done.map_err(failed(format!("setting up modules {modules}")))?;
        }
        let done = dnf.install_group(root, group, cancel).await;
        done.map_err(failed(format!("installing the group {group}")))?;
        prepare(&RootFs::open(root).map_err(io)?).map_err(io)
    }

    /// A program inside the root.
    fn inside<I: IntoIterator<Item = S>, S: Into<OsString>>(&self, args: I) -> Result<Command, TaskError> {
        let mut args = args.into_iter().map(Into::into);
        let program = args.next().unwrap_or_default();
        let mut binds = vec![(self.builddir(), PathBuf::from(HOME)), (self.dir.join("tmp"), PathBuf::from("/tmp"))];
        binds.extend(self.sources.iter().map(|from| (from.clone(), Path::new(HOME).join("scmroot"))));
        let credentials = self.settings.credentials.clone();
        let sandbox = Sandbox::Root(RootSandbox {
            root: self.fresh()?.path.clone(),
            binds,
            readonly: credentials.into_iter().map(|from| (from, PathBuf::from("/credentials"))).collect(),
            network: self.settings.network,
            hostname: nix::unistd::gethostname().unwrap_or_default().to_string_lossy().into_owned(),
        });
        let mut command = Command::new(program, sandbox)
            .args(args)
            .dir(HOME)
            .personality(personality(&self.settings.arch).as_deref())
            .log(self.log("build.log"))
            .timeout(Duration::from_secs(self.context.config.rpmbuild_timeout));
        for (name, value) in [("HOME", HOME), ("USER", BUILD_USER), ("LOGNAME", BUILD_USER), ("SHELL", "/bin/bash")] {
            command = command.env(name, value);
        }
        for (name, value) in &self.settings.env {
            command = command.env(name, value);
        }
        Ok(command)
    }

    async fn run(&self, what: &str, command: Command) -> Result<(), TaskError> {
        match command.run(&self.context.cancel).await {
            Ok(()) => Ok(()),
            Err(CommandError::Cancelled) => Err(TaskError::Cancelled),
            Err(error) => Err(TaskError::build(format!("{what} failed, see build.log: {error}"))),
        }
    }

    /// Unpacks a source package in the build's home. Answers with the spec file, a path inside.
    async fn unpack(&self, srpm: &Path) -> Result<PathBuf, TaskError> {
        let copy = self.builddir().join("source.rpm");
        std::fs::copy(srpm, &copy)
            .and_then(|_| results::give_to_build(&copy))
            .map_err(|error| TaskError::io(srpm.display(), error))?;
        let inside = Path::new(HOME).join("source.rpm");
        let command = self.inside(["rpm", "-i", "--nodeps", "--nosignature"])?.arg(inside);
        self.run("unpacking the source package", command).await?;
        let specs = Path::new("build/SPECS");
        let names = results::regular_files(&self.builddir(), specs)
            .map_err(|error| TaskError::io("the source package's SPECS", error))?;
        Ok(Path::new(HOME).join(specs).join(only_spec(names)?))
    }

    /// The source package as this root makes it.
    async fn make_srpm(&self, target: &str, defines: &[String], spec: &Path) -> Result<PathBuf, TaskError> {
        let mut command = self.inside(["rpmbuild", "-bs", "--target", target, "--nodeps"])?;
        for define in defines {
            command = command.args(["--define", define]);
        }
        self.run("making the source package", command.arg(spec)).await?;
        self.collect_srpm()
    }

    fn collect_srpm(&self) -> Result<PathBuf, TaskError> {
        results::collect(&self.builddir(), Path::new("build/SRPMS"), &self.dir.join("result"))?;
        let (sources, _) = rpms::sort_out(results::list(&self.dir.join("result"))?);
        let mut sources = sources.into_iter().filter(|path| !is_requirements(path));
        match (sources.next(), sources.next()) {
            (Some(srpm), None) => Ok(srpm),
            (None, _) => Err(TaskError::build("rpmbuild made no source package, see build.log")),
            (Some(_), Some(_)) => Err(TaskError::build("rpmbuild made several source packages, see build.log")),
        }
    }

    async fn install_requirements(&self, srpm: &Path) -> Result<(), TaskError> {
        match self.dnf()?.build_requirements(&self.fresh()?.path, srpm, &self.context.cancel).await {
            Ok(()) => Ok(()),
            Err(CommandError::Cancelled) => Err(TaskError::Cancelled),
            Err(error) => {
                Err(TaskError::build(format!("the build requirements cannot be installed, see root.log: {error}")))
            }
        }
    }

    /// Lets the spec file generate requirements and installs them, until there are no new ones.
    async fn generated_requirements(&self, target: &str, spec: &Path) -> Result<(), TaskError> {
        for _ in 0..ROUNDS {
            let command = self.inside(["rpmbuild", "-br", "--target", target])?.arg(spec);
            let (status, tail) = command.status(&self.context.cancel).await?;
            match status.code() {
                Some(0) => return Ok(()),
                Some(REQUIREMENTS_MISSING) => {}
                _ => {
                    let what = "generating build requirements failed, see build.log";
                    return Err(TaskError::build(format!("{what}: rpmbuild ended with {status}: {tail}")));
                }
            }
            let result = self.dir.join("requirements");
            results::collect(&self.builddir(), Path::new("build/SRPMS"), &result)?;
            let wanted = results::list(&result)?.into_iter().find(|path| is_requirements(path));
            let wanted = wanted.ok_or_else(|| TaskError::build("rpmbuild did not tell the generated requirements"))?;
            self.install_requirements(&wanted).await?;
        }
        Err(TaskError::build(format!("the generated build requirements do not settle in {ROUNDS} rounds")))
    }
}

#[async_trait]
impl Buildroot for Overlay {
    async fn init(&mut self) -> Result<(), TaskError> {
        let Context { config, cancel, .. } = &self.context;
        let dnf = Dnf::new(&self.dir.join("dnf"), &self.log("root.log"), config, &self.settings, cancel).await?;
        let print = hex::encode(Sha256::digest(fingerprint(config, &self.settings)));
        let key = format!("{}-{}-{}", self.settings.repo_id, self.settings.arch, &print[..16]);
        let installed = self.cache.get(&key, cancel, async |root: &Path| self.install_base(&dnf, root).await);
        let base = self.state.phase("install", installed).await?;
        if base.kept {
            note(&self.log("root.log"), &format!("The group's packages are those of the kept root {key}."))?;
        }
        let root = FreshRoot::new(&base.root, &self.dir, cancel).await?;
        let io = |error| TaskError::io("the new root", error);
        if self.settings.network {
            let inside = RootFs::open(&root.path).map_err(io)?;
            for path in ["etc/resolv.conf", "etc/hosts"] {
                if let Ok(text) = std::fs::read_to_string(Path::new("/").join(path)) {
                    inside.write(path, &text).map_err(io)?;
                }
            }
        }
        (self.root, self.base, self.dnf) = (Some(root), Some(base), Some(dnf));
        Ok(())
    }

    fn root(&self) -> PathBuf {
        self.dir.join("root")
    }

    async fn build(&mut self, srpm: &Path, target: &str) -> Result<(), TaskError> {
        let work = async {
            let spec = self.unpack(srpm).await?;
            let srpm = self.make_srpm(target, &[], &spec).await?;
            Ok((spec, srpm))
        };
        let (spec, srpm) = self.state.phase("source package", work).await?;
        self.state.phase("build requirements", self.install_requirements(&srpm)).await?;
        let generates = rpms::generates_requirements(&srpm)?;
        if generates {
            let work = self.generated_requirements(target, &spec);
            self.state.phase("generated build requirements", work).await?;
        }
        // The source package tells the generated requirements too, so it is made again.
        let mode = if generates { "-ba" } else { "-bb" };
        let command = self.inside(["rpmbuild", mode, "--target", target, "--nodeps"])?.arg(&spec);
        self.state.phase("build", self.run(&format!("building for {target}"), command)).await?;
        let result = self.dir.join("result");
        results::collect(&self.builddir(), Path::new("build/RPMS"), &result)?;
        if generates {
            self.collect_srpm()?;
        }
        Ok(())
    }

    async fn rebuild_srpm(&mut self, srpm: &Path) -> Result<(), TaskError> {
        let work = async {
            let spec = self.unpack(srpm).await?;
            self.make_srpm("noarch", &[], &spec).await
        };
        self.state.phase("source package", work).await.map(drop)
    }

    async fn build_srpm(&mut self, source: &SourceTree) -> Result<(), TaskError> {
        results::give_to_build(&source.top).map_err(|error| TaskError::io("the sources", error))?;
        make_dir(&self.builddir().join("scmroot"), 0o755)?;
        self.sources = Some(source.top.clone());
        let top = Path::new(HOME).join("scmroot");
        if let Some(words) = &source.command {
            let command = self.inside(words)?.dir(top.join(&source.dir));
            let what = format!("fetching the sources ({})", words.join(" "));
            self.state.phase("sources", self.run(&what, command)).await?;
        }
        let spec = top.join(&source.spec);
        let define = |name: &str, path: &Path| format!("{name} {}", path.display());
        let specs = spec.parent().unwrap_or(&top);
        let defines = [define("_sourcedir", &top.join(&source.sources)), define("_specdir", specs)];
        self.state.phase("source package", self.make_srpm("noarch", &defines, &spec)).await.map(drop)
    }

    fn result_dir(&self) -> PathBuf {
        self.dir.join("result")
    }

    fn logs(&self) -> Vec<String> {
        let written = |name: &&&str| self.log(name).exists();
        LOGS.iter().filter(written).map(|name| name.to_string()).collect()
    }

    async fn close(&mut self) -> Result<(), TaskError> {
        if let Some(mut root) = self.root.take() {
            root.unmount().map_err(|error| TaskError::io("unmounting the root", error))?;
        }
        self.base = None;
        Ok(())
    }
}

/// What every root needs besides its packages: the build's user, mount points, and its package
/// database where its own rpm looks for it.
fn prepare(root: &RootFs) -> std::io::Result<()> {
    let lines = [
        ("etc/passwd", format!("{BUILD_USER}:x:{BUILD_UID}:{BUILD_GID}:{BUILD_USER}:{HOME}:/bin/bash\n")),
        ("etc/group", format!("{BUILD_USER}:x:{BUILD_GID}:\n")),
    ];
    root.make_dir("etc")?;
    for (path, line) in lines {
        let mut text = root.read(path)?.unwrap_or_default();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        root.write(path, &(text + &line))?;
    }
    for path in [HOME, "/tmp", "/credentials"] {
        root.make_dir(path)?;
    }
    // Distributions moved the database; a root has one, and both names lead to it.
    const PLACES: [(&str, &str); 2] =
        [("usr/lib/sysimage/rpm", "../../usr/lib/sysimage/rpm"), ("var/lib/rpm", "../../../var/lib/rpm")];
    for (here, other, target) in [(0, 1, PLACES[0].1), (1, 0, PLACES[1].1)] {
        let (here, other) = (PLACES[here].0, PLACES[other].0);
        if root.exists(&format!("{here}/rpmdb.sqlite")) && !root.exists(other) {
            root.make_dir(other.rsplit_once('/').map_or("", |(parent, _)| parent))?;
            root.link(other, target)?;
        }
    }
    Ok(())
}

fn make_dir(path: &Path, mode: u32) -> Result<(), TaskError> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(path)
        .and_then(|()| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)))
        .map_err(|error| TaskError::io(path.display(), error))
}

fn note(log: &Path, line: &str) -> Result<(), TaskError> {
    let open = OpenOptions::new().create(true).append(true).open(log);
    open.and_then(|mut file| writeln!(file, "{line}")).map_err(|error| TaskError::io(log.display(), error))
}

/// The file in which rpmbuild tells requirements that a spec file generated.
fn is_requirements(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".buildreqs.nosrc.rpm")
}

#[cfg(test)]
mod tests;
