//! A path to take away: as a story; as a scenario that can be played; as a module of TLA+ that TLC
//! judges; and as a trace in ITF, the format of Apalache and Quint (Apalache's ADR 015), whose
//! variables are those of `tla/RaftElection.tla`.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::codes::{Cause, Code};
use super::setting::Setting;
use super::walk::{Taken, link_says, taken};
use crate::action::{Envelope, Move, Trigger};
use crate::election::{Ballot, Role, State};
use crate::message::Message;
use crate::run::{Run, World, step};
use crate::trace::behaviour::module::{Told, module};
use crate::types::{ServerId, ServerSet, Term};

/// A path as a story: what happened, in words, and every server after each step.
pub fn story(setting: &Setting, path: &[Code]) -> String {
    let by = setting.mutant.map_or(String::new(), |mutant| format!(", by {}", mutant.name));
    let mut text = format!("{}{by}\n\n{}", setting.cluster, Run::from(setting.initial()));
    for (number, Taken { code, before, moved, after }) in (1..).zip(taken(setting, path)) {
        text += &match moved {
            Some((a_move, _)) => step(number, &before, &a_move, &after),
            None => format!("{number:>3}. {}.\n", link_says(code).unwrap_or_default()),
        };
    }
    text
}

/// A path as a module of TLA+, which TLC judges with `tla/TraceRaftElection.tla`: that it is a
/// behaviour of the specification. What only changes links is left out: there a message that does
/// not arrive is one like others.
pub fn behaviour(setting: &Setting, path: &[Code], name: &str) -> String {
    let steps = (1..).zip(taken(setting, path)).filter_map(|(number, taken)| {
        let Taken { code, before, moved, .. } = taken;
        let (Move { server, trigger, .. }, step) = moved?;
        let before = match trigger {
            Trigger::Restart => Err(before.stored[server.index()]),
            Trigger::LoseDisk => Err(Ballot::INITIAL),
            Trigger::Event(_) => Ok(*before.state(server)),
        };
        let at = format!("step {number}, {code}");
        Some(Told { at, server, patience: setting.patience, before, trigger, step })
    });
    module(name, "A path of `raft-model explore`", setting.cluster, steps)
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
    for Taken { code, before, after, .. } in taken(setting, path) {
        let id = code.server;
        let _ = match code.cause {
            Cause::Restart => writeln!(text, "restart {id}"),
            Cause::LoseDisk => writeln!(text, "lose-disk {id}"),
            Cause::HearTerm(from) => writeln!(text, "hear-term {id} {from}"),
            Cause::Timer(_) => writeln!(text, "timeout {id}"),
            Cause::HandOver(to) => writeln!(text, "hand-over {id} {to}"),
            Cause::Receive { from, message } => {
                writeln!(text, "{}", post.arrive(from, id, message))
            }
            Cause::Cut(from) => writeln!(text, "cut-way {from} {id}"),
            Cause::Mend(from) => writeln!(text, "mend-way {from} {id}"),
        };
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
    let moves = taken(setting, path).into_iter();
    let moves = moves.filter_map(|taken| Some((Some(taken.moved?.0.action), taken.after)));
    let worlds = std::iter::once((None, setting.initial())).chain(moves);
    let states = (0_usize..).zip(worlds).map(|(index, (action, world))| {
        let mut state = variables(&world);
        let action = action.map(|action| action.to_string());
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
        Role::Returning { heard, newest } => json!({
            "is": "Returning", "heard": set(heard), "newest": integer(newest.number()),
        }),
    }
}
