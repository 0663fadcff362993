//! `raft-model topologies`, as it is typed.

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;
use support::binary;

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(binary::built("raft-model"));
    command.arg("topologies").args(arguments).output().expect("raft-model runs")
}

fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).expect("UTF-8")
}

#[test]
fn it_prints_a_table_of_links_and_protocols() {
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(0));
    let table = text(&output.stdout);
    for line in [
        "  links     16       classes of links, directed ones too; ",
        "  centre    9        have one: a server that is linked both ways to a quorum\n",
        "  a leader stays          figure2      pre-vote     check-quorum guarded\n",
        "  A-C B-C  = bridge, chain of three\n                          FAILS        FAILS",
        "  A>C B-C                 FAILS        ok           ok           ok\n",
        "  ok                      5 of 9       7 of 9       6 of 9       9 of 9\n",
        "  a.s. or better          6 of 9       7 of 9       9 of 9       9 of 9\n",
        "  leaders, at most        no end       no end       1            1\n",
        "  guarded holds: wherever there is a centre, one leader comes to be followed, and stays;",
    ] {
        assert!(table.contains(line), "{line}\n{table}");
    }
    let (_, rows) = table.split_once("  a leader stays").unwrap();
    let (rows, _) = rows.split_once("\n\n  ok: ").unwrap();
    assert!(rows.lines().all(|line| line.chars().count() <= 80), "{rows}");
}

/// The exit code is about the protocols that were named, or about what the node does.
#[test]
fn a_protocol_that_fails_ends_with_1_and_its_run_can_be_read() {
    let output = run(&["--protocol", "figure2", "--lasso", "A-C B-C"]);
    assert_eq!(output.status.code(), Some(1));
    let story = text(&output.stdout);
    for line in [
        "A-C B-C (bridge, chain of three): linked both ways to a quorum: {S1, S2, S3}\n",
        "\nfigure2: no leader stays on this one:\n",
        "Servers hear each other so: A-C B-C\n     (A is S1, B is S2, C is S3).\n",
        "     What follows repeats for ever, in terms that may be higher each time.\n",
        "  S2 hears no leader: it campaigns in term 3 and votes for itself.  [Timeout by Campaigned]\n"
            .trim_start(),
        "     A quorum follows, over links both ways, at times: {S1, S2}.\n",
    ] {
        assert!(story.contains(line), "{line}\n{story}");
    }
}

#[test]
fn programs_get_json_and_people_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("links.svg");
    let mutant = ["--mutant", "leader-stays-without-quorum", "--json"];
    let output =
        run(&[&mutant[..], &["--protocol=guarded", "--svg", file.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["mutant"], "leader-stays-without-quorum");
    assert_eq!((&report["totals"][0]["ok"], &report["with_centre"]), (&6.into(), &9.into()));
    assert_eq!(report["topologies"].as_array().unwrap().len(), 16);
    let picture = fs::read_to_string(file).unwrap();
    let document = roxmltree::Document::parse(&picture).unwrap();
    let marks = document.descendants().filter(|node| node.attribute("class") == Some("mark"));
    assert_eq!(marks.count(), 9 + 3, "one a row and protocol, and the legend");
}

#[test]
fn bad_input_is_named_and_ends_with_2() {
    for (arguments, message) in [
        (&["--servers", "8"][..], "a cluster has 1 to 7 servers, not 8"),
        (&["--servers", "7"], "--servers 7: links are listed for 2 to 6"),
        (&["--servers", "5", "--directed"], "--servers 5: directed links are listed for 2 to 4"),
        (&["--lasso", "A-D"], "--lasso A-D: \"A-D\" is no link: A-B is one both ways"),
        (&["--protocol", "paxos"], "\"paxos\" is no protocol"),
        (&["--svg", "/no/such/folder/a.svg"], "cannot write /no/such/folder/a.svg"),
    ] {
        let output = run(arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(message), "{arguments:?}: {error}");
        assert!(output.stdout.is_empty() && !error.contains("panicked"), "{error}");
    }
}
