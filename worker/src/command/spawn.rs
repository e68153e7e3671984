//! The one thread that starts all programs.
//!
//! The kernel's "die with your parent" watches the *thread* that started a program. Threads of the
//! runtime come and go; this one lives as long as the worker.

use std::io;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

use tokio::process::Child;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

struct Order {
    command: Command,
    runtime: Handle,
    answer: oneshot::Sender<io::Result<Child>>,
}

/// Starts a program from the spawner thread; it is watched by the calling runtime.
pub(super) async fn spawn(command: Command) -> io::Result<Child> {
    let (answer, started) = oneshot::channel();
    let gone = || io::Error::other("the thread that starts programs is gone");
    spawner()?.send(Order { command, runtime: Handle::current(), answer }).map_err(|_| gone())?;
    started.await.map_err(|_| gone())?
}

fn spawner() -> io::Result<&'static Sender<Order>> {
    static SPAWNER: OnceLock<Sender<Order>> = OnceLock::new();
    if let Some(sender) = SPAWNER.get() {
        return Ok(sender);
    }
    let (sender, orders) = channel::<Order>();
    std::thread::Builder::new().name("spawner".into()).spawn(move || {
        for order in orders {
            let _entered = order.runtime.enter();
            // Dropped before it is waited for, a child is killed by whoever holds it; nobody
            // holds it only when the caller vanished in this very moment.
            let mut command = tokio::process::Command::from(order.command);
            command.kill_on_drop(true);
            let _ = order.answer.send(command.spawn());
        }
    })?;
    Ok(SPAWNER.get_or_init(|| sender))
}
