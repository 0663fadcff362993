//! How long a ballot takes to be durable, by each way to write it in place.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use raft_node::disk::slot::SLOT_SIZE;
use rustix::fs::OFlags;

use crate::{Disk, Result};

/// How often each way is tried.
const SAVES: usize = 1000;

/// A way to write both slots so that they are durable afterwards.
struct Way {
    name: &'static str,
    flags: OFlags,
}

const WAYS: [Way; 3] = [
    Way { name: "write, write, fdatasync", flags: OFlags::empty() },
    Way { name: "write with O_DSYNC", flags: OFlags::DSYNC },
    Way { name: "… and O_DIRECT", flags: OFlags::DSYNC.union(OFlags::DIRECT) },
];

/// Prints ranks of the times that each way takes.
pub(crate) fn print(disks: &[Disk]) -> Result<()> {
    println!("\nMilliseconds until both slots of a ballot are durable, of {SAVES} saves in turns:");
    println!("  {:<24} {:<5} {:>8} {:>8} {:>8}", "", "disk", "p50", "p90", "p99");
    disks.iter().try_for_each(|disk| {
        let (name, _writer) = disk.begin()?;
        measure(name)
    })
}

fn measure(disk: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ballot");
    let new = File::create_new(&path)?;
    new.write_all_at(&[0; 2 * SLOT_SIZE], 0)?;
    new.sync_all()?;
    let files: Vec<_> = WAYS.iter().map(|way| open(&path, way.flags)).collect::<io::Result<_>>()?;
    // A direct write needs memory at an address like those of blocks.
    let mut memory = vec![0; 3 * SLOT_SIZE];
    let start = memory.as_ptr().align_offset(SLOT_SIZE);
    let slots = &mut memory[start..start + 2 * SLOT_SIZE];
    let mut times = WAYS.map(|_| Vec::with_capacity(SAVES));
    for save in 0..SAVES {
        for ((way, file), times) in WAYS.iter().zip(&files).zip(&mut times) {
            slots.fill(save.to_le_bytes()[0]);
            let start = Instant::now();
            if way.flags.is_empty() {
                let (a, b) = slots.split_at(SLOT_SIZE);
                file.write_all_at(a, 0)?;
                file.write_all_at(b, SLOT_SIZE as u64)?;
                file.sync_data()?;
            } else {
                file.write_all_at(slots, 0)?;
            }
            times.push(start.elapsed());
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    for (way, times) in WAYS.iter().zip(&mut times) {
        times.sort_unstable();
        let rank = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
        let [p50, p90, p99] = [50, 90, 99].map(|percent| rank(percent).as_secs_f64() * 1e3);
        println!("  {:<24} {disk:<5} {p50:8.2} {p90:8.2} {p99:8.2}", way.name);
    }
    Ok(())
}

fn open(path: &Path, flags: OFlags) -> io::Result<File> {
    File::options().write(true).custom_flags(flags.bits().cast_signed()).open(path)
}
