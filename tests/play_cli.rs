//! `raft-model play`: scripts from the command line.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use support::binary;

/// What it prints for these arguments and this input, and its exit code.
fn play(arguments: &[&str], input: &str) -> (String, String, Option<i32>) {
    let mut command = Command::new(binary::built("raft-model"));
    command.arg("play").args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
    let Output { status, stdout, stderr } = process.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(stdout), text(stderr), status.code())
}

fn scenario(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(name);
    path.display().to_string()
}

const ELECTION: &str = "cluster 3\ntimeout S1\ndeliver-all\nexpect-leader S1\n";

#[test]
fn a_script_is_told_as_its_golden_file_tells_it() {
    let path = scenario("04_split_vote.txt");
    let (output, error, code) = play(&[&path], "");
    assert_eq!((error.as_str(), code), ("", Some(0)));
    assert_eq!(output, fs::read_to_string(path).unwrap());
}

#[test]
fn a_script_is_piped_in_and_need_not_end_with_a_rule() {
    let (output, _, code) = play(&["-"], ELECTION);
    assert!(output.contains("S1 has the vote of S2 and a quorum: it leads term 1"), "{output}");
    assert_eq!(code, Some(0));
}

#[test]
fn a_story_a_link_and_a_picture_are_of_the_same_steps() {
    let (story, _, _) = play(&["-", "--story"], ELECTION);
    assert!(
        story.starts_with("3 servers\n\n  0. Everybody starts.") && story.contains("  3. "),
        "{story}"
    );
    let (link, _, _) = play(&["-", "--link"], ELECTION);
    let first =
        "#protocol=figure2&servers=3&terms=any&replies=all&hand-over=yes&patience=2&path=1t,2q1.1,";
    assert!(link.starts_with(first), "{link}");

    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("election.svg");
    play(&["-", "--svg", picture.to_str().unwrap()], ELECTION);
    let text = fs::read_to_string(picture).unwrap();
    let picture = roxmltree::Document::parse(&text).unwrap();
    let events = picture
        .descendants()
        .filter(|node| node.has_tag_name("circle") && node.attribute("class") == Some("event"));
    assert_eq!(events.count(), link.split("path=").nth(1).unwrap().trim().split(',').count());
}

#[test]
fn one_way_of_a_link_is_cut_and_mended() {
    let script = "cluster 3\ntimeout S1\ncut-way S1 S2\ndeliver S1 S3 RequestVote\n";
    let (output, error, code) = play(&["-"], script);
    assert_eq!((error.as_str(), code), ("", Some(0)));
    assert!(output.contains("S3 grants S1 its vote"), "{output}");

    let across = format!("{script}deliver S1 S2 RequestVote\n");
    let (_, error, code) = play(&["-"], &across);
    assert!(error.contains("S2 is cut off from S1"), "{error}");
    assert_eq!(code, Some(1));

    let mended = format!("{script}mend-way S1 S2\ndeliver S1 S2 RequestVote\n");
    let (link, _, code) = play(&["-", "--link"], &mended);
    assert!(link.trim().ends_with("path=1t,2!1,3q1.1,2~1,2q1.1"), "{link}");
    assert_eq!(code, Some(0));
}

#[test]
fn a_mutant_breaks_a_property_and_the_line_is_named() {
    let script =
        "cluster 3\ntimeout S1\ntimeout S2\ndeliver S1 S3 RequestVote\ndeliver S2 S3 RequestVote\n";
    assert_eq!(play(&["-"], script).2, Some(0));
    let (_, error, code) = play(&["-", "--mutant", "vote-given-twice"], script);
    assert!(error.contains("line 5") && error.contains("VoteOncePerTerm"), "{error}");
    assert_eq!(code, Some(1));
}

#[test]
fn what_cannot_be_played_is_named() {
    for (arguments, input, says, exit) in [
        (&["/nowhere"][..], "", "cannot read /nowhere", 2),
        (&["-"], "cluster 3\nelect S1\n", "there is no command elect", 1),
        (&["-"], "cluster 3\ntimeout S1\nexpect-leader S1\n", "the leaders are []", 1),
        (&["-", "--story", "--link"], "", "cannot be used with", 2),
        (&["-", "--svg", "/nowhere/picture.svg"], ELECTION, "cannot write /nowhere/picture.svg", 2),
    ] {
        let (_, error, code) = play(arguments, input);
        assert!(error.contains(says), "{arguments:?}: {error}");
        assert_eq!(code, Some(exit), "{arguments:?}: {error}");
    }
}
