//! A path to take away: as a story, as a scenario that can be played, as a trace in ITF, the format
//! of Apalache and Quint (Apalache's ADR 015), whose variables are those of `tla/RaftElection.tla`.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::codes::Code;
use super::setting::Setting;
use super::walk::{Place, Walker};
use crate::action::{Envelope, Trigger};
use crate::election::{Ballot, Event, Role, State};
use crate::message::Message;
use crate::run::{Run, World};
use crate::types::{ServerId, ServerSet, Term};

/// The moves of a path, as far as it is possible.
pub fn run(setting: &Setting, path: &[Code]) -> Run {
    let walker = Walker::new(setting);
    let mut place = Place::from(setting.initial());
    let mut run = Run::from(place.world.clone());
    for &code in path {
        if walker.impossible(&place, code).is_some() {
            break;
        }
        let (moved, after) = walker.step(&place, code);
        if let Some((a_move, _)) = moved {
            run.moves.push((a_move, after.world.clone()));
        }
        place = after;
    }
    run
}

/// A path as a story: what happened, in words, and every server after each step.
pub fn story(setting: &Setting, path: &[Code]) -> String {
    let by = setting.mutant.map_or(String::new(), |mutant| format!(", by {}", mutant.name));
    format!("{}{by}\n\n{}", setting.cluster, run(setting, path))
}

/// A path as a script of `tests/scenarios`, which `raft-model play` plays.
pub fn script(setting: &Setting, path: &[Code]) -> String {
    let cluster = setting.cluster;
    let mut text = String::from("# A path of the explorer.\n\n");
    let _ = write!(text, "cluster {} {}", cluster.size(), cluster.protocol());
    for witness in cluster.witnesses().iter() {
        let _ = write!(text, " witness={witness}");
    }
    if setting.first_term != Term::ZERO {
        let _ = write!(text, " term={}", setting.first_term);
    }
    let _ = writeln!(text, " patience={}", setting.patience);
    let mut post = Post::default();
    let run = run(setting, path);
    for (before, a_move, after) in run.steps() {
        let id = a_move.server;
        match a_move.trigger {
            Trigger::Restart => {
                let _ = writeln!(text, "restart {id}");
            }
            Trigger::Event(Event::Timeout { .. }) => {
                let _ = writeln!(text, "timeout {id}");
            }
            Trigger::Event(Event::HandOver { to }) => {
                let _ = writeln!(text, "hand-over {id} {to}");
            }
            Trigger::Event(Event::Receive { from, message }) => {
                let _ = writeln!(text, "{}", post.arrive(from, id, message));
            }
        }
        for envelope in after.sent.difference(&before.sent) {
            post.send(setting, envelope);
        }
    }
    text + "---\n"
}

/// What is under way in a script: there attempts are numbered through all terms.
#[derive(Default)]
struct Post {
    under_way: HashMap<(ServerId, ServerId, Message), bool>,
    /// The number of a question, and of what answers it.
    attempts: HashMap<(ServerId, Message), u64>,
    asked: HashMap<ServerId, u64>,
    /// The number of the question that arrived last.
    answered: u64,
}

impl Post {
    fn send(&mut self, setting: &Setting, &Envelope { from, to, message }: &Envelope) {
        if let Message::PreVote { .. } = message {
            let asked = self.asked.entry(from).or_default();
            *asked += 1;
            self.attempts.insert((from, message), *asked);
        }
        if let Message::PreVoteResponse { .. } = message {
            self.attempts.insert((from, message), self.answered);
        }
        for receiver in setting.cluster.others(from) {
            if to.is_none_or(|to| to == receiver) {
                self.under_way.insert((from, receiver, message), true);
            }
        }
    }

    fn attempt(&self, from: ServerId, message: Message) -> u64 {
        self.attempts.get(&(from, message)).copied().unwrap_or(1)
    }

    fn arrive(&mut self, from: ServerId, to: ServerId, message: Message) -> String {
        let was_under_way = self.under_way.insert((from, to, message), false);
        let verb = if was_under_way == Some(true) { "deliver" } else { "duplicate" };
        let (name, more) = match message {
            Message::RequestVote { .. } => ("RequestVote", String::new()),
            Message::RequestVoteResponse { vote_granted, .. } => {
                ("RequestVoteResponse", format!(" vote={}", granted(vote_granted)))
            }
            Message::AppendEntries { round, .. } => ("AppendEntries", format!(" round={round}")),
            Message::AppendEntriesResponse { round, .. } => {
                let round = round.map_or(String::new(), |round| format!(" round={round}"));
                ("AppendEntriesResponse", round)
            }
            Message::PreVote { .. } => {
                self.answered = self.attempt(from, message);
                ("PreVote", format!(" attempt={}", self.answered))
            }
            Message::PreVoteResponse { vote_granted, .. } => {
                let attempt = self.attempt(from, message);
                ("PreVoteResponse", format!(" vote={} attempt={attempt}", granted(vote_granted)))
            }
            Message::HandOver { .. } => ("HandOver", String::new()),
        };
        format!("{verb} {from} {to} {name} term={}{more}", message.term())
    }
}

const fn granted(vote: bool) -> &'static str {
    if vote { "granted" } else { "refused" }
}

/// A path as a trace in ITF.
pub fn itf(setting: &Setting, path: &[Code]) -> Value {
    let run = run(setting, path);
    let worlds = std::iter::once(&run.initial).chain(run.moves.iter().map(|(_, world)| world));
    let actions = std::iter::once(None).chain(run.moves.iter().map(|(a_move, _)| Some(a_move)));
    let states = (0_usize..).zip(worlds.zip(actions)).map(|(index, (world, a_move))| {
        let mut state = variables(world);
        let action = a_move.map(|a_move| a_move.action.to_string());
        state["#meta"] = json!({ "index": index, "action": action });
        state
    });
    json!({
        "#meta": {
            "format": "ITF",
            "format-description": "https://apalache-mc.org/docs/adr/015adr-trace.html",
            "description": format!("raft-model explore: {setting}"),
        },
        "params": [],
        "vars": ["currentTerm", "votedFor", "role", "stored", "sent"],
        "states": states.collect::<Value>(),
    })
}

fn variables(world: &World) -> Value {
    let map = |value: &dyn Fn(ServerId, &State) -> Value| {
        let pairs = world.states().map(|(id, state)| json!([id.to_string(), value(id, state)]));
        json!({ "#map": pairs.collect::<Vec<_>>() })
    };
    let sent = world.sent.iter().map(|envelope| {
        let to = envelope.to.map_or("all".to_owned(), |to| to.to_string());
        json!({ "from": envelope.from.to_string(), "to": to, "says": envelope.message.to_string() })
    });
    json!({
        "currentTerm": map(&|_, state| integer(state.ballot.current_term.number())),
        "votedFor": map(&|_, state| server(state.ballot.voted_for)),
        "role": map(&|_, state| role(state.role)),
        "stored": map(&|id, _| ballot(world.stored[id.index()])),
        "sent": { "#set": sent.collect::<Vec<_>>() },
    })
}

fn integer(number: u64) -> Value {
    json!({ "#bigint": number.to_string() })
}

fn server(server: Option<ServerId>) -> Value {
    json!(server.map_or("Nil".to_owned(), |id| id.to_string()))
}

fn set(servers: ServerSet) -> Value {
    json!({ "#set": servers.iter().map(|id| id.to_string()).collect::<Vec<_>>() })
}

fn ballot(Ballot { current_term, voted_for }: Ballot) -> Value {
    json!({ "currentTerm": integer(current_term.number()), "votedFor": server(voted_for) })
}

fn role(role: Role) -> Value {
    match role {
        Role::Follower { contact } => json!({ "is": "Follower", "contact": contact }),
        Role::PreCandidate { attempt, votes } => json!({
            "is": "PreCandidate", "attempt": integer(attempt.number()), "votes": set(votes),
        }),
        Role::Candidate { votes } => json!({ "is": "Candidate", "votes": set(votes) }),
        Role::Leader { round, answered, beats } => json!({
            "is": "Leader",
            "round": integer(round.number()),
            "answered": set(answered),
            "beats": integer(beats.number().into()),
        }),
    }
}
