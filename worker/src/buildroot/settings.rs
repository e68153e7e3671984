//! What a root is to be, from the tag's settings and the worker's.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::WorkerConfig;
use crate::task::TaskError;
use crate::value::{Lookup, Value, ValueExt};
use toji_proto::arch;

/// Home of the build inside the root.
pub const HOME: &str = "/builddir";

/// What a task wants of a root beyond the tag's settings.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The group of packages that is installed: `build` or `srpm-build`.
    pub group: &'a str,
    /// The arch of the packages to be built; not `noarch`.
    pub arch: &'a str,
    /// Whether what runs inside may reach the network, whatever the tag says.
    pub network: bool,
    /// A folder of the host that is readable inside as `/credentials`.
    pub credentials: Option<PathBuf>,
}

/// Everything about a root. Both kinds of root are made from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `TAG-BUILDROOT-REPO`, as the stock builder names roots.
    pub name: String,
    pub id: i32,
    pub tag: String,
    pub repo_id: i32,
    /// Where the repository of this arch is, best place first.
    pub repo_urls: Vec<String>,
    /// The arch of the repository, for instance `i386`.
    pub arch: String,
    /// The arch that packages are built for, for instance `i686`.
    pub target_arch: String,
    pub group: String,
    pub network: bool,
    pub credentials: Option<PathBuf>,
    /// RPM macros with their `%`.
    pub macros: BTreeMap<String, String>,
    pub env: BTreeMap<String, String>,
    /// Run programs of another arch by emulation.
    pub force_arch: bool,
    pub module_hotfixes: bool,
    pub best: Option<i64>,
    /// Pairs of a dnf module command (`enable`, `disable`, `install`) and its modules.
    pub module_setup: Vec<(String, String)>,
    pub release_version: Option<String>,
    pub package_manager: Option<String>,
    pub bootstrap: Option<bool>,
    pub bootstrap_image: Option<String>,
    pub bootstrap_image_ready: bool,
    pub new_chroot: Option<bool>,
    /// Command and options of mock's sign plugin.
    pub sign: Option<(String, String)>,
}

impl Settings {
    /// Reads the tag's build configuration (stock `getBuildConfig`).
    pub fn new(
        config: &WorkerConfig,
        tag: &Value,
        buildroot_id: i32,
        repo_id: i32,
        repo_urls: Vec<String>,
        wanted: &Wanted<'_>,
    ) -> Result<Settings, TaskError> {
        let tag_name = tag.get_str("name").unwrap_or_default().to_owned();
        let none = Value::Nil;
        let extra = Extra(tag.get("extra").unwrap_or(&none));
        let target_arch = if wanted.arch == "armhfp" { "armv7hl" } else { wanted.arch };
        let network = wanted.network || extra.flag("mock.rpmbuild_networking") || extra.flag("mock.use_host_resolv");
        Ok(Settings {
            name: format!("{tag_name}-{buildroot_id}-{repo_id}"),
            id: buildroot_id,
            repo_id,
            repo_urls,
            arch: arch::canonical(wanted.arch).to_owned(),
            target_arch: target_arch.to_owned(),
            group: wanted.group.to_owned(),
            network,
            credentials: wanted.credentials.clone(),
            macros: macros(config, &extra, target_arch),
            env: extra.with_prefix("rpm.env.").collect(),
            force_arch: extra.flag("mock.forcearch"),
            module_hotfixes: extra.flag("mock.yum.module_hotfixes"),
            best: extra.get("mock.yum.best").and_then(ValueExt::as_i64),
            module_setup: module_setup(extra.get("mock.module_setup_commands"), &tag_name)?,
            release_version: extra.text("mock.releasever"),
            package_manager: extra.text("mock.package_manager"),
            bootstrap: extra.get("mock.use_bootstrap").map(ValueExt::is_true),
            bootstrap_image: extra.text("mock.bootstrap_image"),
            bootstrap_image_ready: extra.flag("mock.bootstrap_image_ready"),
            new_chroot: extra.get("mock.new_chroot").map(ValueExt::is_true),
            sign: sign(&extra, &tag_name)?,
            tag: tag_name,
        })
    }

    /// The macros as a file that rpm reads.
    pub fn macro_file(&self) -> String {
        let line = |(name, value): (&String, &String)| format!("{name} {}\n", value.replace('\n', "\\\n"));
        self.macros.iter().map(line).collect()
    }
}

/// The macros that the tag may set and those that it may not.
fn macros(config: &WorkerConfig, extra: &Extra<'_>, target_arch: &str) -> BTreeMap<String, String> {
    let mut macros = BTreeMap::new();
    let mut set = |name: &str, value: &str| macros.insert(name.to_owned(), value.to_owned());
    set("%_rpmfilename", "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm");
    set("%vendor", &config.vendor);
    set("%packager", &config.packager);
    set("%distribution", &config.distribution);
    for (name, value) in extra.with_prefix("rpm.macro.") {
        set(&format!("%{name}"), &value);
    }
    set("%_topdir", &format!("{HOME}/build"));
    set("%_host_cpu", target_arch);
    set("%_host", &format!("{target_arch}-{}", config.mockhost));
    macros
}

fn module_setup(value: Option<&Value>, tag: &str) -> Result<Vec<(String, String)>, TaskError> {
    let wrong = || {
        TaskError::buildroot(format!(
            "the setting mock.module_setup_commands of tag {tag} is not a list of [command, modules]"
        ))
    };
    let Some(value) = value else { return Ok(Vec::new()) };
    let pair = |item: &Value| match item.as_array()? {
        [command, modules] => Some((command.as_str()?.to_owned(), modules.as_str()?.to_owned())),
        _ => None,
    };
    value.as_array().ok_or_else(wrong)?.iter().map(|item| pair(item).ok_or_else(wrong)).collect()
}

fn sign(extra: &Extra<'_>, tag: &str) -> Result<Option<(String, String)>, TaskError> {
    if !extra.flag("mock.plugin_conf.sign_enable") {
        return Ok(None);
    }
    let need = |name: &str| {
        extra.text(name).ok_or_else(|| {
            TaskError::buildroot(format!("tag {tag} enables mock's sign plugin without the setting {name}"))
        })
    };
    Ok(Some((need("mock.plugin_conf.sign_opts.cmd")?, need("mock.plugin_conf.sign_opts.opts")?)))
}

/// The tag's extra settings.
struct Extra<'a>(&'a Value);

impl<'a> Extra<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.as_struct()?.get(name).filter(|value| !value.is_nil())
    }

    fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(ValueExt::is_true)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(text)
    }

    fn with_prefix(&self, prefix: &'a str) -> impl Iterator<Item = (String, String)> + use<'a> {
        let members = self.0.as_struct().into_iter().flatten();
        members.filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), text(value))))
    }
}

/// A setting as text, the way Python's `str` would put it.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Boolean(true) => "True".to_owned(),
        Value::Boolean(false) => "False".to_owned(),
        Value::Nil => "None".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Long(number) => number.to_string(),
        Value::Double(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::members;

    pub fn settings(extra: crate::value::Members, arch: &str) -> Result<Settings, TaskError> {
        let tag = Value::Struct(members! { "id" => 1, "name" => "f99-build", "arches" => "x86_64", "extra" => extra });
        let wanted = Wanted { group: "build", arch, network: false, credentials: None };
        let urls = vec!["http://hub/kojifiles/repos/f99-build/7/x86_64".to_owned()];
        Settings::new(&WorkerConfig::default(), &tag, 12, 7, urls, &wanted)
    }

    #[test]
    fn settings_of_a_tag_shape_the_root() {
        let plain = settings(members! {}, "i686").unwrap();
        assert_eq!((plain.name.as_str(), plain.arch.as_str()), ("f99-build-12-7", "i386"));
        assert!(!plain.network && plain.env.is_empty());
        assert_eq!(plain.macros["%_host"], "i686-koji-linux-gnu");
        assert_eq!(plain.macros["%vendor"], "Koji");

        let modules = vec![args_pair("enable", "perl:5.36")];
        let rich = settings(
            members! {
                "rpm.macro.dist" => ".el99", "rpm.macro.vendor" => "ACME", "rpm.macro._topdir" => "/elsewhere",
                "rpm.macro.jobs" => 4, "rpm.env.FOO" => true, "mock.use_host_resolv" => true,
                "mock.module_setup_commands" => modules, "mock.yum.best" => 0, "mock.use_bootstrap" => false,
            },
            "x86_64",
        )
        .unwrap();
        assert_eq!((rich.macros["%dist"].as_str(), rich.macros["%vendor"].as_str()), (".el99", "ACME"));
        assert_eq!((rich.macros["%jobs"].as_str(), rich.env["FOO"].as_str()), ("4", "True"));
        assert_eq!(rich.macros["%_topdir"], "/builddir/build", "the tag cannot move the build");
        assert_eq!(rich.module_setup, [("enable".to_owned(), "perl:5.36".to_owned())]);
        assert_eq!((rich.network, rich.best, rich.bootstrap), (true, Some(0), Some(false)));
        assert!(rich.macro_file().contains("%_rpmfilename %%{NAME}-"));
    }

    fn args_pair(a: &str, b: &str) -> Value {
        Value::Array(crate::args![a, b])
    }

    #[test]
    fn wrong_settings_name_the_tag() {
        for extra in [
            members! { "mock.module_setup_commands" => "enable perl" },
            members! { "mock.plugin_conf.sign_enable" => true },
        ] {
            let error = settings(extra, "x86_64").unwrap_err().to_string();
            assert!(error.contains("f99-build"), "{error}");
        }
    }
}
