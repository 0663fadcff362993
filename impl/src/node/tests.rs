//! Each line of the loop: what a step demands, and what a turn takes in which order. The test holds
//! the socket of the other server, and the clock.

use std::fs::{self, File};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use raft_model::election::Timer;
use raft_model::message::Message;
use raft_model::trace::Line;
use raft_model::types::{Round, Term};

use super::*;
use crate::recorder::Trace;
use crate::testing::{self, SENT_IN, said, server};

const REQUEST: Message = Message::RequestVote { term: Term::new(1), hand_over: false };

/// S1 of two servers that has never run, and the socket of the other.
fn node_and_peer(dir: &tempfile::TempDir) -> (Node, Link) {
    let [one, two] = testing::links();
    let config = one.config().clone();
    (Node::new(one, testing::bootstrapped(dir, &config)), two)
}

fn receive(node: &mut Node, message: Message) -> Result<(), NodeError> {
    let (before, from, sent_in) = (node.status.state, server(2), SENT_IN);
    node.step(Cause::Receive { before, from, message, sent_in })
}

fn timeout(node: &mut Node) {
    node.step(Cause::Timeout { before: node.status.state, attempt: Attempt::FIRST }).unwrap();
}

#[test]
fn a_lone_server_leads_once_its_contact_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let (config, link) = testing::lone();
    let mut node = Node::new(link, testing::bootstrapped(&dir, &config));
    timeout(&mut node);
    assert_eq!(node.status.state.role, Role::FOLLOWER);
    timeout(&mut node);
    assert!(node.status.state.role.is_leader());
    assert_eq!(node.store.ballot(), node.status.state.ballot);
}

#[test]
fn a_vote_is_on_the_disk_when_the_answer_leaves() {
    let dir = tempfile::tempdir().unwrap();
    let (mut node, mut peer) = node_and_peer(&dir);
    receive(&mut node, REQUEST).unwrap();

    let answer = Message::RequestVoteResponse { term: Term::new(1), vote_granted: true };
    assert_eq!(said(peer.receive()), [(server(1), answer)]);
    let config = node.link.config().clone();
    drop(node);
    let ballot = testing::reopened(&dir, &config).ballot();
    assert_eq!((ballot.current_term, ballot.voted_for), (Term::new(1), Some(server(2))));
}

#[test]
fn nothing_is_sent_when_the_ballot_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let (mut node, mut peer) = node_and_peer(&dir);
    let read_only = File::open(node.store.path()).unwrap();
    node.store.replace_file(read_only);

    assert!(matches!(receive(&mut node, REQUEST), Err(NodeError::Store(_))));
    assert_eq!(said(peer.receive()), []);
}

#[test]
fn a_step_that_cannot_be_recorded_is_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (node, mut peer) = node_and_peer(&dir);
    let path = dir.path().join("trace");
    let trace = Trace::open(&path, node.link.config()).unwrap();
    let mut recorder = trace.begin(node.store.boot()).unwrap();
    recorder.replace_file(File::open(&path).unwrap()); // read-only
    let mut node = node.recorded_by(recorder);
    let (state, ballot) = (node.status.state, fs::read(node.store.path()).unwrap());

    assert!(matches!(receive(&mut node, REQUEST), Err(NodeError::Recorder(_))));
    assert_eq!(said(peer.receive()), []);
    assert_eq!(node.status.state, state);
    assert!(node.clock.is_due(), "the timer was not restarted");
    assert!(fs::read(node.store.path()).unwrap() == ballot, "nothing was saved");
}

#[test]
fn the_steps_of_a_run_are_numbered_as_they_are_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let (node, _peer) = node_and_peer(&dir);
    let path = dir.path().join("trace");
    let trace = Trace::open(&path, node.link.config()).unwrap();
    let mut node = node.recorded_by(trace.begin(1).unwrap());
    (0..3).for_each(|_| timeout(&mut node));
    let text = fs::read_to_string(&path).unwrap();
    let numbers = text.lines().filter_map(|line| match Line::from_text(line).unwrap() {
        Line::Header(_) => None,
        Line::Step(record) => Some(record.sequence),
    });
    assert_eq!(numbers.collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn a_campaign_asks_everybody_else() {
    let dir = tempfile::tempdir().unwrap();
    let (mut node, mut peer) = node_and_peer(&dir);
    timeout(&mut node);
    assert_eq!(said(peer.receive()), [(server(1), REQUEST)]);
}

/// Longer than any timer.
const FAR: Duration = Duration::from_secs(1_000_000);

/// Which timer starts when this happens: election timeouts are `testing::links`'s, so long that
/// they cannot be mistaken for a heartbeat.
fn started(node: &mut Node, happens: impl FnOnce(&mut Node)) -> Option<Timer> {
    node.clock.fire_in(FAR);
    happens(node);
    match node.clock.remaining() {
        time if time > FAR / 2 => None,
        time if time > node.link.config().heartbeat() => Some(Timer::Election),
        _ => Some(Timer::Heartbeat),
    }
}

const VOTE: Message = Message::RequestVoteResponse { term: Term::new(1), vote_granted: true };

#[test]
fn a_vote_starts_the_election_timer_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut node, _peer) = node_and_peer(&dir);
    let timer = started(&mut node, |node| receive(node, REQUEST).unwrap());
    assert_eq!(timer, Some(Timer::Election));
}

#[test]
fn a_request_that_is_refused_starts_no_timer() {
    let dir = tempfile::tempdir().unwrap();
    let (mut node, _peer) = node_and_peer(&dir);
    timeout(&mut node); // it votes for itself
    assert_eq!(started(&mut node, |node| receive(node, REQUEST).unwrap()), None);
}

#[test]
fn a_campaign_starts_the_election_timer_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut node, _peer) = node_and_peer(&dir);
    assert_eq!(started(&mut node, timeout), Some(Timer::Election));
}

#[test]
fn who_is_elected_starts_the_heartbeat_timer_and_again_with_each_heartbeat() {
    let dir = tempfile::tempdir().unwrap();
    let (mut node, _peer) = node_and_peer(&dir);
    timeout(&mut node);
    let elected = started(&mut node, |node| receive(node, VOTE).unwrap());
    assert_eq!(elected, Some(Timer::Heartbeat));
    assert_eq!(started(&mut node, timeout), Some(Timer::Heartbeat));
}

#[test]
fn a_leader_that_is_deposed_starts_the_election_timer() {
    let dir = tempfile::tempdir().unwrap();
    let (mut node, _peer) = node_and_peer(&dir);
    timeout(&mut node);
    receive(&mut node, VOTE).unwrap();
    let newer = Message::AppendEntriesResponse { term: Term::new(2), round: None };
    let deposed = started(&mut node, |node| receive(node, newer).unwrap());
    assert_eq!(deposed, Some(Timer::Election));
}

#[test]
fn a_server_that_starts_waits_before_it_campaigns() {
    let dir = tempfile::tempdir().unwrap();
    let (mut node, _peer) = node_and_peer(&dir);
    let (stop, _) = UnixStream::pair().unwrap();
    let timer = started(&mut node, |node| node.serve(stop.as_fd()).unwrap());
    assert_eq!(timer, Some(Timer::Election));
}

/// Sends this to S1.
fn send(peer: &mut Link, message: Message) {
    peer.send(server(1), message, SENT_IN);
}

const HEARTBEAT: Message = Message::AppendEntries { term: Term::new(1), round: Round::FIRST };

#[test]
fn a_message_is_heard_before_a_timer_that_is_due() {
    let dir = tempfile::tempdir().unwrap();
    let (mut node, mut peer) = node_and_peer(&dir);
    node.clock.fire_in(Duration::ZERO);
    send(&mut peer, HEARTBEAT);
    node.turn().unwrap();
    assert_eq!(node.status.leader, Some(server(2)));
    assert_eq!(node.status.voted_for(), None, "it campaigned first");
}

#[test]
fn messages_do_not_keep_a_timer_that_is_due_from_firing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut node, mut peer) = node_and_peer(&dir);
    node.clock.fire_in(Duration::ZERO);
    send(&mut peer, VOTE); // which it does not need, and which starts no timer
    node.turn().unwrap();
    assert!(matches!(node.status.state.role, Role::Candidate { .. }), "it did not campaign");
}

#[test]
fn a_timer_that_is_not_due_does_not_fire() {
    let dir = tempfile::tempdir().unwrap();
    let (mut node, _peer) = node_and_peer(&dir);
    node.clock.fire_in(FAR);
    node.turn().unwrap();
    assert_eq!(node.status.state.role, Role::FOLLOWER);
}

#[test]
fn every_message_that_is_there_is_answered_in_one_turn() {
    let dir = tempfile::tempdir().unwrap();
    let (mut node, mut peer) = node_and_peer(&dir);
    node.clock.fire_in(FAR);
    for _ in 0..3 {
        send(&mut peer, HEARTBEAT);
    }
    node.turn().unwrap();
    let answer = Message::AppendEntriesResponse { term: Term::new(1), round: None };
    assert_eq!(said(peer.receive()), [(server(1), answer); 3]);
}

#[test]
fn the_end_of_a_batch_is_heard_in_the_state_that_its_beginning_led_to() {
    let dir = tempfile::tempdir().unwrap();
    let (mut node, mut peer) = node_and_peer(&dir);
    timeout(&mut node);
    node.clock.fire_in(FAR);
    send(&mut peer, VOTE);
    send(&mut peer, REQUEST);
    node.turn().unwrap();
    assert_eq!(node.status.state.role, Role::LEADER);
}

/// What it waits with: it ends the wait when nothing else did, or with the sender.
fn patience() -> (UnixStream, Sender<()>) {
    let (stop, stopper) = UnixStream::pair().unwrap();
    let (done, is_done) = channel();
    std::thread::spawn(move || {
        let _ = is_done.recv_timeout(Duration::from_secs(30));
        drop(stopper);
    });
    (stop, done)
}

#[test]
fn a_datagram_ends_its_wait() {
    let dir = tempfile::tempdir().unwrap();
    let (mut node, mut peer) = node_and_peer(&dir);
    let (stop, _done) = patience();
    node.clock.fire_in(FAR);
    send(&mut peer, HEARTBEAT);
    assert!(node.wait(stop.as_fd(), FAR).unwrap(), "it slept");
}

#[test]
fn a_timer_that_is_due_ends_its_wait() {
    let dir = tempfile::tempdir().unwrap();
    let (mut node, _peer) = node_and_peer(&dir);
    let (stop, _done) = patience();
    node.clock.fire_in(Duration::from_millis(1));
    assert!(node.wait(stop.as_fd(), FAR).unwrap(), "it slept");
}

#[test]
fn it_answers_until_it_is_told_to_stop() {
    let dir = tempfile::tempdir().unwrap();
    let (node, mut peer) = node_and_peer(&dir);
    let (stop, stopper) = UnixStream::pair().unwrap();
    let (sender, ended) = channel();
    std::thread::spawn(move || sender.send(node.run(stop.as_fd()).is_ok()));
    send(&mut peer, HEARTBEAT);
    let half_a_minute = Timespec::try_from(Duration::from_secs(30)).unwrap();
    let answers = poll(&mut [PollFd::new(&peer, PollFlags::IN)], Some(&half_a_minute));
    assert_eq!(answers, Ok(1));
    drop(stopper);
    assert_eq!(ended.recv_timeout(Duration::from_secs(30)), Ok(true));
}

#[test]
fn a_server_that_comes_back_keeps_its_vote() {
    let dir = tempfile::tempdir().unwrap();
    let (mut node, mut peer) = node_and_peer(&dir);
    timeout(&mut node);
    assert_eq!(said(peer.receive()).len(), 1);

    let Node { link, store, .. } = node;
    drop(store);
    let config = link.config().clone();
    let mut node = Node::new(link, testing::reopened(&dir, &config));
    receive(&mut node, REQUEST).unwrap();
    let answer = Message::RequestVoteResponse { term: Term::new(1), vote_granted: false };
    assert_eq!(said(peer.receive()), [(server(1), answer)]);
}
