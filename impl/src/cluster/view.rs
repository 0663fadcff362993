//! What is known of the servers of a cluster, and what has happened to them.

use std::collections::VecDeque;
use std::fmt;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use raft_model::election::{Role, Rule, State};
use raft_model::message::Message;
use raft_model::trace::{Cause, Record};
use raft_model::types::{ServerId, ServerSet, Term};

/// How much news is kept.
const NEWS: usize = 50;

/// The servers of a cluster, as their traces and processes show them.
#[derive(Debug)]
pub(super) struct View {
    pub(super) servers: Vec<Status>, // by `ServerId::index`
    pub(super) news: VecDeque<Happening>,
}

/// One server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Status {
    pub(super) id: ServerId,
    /// Whether it only votes.
    pub(super) is_witness: bool,
    /// While it runs.
    pub(super) process: Option<u32>,
    /// While it is down: when it starts.
    pub(super) back_at: Duration,
    /// The last that it has recorded.
    pub(super) state: Option<State>,
    /// Since when it runs, is down, or has this role in this term.
    pub(super) since: Duration,
    /// Whether somebody paused it here.
    pub(super) is_paused: bool,
    /// When it last heard a leader, gave its vote or came up, as its run counts.
    heard_us: u64,
}

/// Something that happened, and when: the time since the cluster was started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Happening {
    pub(super) at: Duration,
    server: ServerId,
    pub(super) what: What,
}

/// What can happen to a server.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// Its process was started.
    Runs { process: u32, again: bool },
    /// Its process ended.
    Ended { process: u32, status: ExitStatus, led: Option<Term>, delay: Duration },
    /// Its process was paused, or continued.
    Paused(bool),
    /// It has another role, term or vote, by this rule.
    Changed { state: State, led: Option<Term>, rule: Rule },
    /// It waited for a leader, so long, and now stands for election.
    Stands { term: Term, silence: Duration },
    /// It stands for election since the leader has asked it to take over.
    TakesOver { term: Term, from: ServerId },
    /// It was elected.
    Leads { term: Term, votes: ServerSet, process: Option<u32> },
}

impl View {
    pub(super) fn new(servers: impl Iterator<Item = ServerId>, witnesses: ServerSet) -> Self {
        let status = |id| Status {
            id,
            is_witness: witnesses.contains(id),
            process: None,
            back_at: Duration::ZERO,
            state: None,
            since: Duration::ZERO,
            is_paused: false,
            heard_us: 0,
        };
        Self { servers: servers.map(status).collect(), news: VecDeque::new() }
    }

    /// The server that leads, its term and its process: of those that think so, the latest.
    pub(super) fn leader(&self) -> Option<(ServerId, Term, u32)> {
        let leading = |status: &Status| Some((status.id, status.led_term()?, status.process?));
        self.servers.iter().filter_map(leading).max_by_key(|&(_, term, _)| term)
    }

    /// The latest term that a server has reached.
    pub(super) fn latest_term(&self) -> Option<Term> {
        self.servers.iter().filter_map(Status::term).max()
    }

    /// A server was started.
    pub(super) fn started(&mut self, server: ServerId, process: u32, at: Duration) -> Happening {
        let status = &mut self.servers[server.index()];
        let again = status.state.is_some();
        (status.process, status.since) = (Some(process), at);
        self.tell(Happening { at, server, what: What::Runs { process, again } })
    }

    /// The process of a server ended, and will be started again after the delay.
    pub(super) fn ended(
        &mut self,
        server: ServerId,
        exit: ExitStatus,
        at: Duration,
        delay: Duration,
    ) -> Happening {
        let status = &mut self.servers[server.index()];
        let led = status.led_term();
        let process = status.process.take().unwrap_or_default();
        (status.back_at, status.since, status.is_paused) = (at + delay, at, false);
        self.tell(Happening { at, server, what: What::Ended { process, status: exit, led, delay } })
    }

    /// A server was paused, or continued.
    pub(super) fn paused(&mut self, server: ServerId, is_paused: bool, at: Duration) {
        self.servers[server.index()].is_paused = is_paused;
        self.tell(Happening { at, server, what: What::Paused(is_paused) });
    }

    /// A server took a step. Most steps change nothing that can be seen.
    pub(super) fn stepped(&mut self, record: &Record, at: Duration) -> Option<Happening> {
        let Record { server, step, monotonic_us, .. } = *record;
        let status = &mut self.servers[server.index()];
        let silence = Duration::from_micros(monotonic_us.saturating_sub(status.heard_us));
        let is_silent = matches!(step.rule, Rule::ContactLost | Rule::PreCampaigned);
        if step.restart_timer && !is_silent {
            status.heard_us = monotonic_us;
        }
        let seen = |state: State| (state.role.name(), state.ballot);
        let before = status.state.replace(step.state).map(seen);
        if before == Some(seen(step.state)) {
            return None;
        }
        if before.is_none_or(|(role, ballot)| {
            (role, ballot.current_term) != (step.state.role.name(), step.state.ballot.current_term)
        }) {
            status.since = at;
        }
        let what = what(record, silence, status.process);
        Some(self.tell(Happening { at, server, what }))
    }

    fn tell(&mut self, happening: Happening) -> Happening {
        if !matches!(happening.what, What::Changed { led: None, .. }) {
            self.news.truncate(NEWS - 1);
            self.news.push_front(happening);
        }
        happening
    }
}

/// What a step comes to that can be seen.
fn what(record: &Record, silence: Duration, process: Option<u32>) -> What {
    let Record { server, cause, step, .. } = *record;
    let term = step.state.ballot.current_term;
    match (step.rule, cause, cause.before().map(|before| before.role)) {
        (Rule::Elected, ..) => What::Leads { term, votes: votes(&cause, server), process },
        (Rule::Campaigned, Cause::Receive { from, message: Message::HandOver { .. }, .. }, _) => {
            What::TakesOver { term, from }
        }
        (Rule::Campaigned, _, Some(Role::Follower { .. } | Role::PreCandidate { .. })) => {
            What::Stands { term, silence }
        }
        _ => {
            let led = cause.before().filter(|before| before.role.is_leader());
            let led = led.map(|before| before.ballot.current_term);
            What::Changed { state: step.state, led, rule: step.rule }
        }
    }
}

impl Status {
    pub(super) fn term(&self) -> Option<Term> {
        self.state.map(|state| state.ballot.current_term)
    }

    /// The term that it leads, if it runs and does.
    pub(super) fn led_term(&self) -> Option<Term> {
        self.process?;
        self.term().filter(|_| self.state.is_some_and(|state| state.role.is_leader()))
    }
}

/// Who had granted its vote when this made the server the leader.
fn votes(cause: &Cause, server: ServerId) -> ServerSet {
    let last = match *cause {
        Cause::Receive { from, .. } => from,
        _ => server,
    };
    match cause.before().map(|before| before.role) {
        Some(Role::Candidate { votes }) => votes.with(last),
        _ => ServerSet::only(last),
    }
}

/// How a process ended, after its name.
pub(super) fn ending(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => match signal_hook::low_level::signal_name(signal) {
            Some(name) => format!("was killed by {name}"),
            None => format!("was killed by signal {signal}"),
        },
        (None, Some(code)) => format!("ended with exit code {code}"),
        (None, None) => "ended".to_owned(),
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, server, what } = self;
        write!(f, "{:9.3} s  {server} ", at.as_secs_f64())?;
        match *what {
            What::Runs { process, again: false } => write!(f, "runs as process {process}"),
            What::Runs { process, again: true } => write!(f, "runs again, as process {process}"),
            What::Ended { process, status, led, delay } => {
                write!(f, "(process {process}) {}", ending(status))?;
                if let Some(term) = led {
                    write!(f, " while it led in term {term}")?;
                }
                write!(f, "; it starts again in {} s", delay.as_secs_f64())
            }
            What::Changed { state: State { ballot, role }, led, rule } => {
                write!(f, "is a {} in term {}", role.name(), ballot.current_term)?;
                ballot.voted_for.map_or(Ok(()), |vote| write!(f, ", and voted for {vote}"))?;
                let why = match rule {
                    Rule::HandedOver => ": it has handed over",
                    Rule::QuorumLost => ": no quorum answers it",
                    _ => "",
                };
                led.map_or(Ok(()), |term| write!(f, "; it no longer leads in term {term}{why}"))
            }
            What::Paused(true) => f.write_str("is paused"),
            What::Paused(false) => f.write_str("goes on"),
            What::Stands { term, silence } => {
                let silence = silence.as_millis();
                write!(f, "heard nothing for {silence} ms, and is a candidate in term {term}")
            }
            What::TakesOver { term, from } => {
                write!(f, "takes over from {from}, and is a candidate in term {term}")
            }
            What::Leads { term, votes, process } => {
                write!(f, "leads in term {term}, elected by {votes}")?;
                process.map_or(Ok(()), |process| write!(f, "; process {process}"))
            }
        }
    }
}
