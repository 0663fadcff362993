//! A trace that is written by a thread of its own, so that the server never waits for it.

use std::convert::Infallible;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::file::TraceFile;
use super::progress::Progress;
use super::{Answer, RecorderError, TraceError};

/// How many records may wait to be written.
const BEHIND: usize = 4096;

/// How long the end of a trace is waited for.
const LAST_WRITES: Duration = Duration::from_secs(1);

/// Why records are missing for which there was no room.
const SLOW: &str = "the disk is too slow";

/// What is to be written before the step of this number, or with it.
struct Order {
    sequence: u64,
    /// The first step that found no room, if this is the first one that does again.
    missing: Option<u64>,
    what: What,
}

enum What {
    Begin,
    Record(String),
    Rotate(Answer),
}

/// With which step the trace ends, if the server goes on, and why.
type Farewell = Arc<Mutex<Option<(u64, &'static str)>>>;

/// The server's side.
#[derive(Debug)]
pub(super) struct Background {
    /// Nothing once the trace has ended.
    orders: Option<SyncSender<Order>>,
    missing: Option<u64>,
    farewell: Farewell,
    has_ended: Receiver<Infallible>,
    progress: Arc<Progress>,
}

impl Background {
    /// Begins with a header, if there is none yet for the steps from this one on.
    pub(super) fn start(
        mut file: TraceFile,
        begins: Option<u64>,
        progress: Arc<Progress>,
    ) -> io::Result<Self> {
        let (sender, orders) = sync_channel(BEHIND);
        let (ended, has_ended) = channel();
        let farewell = Farewell::default();
        let last_words = Arc::clone(&farewell);
        let shown = Arc::clone(&progress);
        let write = move || {
            let _ended = ended;
            let failed = write(&mut file, &orders).err();
            if let Some((sequence, error)) = failed {
                tracing::error!("{error}. The trace ends here");
                file.end(sequence, &error.in_short());
                shown.end(error.to_string());
            } else if let Some((sequence, reason)) = lock(&last_words).take() {
                file.end(sequence, reason);
            }
        };
        std::thread::Builder::new().name("raft-trace".to_owned()).spawn(write)?;
        let orders = Some(sender);
        let mut this = Self { orders, missing: None, farewell, has_ended, progress };
        if let Some(sequence) = begins {
            this.order(sequence, What::Begin);
        }
        Ok(this)
    }

    /// Adds a record, unless the trace has ended or there is no room for it.
    pub(super) fn write(&mut self, sequence: u64, record: String) {
        if !self.order(sequence, What::Record(record)) {
            self.progress.drop_one();
        }
    }

    /// Goes on in a new file, before the step of this number.
    pub(super) fn rotate(&mut self, sequence: u64, answer: Answer) {
        self.order(sequence, What::Rotate(answer)); // who waits hears if it is dropped
    }

    /// Ends the trace before the step of this number. The server goes on.
    pub(super) fn stop(&mut self, sequence: u64) {
        *lock(&self.farewell) = Some((sequence, "it was stopped by an order"));
    }

    fn order(&mut self, sequence: u64, what: What) -> bool {
        let Some(orders) = &self.orders else { return false };
        match orders.try_send(Order { sequence, missing: self.missing, what }) {
            Ok(()) => self.missing = None,
            Err(TrySendError::Full(Order { what: What::Record(_), .. })) => {
                if self.missing.is_none() {
                    tracing::error!("the disk is too slow for the trace: records are missing");
                    self.missing = Some(sequence);
                }
                return false;
            }
            Err(TrySendError::Full(_)) => return false,
            Err(TrySendError::Disconnected(_)) => {
                self.orders = None; // and has said why
                return false;
            }
        }
        true
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(sequence) = self.missing {
            *lock(&self.farewell) = Some((sequence, SLOW));
        }
        self.orders = None;
        let _ = self.has_ended.recv_timeout(LAST_WRITES);
    }
}

/// Writes until there is nothing more, or a step cannot be written.
fn write(file: &mut TraceFile, orders: &Receiver<Order>) -> Result<(), (u64, RecorderError)> {
    for Order { sequence, missing, what } in orders {
        let failed = |error| (sequence, error);
        if let Some(missing) = missing {
            file.end(missing, SLOW);
            file.begin(sequence).map_err(failed)?;
        }
        match what {
            What::Begin => file.begin(sequence).map_err(failed)?,
            What::Record(record) => file.write(sequence, &record).map_err(failed)?,
            What::Rotate(answer) => {
                let rotated = file.rotate(sequence).map_err(TraceError::from);
                let _ = answer.send(rotated); // nobody need wait
            }
        }
    }
    Ok(())
}

fn lock(farewell: &Farewell) -> std::sync::MutexGuard<'_, Option<(u64, &'static str)>> {
    farewell.lock().unwrap_or_else(PoisonError::into_inner)
}
