//! No path is missing, none is wrong: whatever a server is and whatever happens to it, exactly one
//! of the paths that were found is the one that the code takes, and it ends in the same step.

use std::collections::BTreeMap;

use super::super::election::Handlers;
use super::super::oracle::{Note, Path, Question, STRUCTURALLY, Symbol, assumed};
use super::super::situation::{Occurrence, Situation};
use super::super::{election as symbolic, message as symbolic_message, types as symbols};
use super::inputs::{Input, inputs};
use super::laws::quorums;
use super::meaning::{Formula, Structure, Value};
use crate::election::{Ballot, Event, Outgoing, Role, Rule, State, Step};
use crate::message::Message;
use crate::types::{Attempt, Beats, Round, ServerId, ServerSet, Term};

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
                Note::NextRound { .. } | Note::Decided { .. } | Note::Implied(_) => {}
            }
        }
        named
    }

    fn is(&self, formula: &str) -> bool {
        Formula::read(formula).holds(self)
    }

    fn server(&self, symbol: &dyn std::fmt::Debug) -> ServerId {
        self.server_named(&format!("{symbol:?}"))
    }

    fn server_named(&self, text: &str) -> ServerId {
        let value = Formula::read(text).value(self);
        ServerId::new(u8::try_from(value).unwrap()).unwrap()
    }

    fn term(&self, symbol: &dyn std::fmt::Debug) -> Term {
        Term::new(Formula::read(&format!("{symbol:?}")).value(self))
    }

    fn set(&self, symbol: &dyn std::fmt::Debug) -> ServerSet {
        let is_member = |s: &ServerId| self.is(&format!("({symbol:?} {})", s.number()));
        self.input.server.cluster.servers().filter(is_member).collect()
    }

    /// A round, an attempt or a number of heartbeats.
    fn number(&self, text: &str, first: u64) -> u64 {
        let Input { server, before, round, attempt, .. } = self.input;
        match (text, before.role) {
            ("first", _) => first,
            ("round", _) => round.number(),
            ("attempt", _) => attempt.number(),
            ("patience", _) => server.patience.number().into(),
            ("asked", Role::PreCandidate { attempt, .. }) => attempt.number(),
            ("open", Role::Leader { round, .. }) => round.number(),
            ("beats", Role::Leader { beats, .. }) => beats.number().into(),
            (text, _) => {
                let inner = text.strip_prefix("(next ").and_then(|text| text.strip_suffix(')'));
                1 + self.number(inner.unwrap_or_else(|| panic!("what is {text}?")), first)
            }
        }
    }

    fn round(&self, symbol: &dyn std::fmt::Debug) -> Round {
        Round::new(self.number(&format!("{symbol:?}"), Round::FIRST.number()))
    }

    fn attempt(&self, symbol: &dyn std::fmt::Debug) -> Attempt {
        Attempt::new(self.number(&format!("{symbol:?}"), Attempt::FIRST.number()))
    }

    fn beats(&self, symbol: &dyn std::fmt::Debug) -> Beats {
        let number = self.number(&format!("{symbol:?}"), Beats::ZERO.number().into());
        Beats::new(u8::try_from(number).unwrap())
    }

    /// The answer to a question, from the numbers.
    fn answer(&self, question: Question) -> bool {
        match question {
            Question::Perhaps(a, b) if a == b => {
                let cluster = self.input.server.cluster;
                let asked = Symbol::at(a).text();
                let server = asked.strip_prefix("(is_witness ").and_then(|it| it.strip_suffix(')'));
                match (&*asked, server) {
                    (_, Some(server)) => cluster.is_witness(self.server_named(server)),
                    ("pre_vote", _) => cluster.protocol().pre_vote(),
                    ("check_quorum", _) => cluster.protocol().check_quorum(),
                    (other, _) => panic!("what is {other}?"),
                }
            }
            Question::Perhaps(a, b) | Question::SameRound(a, b) => {
                let [a, b] = [a, b].map(|symbol| Symbol::at(symbol).text());
                self.number(&a, 0) == self.number(&b, 0)
            }
            Question::Last(term) => self.term(&Text(term)).next().is_none(),
            Question::Everybody(set) => {
                self.input.server.cluster.is_everybody(self.set(&Text(set)))
            }
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
        let Input { server, before, from, term, .. } = self.input;
        let State { ballot, role } = before;
        let contains = |set: ServerSet, server: Value| -> Option<Value> {
            Some(set.contains(ServerId::new(u8::try_from(server).ok()?)?).into())
        };
        match (name, arguments) {
            ("zero", []) => Some(Term::ZERO.number()),
            ("me", []) => Some(server.id.number().into()),
            ("from" | "to", []) => Some(from.number().into()),
            ("term", []) => Some(term.number()),
            ("voted", []) => Some(ballot.voted_for?.number().into()),
            // The disk holds what the server acts on.
            ("current_term" | "stored_term", _) => Some(ballot.current_term.number()),
            ("newest", _) => match role {
                Role::Returning { newest, .. } => Some(newest.number()),
                _ => None,
            },
            ("older", &[a, b]) => Some((a < b).into()),
            ("member", &[server, quorum]) => {
                contains(ServerSet::from_bits(u8::try_from(quorum).ok()?), server)
            }
            ("nobody", &[_]) => Some(false.into()),
            ("counted", &[server]) => match role {
                Role::PreCandidate { votes, .. } | Role::Candidate { votes } => {
                    contains(votes, server)
                }
                Role::Leader { answered, .. } => contains(answered, server),
                Role::Returning { heard, .. } => contains(heard, server),
                Role::Follower { .. } => None,
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
        symbolic::Role::Follower { contact } => Role::Follower { contact },
        symbolic::Role::PreCandidate { attempt, votes } => {
            Role::PreCandidate { attempt: named.attempt(&attempt), votes: named.set(&votes) }
        }
        symbolic::Role::Candidate { votes } => Role::Candidate { votes: named.set(&votes) },
        symbolic::Role::Leader { round, answered, beats } => Role::Leader {
            round: named.round(&round),
            answered: named.set(&answered),
            beats: named.beats(&beats),
        },
        symbolic::Role::Returning { heard, newest } => {
            Role::Returning { heard: named.set(&heard), newest: named.term(&newest) }
        }
    };
    let ballot = Ballot {
        current_term: named.term(&state.ballot.current_term),
        voted_for: state.ballot.voted_for.map(|candidate| named.server(&candidate)),
    };
    let outgoing = match *outgoing {
        symbolic::Outgoing::Nothing => Outgoing::Nothing,
        symbolic::Outgoing::Reply { to, message: answer } => {
            Outgoing::Reply { to: named.server(&to), message: concrete_message(named, answer) }
        }
        symbolic::Outgoing::Order { to, message: order } => {
            Outgoing::Order { to: named.server(&to), message: concrete_message(named, order) }
        }
        symbolic::Outgoing::Broadcast { message: request } => {
            Outgoing::Broadcast { message: concrete_message(named, request) }
        }
    };
    // Rules are only names; they are compared by name.
    let rule = serde_json::from_str::<Rule>(&format!("\"{rule:?}\"")).unwrap();
    let (persist, restart_timer) = (*persist, *restart_timer);
    Step { state: State { ballot, role }, rule, persist, outgoing, restart_timer }
}

fn concrete_message(named: &Named, message: symbolic_message::Message) -> Message {
    use symbolic_message::Message as Symbolic;
    match message {
        Symbolic::RequestVote { term, hand_over } => {
            Message::RequestVote { term: named.term(&term), hand_over }
        }
        Symbolic::RequestVoteResponse { term, vote_granted } => {
            Message::RequestVoteResponse { term: named.term(&term), vote_granted }
        }
        Symbolic::AppendEntries { term, round } => {
            Message::AppendEntries { term: named.term(&term), round: named.round(&round) }
        }
        Symbolic::AppendEntriesResponse { term, round } => {
            let round = round.map(|round| named.round(&round));
            Message::AppendEntriesResponse { term: named.term(&term), round }
        }
        Symbolic::PreVote { term, attempt } => {
            Message::PreVote { term: named.term(&term), attempt: named.attempt(&attempt) }
        }
        Symbolic::PreVoteResponse { term, vote_granted, attempt } => Message::PreVoteResponse {
            term: named.term(&term),
            vote_granted,
            attempt: named.attempt(&attempt),
        },
        Symbolic::HandOver { term } => Message::HandOver { term: named.term(&term) },
    }
}

/// What the code does, on numbers.
fn run(situation: Situation, input: Input) -> Step {
    let Input { server, before, from, term, round, attempt } = input;
    let pre_voted = |vote_granted| Message::PreVoteResponse { term, vote_granted, attempt };
    let message = match situation.occurrence {
        Occurrence::Timeout => return server.step(before, Event::Timeout { attempt }),
        Occurrence::HandOver => return server.step(before, Event::HandOver { to: from }),
        Occurrence::Restart => return server.start(Some(before.ballot)),
        Occurrence::LoseDisk => return server.lose_disk(),
        Occurrence::HearTerm => return server.step(before, Event::TermHeard { from, term }),
        Occurrence::RequestVote => Message::RequestVote { term, hand_over: false },
        Occurrence::RequestVoteHandedOver => Message::RequestVote { term, hand_over: true },
        Occurrence::VoteGranted => Message::RequestVoteResponse { term, vote_granted: true },
        Occurrence::VoteRefused => Message::RequestVoteResponse { term, vote_granted: false },
        Occurrence::AppendEntries => Message::AppendEntries { term, round },
        Occurrence::AppendEntriesAnswered => {
            Message::AppendEntriesResponse { term, round: Some(round) }
        }
        Occurrence::AppendEntriesRefused => Message::AppendEntriesResponse { term, round: None },
        Occurrence::PreVote => Message::PreVote { term, attempt },
        Occurrence::PreVoteGranted => pre_voted(true),
        Occurrence::PreVoteRefused => pre_voted(false),
        Occurrence::ReceiveHandOver => Message::HandOver { term },
    };
    server.step(before, Event::Receive { from, message })
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
                    Note::Set { .. } | Note::NextRound { .. } => None,
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
    assert_eq!(compare(), Ok(1_269_456));
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
    let _ = symbols::ServerId::named("a") == symbols::ServerId::named("b");
}
