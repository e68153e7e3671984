//! Whether this host can take one more task.

use std::path::Path;

use nix::sys::statvfs::statvfs;

use crate::config::{BuildrootKind, WorkerConfig};

const MIB: u64 = 1 << 20;

/// The reason why no task should come here now, if there is one.
pub fn obstacle(config: &WorkerConfig) -> Option<String> {
    let mut folders = vec![config.workdir.as_path()];
    if config.buildroot == BuildrootKind::Mock {
        folders.push(&config.mockdir);
    }
    folders
        .into_iter()
        .find_map(|folder| disk(folder, config.minspace))
        .or_else(|| memory(config.minmem))
        .or_else(|| load(config.max_load))
}

fn disk(folder: &Path, wanted: u64) -> Option<String> {
    let space = match statvfs(folder) {
        Ok(stat) => stat.blocks_available().saturating_mul(stat.fragment_size()) / MIB,
        Err(error) => return Some(format!("cannot tell the free space at {}: {error}", folder.display())),
    };
    (space < wanted).then(|| format!("only {space} MiB are free at {}, {wanted} are wanted", folder.display()))
}

fn memory(wanted: u64) -> Option<String> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let available = available_kib(&text)? / 1024;
    (available < wanted).then(|| format!("only {available} MiB of memory are available, {wanted} are wanted"))
}

fn available_kib(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn load(most_per_processor: f64) -> Option<String> {
    if most_per_processor <= 0.0 {
        return None;
    }
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    let load: f64 = text.split(' ').next()?.parse().ok()?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let most = most_per_processor * processors as f64;
    (load > most).then(|| format!("the load is {load:.2}, more than {most:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_obstacle_names_itself() {
        let workdir = tempfile::tempdir().unwrap();
        let healthy =
            WorkerConfig { workdir: workdir.path().into(), minspace: 0, max_load: 0.0, ..WorkerConfig::default() };
        assert_eq!(obstacle(&healthy), None);
        let disk = WorkerConfig { minspace: u64::MAX, ..healthy.clone() };
        assert!(obstacle(&disk).unwrap().contains("MiB are free"));
        let memory = WorkerConfig { minmem: u64::MAX, ..healthy.clone() };
        assert!(obstacle(&memory).unwrap().contains("of memory"));
        let absent = WorkerConfig { workdir: "/no/such/folder".into(), ..healthy };
        assert!(obstacle(&absent).unwrap().contains("/no/such/folder"));
    }

    #[test]
    fn meminfo_is_read() {
        assert_eq!(available_kib("MemTotal: 9 kB\nMemAvailable:   2048 kB\n"), Some(2048));
        assert_eq!(available_kib("MemTotal: 9 kB\n"), None);
    }
}
