//! What the conjuncts and the properties say is what they mean: of each the words, and worlds of
//! which it is false, one for each way of being false. A statement that was weakened would be true
//! of one of them.

use std::collections::BTreeSet;

use super::super::invariant::{Conjunct, INVARIANT, SAFETY, TERM_NEVER_DECREASES};
use super::super::lease::variables_of;
use super::meaning::{Formula, Structure, Value};
use crate::action::Envelope;
use crate::election::{Ballot, Role, State};
use crate::message::Message;
use crate::run::Lease;
use crate::types::{Round, ServerId, ServerSet, Term};
use crate::world::World;

fn id(number: u8) -> ServerId {
    ServerId::new(number).unwrap()
}

/// In this term, with a vote for that server; 0 is nobody.
fn ballot(term: u64, vote: u8) -> Ballot {
    Ballot { current_term: Term::new(term), voted_for: ServerId::new(vote) }
}

fn follower(term: u64, vote: u8) -> State {
    State { ballot: ballot(term, vote), role: Role::FOLLOWER }
}

fn candidate(term: u64, vote: u8, votes: &[u8]) -> State {
    let votes: ServerSet = votes.iter().map(|&voter| id(voter)).collect();
    State { ballot: ballot(term, vote), role: Role::Candidate { votes } }
}

fn leader(term: u64, vote: u8) -> State {
    State { ballot: ballot(term, vote), role: Role::LEADER }
}

fn returning(heard: &[u8], newest: u64) -> State {
    let heard = heard.iter().map(|&server| id(server)).collect();
    State { ballot: Ballot::INITIAL, role: Role::Returning { heard, newest: Term::new(newest) } }
}

fn sent(from: u8, to: u8, message: Message) -> Envelope {
    Envelope { from: id(from), to: ServerId::new(to), message }
}

fn request(from: u8, term: u64) -> Envelope {
    sent(from, 0, Message::RequestVote { term: Term::new(term), hand_over: false })
}

fn heartbeat(from: u8, term: u64) -> Envelope {
    sent(from, 0, Message::AppendEntries { term: Term::new(term), round: Round::FIRST })
}

fn grant(from: u8, term: u64, to: u8) -> Envelope {
    sent(from, to, Message::RequestVoteResponse { term: Term::new(term), vote_granted: true })
}

fn world(servers: [State; 3], sent: &[Envelope]) -> World {
    World {
        stored: servers.iter().map(|state| state.ballot).collect(),
        servers: servers.to_vec(),
        sent: sent.iter().copied().collect(),
        leases: vec![Lease::NONE; 3],
    }
}

/// The same, where the disk of S3 holds another ballot.
fn on_disk(stored: Ballot, mut world: World) -> World {
    world.stored[2] = stored;
    world
}

/// A name, what it says, and worlds of which it is false, each in words.
type Statement = (&'static str, &'static str, Vec<(&'static str, World)>);

/// Two followers of term 1 who have not voted, and S3.
fn beside(third: State, sent: &[Envelope]) -> World {
    world([follower(1, 0), follower(1, 0), third], sent)
}

/// S2, which may lose its disk, between two followers of term 1 who have not voted.
fn second(second: State, sent: &[Envelope]) -> World {
    world([follower(1, 0), second, follower(1, 0)], sent)
}

fn invariant() -> Vec<Statement> {
    vec![
        (
            "VoteOnce",
            "Of no server two votes are known in one term.",
            vec![
                ("S3 granted both", beside(follower(1, 1), &[grant(3, 1, 1), grant(3, 1, 2)])),
                ("S3 asked, and granted", beside(follower(1, 3), &[request(3, 1), grant(3, 1, 1)])),
                ("S3 leads, and granted", beside(leader(1, 3), &[grant(3, 1, 1)])),
                ("S3 led, and granted", beside(follower(2, 0), &[heartbeat(3, 1), grant(3, 1, 1)])),
            ],
        ),
        (
            "VoteNotInFuture",
            "No vote of a server is known in a term that it has not reached, unless it has lost its \
             disk and is not back.",
            vec![("S3 granted in term 2", beside(follower(1, 0), &[grant(3, 2, 1)]))],
        ),
        (
            "VoteRemembered",
            "A vote of a server that is known in its current term is on its ballot; or there is its \
             own, which it gives after a lost disk.",
            vec![
                ("S2 is back, with another", second(follower(1, 3), &[grant(2, 1, 1)])),
                ("S3 knows of none", beside(follower(1, 0), &[grant(3, 1, 1)])),
                ("S3 has another", beside(follower(1, 2), &[grant(3, 1, 1)])),
            ],
        ),
        ("VotedForUnique", "A ballot has one vote at most.", vec![]),
        (
            "OnDisk",
            "The ballot that a server acts on is the one on its disk.",
            vec![
                ("an older term", on_disk(ballot(0, 0), beside(follower(1, 0), &[]))),
                ("no vote", on_disk(ballot(1, 0), beside(follower(1, 1), &[]))),
                ("another vote", on_disk(ballot(1, 2), beside(follower(1, 1), &[]))),
            ],
        ),
        (
            "VotedForItself",
            "Whoever stands for election, or leads, has its own vote.",
            vec![
                ("a candidate voted for another", beside(candidate(1, 1, &[]), &[])),
                ("a candidate has not voted", beside(candidate(1, 0, &[]), &[])),
                ("a leader voted for another", beside(leader(1, 1), &[])),
            ],
        ),
        (
            "GrantedIsVote",
            "A vote that a candidate has counted was given to it, in its current term.",
            vec![
                ("nobody gave it", beside(candidate(1, 3, &[1]), &[request(3, 1)])),
                ("in an older term", beside(candidate(2, 3, &[1]), &[grant(1, 1, 3)])),
                ("to another", beside(candidate(1, 3, &[1]), &[grant(1, 1, 2)])),
            ],
        ),
        (
            "LeaderWasElected",
            "A leader has the votes of a quorum in its current term.",
            vec![
                ("it has its own alone", beside(leader(1, 3), &[request(3, 1)])),
                ("of an older term", beside(leader(2, 3), &[grant(1, 1, 3), grant(2, 1, 3)])),
            ],
        ),
    ]
}

/// The rest of the invariant, most of it about lost disks.
fn rest() -> Vec<Statement> {
    vec![
        (
            "HeartbeatElected",
            "Whoever has sent a heartbeat of a term has the votes of a quorum in it.",
            vec![("it has its own alone", beside(follower(2, 0), &[heartbeat(3, 1)]))],
        ),
        (
            "NoRivalsVote",
            "Of whoever stands for election, or leads, no vote for another is known in its current \
             term.",
            vec![
                ("a candidate granted", beside(candidate(1, 3, &[]), &[grant(3, 1, 1)])),
                ("a leader granted", second(leader(1, 2), &[grant(2, 1, 1)])),
            ],
        ),
        (
            "ReturningIsBlank",
            "Whoever has lost its disk, and is not back, has no ballot, and has heard itself.",
            vec![
                ("S3 keeps its disk", beside(returning(&[3], 0), &[])),
                (
                    "S2 has a term",
                    second(State { ballot: ballot(1, 0), ..returning(&[2], 0) }, &[]),
                ),
                (
                    "S2 has a vote",
                    second(State { ballot: ballot(0, 1), ..returning(&[2], 0) }, &[]),
                ),
                ("S2 has not heard itself", second(returning(&[1], 0), &[])),
            ],
        ),
        (
            "GrantReached",
            "For whom a server has voted that loses its disk, another one, has reached that term.",
            vec![
                ("S1 has not", second(follower(2, 1), &[grant(2, 2, 1)])),
                ("S2 is no other", second(follower(1, 2), &[grant(2, 1, 2)])),
            ],
        ),
        (
            "GrantHeard",
            "Once it has heard, after its disk was lost, from whom it had voted for, it has heard of \
             that term.",
            vec![("S2 has not", second(returning(&[2, 1], 0), &[grant(2, 1, 1)]))],
        ),
        (
            "LedHeard",
            "What it has led before its disk was lost, it has heard of, or there is somebody to hear \
             it from.",
            vec![
                ("all have told", second(returning(&[1, 2, 3], 0), &[heartbeat(2, 1)])),
                ("nobody is in that term", second(returning(&[2], 0), &[heartbeat(2, 2)])),
            ],
        ),
    ]
}

fn safety() -> Vec<Statement> {
    let led = heartbeat(3, 1);
    vec![
        (
            "ElectionSafety",
            "No two servers ever lead the same term, at the same time or at different times.",
            vec![
                ("both lead", world([leader(1, 1), follower(1, 0), leader(1, 3)], &[])),
                (
                    "one leads, one led",
                    world([leader(1, 1), follower(1, 0), follower(2, 0)], &[led]),
                ),
                ("both led", beside(follower(2, 0), &[heartbeat(1, 1), led])),
                ("one leads again", world([leader(2, 1), leader(1, 2), follower(2, 0)], &[led])),
            ],
        ),
        (
            "VoteOncePerTerm",
            "No server that keeps its disk ever votes for two in one term: in messages, on its \
             ballot, on its disk.",
            vec![
                ("two messages", beside(follower(2, 0), &[grant(3, 1, 1), grant(3, 1, 2)])),
                ("a message, a ballot", beside(follower(1, 2), &[grant(3, 1, 1)])),
                ("a message, a disk", {
                    on_disk(ballot(1, 2), beside(follower(2, 0), &[grant(3, 1, 1)]))
                }),
                ("a ballot, a disk", on_disk(ballot(1, 2), beside(follower(1, 1), &[]))),
                ("its request", beside(follower(2, 0), &[request(3, 1), grant(3, 1, 1)])),
                ("its heartbeat", beside(follower(2, 0), &[led, grant(3, 1, 1)])),
            ],
        ),
        (
            "GrantOncePerTerm",
            "No server ever grants two others its vote in one term, whatever it has forgotten.",
            vec![("S2 has", second(follower(2, 0), &[grant(2, 1, 1), grant(2, 1, 3)]))],
        ),
        (
            "LeaderHasQuorum",
            "Whoever leads or has led a term was granted it by a quorum.",
            vec![
                ("it leads", beside(leader(1, 3), &[])),
                ("it led", beside(follower(2, 0), &[led])),
                ("one vote is of another term", beside(leader(2, 3), &[grant(1, 1, 3)])),
            ],
        ),
    ]
}

#[test]
fn the_statements_are_these_and_each_is_false_of_these_worlds() {
    let said: Vec<_> = invariant().into_iter().chain(rest()).chain(safety()).collect();
    let conjuncts: Vec<&Conjunct> = INVARIANT.iter().chain(&SAFETY).collect();
    let words: Vec<_> = said.iter().map(|(name, says, _)| (*name, *says)).collect();
    assert_eq!(words, conjuncts.iter().map(|c| (c.name, c.says)).collect::<Vec<_>>());
    for (conjunct, (name, _, worlds)) in conjuncts.into_iter().zip(said) {
        for (story, world) in worlds {
            assert!(!(conjunct.holds)(&world), "{name} is true where {story}");
            let formula = Formula::read(conjunct.formula);
            assert!(!formula.holds(&world), "the formula of {name} is true where {story}");
        }
    }
}

/// Ballots with several votes, which Rust has not.
struct Votes(BTreeSet<(Value, Value)>);

impl Structure for Votes {
    fn all_of(&self, _: &str) -> Vec<Value> {
        vec![1, 2, 3]
    }

    fn value(&self, name: &str, arguments: &[Value]) -> Option<Value> {
        assert_eq!(name, "voted_for");
        Some(self.0.contains(&(arguments[0], arguments[1])).into())
    }
}

#[test]
fn two_votes_on_a_ballot_are_too_many() {
    let unique = INVARIANT.iter().find(|conjunct| conjunct.name == "VotedForUnique").unwrap();
    let unique = Formula::read(unique.formula);
    assert!(unique.holds(&Votes(BTreeSet::from([(1, 2), (2, 2), (3, 1)]))));
    assert!(!unique.holds(&Votes(BTreeSet::from([(3, 1), (3, 2)]))));
}

/// A world, and the one after a step.
struct Pair(World, World);

impl Structure for Pair {
    fn all_of(&self, sort: &str) -> Vec<Value> {
        self.0.all_of(sort)
    }

    fn value(&self, name: &str, arguments: &[Value]) -> Option<Value> {
        match name.strip_prefix("after.") {
            Some(name) => self.1.value(name, arguments),
            None => self.0.value(name, arguments),
        }
    }
}

#[test]
fn neither_the_term_of_a_server_nor_that_on_its_disk_decreases() {
    let (name, says, formula) = TERM_NEVER_DECREASES;
    assert_eq!(name, "TermNeverDecreases");
    let words = "The durable term of a server only grows, and so does the term that it acts in; \
                 after a lost disk it acts in none.";
    assert_eq!(says, words);
    let formula = Formula::read(formula);
    let in_term = |acts_in, stored| on_disk(ballot(stored, 0), beside(follower(acts_in, 0), &[]));
    for (before, after, holds) in [
        ((1, 1), (1, 1), true),
        ((1, 1), (2, 2), true),
        ((2, 2), (1, 2), false),
        ((2, 2), (2, 1), false),
        ((2, 1), (2, 0), false),
    ] {
        let pair = Pair(in_term(before.0, before.1), in_term(after.0, after.1));
        assert_eq!(formula.holds(&pair), holds, "from {before:?} to {after:?}");
    }
    let lost = on_disk(Ballot::INITIAL, beside(returning(&[3], 0), &[]));
    assert!(formula.holds(&Pair(in_term(2, 2), lost)), "it acts in no term");
}

#[test]
fn of_leases_a_counterexample_shows_what_its_statement_speaks_of() {
    let shown = |statement| variables_of(statement).iter().map(|it| it.name).collect::<Vec<_>>();
    assert_eq!(shown("LedOnce"), ["has_led"]);
    assert_eq!(shown("LeaseSafety"), ["over", "lease"]);
    assert_eq!(shown("VoteOnce"), [""; 0]);
}
