//! Roots made by the `mock` program.
//!
//! Its configuration is written from the tag's settings, in the shape that mock 1 and later read;
//! what mock does well by default is left to it. mock confines builds by itself, so it runs with
//! the worker's own rights, as the configured user.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;

use super::settings::{HOME, Settings};
use super::{Buildroot, Context, SourceTree, only_spec, results};
use crate::command::{Command, CommandError};
use crate::config::WorkerConfig;
use crate::rpms;
use crate::sandbox::Sandbox;
use crate::task::TaskError;

/// Where mock looks for configurations named `koji/…`.
pub const CONFIG_DIR: &str = "/etc/mock/koji";

/// A file that says that a root is no longer used.
const CLOSED: &str = "toji-closed";

/// mock's log files that people read, in its result folder.
const LOGS: &[&str] = &["build.log", "root.log", "state.log", "hw_info.log", "installed_pkgs.log"];

pub struct Mock {
    context: Context,
    settings: Settings,
}

impl Mock {
    pub fn new(context: Context, settings: Settings) -> Result<Mock, TaskError> {
        let text = configuration(&context.config, &settings);
        let path = Path::new(CONFIG_DIR).join(format!("{}.cfg", settings.name));
        let io = |error| TaskError::io(path.display(), error);
        std::fs::create_dir_all(CONFIG_DIR).map_err(io)?;
        std::fs::write(&path, text).map_err(io)?;
        let mock = Mock { context, settings };
        let logs = &mock.context.logs;
        logs.follow(&path, "mock_config.log");
        logs.follow(mock.context.workdir.join("mock_output.log"), "mock_output.log");
        for name in LOGS {
            logs.follow(mock.result_dir().join(name), name);
        }
        Ok(mock)
    }

    fn dir(&self) -> PathBuf {
        self.context.config.mockdir.join(&self.settings.name)
    }

    fn root_dir(&self) -> PathBuf {
        self.dir().join("root")
    }

    fn command<I: IntoIterator<Item = S>, S: Into<OsString>>(&self, args: I) -> Command {
        let config = &self.context.config;
        let mut command = Command::new("setpriv", Sandbox::Bare)
            .args(["--reuid", &config.mockuser, "--regid", "mock", "--init-groups", "--"])
            .args(["mock", "-r", &format!("koji/{}", self.settings.name)])
            .log(self.context.workdir.join("mock_output.log"))
            // mock has its own limit for rpmbuild; this one is for mock itself.
            .timeout(Duration::from_secs(config.rpmbuild_timeout + 6 * 3600));
        if let Some(new) = self.settings.new_chroot {
            command = command.arg(if new { "--new-chroot" } else { "--old-chroot" });
        }
        if self.settings.bootstrap_image_ready {
            command = command.arg("--bootstrap-image-ready");
        }
        command.args(args)
    }

    async fn run(&self, what: &str, command: Command) -> Result<(), TaskError> {
        match command.run(&self.context.cancel).await {
            Err(CommandError::Failed { failure }) => {
                let log = match failure.status.code() {
                    Some(10) => "build.log",
                    Some(1) => "build.log or root.log",
                    _ => "root.log",
                };
                let status = failure.status;
                Err(TaskError::build(format!(
                    "{what} failed, mock ended with {status}; see {log} for more information"
                )))
            }
            result => Ok(result?),
        }
    }

    /// A folder inside the root that lasts between calls of mock.
    fn inner_dir(&self, name: &str) -> Result<(PathBuf, PathBuf), TaskError> {
        let inside = self.context.config.chroot_tmpdir.join(name);
        let outside = self.root_dir().join(inside.strip_prefix("/").unwrap_or(&inside));
        std::fs::create_dir_all(&outside).map_err(|error| TaskError::io(outside.display(), error))?;
        Ok((outside, inside))
    }
}

#[async_trait]
impl Buildroot for Mock {
    async fn init(&mut self) -> Result<(), TaskError> {
        match self.run("making the root", self.command(["--init"])).await {
            Err(TaskError::Fault { message, .. }) => Err(TaskError::buildroot(message)),
            result => result,
        }
    }

    fn root(&self) -> PathBuf {
        self.root_dir()
    }

    async fn build(&mut self, srpm: &Path, target: &str) -> Result<(), TaskError> {
        let command = self.command(["--no-clean", "--target", target, "--rebuild"]).arg(srpm);
        self.run(&format!("building the package for {target}"), command).await
    }

    async fn rebuild_srpm(&mut self, srpm: &Path) -> Result<(), TaskError> {
        let (outside, inside) = self.inner_dir("srpm")?;
        let name = srpm.file_name().unwrap_or(srpm.as_os_str());
        std::fs::copy(srpm, outside.join(name)).map_err(|error| TaskError::io(srpm.display(), error))?;
        let chroot = ["--no-clean", "--target", "noarch", "--chroot", "--"];
        let topdir = format!("_topdir {}", inside.display());
        let unpack = self.command(chroot).args(["rpm", "--define", &topdir, "-iv"]).arg(inside.join(name));
        self.run("unpacking the source package", unpack).await?;
        let names = results::regular_files(&outside, Path::new("SPECS"));
        let spec = only_spec(names.map_err(|error| TaskError::io("the source package's SPECS", error))?)?;
        let spec = inside.join("SPECS").join(spec);
        let build = self.command(chroot).args(["rpmbuild", "--define", &topdir, "-bs", "--nodeps"]).arg(spec);
        self.run("building the source package", build).await?;
        results::collect(&outside, Path::new("SRPMS"), &self.result_dir())
    }

    async fn build_srpm(&mut self, source: &SourceTree) -> Result<(), TaskError> {
        let (outside, inside) = self.inner_dir("scmroot")?;
        results::copy_tree(&source.top, &outside, &self.context.cancel).await?;
        let owner = format!("{}:mock", self.context.config.mockuser);
        let own = Command::new("chown", Sandbox::Bare).args(["-R", "-h", &owner]).arg(&outside);
        own.run(&self.context.cancel).await?;
        if let Some(command) = &source.command {
            let dir = inside.join(&source.dir);
            let fetch = self.command(["--no-clean", "--unpriv", "--cwd"]).arg(dir).arg("--chroot").args(command);
            self.run("fetching the sources", fetch).await?;
        }
        let build = self
            .command(["--no-clean", "--buildsrpm", "--spec"])
            .arg(outside.join(&source.spec))
            .arg("--sources")
            .arg(outside.join(&source.sources))
            .args(["--target", "noarch"]);
        self.run("building the source package", build).await
    }

    fn result_dir(&self) -> PathBuf {
        self.dir().join("result")
    }

    fn logs(&self) -> Vec<String> {
        let written = |name: &&str| self.result_dir().join(name).exists();
        let mut logs: Vec<String> = LOGS.iter().filter(|name| written(name)).map(|name| name.to_string()).collect();
        logs.extend(["mock_config.log", "mock_output.log"].map(str::to_owned));
        logs
    }

    async fn close(&mut self) -> Result<(), TaskError> {
        // The packages are uploaded; the root itself stays for a while, for whoever wants to look.
        let (source, binary) = rpms::sort_out(results::list(&self.result_dir())?);
        for path in source.iter().chain(&binary) {
            std::fs::remove_file(path).map_err(|error| TaskError::io(path.display(), error))?;
        }
        let mark = self.dir().join(CLOSED);
        std::fs::write(&mark, "").map_err(|error| TaskError::io(mark.display(), error))
    }
}

/// Whether a root was given up by the task that used it.
pub fn is_closed(dir: &Path) -> bool {
    dir.join(CLOSED).exists()
}

/// The text of a configuration: Python that assigns to `config_opts`.
fn configuration(config: &WorkerConfig, settings: &Settings) -> String {
    let mut out = Text(format!(
        "# Written by toji; changes are lost.\n\n# Koji buildroot id: {}\n# Koji buildroot name: {}\n\
         # Koji repo id: {}\n# Koji tag: {}\n\n",
        settings.id, settings.name, settings.repo_id, settings.tag
    ));
    out.text("root", &settings.name);
    out.text("basedir", &config.mockdir.to_string_lossy());
    out.text("target_arch", &settings.target_arch);
    out.text("chroothome", HOME);
    out.text("chroot_setup_cmd", &format!("install @{}", settings.group));
    out.raw("rpmbuild_networking", flag(settings.network));
    out.raw("use_host_resolv", flag(settings.network));
    out.raw("rpmbuild_timeout", &config.rpmbuild_timeout.to_string());
    out.raw("dnf_warning", "False");
    if settings.force_arch {
        out.text("forcearch", &settings.target_arch);
    }
    if let Some(manager) = &settings.package_manager {
        out.text("package_manager", manager);
    }
    let image = settings.bootstrap_image.as_deref().filter(|_| config.mock_bootstrap_image);
    out.raw("use_bootstrap_image", flag(image.is_some()));
    if let Some(image) = image {
        out.text("bootstrap_image", image);
    }
    if let Some(bootstrap) = settings.bootstrap {
        out.raw("use_bootstrap", flag(bootstrap));
    }
    if !settings.module_setup.is_empty() {
        let pairs = settings.module_setup.iter();
        let pairs: Vec<String> = pairs.map(|(a, b)| format!("({}, {})", quoted(a), quoted(b))).collect();
        out.raw("module_setup_commands", &format!("[{}]", pairs.join(", ")));
    }
    if let Some(version) = &settings.release_version {
        out.text("releasever", version);
    }
    if settings.credentials.is_some() {
        out.raw("internal_dev_setup", "True");
    }
    out.text("yum.conf", &repositories(config.yum_proxy.as_deref(), settings));
    for plugin in ["ccache_enable", "root_cache_enable", "yum_cache_enable"] {
        out.entry("plugin_conf", plugin, "False");
    }
    if let Some((command, options)) = &settings.sign {
        out.entry("plugin_conf", "sign_enable", "True");
        let options = format!("{{'cmd': {}, 'opts': {}}}", quoted(command), quoted(options));
        out.entry("plugin_conf", "sign_opts", &options);
    }
    if let Some(dir) = &settings.credentials {
        let pair = format!("({}, '/credentials')", quoted(&dir.to_string_lossy()));
        out.line(&format!("config_opts['plugin_conf']['bind_mount_opts']['dirs'].append({pair})"));
    }
    for (name, value) in &settings.macros {
        out.entry("macros", name, &quoted(value));
    }
    for (name, value) in &settings.env {
        out.entry("environment", name, &quoted(value));
    }
    if settings.network
        && let Ok(hosts) = std::fs::read_to_string("/etc/hosts")
    {
        out.entry("files", "etc/hosts", &quoted(&hosts));
    }
    out.0
}

fn repositories(proxy: Option<&str>, settings: &Settings) -> String {
    let mut text = String::from("[main]\n");
    if let Some(proxy) = proxy {
        let _ = writeln!(text, "proxy={proxy}");
    }
    text.push_str(
        "cachedir=/var/cache/yum\ndebuglevel=1\nlogfile=/var/log/yum.log\nreposdir=/dev/null\nretries=20\n\
         obsoletes=1\ngpgcheck=0\nassumeyes=1\nkeepcache=1\ninstall_weak_deps=0\nstrict=1\n\n[build]\nname=build\n",
    );
    let _ = writeln!(text, "baseurl={}", settings.repo_urls.join("\n        "));
    if settings.module_hotfixes {
        text.push_str("module_hotfixes=1\n");
    }
    if let Some(best) = settings.best.filter(|best| *best != 0) {
        let _ = writeln!(text, "best={best}");
    }
    text
}

/// Lines of the configuration.
struct Text(String);

impl Text {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }
    fn raw(&mut self, name: &str, value: &str) {
        self.line(&format!("config_opts[{}] = {value}", quoted(name)));
    }
    fn text(&mut self, name: &str, value: &str) {
        self.raw(name, &quoted(value));
    }
    fn entry(&mut self, table: &str, name: &str, value: &str) {
        self.line(&format!("config_opts[{}][{}] = {value}", quoted(table), quoted(name)));
    }
}

fn flag(on: bool) -> &'static str {
    if on { "True" } else { "False" }
}

/// A Python string literal. Whatever a tag's setting holds, it ends where it ends.
fn quoted(text: &str) -> String {
    let mut out = String::from("'");
    for c in text.chars() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::super::settings::tests::settings;
    use super::*;
    use crate::members;

    #[test]
    fn a_plain_tag() {
        let text = configuration(&WorkerConfig::default(), &settings(members! {}, "i686").unwrap());
        for line in [
            "# Koji buildroot id: 12",
            "# Koji buildroot name: f99-build-12-7",
            "config_opts['root'] = 'f99-build-12-7'",
            "config_opts['basedir'] = '/var/lib/mock'",
            "config_opts['target_arch'] = 'i686'",
            "config_opts['chroot_setup_cmd'] = 'install @build'",
            "config_opts['rpmbuild_networking'] = False",
            "config_opts['use_bootstrap_image'] = False",
            "config_opts['plugin_conf']['root_cache_enable'] = False",
            "config_opts['macros']['%vendor'] = 'Koji'",
            "config_opts['macros']['%_host'] = 'i686-koji-linux-gnu'",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        assert!(text.contains("[build]\\nname=build\\nbaseurl=http://hub/kojifiles/repos/f99-build/7/x86_64\\n"));
        for absent in ["package_manager", "forcearch", "environment", "use_bootstrap'", "['files']"] {
            assert!(!text.contains(absent), "{absent}");
        }
    }

    #[test]
    fn every_setting_of_a_tag() {
        let extra = members! {
            "mock.package_manager" => "dnf", "mock.forcearch" => 1, "mock.use_bootstrap" => true,
            "mock.bootstrap_image" => "registry/f40", "mock.yum.module_hotfixes" => 1, "mock.yum.best" => 1,
            "mock.releasever" => "9", "mock.rpmbuild_networking" => true,
            "mock.module_setup_commands" => vec![crate::args!["enable", "perl:5"]],
            "mock.plugin_conf.sign_enable" => true, "mock.plugin_conf.sign_opts.cmd" => "rpmsign",
            "mock.plugin_conf.sign_opts.opts" => "--addsign %(rpms)s",
            "rpm.macro.dist" => ".el9", "rpm.env.EVIL" => "'\nimport os\n\\",
        };
        let config = WorkerConfig {
            mock_bootstrap_image: true,
            yum_proxy: Some("http://proxy:3128".into()),
            ..WorkerConfig::default()
        };
        let text = configuration(&config, &settings(extra, "x86_64").unwrap());
        for line in [
            "config_opts['package_manager'] = 'dnf'",
            "config_opts['forcearch'] = 'x86_64'",
            "config_opts['use_bootstrap'] = True",
            "config_opts['use_bootstrap_image'] = True",
            "config_opts['bootstrap_image'] = 'registry/f40'",
            "config_opts['releasever'] = '9'",
            "config_opts['use_host_resolv'] = True",
            "config_opts['module_setup_commands'] = [('enable', 'perl:5')]",
            "config_opts['plugin_conf']['sign_opts'] = {'cmd': 'rpmsign', 'opts': '--addsign %(rpms)s'}",
            "config_opts['macros']['%dist'] = '.el9'",
            "config_opts['environment']['EVIL'] = '\\'\\nimport os\\n\\\\'",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        assert!(text.contains("proxy=http://proxy:3128\\n") && text.contains("module_hotfixes=1\\nbest=1\\n"));
        assert!(!text.lines().any(|line| line.starts_with("import")), "a setting became code");
    }

    #[test]
    fn the_bootstrap_image_needs_the_workers_leave() {
        let extra = members! { "mock.bootstrap_image" => "registry/f40" };
        let text = configuration(&WorkerConfig::default(), &settings(extra, "x86_64").unwrap());
        assert!(text.contains("config_opts['use_bootstrap_image'] = False") && !text.contains("registry"));
    }
}
