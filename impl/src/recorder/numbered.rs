//! The files that a trace leaves behind when it goes on in a new one: `FILE.1` is the oldest. They
//! may be compressed, as `FILE.1.gz`.

use std::fs;
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};

use crate::disk::files::folder_of;

/// The files of this trace with their numbers, the oldest first.
pub(super) fn all(path: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned() + ".";
    let mut files: Vec<_> = fs::read_dir(folder_of(path))?
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let rest = path.file_name()?.to_str()?.strip_prefix(&name)?.to_owned();
            let (number, packed) = rest.split_once('.').unwrap_or((&rest, "gz"));
            let number = number.parse().ok().filter(|_| ["gz", "zst"].contains(&packed))?;
            Some((number, path))
        })
        .collect();
    files.sort();
    Ok(files)
}

/// The name of the next one: no file has it, and none that is older has a greater number.
pub(super) fn next(path: &Path) -> io::Result<PathBuf> {
    let number = all(path)?.last().map_or(1, |(last, _)| last + 1);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    Ok(name.into())
}

/// Removes the oldest, until there are only so many.
pub(super) fn keep(path: &Path, count: NonZero<u32>) -> io::Result<()> {
    let files = all(path)?;
    let too_many = files.len().saturating_sub(count.get() as usize);
    files[..too_many].iter().try_for_each(|(_, file)| match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()), // somebody else may remove them, too
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_upwards_and_the_oldest_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace");
        assert_eq!(next(&path).unwrap(), dir.path().join("trace.1"));
        for name in ["trace", "trace.2.gz", "trace.9.zst", "trace.10", "trace.x", "trace.1.old"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let numbers = || all(&path).unwrap().into_iter().map(|(it, _)| it).collect::<Vec<_>>();
        assert_eq!(numbers(), [2, 9, 10]);
        assert_eq!(next(&path).unwrap(), dir.path().join("trace.11"));
        keep(&path, NonZero::new(2).unwrap()).unwrap();
        assert_eq!(numbers(), [9, 10]);
        assert!(path.exists() && dir.path().join("trace.1.old").exists());
    }

    #[test]
    fn what_cannot_be_removed_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace");
        fs::create_dir(dir.path().join("trace.1")).unwrap();
        fs::write(dir.path().join("trace.2"), "").unwrap();
        keep(&path, NonZero::new(2).unwrap()).unwrap();
        keep(&path, NonZero::<u32>::MIN).unwrap_err();
    }
}
