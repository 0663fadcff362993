//! Mistakes about the guards that no search of reduced states sees: what they are about is dead
//! there, or is a timer. Each is told step by step, among whole states.

use std::fmt;

use raft_model::action::Trigger;
use raft_model::cluster::Protocol;
use raft_model::election::{Ballot, Event, Role, State};
use raft_model::message::Message;
use raft_model::mutant::{Catch, MUTANTS, Mutant};
use raft_model::types::{Attempt, ServerId, Term};
use raft_model::world::bounds::{Bounds, Limits, Replies};
use raft_model::world::properties::Property::LeaseSafety;
use raft_model::world::{Handlers, World, WorldModel};
use support::bounds::guarded;

/// What happens to a server.
#[derive(Clone, Copy, Debug)]
enum Happens {
    /// Its timer fires.
    Timer(u8),
    /// It hands over to another one.
    HandsOver(u8, u8),
    /// It gets what another one has sent: of this kind, and this term.
    Gets(u8, Kind, u8, u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Request,
    Vote,
    Heartbeat,
    Answer,
    Order,
}

use Happens::{Gets, HandsOver, Timer};
use Kind::{Answer, Heartbeat, Order, Request, Vote};

impl Kind {
    const fn of(message: Message) -> Option<Self> {
        match message {
            Message::RequestVote { .. } => Some(Request),
            Message::RequestVoteResponse { .. } => Some(Vote),
            Message::AppendEntries { .. } => Some(Heartbeat),
            Message::AppendEntriesResponse { .. } => Some(Answer),
            Message::HandOver { .. } => Some(Order),
            Message::PreVote { .. } | Message::PreVoteResponse { .. } => None,
        }
    }
}

/// S1 leads term 1, elected by S2, which has voted and does not hear of it. S2 and S1 are in
/// contact with nobody but through what follows.
const S1_LEADS: [Happens; 5] =
    [Timer(1), Timer(2), Timer(1), Gets(2, Request, 1, 1), Gets(1, Vote, 2, 1)];

/// Mutants, what happens to three servers after that, and which step the mutant takes otherwise
/// than the specification does.
const RUNS: [(&str, &[Happens], usize); 3] = [
    // The answer of S3 to the first round arrives once more, in the second one. By then S3 has kept
    // its promise, and has voted for S2.
    (
        "late-answer-counts",
        &[
            Gets(3, Heartbeat, 1, 1),
            Gets(1, Answer, 3, 1),
            Timer(1),
            Timer(3),
            Timer(2),
            Gets(3, Request, 2, 2),
            Gets(1, Answer, 3, 1),
            Gets(2, Vote, 3, 2),
            Gets(1, Heartbeat, 2, 2),
            Gets(2, Answer, 1, 2),
        ],
        12,
    ),
    // S3, in term 2, refuses the first round of term 1, and S1 takes that for an answer to the
    // first one of term 2. S3 has promised nothing, and votes for S2.
    (
        "refusal-returns-round",
        &[
            Timer(1),
            Timer(1),
            Timer(1),
            Timer(3),
            Gets(3, Request, 1, 2),
            Gets(3, Heartbeat, 1, 1),
            Gets(1, Vote, 3, 2),
            Gets(1, Answer, 3, 2),
            Timer(2),
            Timer(2),
            Gets(3, Request, 2, 3),
            Gets(2, Vote, 3, 3),
            Gets(3, Heartbeat, 2, 3),
            Gets(2, Answer, 3, 3),
        ],
        11,
    ),
    // S1 leads once more, and S3 has answered it, when S2 gets the order that S1 gave in term 1. S3
    // votes for it although it is in contact.
    (
        "stale-hand-over-obeyed",
        &[
            HandsOver(1, 2),
            Timer(1),
            Timer(1),
            Gets(2, Request, 1, 2),
            Gets(1, Vote, 2, 2),
            Gets(3, Heartbeat, 1, 2),
            Gets(1, Answer, 3, 2),
            Gets(2, Order, 1, 1),
            Gets(3, Request, 2, 3),
            Gets(2, Vote, 3, 3),
            Gets(3, Heartbeat, 2, 3),
            Gets(2, Answer, 3, 3),
        ],
        13,
    ),
];

fn server(number: u8) -> ServerId {
    ServerId::new(number).unwrap()
}

/// What happens, if it can: a message has to be there.
fn trigger(world: &World, happens: Happens) -> Option<(ServerId, Trigger)> {
    let (id, event) = match happens {
        Timer(id) => (id, Event::Timeout { attempt: Attempt::FIRST }),
        HandsOver(id, to) => (id, Event::HandOver { to: server(to) }),
        Gets(id, kind, from, term) => {
            let is_it =
                |message| Kind::of(message) == Some(kind) && message.term().number() == term;
            let to = server(id);
            let mut sent = world.sent.iter().filter(|envelope| {
                envelope.from == server(from)
                    && envelope.to.is_none_or(|receiver| receiver == to)
                    && is_it(envelope.message)
            });
            let message = sent.next()?.message;
            (id, Event::Receive { from: server(from), message })
        }
    };
    Some((server(id), Trigger::Event(event)))
}

/// A run, as far as it can be.
struct Told {
    /// The worlds, from the first one on.
    worlds: Vec<World>,
    /// The step that breaks `LeaseSafety`.
    violated: Option<usize>,
}

fn tell(handlers: Handlers, run: &[Happens]) -> Told {
    let limits = Limits { hand_over: true, leases: true, ..Limits::SMALL };
    let model = WorldModel {
        bounds: guarded(Protocol::CHECK_QUORUM, 3, 3, Replies::All, limits),
        handlers,
    };
    let mut told = Told { worlds: vec![model.initial()], violated: None };
    for happens in S1_LEADS.iter().chain(run) {
        let world = told.worlds.last().unwrap();
        let Some((id, trigger)) = trigger(world, *happens) else { break };
        let (_, _, after) = model.apply(world, id, trigger);
        if !LeaseSafety.holds(world, id, &after) && told.violated.is_none() {
            told.violated = Some(told.worlds.len());
        }
        told.worlds.push(after);
    }
    told
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.worlds
            .iter()
            .enumerate()
            .try_for_each(|(number, world)| writeln!(f, "{number}.\n{world}"))
    }
}

#[test]
fn every_mistake_that_only_this_file_sees_is_here() {
    let told = RUNS.map(|(name, ..)| name);
    for mutant in MUTANTS.iter().filter(|mutant| mutant.caught_by == Catch::Test("faults")) {
        let is_told = told.contains(&mutant.name) || mutant.name == "timer-restarted-by-pre-vote";
        assert!(is_told, "{} is not told", mutant.name);
    }
}

#[test]
fn each_breaks_lease_safety_with_its_last_step_and_the_specification_does_not() {
    for (name, run, differs) in RUNS {
        let mutant = tell(Mutant::named(name).unwrap().handlers, run);
        let steps = S1_LEADS.len() + run.len();
        assert_eq!(mutant.violated, Some(steps), "{name}:\n{mutant}");
        let changes = mutant.worlds.windows(2).all(|worlds| worlds[0] != worlds[1]);
        assert!(changes, "{name} has a step that changes nothing:\n{mutant}");

        let specified = tell(Handlers::RAFT, run);
        assert_eq!(specified.violated, None, "{name}:\n{specified}");
        let alike = specified.worlds.iter().zip(&mutant.worlds).take_while(|(a, b)| a == b).count();
        assert_eq!(alike, differs, "{name}:\n{specified}");
    }
}

#[test]
fn a_yes_to_a_pre_vote_does_not_restart_the_timer() {
    let bounds: Bounds = guarded(Protocol::GUARDED, 3, 1, Replies::All, Limits::SMALL);
    let before = State { ballot: Ballot::INITIAL, role: Role::FOLLOWER };
    let message = Message::PreVote { term: Term::new(1), attempt: Attempt::FIRST };
    let event = Event::Receive { from: server(2), message };
    let step = bounds.server(server(1)).step(before, event);
    assert_eq!((step.state, step.restart_timer), (before, false));
    let mutant = Mutant::named("timer-restarted-by-pre-vote").unwrap();
    let step = (mutant.handlers.step)(&bounds.server(server(1)), before, event);
    assert_eq!((step.state, step.restart_timer), (before, true));
}
