//! The guards in the models: reductions keep what guarded worlds can do, and free news covers them.

use raft_model::action::Envelope;
use raft_model::cluster::Protocol;
use raft_model::election::{Role, State};
use raft_model::message::Message;
use raft_model::reduce::{Difference, PackedModel, Reduce, Reductions, bisimulation};
use raft_model::types::{Attempt, Round, Term};
use raft_model::world::bounds::{Bounds, Limits, Replies};
use support::bounds::guarded;
use support::counts;
use support::covers::not_covered;

type Model = PackedModel<4>;

const LEASES: Limits = Limits { leases: true, ..Limits::SMALL };

/// Compares what worlds can do with what the worlds that stand for them can do, wherever the limits
/// on rounds and attempts let the worlds do all they can.
fn compare(
    bounds: Bounds,
    reductions: Reductions,
    reduce: Reduce<4>,
) -> (usize, Option<Difference>) {
    let raw = Model::new(bounds, Reductions::NONE).unwrap();
    let reduced = Model::new(bounds, reductions).unwrap().reducing_with(reduce);
    bisimulation(&raw, &reduced, bounds.terms.last())
}

/// Two servers that may be elected one after the other.
fn of_two_terms(protocol: Protocol) -> Bounds {
    let (replies, hand_over, rounds) =
        if protocol.check_quorum() { (Replies::Useful, true, 1) } else { (Replies::All, false, 2) };
    guarded(protocol, 2, 2, replies, Limits { hand_over, rounds, ..Limits::SMALL })
}

#[test]
fn what_guarded_worlds_can_do_is_kept() {
    for (bounds, worlds) in [
        (guarded(Protocol::GUARDED, 2, 1, Replies::All, LEASES), 11_844),
        (guarded(Protocol::CHECK_QUORUM, 3, 1, Replies::Useful, LEASES), 3_881),
        (of_two_terms(Protocol::CHECK_QUORUM), 2_657),
        (of_two_terms(Protocol::PRE_VOTE), 33_845),
    ] {
        for reductions in [Reductions::MESSAGES, Reductions::EXACT, Reductions::GUARDED] {
            let (checked, difference) = compare(bounds, reductions, Reductions::reduce);
            assert_eq!(difference, None, "{bounds:?}, {reductions:?}");
            assert_eq!(checked, worlds, "{bounds:?}");
        }
    }
}

// What follows is wrong on purpose, to see that the comparison notices.

/// A heartbeat of an older round seems to do no more than a restart; but it brings a server that
/// lags behind into the term, and draws no answer that counts.
#[test]
fn an_outdated_heartbeat_that_is_dropped_is_noticed() {
    let reduce: Reduce<4> = |reductions, bounds, layout, world| {
        let world = reductions.reduce(bounds, layout, world);
        layout.keeping(&world, |Envelope { from, message, .. }| {
            let is_outdated =
                matches!(message, Message::AppendEntries { round, .. } if round != Round::FIRST);
            !(is_outdated && layout.state(&world, from).role.is_leader())
        })
    };
    // With a round to go, a world in which one is outdated can still do all it can.
    let limits = Limits { rounds: 3, ..Limits::SMALL };
    let bounds = guarded(Protocol::CHECK_QUORUM, 3, 1, Replies::Useful, limits);
    let difference = compare(bounds, Reductions::MESSAGES, reduce).1.expect("noticed");
    assert!(!difference.lost.is_empty(), "{difference:#?}");
}

/// An answer that was under way when its round was followed by the next one.
#[test]
fn an_answer_to_an_older_round_that_is_kept_is_noticed() {
    let reduce: Reduce<4> = |reductions, bounds, layout, world| {
        let mut reduced = reductions.reduce(bounds, layout, world);
        for envelope in layout.sent(world) {
            let is_answer =
                matches!(envelope.message, Message::AppendEntriesResponse { round: Some(_), .. });
            let Some(to) = envelope.to.filter(|_| is_answer) else { continue };
            let receiver = layout.state(&reduced, to);
            if receiver.role.is_leader() && receiver.ballot.current_term == envelope.message.term()
            {
                layout.send(&mut reduced, envelope);
            }
        }
        reduced
    };
    let bounds = guarded(Protocol::CHECK_QUORUM, 2, 1, Replies::All, Limits::SMALL);
    assert!(compare(bounds, Reductions::MESSAGES, reduce).1.is_some());
}

/// Answers that complete a quorum, although nobody has answered.
#[test]
fn a_quorum_that_completes_itself_is_noticed() {
    let reduce: Reduce<4> = |reductions, bounds, layout, world| {
        let mut reduced = reductions.reduce(bounds, layout, world);
        for to in bounds.cluster.servers() {
            let State { ballot, role } = layout.state(&reduced, to);
            let Role::Leader { answered, .. } = role else { continue };
            let (term, round) = (ballot.current_term, Some(Round::FIRST));
            for from in bounds.cluster.others(to).filter(|&from| !answered.contains(from)) {
                let message = Message::AppendEntriesResponse { term, round };
                layout.send(&mut reduced, Envelope { from, to: Some(to), message });
            }
        }
        reduced
    };
    let bounds = guarded(Protocol::CHECK_QUORUM, 2, 1, Replies::All, Limits::SMALL);
    let difference = compare(bounds, Reductions::GUARDED, reduce).1.expect("noticed");
    assert!(!difference.invented.is_empty(), "{difference:#?}");
}

/// A yes to an earlier attempt, kept for the next one.
#[test]
fn a_pre_vote_for_an_older_attempt_that_is_kept_is_noticed() {
    let reduce: Reduce<4> = |reductions, bounds, layout, world| {
        let mut reduced = reductions.reduce(bounds, layout, world);
        for Envelope { from, to, message } in layout.sent(world) {
            let Message::PreVoteResponse { vote_granted: true, .. } = message else { continue };
            let asks = to.is_some_and(|to| {
                matches!(layout.state(world, to).role,
                    Role::PreCandidate { attempt, .. } if attempt != Attempt::FIRST)
            });
            if asks {
                layout.send(&mut reduced, Envelope { from, to, message });
            }
        }
        reduced
    };
    let limits = Limits { attempts: 2, ..Limits::SMALL };
    let bounds = guarded(Protocol::PRE_VOTE, 2, 1, Replies::All, limits);
    assert!(compare(bounds, Reductions::MESSAGES, reduce).1.is_some());
}

/// A request that can only be refused: but its refusal tells its sender of the newer term.
#[test]
fn a_request_of_an_earlier_term_that_is_dropped_is_noticed() {
    let reduce: Reduce<4> = |reductions, bounds, layout, world| {
        let world = reductions.reduce(bounds, layout, world);
        layout.keeping(&world, |Envelope { to, message, .. }| {
            to.is_some() || message.term() != Term::ZERO
        })
    };
    for bounds in [Protocol::CHECK_QUORUM, Protocol::PRE_VOTE].map(of_two_terms) {
        let difference = compare(bounds, Reductions::MESSAGES, reduce).1.expect("noticed");
        assert!(!difference.lost.is_empty(), "{difference:#?}");
    }
}

/// Whatever guarded servers come to, check-quorum with free news comes to, but for what only
/// pre-votes are about.
#[test]
fn free_news_covers_both_guards() {
    let limits = Limits { hand_over: true, ..LEASES };
    let bounds = guarded(Protocol::GUARDED, 3, 2, Replies::All, limits);
    let (worlds, missing) = not_covered::<4>(bounds);
    assert_eq!(worlds, counts::of_reduced(&bounds, Reductions::GUARDED).states);
    assert_eq!(missing, None);
}
