//! toji: hub, scheduler and worker in one binary, one role per subcommand, or all in one process.

mod admin;
mod config;
mod roles;

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::config::Config;

#[derive(Parser)]
#[command(version, about = "A build system for RPM distributions")]
struct Cli {
    #[command(subcommand)]
    role: Role,
    #[command(flatten)]
    common: Common,
}

/// Flags that win over the configuration file and the environment.
#[derive(Args)]
struct Common {
    /// The configuration file [default: /etc/toji/toji.toml, if it is there]
    #[arg(long, global = true, env = "TOJI_CONFIG")]
    config: Option<PathBuf>,
    /// postgresql://… or sqlite:///…
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
    /// amqp://… or memory:
    #[arg(long, global = true, value_name = "URL")]
    queue: Option<String>,
}

#[derive(Args, Clone)]
struct HubFlags {
    /// Address and port to listen on
    #[arg(long)]
    listen: Option<String>,
    /// The top of the file tree
    #[arg(long)]
    topdir: Option<PathBuf>,
    /// A stock hub.conf
    #[arg(long)]
    hub_conf: Option<PathBuf>,
    /// Make or update the tables first
    #[arg(long)]
    migrate: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Everything in one process: hub, scheduler and one worker
    All(HubFlags),
    /// Serves the API and the file tree
    Hub(HubFlags),
    /// Places tasks on hosts; of several, one leads
    Scheduler,
    /// Runs tasks
    Worker {
        /// A stock kojid.conf
        #[arg(long)]
        kojid_conf: Option<PathBuf>,
    },
    /// Makes or updates the tables
    Migrate,
    /// Users, passwords and permissions, without a hub
    #[command(subcommand)]
    Admin(admin::Command),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,lapin=warn"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).init();
    rustls::crypto::ring::default_provider().install_default().ok();
    let config = load(&cli)?;
    match cli.role {
        Role::All(_) => roles::all(config).await,
        Role::Hub(_) => roles::hub(config).await,
        Role::Scheduler => roles::scheduler(config).await,
        Role::Worker { .. } => roles::worker(config).await,
        Role::Migrate => roles::migrate(config).await,
        Role::Admin(command) => admin::run(config, command).await,
    }
}

fn load(cli: &Cli) -> anyhow::Result<Config> {
    let mut flags = Vec::new();
    let mut set = |key, value: Option<String>| flags.extend(value.map(|value| (key, value)));
    set("database.url", cli.common.database.clone());
    set("queue.url", cli.common.queue.clone());
    let mut kojid_conf = None;
    let mut migrate = false;
    match &cli.role {
        Role::All(hub) | Role::Hub(hub) => {
            set("hub.listen", hub.listen.clone());
            set("hub.topdir", hub.topdir.as_ref().map(|path| path.display().to_string()));
            set("hub.hub_conf", hub.hub_conf.as_ref().map(|path| path.display().to_string()));
            migrate = hub.migrate;
        }
        Role::Worker { kojid_conf: file } => kojid_conf = file.as_deref(),
        Role::Scheduler | Role::Migrate | Role::Admin(_) => {}
    }
    let mut config = config::load(cli.common.config.as_deref(), kojid_conf, flags)?;
    config.hub.migrate |= migrate;
    Ok(config)
}
