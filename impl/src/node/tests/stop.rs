//! How a node stops: what a leader does first, and who waits for whom.

use std::sync::mpsc::{Receiver, channel};

use super::*;

/// S1 leads, and no timer fires: S2 led before, and handed over.
fn patient_leader(pair: &Pair) -> Node {
    let node = pair.start();
    pair.says(Message::AppendEntries { term: ONE, round: Round::FIRST });
    pair.says(Message::HandOver { term: ONE });
    pair.agrees_until(&node, |status| status.state.role.is_leader());
    node
}

/// How this ends, once it has.
fn ends(
    stop: impl FnOnce() -> Result<(), NodeError> + Send + 'static,
) -> Receiver<Result<(), NodeError>> {
    let (sender, end) = channel();
    std::thread::spawn(move || sender.send(stop()));
    end
}

/// It asks S2 to take over, and waits for that.
fn hands_over(pair: &Pair, term: Term, end: &Receiver<Result<(), NodeError>>) {
    while pair.hears() != (Message::HandOver { term }) {}
    assert!(end.recv_timeout(Duration::from_millis(50)).is_err(), "it does not wait for another");
}

/// S2 takes over.
fn takes_over(pair: &Pair, term: Term) {
    let term = term.next().unwrap();
    pair.says(Message::RequestVote { term, hand_over: true });
    pair.says(Message::AppendEntries { term, round: Round::FIRST });
}

#[test]
fn a_leader_that_shall_stop_hands_over_and_stays_until_another_leads() {
    let pair = Pair::patient(Protocol::GUARDED);
    let node = Arc::new(patient_leader(&pair));
    let (term, mut watch, waits) = (node.status().term(), node.watch(), Arc::clone(&node));
    let end = ends(move || waits.wait());
    node.begin_shutdown();
    hands_over(&pair, term, &end);
    takes_over(&pair, term);
    end.recv_timeout(PATIENCE).unwrap().unwrap();
    let last = std::iter::from_fn(|| watch.next()).last().expect("it followed");
    assert_eq!((last.leader, last.voted_for()), (Some(server(2)), Some(server(2))));
}

#[test]
fn a_shutdown_is_begun_and_waited_for() {
    let pair = Pair::patient(Protocol::GUARDED);
    let node = patient_leader(&pair);
    let term = node.status().term();
    let end = ends(move || node.shutdown());
    hands_over(&pair, term, &end);
    takes_over(&pair, term);
    end.recv_timeout(PATIENCE).unwrap().unwrap();
}

#[test]
fn a_second_request_does_not_wait_for_another_leader() {
    let pair = Pair::patient(Protocol::GUARDED);
    let node = Arc::new(patient_leader(&pair));
    let (term, waits) = (node.status().term(), Arc::clone(&node));
    let end = ends(move || waits.wait());
    node.begin_shutdown();
    hands_over(&pair, term, &end);
    node.begin_shutdown();
    end.recv_timeout(PATIENCE).unwrap().unwrap();
}

#[test]
fn a_server_that_does_not_lead_or_cannot_hand_over_stops_at_once() {
    let pair = Pair::patient(Protocol::GUARDED);
    pair.start().shutdown().unwrap();
    let pair = Pair::new(Protocol::FIGURE2, (300, 600));
    let node = pair.start();
    pair.agrees_until(&node, |status| status.state.role.is_leader());
    node.shutdown().unwrap();
}

#[test]
fn who_asks_a_node_that_has_stopped_is_told() {
    let pair = Pair::patient(Protocol::GUARDED);
    let node = pair.start();
    node.begin_shutdown();
    node.wait().unwrap();
    assert_eq!(node.step_down(), Err(HandOverError::Stopped));
    let told: Vec<_> = node.watch().map(|status| (status.term(), status.leader)).collect();
    assert_eq!((node.leadership(), told), (None, vec![(Term::ZERO, None)]));
}
