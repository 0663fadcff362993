//! A picture of a run: which records of its traces are drawn, and what became of each message.
//!
//! [`Picture::read`] reads traces that [`replay`](crate::trace::replay) has accepted, three times:
//! for how long the run is, for the steps within the range that is drawn, and for the other ends of
//! messages that cross its borders. It keeps what is drawn, and nothing else. The picture is an SVG
//! document, and its text is what [`Display`](std::fmt::Display) writes.
//!
//! A record is written for every step that changes the server or sends something. So a request that
//! arrives always leaves a record, for it is answered; if there is none, it was lost. A response
//! may arrive and leave none: a vote that its candidate no longer needs, an answer to a round that
//! is over, and, where no rounds are counted, every answer to a heartbeat that tells of no newer
//! term. The last are not drawn.

mod axis;
mod clocks;
mod frame;
mod marks;
mod svg;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::election::{Outgoing, Rule};
use crate::message::Message;
use crate::trace::clocks::Ahead;
use crate::trace::reader::ReplayError;
use crate::trace::replay::Report;
use crate::trace::{Cause, End, Header, Line, Record, StepId};
use crate::types::{ServerId, Term};

/// On one screen, of more than this no election is seen.
const LONGEST: Duration = Duration::from_secs(10);

/// Which part of a run to draw, from its first record on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Range {
    /// Where the picture begins; at the first record, unless given.
    pub from: Option<Duration>,
    /// Where it ends; at the last record, unless given.
    pub to: Option<Duration>,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The traces cannot be read.
    #[error(transparent)]
    Read(#[from] ReplayError),
    /// Nobody could read it.
    #[error(
        "the run is {:.3} s long, and without an end given at most {} s are drawn: choose a part with --from and --to, in seconds from the first record",
        length.as_secs_f64(),
        LONGEST.as_secs()
    )]
    TooLong {
        /// From the first record to the last.
        length: Duration,
    },
    /// The range holds nothing.
    #[error(
        "nothing lies between {:.3} s and {:.3} s: the run is {:.3} s long",
        from.as_secs_f64(),
        to.as_secs_f64(),
        length.as_secs_f64()
    )]
    Empty {
        /// Where the range begins.
        from: Duration,
        /// Where it ends.
        to: Duration,
        /// From the first record to the last.
        length: Duration,
    },
}

/// A part of a run, ready to be drawn. All times are microseconds since 1970.
#[derive(Debug)]
pub struct Picture {
    cluster: String,
    servers: Cluster,
    elected: BTreeMap<Term, ServerId>,
    is_aligned: bool,
    run: Extent,
    from: u64,
    to: u64,
    screens: u32,
    /// One a server.
    lanes: Vec<Lane>,
    journeys: BTreeMap<Sending, Journey>,
}

/// From the first record to the last, and for how long a server that is up can be silent.
#[derive(Clone, Copy, Debug)]
struct Extent {
    first: u64,
    last: u64,
    /// A timer fires at the latest after this time, and what it does is recorded.
    silence: u64,
}

/// What is known of a server.
#[derive(Debug, Default)]
struct Lane {
    has_trace: bool,
    /// In their order: those that are drawn, the one before and the one after them.
    steps: Vec<Record>,
}

/// A message on its way to one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sending {
    from: ServerId,
    sent_in: StepId,
    to: ServerId,
}

/// What became of it.
#[derive(Debug)]
struct Journey {
    message: Message,
    /// `None` if the sender gave no trace.
    sent: Option<u64>,
    /// More than once if it was repeated.
    received: Vec<u64>,
}

/// What is known of a message that has no record of its arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    /// It would have left a record.
    Lost,
    /// It may have arrived.
    Unknown,
}

/// A piece of a server's line.
#[derive(Clone, Debug, PartialEq)]
struct Piece {
    from: u64,
    to: u64,
    role: &'static str,
    /// `None` while it is down.
    term: Option<Term>,
}

impl Piece {
    const fn is_down(&self) -> bool {
        self.term.is_none()
    }

    fn says(&self) -> String {
        match self.term {
            Some(term) => format!("{}, term {term}", self.role),
            None => self.role.to_owned(),
        }
    }
}

impl Picture {
    /// Reads what is drawn from the traces of which `report` tells.
    ///
    /// # Errors
    ///
    /// [`PictureError`] if there is nothing in the range or too much, or a file cannot be read.
    pub fn read(paths: &[PathBuf], report: &Report, range: Range) -> Result<Self, PictureError> {
        let run = extent(paths, &report.ahead)?;
        let (from, to) = run.part(range)?;
        let mut picture = Self {
            cluster: report.cluster.clone(),
            servers: report.servers,
            elected: report.elected.clone(),
            is_aligned: !report.ahead.is_empty(),
            run,
            from,
            to,
            screens: 1,
            lanes: report.servers.servers().map(|_| Lane::default()).collect(),
            journeys: BTreeMap::new(),
        };
        let mut edges = vec![(None, None); picture.lanes.len()];
        report.ahead.each_line(paths, |line| {
            let Line::Step(record) = line else { return };
            let index = record.server.index();
            let (before, after): &mut (Option<Record>, Option<Record>) = &mut edges[index];
            picture.lanes[index].has_trace = true;
            if record.wall_us < from {
                *before = before.filter(|other| other.id() > record.id()).or(Some(record));
            } else if record.wall_us > to {
                *after = after.filter(|other| other.id() < record.id()).or(Some(record));
            } else {
                picture.lanes[index].steps.push(record);
                picture.add_journeys(&record);
            }
        })?;
        for (lane, (before, after)) in picture.lanes.iter_mut().zip(edges) {
            lane.steps.extend(before.into_iter().chain(after));
            lane.steps.sort_by_key(Record::id);
        }
        report.ahead.each_line(paths, |line| {
            if let Line::Step(record) = line {
                picture.complete_journeys(&record);
            }
        })?;
        Ok(picture)
    }

    /// The same, so many screens wide: what is close together is told apart, and one scrolls.
    pub fn zoomed(self, screens: u32) -> Self {
        Self { screens, ..self }
    }

    /// Which part of the run is drawn, in words.
    pub fn part(&self) -> String {
        let second = |time: u64| time.saturating_sub(self.run.first) as f64 / 1e6;
        let Self { from, to, run, .. } = self;
        format!("{:.3} s to {:.3} s of {:.3} s", second(*from), second(*to), second(run.last))
    }

    /// The messages that a step received and sent.
    fn add_journeys(&mut self, record: &Record) {
        let mut add = |sending, message| {
            let journey = Journey { message, sent: None, received: vec![] };
            self.journeys.entry(sending).or_insert(journey);
        };
        if let Some((sending, message)) = received(record) {
            add(sending, message);
        }
        for (sending, message) in sent(record, self.servers) {
            let is_uncounted =
                matches!(message, Message::AppendEntriesResponse { round: None, .. })
                    && record.step.rule != Rule::StaleRequestRefused;
            if !is_uncounted {
                add(sending, message);
            }
        }
    }

    /// Says of the messages that are drawn when they were sent and received.
    fn complete_journeys(&mut self, record: &Record) {
        if let Some((sending, _)) = received(record)
            && let Some(journey) = self.journeys.get_mut(&sending)
        {
            journey.received.push(record.wall_us);
        }
        for (sending, _) in sent(record, self.servers) {
            if let Some(journey) = self.journeys.get_mut(&sending) {
                journey.sent = Some(record.wall_us);
            }
        }
    }

    /// When something else was done than to send, accept and answer heartbeats.
    fn times_that_matter(&self) -> Vec<u64> {
        let steps = self.lanes.iter().flat_map(|lane| &lane.steps);
        let matter = steps.filter(|step| self.is_drawn(step) && !is_routine(step));
        let mut times: Vec<u64> = matter.map(|step| step.wall_us).collect();
        times.sort_unstable();
        times.dedup();
        times
    }

    /// A time as it is said: since the first record.
    fn seconds(&self, time: u64) -> String {
        format!("{:.6} s", (time.saturating_sub(self.run.first)) as f64 / 1e6)
    }

    /// The line of a server, from one record to the next.
    fn pieces(&self, lane: &Lane) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        for (index, step) in lane.steps.iter().enumerate() {
            let from = step.wall_us;
            let (to, is_up) = match lane.steps.get(index + 1) {
                Some(next) => (next.wall_us, next.boot == step.boot),
                None => (self.to, self.run.last.saturating_sub(from) <= self.run.silence),
            };
            let state = step.step.state;
            let (role, term) = if is_up {
                (state.role.name(), Some(state.ballot.current_term))
            } else {
                ("down", None)
            };
            match pieces.last_mut() {
                Some(piece) if is_up && (piece.role, piece.term) == (role, term) => piece.to = to,
                _ => pieces.push(Piece { from, to, role, term }),
            }
        }
        pieces.retain(|piece| piece.from <= self.to && self.from <= piece.to);
        pieces
    }

    fn is_drawn(&self, record: &Record) -> bool {
        (self.from..=self.to).contains(&record.wall_us)
    }

    /// What it means that the arrival of a message is not recorded.
    fn missing(&self, to: ServerId, message: Message) -> Missing {
        let leaves_a_record = match message {
            Message::RequestVote { .. }
            | Message::AppendEntries { .. }
            | Message::PreVote { .. } => true,
            // A candidate that was elected in the end had others' votes, perhaps before this one.
            Message::RequestVoteResponse { term, vote_granted: true } => {
                self.elected.get(&term) != Some(&to)
            }
            // It changes nothing, unless it is the first to tell of a newer term or to be counted.
            Message::RequestVoteResponse { vote_granted: false, .. }
            | Message::AppendEntriesResponse { .. }
            | Message::PreVoteResponse { .. }
            | Message::HandOver { .. } => false,
        };
        if leaves_a_record && self.lanes[to.index()].has_trace {
            Missing::Lost
        } else {
            Missing::Unknown
        }
    }
}

impl Extent {
    /// The part that a range means.
    fn part(self, range: Range) -> Result<(u64, u64), PictureError> {
        let length = Duration::from_micros(self.last - self.first);
        let from = range.from.unwrap_or_default();
        let to = range.to.unwrap_or(length).min(length);
        if from > to || (from == to && !length.is_zero()) {
            let to = range.to.unwrap_or(length);
            return Err(PictureError::Empty { from, to, length });
        }
        if to - from > LONGEST && range.to.is_none() {
            return Err(PictureError::TooLong { length });
        }
        let time = |since: Duration| {
            self.first.saturating_add(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
        };
        Ok((time(from), time(to)))
    }
}

fn extent(paths: &[PathBuf], ahead: &Ahead) -> Result<Extent, ReplayError> {
    let mut extent = Extent { first: u64::MAX, last: 0, silence: 0 };
    ahead.each_line(paths, |line| match line {
        Line::Header(Header { election_ms: (_, longest), .. }) => {
            extent.silence = extent.silence.max(longest.saturating_mul(1000));
        }
        Line::Step(Record { wall_us, .. }) | Line::End(End { wall_us, .. }) => {
            extent.first = extent.first.min(wall_us);
            extent.last = extent.last.max(wall_us);
        }
    })?;
    extent.first = extent.first.min(extent.last); // nobody took a step
    Ok(extent)
}

/// The message that a step received.
fn received(record: &Record) -> Option<(Sending, Message)> {
    match record.cause {
        Cause::Receive { from, message, sent_in, .. } => {
            Some((Sending { from, sent_in, to: record.server }, message))
        }
        Cause::Start { .. }
        | Cause::LoseDisk
        | Cause::HearTerm { .. }
        | Cause::Timeout { .. }
        | Cause::HandOver { .. } => None,
    }
}

/// The messages that a step sent, one for each receiver.
fn sent(record: &Record, cluster: Cluster) -> impl Iterator<Item = (Sending, Message)> {
    let (only, message) = match record.step.outgoing {
        Outgoing::Nothing => (None, None),
        Outgoing::Reply { to, message } | Outgoing::Order { to, message } => {
            (Some(to), Some(message))
        }
        Outgoing::Broadcast { message } => (None, Some(message)),
    };
    let (from, sent_in) = (record.server, record.id());
    let receivers = cluster.others(from).filter(move |&to| only.is_none_or(|only| only == to));
    receivers.filter_map(move |to| Some((Sending { from, sent_in, to }, message?)))
}

/// Whether a step is one of many that keep a leader in office. A round that is repeated is none:
/// no quorum has answered it.
fn is_routine(record: &Record) -> bool {
    match record.step.rule {
        Rule::HeartbeatSent | Rule::HeartbeatAccepted => {
            record.cause.before() == Some(record.step.state)
        }
        Rule::RoundOpened | Rule::AnswerCounted | Rule::RoundAnswered => true,
        _ => false,
    }
}
