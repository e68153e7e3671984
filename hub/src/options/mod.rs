//! The hub's options, under the names the stock hub gives them.
//!
//! They come from up to three places, later ones winning: the `*.conf` files of a
//! `hub.conf.d` folder in name order, a stock `hub.conf`, and the `[hub.options]`
//! table of toji's own configuration. Names are compared without regard to case, as
//! the stock file format does. A name nobody knows, or one that has no meaning here,
//! is logged as a warning; a value that does not fit its option is an error.
//!
//! [`table`] declares each option once: parsing, `showOpts` and the documentation all
//! come from there.

mod limits;
mod stock_file;
mod table;
mod types;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use table::{Declared, Options, TABLE, WITHOUT_MEANING};
pub use types::NamePattern;

/// Stock hub plugins. What they do is part of the hub here; listing them is allowed.
const STOCK_PLUGINS: &[&str] = &[
    "dud",
    "echo",
    "kiwi",
    "protonmsg",
    "rpm2maven",
    "runroot_hub",
    "save_failed_tree",
    "sidetag_hub",
    "tag2distrepo",
];

/// Why options could not be loaded. Every variant names the culprit.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    #[error("cannot read {}: {reason}", path.display())]
    File { path: PathBuf, reason: String },
    #[error("{}: option {name}: {reason}", origin)]
    Value { origin: String, name: String, reason: String },
}

/// Options and the texts of the policies that stood beside them.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub options: Options,
    /// Rules by policy name (lower case), still to be parsed by [`crate::policy`].
    pub policies: BTreeMap<String, String>,
}

impl Settings {
    /// Loads everything there is.
    ///
    /// `file` must exist if given; a missing `folder` counts as empty. `options` and
    /// `policies` are the tables of toji's own configuration and win over the files.
    pub fn load(
        folder: Option<&Path>,
        file: Option<&Path>,
        options: &BTreeMap<String, serde_json::Value>,
        policies: &BTreeMap<String, String>,
    ) -> Result<Settings, OptionsError> {
        let mut settings = Settings::default();
        for path in folder.map(stock_file::config_files).transpose()?.unwrap_or_default() {
            settings.read_stock_file(&path)?;
        }
        if let Some(path) = file {
            settings.read_stock_file(path)?;
        }
        for (name, value) in options {
            settings.set("[hub.options]", name, &types::text_of("[hub.options]", name, value)?)?;
        }
        for (name, rules) in policies {
            settings.policies.insert(name.to_lowercase(), rules.clone());
        }
        settings.warn_of_unknown_plugins();
        Ok(settings)
    }

    fn read_stock_file(&mut self, path: &Path) -> Result<(), OptionsError> {
        let origin = path.display().to_string();
        let sections = stock_file::read(path)?;
        for (name, value) in sections.hub {
            self.set(&origin, &name, &value)?;
        }
        self.policies.extend(sections.policy);
        Ok(())
    }

    fn set(&mut self, origin: &str, name: &str, text: &str) -> Result<(), OptionsError> {
        if let Some((known, why)) = WITHOUT_MEANING.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            tracing::warn!("{origin}: option {known} has no meaning here: {why}");
            return Ok(());
        }
        match self.options.set(name, text) {
            Some(Ok(())) => {}
            Some(Err(reason)) => {
                return Err(OptionsError::Value { origin: origin.into(), name: name.into(), reason });
            }
            None => tracing::warn!("{origin}: unknown option {name} is ignored"),
        }
        Ok(())
    }

    fn warn_of_unknown_plugins(&self) {
        for plugin in self.options.plugins().filter(|name| !STOCK_PLUGINS.contains(name)) {
            tracing::warn!("option Plugins: unknown plugin {plugin} is ignored");
        }
    }
}

impl Options {
    /// The plugin names of `Plugins`, in order.
    pub fn plugins(&self) -> impl Iterator<Item = &str> {
        self.plugins.split_whitespace()
    }
}

#[cfg(test)]
mod tests;
