//! A neighbour who waits for the disk all the time.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::Result;

pub(crate) struct Writer {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Appends a block to a file on the disk of the servers and waits until it is durable, again
    /// and again, until this value is dropped. After a mebibyte it begins anew.
    pub(crate) fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = File::create_new(folder.path().join("busy"))?;
        let ends = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ends);
        let thread = std::thread::spawn(move || {
            let _folder = folder;
            for block in (0..256).cycle() {
                let written = file.write_all_at(&[0x5a; 4096], block * 4096);
                if told.load(Ordering::Relaxed) || written.and_then(|()| file.sync_all()).is_err() {
                    return;
                }
                if block == 255 && file.set_len(0).is_err() {
                    return;
                }
            }
        });
        Ok(Self { ends, thread: Some(thread) })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
