//! A path of the explorer that is taken away is a behaviour of the specification in TLA+; that of a
//! mutant is none from its mistake on.

use std::fs;

use raft_model::cluster::Protocol;
use raft_model::explore::codes::Cause;
use raft_model::explore::setting::Setting;
use raft_model::explore::{take, walk};
use raft_model::mutant::Mutant;
use support::paths::Walk;
use support::tlc::{self, Checked, Verdict, is_ready};

/// What TLC says of the module that is taken away.
fn judged(setting: &Setting, path: &[raft_model::explore::codes::Code]) -> Checked {
    let folder = tempfile::tempdir().unwrap();
    let module = folder.path().join("Election.tla");
    fs::write(&module, take::behaviour(setting, path, "Election")).unwrap();
    tlc::check(&module, &[])
}

#[test]
fn a_path_that_is_taken_away_is_a_behaviour() {
    if !is_ready() {
        return;
    }
    for protocol in Protocol::ALL {
        let of_three = |walk: &Walk| {
            let cluster = walk.setting.cluster;
            cluster.size() == 3 && cluster.protocol() == protocol
        };
        let walk = (0..).map(Walk::of_raft).find(of_three).unwrap();
        let checked = judged(&walk.setting, &walk.path);
        let said = walk::written(&walk.path);
        assert_eq!(checked.verdict, Verdict::Holds, "{protocol}: {said}");
        // The state at the beginning, and one after each step that is not of links alone.
        let is_move = |cause: &Cause| !matches!(cause, Cause::Cut(_) | Cause::Mend(_));
        let moves = walk.path.iter().filter(|code| is_move(&code.cause)).count();
        assert_eq!(checked.depth, 1 + moves, "{protocol}: {said}");
    }
}

#[test]
fn the_path_of_a_mutant_is_rejected_at_its_mistake() {
    if !is_ready() {
        return;
    }
    let mutant = Mutant::named("vote-forgotten-on-restart");
    let setting = Setting { mutant, ..Setting::usual() };
    let path = walk::parse("1t,2q1.1,2x,2t").unwrap();
    let Verdict::AssertionFails(text) = judged(&setting, &path).verdict else {
        panic!("TLC accepts a server that forgets its vote");
    };
    assert_eq!(text, "step 3, 2x: this is no step of the specification");
}
