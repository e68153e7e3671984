//! A private RabbitMQ on free ports, which can be stopped, killed and started again.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::process::Running;
use super::{folder, free_port, wait_until};

pub struct Rabbit {
    home: PathBuf,
    port: u16,
    distribution_port: u16,
    epmd_port: u16,
    /// Erlang's name service. It would start itself and stay for ever.
    epmd: Running,
    broker: Option<Running>,
}

/// The broker that tests share; those that stop one start their own.
pub fn rabbitmq() -> &'static Rabbit {
    static BROKER: LazyLock<Rabbit> = LazyLock::new(Rabbit::start);
    &BROKER
}

impl Rabbit {
    /// Starts a broker without data. Takes 5 to 30 s.
    pub fn start() -> Self {
        let home = folder("rabbitmq");
        let epmd_port = free_port();
        let mut epmd = Command::new("epmd");
        epmd.env("ERL_EPMD_PORT", epmd_port.to_string()).env("ERL_EPMD_ADDRESS", "127.0.0.1");
        let epmd = Running::start(&mut epmd, &home.join("log.epmd"));
        std::fs::write(home.join("plugins"), "[].").expect("plugins file");
        let mut rabbit =
            Self { home, port: free_port(), distribution_port: free_port(), epmd_port, epmd, broker: None };
        rabbit.restart();
        rabbit
    }

    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }

    /// Ends the broker in order, as an operator would.
    pub fn stop(&mut self) {
        self.end(Signal::SIGTERM);
    }

    /// Ends the broker as a power cut would.
    pub fn kill(&mut self) {
        self.end(Signal::SIGKILL);
    }

    fn end(&mut self, signal: Signal) {
        if let Some(mut broker) = self.broker.take() {
            broker.signal(signal);
            broker.wait();
        }
    }

    /// Starts the broker after `stop` or `kill`, with the data it had.
    pub fn restart(&mut self) {
        self.kill();
        assert!(self.epmd.ended().is_none(), "epmd ended: see {}", self.home.display());
        let log = self.home.join("log.broker");
        let mut broker = Running::start(&mut self.command(), &log);
        wait_until("RabbitMQ", Duration::from_secs(120), || {
            assert!(broker.ended().is_none(), "RabbitMQ ended: see {}", log.display());
            speaks_amqp(self.port)
        });
        self.broker = Some(broker);
    }

    fn command(&self) -> Command {
        // The script in /usr/sbin would change to the user rabbitmq.
        let script = Path::new("/usr/lib/rabbitmq/bin/rabbitmq-server");
        let mut command = Command::new(if script.exists() { script } else { Path::new("rabbitmq-server") });
        command.arg("-noinput").current_dir(&self.home);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RABBITMQ_")) {
            command.env_remove(name);
        }
        let home = |name: &str| self.home.join(name).into_os_string();
        for (name, value) in [
            ("HOME", self.home.clone().into_os_string()),
            // Makes the script become the server, instead of a parent that waits for it.
            ("RABBITMQ_ALLOW_INPUT", "1".into()),
            ("RABBITMQ_NODENAME", format!("toji-{}@localhost", self.port).into()),
            ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".into()),
            ("RABBITMQ_NODE_PORT", self.port.to_string().into()),
            ("RABBITMQ_DIST_PORT", self.distribution_port.to_string().into()),
            ("ERL_EPMD_PORT", self.epmd_port.to_string().into()),
            ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-start_epmd false".into()),
            ("RABBITMQ_MNESIA_BASE", home("data")),
            ("RABBITMQ_LOG_BASE", home("log")),
            ("RABBITMQ_CONFIG_FILE", home("no-config")),
            ("RABBITMQ_CONF_ENV_FILE", home("no-config")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", home("plugins")),
        ] {
            command.env(name, value);
        }
        command
    }
}

/// Whether the port answers AMQP's protocol header: it is open before the broker is ready.
fn speaks_amqp(port: u16) -> bool {
    let greet = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"AMQP\0\0\x09\x01")?;
        let mut frame_type = [0];
        stream.read_exact(&mut frame_type)?;
        Ok(frame_type == [1])
    };
    greet().unwrap_or(false)
}
