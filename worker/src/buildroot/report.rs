//! What a root tells about itself: its phases (`state.log`) and its host (`hw_info.log`).

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::Utc;

use crate::task::TaskError;

/// The phases of a root with their times, one line each for begin and end.
pub struct StateLog {
    path: PathBuf,
}

impl StateLog {
    pub fn new(path: impl Into<PathBuf>) -> StateLog {
        StateLog { path: path.into() }
    }

    /// Runs one phase. Its end, good or bad, is told too.
    pub async fn phase<T>(&self, name: &str, work: impl Future<Output = Result<T, TaskError>>) -> Result<T, TaskError> {
        self.line(&format!("{name}: begun"))?;
        let begun = Instant::now();
        let result = work.await;
        let how = match &result {
            Ok(_) => "done",
            Err(TaskError::Cancelled) => "cancelled",
            Err(_) => "failed",
        };
        self.line(&format!("{name}: {how} after {:.1} s", begun.elapsed().as_secs_f64()))?;
        result
    }

    fn line(&self, text: &str) -> Result<(), TaskError> {
        let io = |error| TaskError::io(self.path.display(), error);
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path).map_err(io)?;
        writeln!(file, "{} {text}", Utc::now().format("%Y-%m-%d %H:%M:%S%.3f")).map_err(io)
    }
}

/// Facts of this host: system, processors, memory, and the disk that holds `dir`.
pub fn hardware(dir: &Path) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        { text.lines().find(|line| line.starts_with(name)).map(|line| line.split_once([':', '=']).map_or("", |l| l.1)) }
            .map(|value| value.trim().trim_matches('"').to_owned())
    };
    let mut out = String::new();
    if let Ok(system) = nix::sys::utsname::uname() {
        let words = [system.sysname(), system.release(), system.machine()];
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        let _ = writeln!(out, "Kernel: {}", words.join(" "));
    }
    let cpus = read("/proc/cpuinfo");
    let count = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let facts = [
        ("System", field(&read("/etc/os-release"), "PRETTY_NAME")),
        ("Processors", Some(count.to_string())),
        ("Model", field(&cpus, "model name")),
        ("Memory", field(&read("/proc/meminfo"), "MemTotal")),
        ("Available memory", field(&read("/proc/meminfo"), "MemAvailable")),
        ("Swap", field(&read("/proc/meminfo"), "SwapTotal")),
        ("Load", Some(read("/proc/loadavg").trim().to_owned())),
    ];
    for (name, value) in facts {
        let _ = writeln!(out, "{name}: {}", value.unwrap_or_else(|| "unknown".into()));
    }
    if let Ok(disk) = nix::sys::statvfs::statvfs(dir) {
        let mib = |blocks: u64| blocks.saturating_mul(disk.fragment_size()) >> 20;
        let (free, all) = (mib(disk.blocks_available()), mib(disk.blocks()));
        let _ = writeln!(out, "Disk: {free} MiB free of {all} MiB");
    }
    out
}
