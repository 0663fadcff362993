//! `raft-model explore --stateright`, stateright's own page, in a real browser; and the command
//! line of `explore`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use support::{binary, browser};

use browser::{Browser, eventually};
use raft_model::actor::ActorElection;
use raft_model::cluster::Cluster;
use raft_model::search::search;
use raft_model::types::{ServerId, Term};
use raft_model::world::bounds::{Bounds, Replies, Terms};
use support::simulation::{Simulation, text, write};
use tempfile::TempDir;

const CHOICES: &str = "nav > ul:last-child a";

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary::built("raft-model"));
    command.arg("explore").args(arguments);
    command
}

/// The program, serving on a port of its own. It ends when this is dropped.
struct Explorer {
    process: Child,
    url: String,
    _folder: TempDir,
}

impl Explorer {
    /// Started where a folder `ui` lies, which stateright would serve instead of its own page.
    fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("ui")).unwrap();
        for file in ["index.htm", "app.js", "app.css", "knockout-3.5.0.js"] {
            fs::write(folder.path().join("ui").join(file), "not the Explorer").unwrap();
        }
        let mut command = command(&["--stateright", "--address", "127.0.0.1:0"]);
        command.args(arguments).current_dir(folder.path()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let url = line.split_whitespace().find(|word| word.starts_with("http://"));
        let url = url.expect("it says where to look").to_string();
        Self { process, url, _folder: folder }
    }

    /// A browser that shows its page.
    fn page(&self) -> Browser {
        let page = Browser::start();
        page.open(&self.url);
        page
    }
}

impl Drop for Explorer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Clicks a move, and waits until the page shows what came of it.
fn play(page: &Browser, a_move: &str) {
    page.click(a_move);
    eventually(a_move, || match page.texts(".path-list li:last-child .is-selected-state")? {
        shown if shown == [a_move] => Ok(()),
        shown => Err(format!("the page shows {shown:?}")),
    });
}

#[test]
fn three_moves_elect_a_leader() {
    let explorer = Explorer::start(&[]);
    let page = explorer.page();
    play(&page, "Init 0");
    play(&page, "S1 Timeout [Campaigned]");
    play(&page, "S2 ReceiveRequestVote from S1, term 1 [VoteGranted]");
    play(&page, "S1 BecomeLeader by the vote of S2, term 1 [Elected]");

    // In words what happened, and every server after it.
    let told = page.texts(".main-flex-right > .font-small").unwrap().concat();
    let lines: Vec<_> = told.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(
        lines,
        [
            "S1 has the vote of S2 and a quorum: it leads term 1.",
            "> S1  term 1  leader         voted for S1",
            "S2  term 1  follower       voted for S1",
            "S3  term 0  follower       has not voted",
            "sent S1 → all: AppendEntries (term 1)",
        ]
    );

    // A sequence diagram: three servers, the timeout, and an arrow for each message.
    assert_eq!(page.texts("svg .svg-actor-label").unwrap(), ["S1", "S2", "S3"]);
    assert_eq!(
        page.texts("svg .svg-event-label").unwrap(),
        ["Election timeout", "RequestVote (term 1)", "RequestVoteResponse (term 1, vote granted)"]
    );
    assert_eq!(page.texts("svg line.svg-event-line").unwrap().len(), 2);
    let is_drawn = "const box = document.querySelector('svg').getBoundingClientRect();
                    return box.width > 0 && box.height > 0";
    assert_eq!(page.run(is_drawn).unwrap(), true);

    // What was delivered already, the leader's next heartbeat and a restart of a follower would
    // change nothing: none of them is a choice, not even one that is shown as ignored.
    let mut choices = page.texts(CHOICES).unwrap();
    choices.sort();
    assert_eq!(
        choices,
        [
            "S1 Restart [Started]",
            "S2 Timeout [Campaigned]",
            "S3 ReceiveAppendEntries from S1, term 1 [HeartbeatAccepted]",
            "S3 ReceiveRequestVote from S1, term 1 [VoteGranted]",
            "S3 Timeout [Campaigned]",
        ]
    );
    assert!(page.texts("a.is-ignored, a.is-same-state").unwrap().is_empty());

    // Nothing of how the program writes its values for programmers.
    let text = page.texts("main").unwrap().concat();
    for code in ["Id(", "Some(", "Term(", "term:", "Ballot", "Candidate {"] {
        assert!(!text.contains(code), "{code} in {text}");
    }
}

#[test]
fn run_to_completion_visits_every_state() {
    let explorer = Explorer::start(&["--servers", "2", "--max-term", "1"]);
    let page = explorer.page();
    let bounds = Bounds::new(Cluster::new(2).unwrap(), Terms::UpTo(Term::new(1)), Replies::Useful);
    let states = search(&ActorElection::new(bounds), &[], |_| ()).coverage.states.to_string();
    eventually("Run to completion", || page.run("document.querySelector('button').click()"));
    eventually("every state is visited", || {
        let summaries = page.texts("nav ul b")?;
        let unique = page.texts("nav li:nth-child(3) span")?;
        let holds = summaries.iter().filter(|summary| summary.contains("Safety holds")).count();
        if holds == 4 && unique.first() == Some(&states) {
            Ok(())
        } else {
            Err(format!("{summaries:?}, {unique:?} instead of {states} states"))
        }
    });
}

/// What a command line that is wrong brings: exit code 2, and a message of its own.
fn refused(arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = command(arguments).output().unwrap();
    let message = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(2), "{arguments:?}: {message}");
    assert!(stdout.is_empty(), "{arguments:?}");
    assert!(message.starts_with("error: ") && !message.contains("panicked"), "{message}");
    message
}

#[test]
fn an_address_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let message = refused(&["--address", &address]);
    assert!(message.contains(&format!("cannot serve at {address}: ")), "{message}");
    assert!(message.contains("is in use") && message.contains("--port 0"), "{message}");
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    for arguments in [
        &["--port", "0", "--address", "127.0.0.1:0"][..],
        &["--watch"],
        &["--stateright", "--mutant", "vote-given-twice"],
        &["--exercise", "--servers", "5"],
        &["--mutant", "nobody"],
    ] {
        let Output { status, stderr, .. } = command(arguments).output().unwrap();
        let message = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(2), "{arguments:?}: {message}");
    }
    let message = refused(&["/nowhere/1.trace"]);
    assert!(message.contains("cannot read /nowhere/1.trace"), "{message}");
}

#[test]
fn a_trace_that_cannot_have_happened_ends_it_as_it_ends_a_replay() {
    let mut simulation = Simulation::new(3, 7);
    simulation.run(1000);
    let mut lines = simulation.trace(ServerId::FIRST);
    lines.remove(3);
    let folder = TempDir::new().unwrap();
    let paths = write(&folder, &[text(&lines)]);
    let Output { status, stderr, .. } = command(&[paths[0].to_str().unwrap()]).output().unwrap();
    let message = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{message}");
    assert!(message.contains("a record is missing"), "{message}");
}

#[test]
fn an_address_that_is_none_is_named() {
    for address in ["here", "127.0.0.1", "127.0.0.1:65536", "[::1:3000", "-1"] {
        let message = refused(&[&format!("--address={address}")]);
        assert!(message.contains(&format!("'{address}'")), "{message}");
    }
    // An address for documentation, which no machine has.
    let message = refused(&["--address", "192.0.2.1:3000"]);
    assert!(message.contains("cannot serve at 192.0.2.1:3000: "), "{message}");
}
