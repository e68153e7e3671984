//! The world around the tests: private servers, the program itself, and the stock client.
//!
//! Everything lives in one temporary folder, and neither it nor any process outlives the test
//! binary, however that ends (see [`process`]).

pub mod client;
pub mod postgres;
pub mod process;
pub mod rabbitmq;
pub mod toji;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A new empty folder that goes away with the test binary.
pub fn folder(name: &str) -> PathBuf {
    let folder = tempfile::Builder::new().prefix(name).tempdir_in(process::scratch()).expect("temporary folder");
    // The process that cleans up also removes this, and while a test fails its logs are wanted.
    folder.keep()
}

/// A TCP port that nobody listens on. Below those that outgoing connections take, one of which could
/// meet itself while it waits for a server.
pub fn free_port() -> u16 {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = std::process::id() as u16;
    loop {
        let port = 20_000 + start.wrapping_mul(97).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Waits until `ready` says so; panics with `what` after `patience`.
pub fn wait_until(what: &str, patience: Duration, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < patience, "{what}: not within {} s", patience.as_secs());
        std::thread::sleep(Duration::from_millis(10));
    }
}
