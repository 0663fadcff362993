//! Clocks that disagree: they are named, and aligned on request.

use raft_model::trace::clocks::Clocks;
use serde_json::Value;
use support::run::{Run, three_elections, with_a_clock_ahead};
use support::simulation::write;
use tempfile::TempDir;

use crate::{WHOLE, drawn, raft_model, says};

#[test]
fn clocks_that_disagree_are_named() {
    let mut run = Run::new("demo");
    (1..=3).for_each(|server| run.start(0, server));
    let request = run.timeout(200, 1);
    run.receive(190, 2, request);
    run.receive(198, 3, request);
    let picture = drawn(&run.texts(), WHOLE);
    says(&picture, "Beware: the clock of S1 is ahead of that of S2, by 10 ms or more; ");
    says(&picture, "the clock of S1 is ahead of that of S3, by 2.00 ms or more.");
    says(&picture, "received 10 ms earlier: their clocks differ");
    let agree = drawn(&three_elections("demo").texts(), WHOLE);
    assert!(!agree.contains("Beware"), "clocks that agree are said to differ");
}

#[test]
fn a_message_may_arrive_in_the_moment_in_which_it_is_sent() {
    let mut run = Run::new("demo");
    (1..=3).for_each(|server| run.start(0, server));
    let request = run.timeout(200, 1);
    run.receive(200, 2, request);
    let picture = drawn(&run.texts(), WHOLE);
    says(&picture, "received 0 µs later");
    assert!(!picture.contains("Beware"), "these clocks agree");
}

#[test]
fn aligned_clocks_show_what_happened_at_the_same_time() {
    let folder = TempDir::new().unwrap();
    let files = write(&folder, &with_a_clock_ahead().texts());
    let files: Vec<_> = files.iter().map(|file| file.to_str().unwrap()).collect();
    let out = folder.path().join("run.svg");
    let draw = |options: &[&str]| {
        let arguments = [&["replay", "--svg", out.to_str().unwrap()], options, &files].concat();
        let output = raft_model(&arguments);
        assert!(output.status.success(), "{output:?}");
        let picture = std::fs::read_to_string(&out).unwrap();
        (String::from_utf8(output.stdout).unwrap(), picture)
    };
    let (table, picture) = draw(&[]);
    assert!(table.contains("S2 leads term 1 at 2.202 s"), "{table}");
    assert!(table.contains("--align-clocks sets them right"), "{table}");
    says(&picture, "S1 is down: its last record is of");

    let (table, picture) = draw(&["--align-clocks"]);
    assert!(table.contains("S2 leads term 1 at 0.202 s"), "{table}");
    assert!(table.contains("the clock of S2 is 2.000000 s ahead of that of S1"), "{table}");
    says(&picture, "Clocks are aligned");
    for wrong in ["Beware", "is down: its last record is of", "earlier: their clocks differ"] {
        assert!(!picture.contains(wrong), "{wrong}");
    }

    let (json, _) = draw(&["--align-clocks", "--json"]);
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["ahead_us"]["2"], 2_000_000, "{json}");
}

#[test]
fn clocks_that_agree_are_left_as_they_are() {
    let folder = TempDir::new().unwrap();
    let files = write(&folder, &three_elections("demo").texts());
    let ahead = Clocks::read(&files).unwrap().ahead();
    assert!(ahead.told().iter().all(|told| told.contains("is 0.00")), "{:?}", ahead.told());
}
