//! No path is missing, none is wrong: whatever a server is and whatever happens to it, exactly one
//! of the paths that were found is the one that the code takes, and it ends in the same step.

use std::collections::BTreeMap;

use super::super::election::Handlers;
use super::super::oracle::{Note, Path, Question, STRUCTURALLY, Symbol, assumed};
use super::super::situation::{Occurrence, Situation, Standing};
use super::super::{election as symbolic, message as symbolic_message};
use super::laws::quorums;
use super::meaning::{Formula, Structure, Value};
use crate::cluster::Cluster;
use crate::election::{Ballot, Event, Outgoing, Role, Rule, Server, State, Step};
use crate::message::Message;
use crate::types::{ServerId, ServerSet, Term};

/// A server, and what happens to it.
#[derive(Clone, Copy, Debug)]
struct Input {
    server: Server,
    before: State,
    /// The message that arrives, if one does: who sent it, and its term.
    from: ServerId,
    term: Term,
}

/// An input, with the names that a path gives to values.
struct Named<'a> {
    input: Input,
    sets: BTreeMap<&'a str, &'a str>,
    later: BTreeMap<&'a str, &'a str>,
}

impl<'a> Named<'a> {
    fn on(path: &'a Path, input: Input) -> Self {
        let mut named = Self { input, sets: BTreeMap::new(), later: BTreeMap::new() };
        for note in &path.notes {
            match note {
                Note::Set { name, member } => drop(named.sets.insert(name, member)),
                Note::Later { name, than } => drop(named.later.insert(name, than)),
                Note::Decided { .. } | Note::Implied(_) => {}
            }
        }
        named
    }

    fn is(&self, formula: &str) -> bool {
        Formula::read(formula).holds(self)
    }

    fn server(&self, symbol: &dyn std::fmt::Debug) -> ServerId {
        let value = Formula::read(&format!("{symbol:?}")).value(self);
        ServerId::new(u8::try_from(value).unwrap()).unwrap()
    }

    fn term(&self, symbol: &dyn std::fmt::Debug) -> Term {
        Term::new(Formula::read(&format!("{symbol:?}")).value(self))
    }

    fn set(&self, symbol: &dyn std::fmt::Debug) -> ServerSet {
        let is_member = |s: &ServerId| self.is(&format!("({symbol:?} {})", s.number()));
        self.input.server.cluster.servers().filter(is_member).collect()
    }

    /// The answer to a question, from the numbers.
    fn answer(&self, question: Question) -> bool {
        match question {
            Question::Last(term) => self.term(&Text(term)).next().is_none(),
            Question::Quorum(set) => self.input.server.cluster.is_quorum(self.set(&Text(set))),
            question => self.is(&assumed(question, true).expect("of an order or equality")),
        }
    }
}

/// The expression of a symbol.
struct Text(usize);

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&Symbol::at(self.0).text())
    }
}

impl Structure for Named<'_> {
    fn all_of(&self, sort: &str) -> Vec<Value> {
        let cluster = self.input.server.cluster;
        match sort {
            "Server" => cluster.servers().map(|server| server.number().into()).collect(),
            "Quorum" => quorums(cluster),
            _ => panic!("the conditions of a path speak of no other {sort}"),
        }
    }

    fn value(&self, name: &str, arguments: &[Value]) -> Option<Value> {
        let Input { server, before, from, term } = self.input;
        let State { ballot, role } = before;
        let contains = |set: ServerSet, server: Value| -> Option<Value> {
            Some(set.contains(ServerId::new(u8::try_from(server).ok()?)?).into())
        };
        match (name, arguments) {
            ("zero", []) => Some(Term::ZERO.number()),
            ("me", []) => Some(server.id.number().into()),
            ("from", []) => Some(from.number().into()),
            ("term", []) => Some(term.number()),
            ("voted", []) => Some(ballot.voted_for?.number().into()),
            // The disk holds what the server acts on.
            ("current_term" | "stored_term", _) => Some(ballot.current_term.number()),
            ("older", &[a, b]) => Some((a < b).into()),
            ("member", &[server, quorum]) => {
                contains(ServerSet::from_bits(u8::try_from(quorum).ok()?), server)
            }
            ("counted", &[server]) => match role {
                Role::Candidate { votes } => contains(votes, server),
                Role::Follower | Role::Leader => None,
            },
            (name, []) => Some(self.term(&Raw(self.later.get(name)?)).next()?.number()),
            (name, &[server]) => {
                let member = self.sets.get(name)?;
                let of = format!("(exists ((s Server)) (and (= s {server}) {member}))");
                Some(self.is(&of).into())
            }
            _ => None,
        }
    }
}

struct Raw<'a>(&'a str);

impl std::fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// A step on symbols, with their values.
fn concrete(named: &Named, step: &symbolic::Step) -> Step {
    let symbolic::Step { state, rule, persist, outgoing, restart_timer } = step;
    let role = match state.role {
        symbolic::Role::Follower => Role::Follower,
        symbolic::Role::Candidate { votes } => Role::Candidate { votes: named.set(&votes) },
        symbolic::Role::Leader => Role::Leader,
    };
    let ballot = Ballot {
        current_term: named.term(&state.ballot.current_term),
        voted_for: state.ballot.voted_for.map(|candidate| named.server(&candidate)),
    };
    let message = |message: symbolic_message::Message| match message {
        symbolic_message::Message::RequestVote { term } => {
            Message::RequestVote { term: named.term(&term) }
        }
        symbolic_message::Message::RequestVoteResponse { term, vote_granted } => {
            Message::RequestVoteResponse { term: named.term(&term), vote_granted }
        }
        symbolic_message::Message::AppendEntries { term } => {
            Message::AppendEntries { term: named.term(&term) }
        }
        symbolic_message::Message::AppendEntriesResponse { term } => {
            Message::AppendEntriesResponse { term: named.term(&term) }
        }
    };
    let outgoing = match *outgoing {
        symbolic::Outgoing::Nothing => Outgoing::Nothing,
        symbolic::Outgoing::Reply { to, message: answer } => {
            Outgoing::Reply { to: named.server(&to), message: message(answer) }
        }
        symbolic::Outgoing::Broadcast { message: request } => {
            Outgoing::Broadcast { message: message(request) }
        }
    };
    // Rules are only names; they are compared by name.
    let rule = serde_json::from_str::<Rule>(&format!("\"{rule:?}\"")).unwrap();
    let (persist, restart_timer) = (*persist, *restart_timer);
    Step { state: State { ballot, role }, rule, persist, outgoing, restart_timer }
}

/// What the code does, on numbers.
fn run(situation: Situation, input: Input) -> Step {
    let Input { server, before, from, term } = input;
    let message = match situation.occurrence {
        Occurrence::Timeout => return server.step(before, Event::Timeout),
        Occurrence::Restart => return server.start(Some(before.ballot)),
        Occurrence::RequestVote => Message::RequestVote { term },
        Occurrence::VoteGranted => Message::RequestVoteResponse { term, vote_granted: true },
        Occurrence::VoteRefused => Message::RequestVoteResponse { term, vote_granted: false },
        Occurrence::AppendEntries => Message::AppendEntries { term },
        Occurrence::AppendEntriesResponse => Message::AppendEntriesResponse { term },
    };
    server.step(before, Event::Receive { from, message })
}

/// All inputs of a situation for up to three servers, with the first terms and the last ones.
fn inputs(situation: Situation) -> Vec<Input> {
    let terms = [0, 1, 2, u64::MAX - 1, u64::MAX].map(Term::new);
    let mut inputs = Vec::new();
    for cluster in (1..=3).map(|size| Cluster::new(size).unwrap()) {
        let candidates: Vec<_> = match situation.has_voted {
            true => cluster.servers().map(Some).collect(),
            false => vec![None],
        };
        let roles: Vec<_> = match situation.standing {
            Standing::Follower => vec![Role::Follower],
            Standing::Leader => vec![Role::Leader],
            Standing::Candidate => (0..1 << cluster.size())
                .map(|bits| Role::Candidate { votes: ServerSet::from_bits(bits) })
                .collect(),
        };
        let senders: Vec<_> = match situation.occurrence.is_delivery() {
            true => cluster.servers().collect(),
            false => vec![ServerId::FIRST],
        };
        for id in cluster.servers() {
            for current_term in terms {
                for &voted_for in &candidates {
                    for &role in &roles {
                        for &from in &senders {
                            for term in terms {
                                let ballot = Ballot { current_term, voted_for };
                                let before = State { ballot, role };
                                let server = Server { id, cluster };
                                inputs.push(Input { server, before, from, term });
                            }
                        }
                    }
                }
            }
        }
    }
    inputs
}

/// Compares every input of every situation. Tells the number of inputs, or the first one of which
/// not exactly one path is right.
fn compare() -> Result<usize, String> {
    let mut count = 0;
    for situation in Situation::all() {
        let paths = situation.paths(Handlers::RAFT);
        for input in inputs(situation) {
            count += 1;
            let expected = run(situation, input);
            let taken: Vec<_> = paths
                .iter()
                .map(|(path, step)| (Named::on(path, input), path, step))
                .filter(|(named, path, _)| {
                    path.notes.iter().all(|note| match note {
                        Note::Decided { question, answer } => named.answer(*question) == *answer,
                        _ => true,
                    })
                })
                .collect();
            let [(named, path, step)] = &taken[..] else {
                return Err(format!("{situation}: {} paths for {input:?}", taken.len()));
            };
            let done = concrete(named, step);
            if done != expected {
                return Err(format!("{situation}: {input:?}: {done:?}, not {expected:?}"));
            }
            // What the solvers are told of the path is true.
            for note in &path.notes {
                let told = match note {
                    Note::Decided { question, answer } => assumed(*question, *answer),
                    Note::Implied(formula) => Some(formula.clone()),
                    Note::Later { name, than } => Some(format!("(older {than} {name})")),
                    Note::Set { .. } => None,
                };
                if let Some(told) = told.filter(|formula| !named.is(formula)) {
                    return Err(format!("{situation}: {input:?}: {told} is not true"));
                }
            }
        }
    }
    Ok(count)
}

#[test]
fn exactly_one_path_is_the_one_that_the_code_takes() {
    assert_eq!(compare(), Ok(63_200));
}

#[test]
fn symbols_that_compare_by_their_looks_lose_a_path() {
    STRUCTURALLY.set(true);
    let lost = compare();
    STRUCTURALLY.set(false);
    let lost = lost.unwrap_err();
    assert!(lost.contains("RequestVote"), "{lost}");
}

#[test]
#[should_panic(expected = "symbols are compared only while paths are explored")]
fn symbols_are_not_compared_where_nobody_answers() {
    use super::super::types::ServerId;
    assert_eq!(ServerId::named("a"), ServerId::named("b"));
}
