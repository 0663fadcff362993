//! Two servers behind guards.

use super::verdicts;
use crate::cluster::{Cluster, Protocol};
use crate::liveness::Hostile;
use crate::liveness::assumptions::{Assumption, Assumptions};
use crate::reduce::{PackedModel, Reductions};
use crate::search::Control;
use crate::types::Term;
use crate::world::bounds::{Bounds, Replies, Terms};

fn guarded(protocol: Protocol) -> Hostile<4> {
    let cluster = Cluster::with(2, protocol).unwrap();
    let bounds = Bounds::new(cluster, Terms::Window(Term::new(2)), Replies::All);
    let model = PackedModel::new(bounds, Reductions::MESSAGES).unwrap();
    Hostile::explore(&model, &Control::default()).unwrap()
}

/// Behind guards a window is wider for calm phases than for what comes before, since whoever is in
/// contact lets others go ahead; and one more thing is assumed.
#[test]
fn behind_guards_each_assumption_is_needed_but_that_heartbeats_hold() {
    let hostile = guarded(Protocol::GUARDED);
    let cluster = Cluster::with(2, Protocol::GUARDED).unwrap();
    for (assumption, weak) in [
        (Assumption::MessagesFirst, ["holds", "6+4", "6+4"]),
        // A leader's last heartbeat arrives again as soon as somebody has lost contact.
        (Assumption::HeartbeatsHold, ["holds"; 3]),
        (Assumption::RestartsEnd, ["holds", "0+4", "0+4"]),
        (Assumption::RepeatsEnd, ["holds", "11+3", "11+3"]),
        (Assumption::MajorityLives, ["0+0", "2+1", "2+1"]),
        (Assumption::TimersFire, ["holds", "0+0", "0+0"]),
        (Assumption::MessagesArrive, ["holds", "3+0", "3+0"]),
    ] {
        let without = Assumptions::ALL.without(assumption, cluster);
        assert_eq!(verdicts(&hostile, without), weak, "{assumption:?}");
    }
}

/// By check-quorum alone two servers can depose each other for ever, if their timers fire so.
#[test]
fn check_quorum_alone_is_not_live() {
    let hostile = guarded(Protocol::CHECK_QUORUM);
    assert_eq!(verdicts(&hostile, Assumptions::ALL), ["holds", "8+3", "8+3"]);
}
