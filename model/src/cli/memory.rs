//! How much memory this process has, and how much it may have.

use std::fs;
use std::path::Path;

const MIB: usize = 1 << 20;

/// The option that limits it.
#[derive(clap::Args, Clone, Copy, Default)]
pub(super) struct Limit {
    /// Stop, with exit code 3, when this process has so much memory. Default: three quarters of
    /// what the machine has, or of what this process is given of it (its cgroup).
    #[arg(long, value_name = "MIB")]
    max_memory: Option<usize>,
}

impl Limit {
    /// In bytes; none where the system does not tell what it has.
    pub(super) fn bytes(self) -> Option<usize> {
        let given = self.max_memory.map(|mib| mib.saturating_mul(MIB));
        given.or_else(|| Some(of_machine()? / 4 * 3))
    }
}

/// What the machine has, or less if this process is given less.
fn of_machine() -> Option<usize> {
    let total = from_proc("/proc/meminfo", "MemTotal:")?;
    Some(given_by_cgroups().into_iter().fold(total, usize::min))
}

/// What each group of processes that this one is in may have, where that is limited.
fn given_by_cgroups() -> Vec<usize> {
    const ROOT: &str = "/sys/fs/cgroup";
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let own = Path::new(ROOT).join(own);
    let files = own.ancestors().take_while(|group| group.starts_with(ROOT));
    let files = files.map(|group| group.join("memory.max"));
    let of_version_1 = Path::new(ROOT).join("memory/memory.limit_in_bytes");
    let limits = files.chain([of_version_1]).filter_map(|file| fs::read_to_string(file).ok());
    limits.filter_map(|limit| limit.trim().parse().ok()).collect() // "max" is no number
}

/// What this process has, in bytes, where the system tells.
pub(super) fn now() -> Option<usize> {
    from_proc("/proc/self/status", "VmRSS:")
}

/// The most that it ever had.
pub(super) fn at_most() -> Option<usize> {
    from_proc("/proc/self/status", "VmHWM:")
}

fn from_proc(file: &str, name: &str) -> Option<usize> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: usize = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
