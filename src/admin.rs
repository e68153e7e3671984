//! `toji admin`: the first users and passwords, straight in the database.

use std::io::Read;

use anyhow::{Context, ensure};
use clap::Subcommand;
use toji_hub::admin;

use crate::config::Config;

#[derive(Subcommand)]
pub enum Command {
    /// Creates a user
    CreateUser {
        name: String,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
        /// Permissions to grant (may be repeated)
        #[arg(long)]
        perm: Vec<String>,
    },
    /// Sets a user's password, read from standard input
    SetPassword { name: String },
    /// Grants a permission
    Grant { name: String, perm: String },
    /// Revokes a permission
    Revoke { name: String, perm: String },
    /// Creates a builder host with its user and password (read from standard input)
    CreateHost {
        name: String,
        /// Arches that the host builds for
        #[arg(long, value_delimiter = ' ', required = true)]
        arches: Vec<String>,
        /// Channels besides `default`
        #[arg(long)]
        channel: Vec<String>,
        /// How much task weight it takes at a time
        #[arg(long, default_value_t = 2.0)]
        capacity: f64,
    },
}

pub async fn run(config: Config, command: Command) -> anyhow::Result<()> {
    let database = toji_migrations::connect(&config.database.url, &config.database.pool()).await?;
    let options = crate::roles::settings(&config)?.options;
    match command {
        Command::CreateUser { name, password_stdin, perm } => {
            let password = if password_stdin { Some(read_password()?) } else { None };
            admin::create_user(&database, &options, &name, password.as_deref(), &perm).await?;
        }
        Command::SetPassword { name } => admin::set_password(&database, &name, &read_password()?).await?,
        Command::Grant { name, perm } => admin::grant(&database, &name, &perm).await?,
        Command::Revoke { name, perm } => admin::revoke(&database, &name, &perm).await?,
        Command::CreateHost { name, arches, channel, capacity } => {
            let password = read_password()?;
            admin::create_host(&database, &options, &name, &password, &arches, &channel, capacity).await?;
        }
    }
    database.close().await?;
    Ok(())
}

fn read_password() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("cannot read the password")?;
    let password = text.trim_end_matches(['\n', '\r']);
    ensure!(!password.is_empty(), "the password is empty");
    Ok(password.to_string())
}
