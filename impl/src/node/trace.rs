//! The trace of a running node: begun, ended, and gone on with in a new file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use super::Node;
use super::driver::Driver;
use super::shared::Command;
use crate::recorder::{Answer, Recorder, Rotation, Trace, TraceError, TraceStatus};

/// The name of a trace in the data directory, if nobody gave another one.
const USUAL: &str = "trace.jsonl";

/// Which trace a node has, or would have.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) file: Option<PathBuf>,
    pub(super) rotation: Rotation,
    pub(super) is_needed: bool,
}

/// What a node is asked to do about its trace.
#[derive(Debug)]
pub(super) enum Order {
    Start(Box<Trace>, Answer),
    /// Whoever asks ends the recorder, which may take a moment.
    Stop(SyncSender<Result<Recorder, TraceError>>),
    Rotate(Answer),
}

impl Node {
    /// The trace that it writes, or wrote until that was not possible any more.
    pub fn trace(&self) -> Option<TraceStatus> {
        self.shared.trace().map(|progress| progress.status())
    }

    /// Writes a trace from now on, in the background: to this file, or to the one that it was
    /// started with, or to `trace.jsonl` in its data directory. Returns which.
    ///
    /// # Errors
    ///
    /// [`TraceError`] if it writes one already, or the file cannot be used.
    pub fn start_trace(&self, file: Option<&Path>) -> Result<PathBuf, TraceError> {
        if let Some(trace) = self.shared.trace().filter(|trace| !trace.has_ended()) {
            return Err(TraceError::On { file: trace.status().file });
        }
        let usual = || self.trace.file.clone().unwrap_or_else(|| self.data.join(USUAL));
        let path = file.map_or_else(usual, Path::to_owned);
        let trace = Trace::open(&path, &self.config, self.trace.rotation)?;
        self.order(|answer| Order::Start(Box::new(trace), answer))?;
        Ok(path)
    }

    /// Ends the trace. The server goes on, and the trace says so.
    ///
    /// # Errors
    ///
    /// [`TraceError`] if there is none, or the server may not go on without it.
    pub fn stop_trace(&self) -> Result<(), TraceError> {
        self.order(Order::Stop).map(drop)
    }

    /// Goes on with the trace in a new file. The old one gets a number, or keeps the name that
    /// somebody gave it.
    ///
    /// # Errors
    ///
    /// [`TraceError`] if there is none, or no file. It goes on in the old one then.
    pub fn rotate_trace(&self) -> Result<(), TraceError> {
        self.order(Order::Rotate)
    }

    fn order<T>(
        &self,
        order: impl FnOnce(SyncSender<Result<T, TraceError>>) -> Order,
    ) -> Result<T, TraceError> {
        let (reply, answer) = sync_channel(1);
        self.shared.command(Command::Trace(order(reply)));
        answer.recv().unwrap_or(Err(TraceError::Ended))
    }
}

impl Driver {
    /// Does that, and never waits for a disk unless the trace is required.
    pub(super) fn obey_trace(&mut self, order: Order) {
        let sequence = self.engine.next_sequence();
        match order {
            Order::Start(trace, answer) => {
                let _ = answer.send(self.start_trace(*trace, sequence));
            }
            Order::Stop(answer) => {
                let _ = answer.send(self.stop_trace(sequence));
            }
            Order::Rotate(answer) => match &mut self.trace {
                Some(trace) => trace.rotate(sequence, answer),
                None => drop(answer.send(Err(TraceError::Off))),
            },
        }
    }

    fn start_trace(&mut self, trace: Trace, sequence: u64) -> Result<(), TraceError> {
        if let Some(on) = self.trace.as_ref().filter(|it| !it.progress().has_ended()) {
            return Err(TraceError::On { file: on.progress().status().file });
        }
        let recorder = trace.go_on(self.shared.run, sequence)?;
        self.shared.set_trace(Some(Arc::clone(recorder.progress())));
        self.trace = Some(recorder);
        Ok(())
    }

    fn stop_trace(&mut self, sequence: u64) -> Result<Recorder, TraceError> {
        if self.needs_trace {
            return Err(TraceError::Required);
        }
        let mut recorder = self.trace.take().ok_or(TraceError::Off)?;
        recorder.stop(sequence);
        self.shared.set_trace(None);
        Ok(recorder)
    }
}
