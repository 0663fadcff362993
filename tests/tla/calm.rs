//! What `MCCalm.tla` says of liveness, Rust says too, in three ways: the same assumptions about the
//! same worlds, told once more here; as many states; and what `raft-model liveness` finds, where
//! terms are unbounded.

use std::collections::HashSet;

use raft_model::action::{Move, Trigger};
use raft_model::cluster::{Cluster, Protocol};
use raft_model::election::{Event, Role, State};
use raft_model::liveness::assumptions::{Assumption, Assumptions};
use raft_model::liveness::{Hostile, Verdict as Found};
use raft_model::message::Message;
use raft_model::reduce::{PackedModel, Reductions};
use raft_model::search::Control;
use raft_model::types::Term;
use raft_model::world::bounds::{Bounds, Limits, Replies, Terms};
use raft_model::world::{World, WorldModel};

use crate::runs::Runs;
use support::bounds::{guarded, up_to};
use support::tlc::{Specification, Verdict, is_ready};

/// Everything that can be reached before it is calm: nobody asks for anything in the last term, nor
/// for the last time in one.
fn storm(model: &WorldModel) -> Vec<World> {
    let Bounds { terms, limits, .. } = model.bounds;
    let leaves_some = |message: Message| {
        let is_last = |attempt: u64| attempt >= limits.attempts;
        message.term() < terms.last()
            && !matches!(message, Message::PreVote { attempt, .. } if is_last(attempt.number()))
    };
    let mut seen = HashSet::from([model.initial()]);
    let mut reached = vec![model.initial()];
    let mut next = 0;
    while let Some(world) = reached.get(next) {
        let after = model.successors(world).into_iter().map(|(_, after)| after);
        let in_storm = |world: &World| world.sent.iter().all(|sent| leaves_some(sent.message));
        let new: Vec<_> =
            after.filter(in_storm).filter(|after| seen.insert(after.clone())).collect();
        reached.extend(new);
        next += 1;
    }
    reached
}

/// A server that leads the highest term.
fn leads(world: &World, state: &State) -> bool {
    let term = state.ballot.current_term;
    state.role.is_leader() && world.servers.iter().all(|other| other.ballot.current_term <= term)
}

fn is_led(world: &World) -> bool {
    world.servers.iter().any(|state| leads(world, state))
}

/// Somebody leads, and everybody else follows, in its term.
fn is_stable(world: &World) -> bool {
    let mut leaders = world.servers.iter().filter(|state| state.role.is_leader());
    let (Some(leader), None) = (leaders.next(), leaders.next()) else { return false };
    world.servers.iter().all(|state| {
        state.ballot.current_term == leader.ballot.current_term
            && (state == leader || matches!(state.role, Role::Follower { .. }))
    })
}

/// Whether a message arrives that still may, once it is calm: behind guards, what a leader has said
/// that has left office does not.
fn arrives(cluster: Cluster, world: &World, Move { server, trigger, .. }: &Move) -> bool {
    let &Trigger::Event(Event::Receive { from, message }) = trigger else { return false };
    let Message::AppendEntries { term, .. } = message else { return true };
    let State { ballot, role } = world.state(from);
    cluster.protocol() == Protocol::FIGURE2
        || term < world.state(*server).ballot.current_term
        || role.is_leader() && ballot.current_term == term
}

/// What may follow a world, once it is calm.
fn once_calm(model: &WorldModel, world: &World, messages_come_first: bool) -> Vec<World> {
    let cluster = model.bounds.cluster;
    let steps = model.successors(world);
    let is_message = |(a_move, _): &(Move, _)| arrives(cluster, world, a_move);
    let is_expected = messages_come_first && steps.iter().any(is_message);
    let happens = steps.into_iter().filter(|(a_move, _)| match a_move.trigger {
        Trigger::Restart
        | Trigger::LoseDisk
        | Trigger::Event(Event::HandOver { .. } | Event::TermHeard { .. }) => false,
        Trigger::Event(Event::Receive { .. }) => arrives(cluster, world, a_move),
        Trigger::Event(Event::Timeout { .. }) => match world.state(a_move.server).role {
            Role::Leader { answered, .. } => {
                let awaits = cluster.protocol().check_quorum() && !cluster.is_quorum(answered);
                !(is_expected && awaits)
            }
            _ => !is_expected && !is_led(world),
        },
    });
    happens.map(|(_, after)| after).collect()
}

/// All runs once it is calm, and how many states they and the storm before them have.
fn calming_down(bounds: Bounds, messages_come_first: bool) -> (Runs<World>, usize) {
    let model = WorldModel::new(bounds);
    let storm = storm(&model);
    let before = storm.len();
    let runs = Runs::from(storm, |world| once_calm(&model, world, messages_come_first));
    let states = before + runs.len();
    (runs, states)
}

/// Two servers with both guards: the bounds of `MCCalm-guarded.cfg`, but for the last term.
fn with_guards(max_term: u64) -> Bounds {
    let limits = Limits { rounds: 1, attempts: 2, ..Limits::SMALL };
    guarded(Protocol::GUARDED, 2, max_term, Replies::Useful, limits)
}

/// What `raft-model liveness` finds of two servers with both guards: whether a leader is elected,
/// and stays.
fn found(without: Option<Assumption>) -> [bool; 2] {
    let cluster = Cluster::with(2, Protocol::GUARDED).unwrap();
    let bounds = Bounds::new(cluster, Terms::Window(Term::new(2)), Replies::All);
    let model = PackedModel::<4>::new(bounds, Reductions::MESSAGES).unwrap();
    let hostile = Hostile::explore(&model, &Control::default()).unwrap();
    let all = Assumptions::ALL;
    let assumed = without.map_or(all, |assumption| all.without(assumption, cluster));
    let findings = hostile.judge(assumed, &Control::default()).unwrap();
    let [_, elected, stable] = findings.verdicts;
    [elected, stable].map(|(property, verdict)| match verdict {
        Found::Holds => true,
        Found::Fails(_) => false,
        other => panic!("{property}: {other:?}"),
    })
}

#[test]
fn a_leader_is_elected_and_stays() {
    if !is_ready() {
        return;
    }
    let figure2 = up_to(3, 2, Replies::Useful);
    for (config, bounds) in [("MCCalm.cfg", figure2), ("MCCalm-guarded.cfg", with_guards(2))] {
        let (runs, states) = calming_down(bounds, true);
        let checked = Specification::unchanged().check(config);
        assert_eq!((checked.verdict, checked.states), (Verdict::Holds, states), "{config}");
        assert!(runs.come_to(is_led) && runs.end_in(is_stable), "{config}");
    }
    assert_eq!(found(None), [true, true]);
}

/// The specification, if nobody waits for messages.
fn hasty(config: &str, bounds: &Bounds) -> Specification {
    let is_expected = "IsExpected == ENABLED <<\\E i \\in Server : Receive(i)>>_vars";
    let unchanged = Specification::unchanged().within(bounds, config);
    unchanged.change("MCCalm.tla", 1, is_expected, "IsExpected == FALSE")
}

#[test]
fn if_timers_fire_before_messages_arrive_nobody_need_be_elected() {
    if !is_ready() {
        return;
    }
    let figure2 = up_to(2, 2, Replies::Useful);
    for (config, bounds) in [("MCCalm.cfg", figure2), ("MCCalm-guarded.cfg", with_guards(1))] {
        let (runs, _) = calming_down(bounds, false);
        assert_eq!(hasty(config, &bounds).check(config).verdict, Verdict::LivenessViolated);
        assert!(!runs.come_to(is_led) && !runs.end_in(is_stable), "{config}");
    }
    assert_eq!(found(Some(Assumption::MessagesFirst)), [false, false]);
}

/// Its receiver is in contact, again and again.
#[test]
fn if_an_old_heartbeat_arrives_for_ever_nobody_need_be_elected() {
    if !is_ready() {
        return;
    }
    let repeated = Specification::unchanged().change(
        "MCCalm.tla",
        1,
        "    /\\ PreVote \\/ CheckQuorum\n",
        "    /\\ FALSE\n",
    );
    assert_eq!(repeated.check("MCCalm-guarded.cfg").verdict, Verdict::LivenessViolated);
    assert_eq!(found(Some(Assumption::RepeatsEnd)), [false, false]);
}
