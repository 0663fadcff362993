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
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let given = given_by_cgroups(&groups, Path::new("/sys/fs/cgroup"));
    Some(given.into_iter().fold(total, usize::min))
}

/// What each group of processes that this one is in may have, where that is limited: `groups` is
/// what the kernel says of this process, `root` where it shows what they may.
fn given_by_cgroups(groups: &str, root: &Path) -> Vec<usize> {
    let versions = [
        (":memory:", root.join("memory"), "memory.limit_in_bytes"),
        ("0::", root.into(), "memory.max"),
    ];
    let limits = versions.iter().flat_map(|(before, root, file)| {
        let own = groups.lines().find_map(|line| Some(line.split_once(before)?.1));
        let own = own.map(|own| root.join(own.trim_start_matches('/')));
        let groups = own.iter().flat_map(|own| own.ancestors());
        let groups = groups.take_while(|group| group.starts_with(root));
        groups.map(|group| group.join(file)).collect::<Vec<_>>()
    });
    let limits = limits.filter_map(|file| fs::read_to_string(file).ok());
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The limits of these groups, of which files say what they may have.
    fn given(groups: &str, files: &[(&str, &str)]) -> Vec<usize> {
        let root = tempfile::tempdir().unwrap();
        for (file, says) in files {
            let file = root.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, says).unwrap();
        }
        given_by_cgroups(groups, root.path())
    }

    #[test]
    fn a_group_may_have_no_more_than_those_that_it_is_in() {
        let files = [("a/b/memory.max", "max\n"), ("a/memory.max", "4096\n")];
        assert_eq!(given("0::/a/b\n", &files), [4096]);
    }

    #[test]
    fn groups_of_the_first_version_are_heeded() {
        let groups = "5:cpu:/else\n4:memory:/a/b\n0::/\n";
        let files = [
            ("memory/a/b/memory.limit_in_bytes", "4096\n"),
            ("memory/memory.limit_in_bytes", "8192\n"),
        ];
        assert_eq!(given(groups, &files), [4096, 8192]);
    }

    #[test]
    fn groups_of_others_do_not_matter() {
        assert_eq!(given("0::/a\n", &[("b/memory.max", "4096\n")]), [0_usize; 0]);
    }
}
