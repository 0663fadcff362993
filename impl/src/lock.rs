//! A file that only one process at a time writes. The system releases it when the process ends,
//! however it ends.

use std::fs::{File, TryLockError};
use std::ops::Deref;

/// A file, locked for this process until the value is dropped.
#[derive(Debug)]
pub(crate) struct Locked(File);

impl Locked {
    /// Locks it.
    pub(crate) fn new(file: File) -> Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(Self(file))
    }

    /// Does not lock it: for a test that has another file in its place.
    #[cfg(test)]
    pub(crate) fn without_lock(file: File) -> Self {
        Self(file)
    }
}

/// Closing the file would release the lock only if no child of this process has a copy of it.
impl Drop for Locked {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

impl Deref for Locked {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_released_though_somebody_else_has_a_copy() {
        let dir = tempfile::tempdir().unwrap();
        let open = || File::create(dir.path().join("file")).unwrap();
        let file = open();
        let copy = file.try_clone().unwrap(); // as a child has it
        let locked = Locked::new(file).unwrap();
        assert!(matches!(Locked::new(open()), Err(TryLockError::WouldBlock)));
        drop(locked);
        Locked::new(open()).unwrap();
        drop(copy);
    }
}
