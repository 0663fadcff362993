//! For what there is room in a packed world: for which messages, states and leases of guarded
//! servers.

use std::collections::HashSet;

use super::{W, bounds, reachable};
use crate::action::Envelope;
use crate::cluster::{Cluster, Protocol};
use crate::election::{Ballot, Role, State};
use crate::message::Message;
use crate::packed::Layout;
use crate::packed::layout::placed;
use crate::types::{Attempt, Beats, Round, ServerId, ServerSet, Term};
use crate::world::bounds::{Bounds, Limits};

/// Servers behind both guards, in two terms: three rounds, three attempts, a patience of two.
fn guarded(servers: u8) -> Bounds {
    let limits = Limits { rounds: 3, attempts: 3, patience: Beats::new(2), ..Limits::SMALL };
    let cluster = Cluster::with(servers, Protocol::GUARDED).unwrap();
    Bounds { cluster, limits, ..bounds(servers, 2) }
}

fn in_term(term: u64) -> Ballot {
    Ballot { current_term: Term::new(term), voted_for: None }
}

fn state(role: Role) -> State {
    State { ballot: in_term(1), role }
}

fn leader(round: u64, beats: u8) -> State {
    let answered = ServerSet::only(ServerId::FIRST);
    state(Role::Leader { round: Round::new(round), answered, beats: Beats::new(beats) })
}

fn asking(attempt: u64) -> State {
    let votes = ServerSet::only(ServerId::FIRST);
    state(Role::PreCandidate { attempt: Attempt::new(attempt), votes })
}

fn returning(newest: u64) -> State {
    let heard = ServerSet::only(ServerId::FIRST);
    State { ballot: Ballot::INITIAL, role: Role::Returning { heard, newest: Term::new(newest) } }
}

/// What can be said in a term behind both guards, in rounds and attempts up to these.
fn said(term: Term, rounds: u64, attempts: u64) -> Vec<Message> {
    let mut said =
        vec![Message::HandOver { term }, Message::AppendEntriesResponse { term, round: None }];
    for flag in [false, true] {
        said.push(Message::RequestVote { term, hand_over: flag });
        said.push(Message::RequestVoteResponse { term, vote_granted: flag });
    }
    for round in (0..=rounds).map(Round::new) {
        said.push(Message::AppendEntries { term, round });
        said.push(Message::AppendEntriesResponse { term, round: Some(round) });
    }
    for attempt in (0..=attempts).map(Attempt::new) {
        said.push(Message::PreVote { term, attempt });
        for vote_granted in [false, true] {
            said.push(Message::PreVoteResponse { term, vote_granted, attempt });
        }
    }
    said
}

#[test]
fn each_message_has_a_number_of_its_own_if_there_is_room_for_it() {
    let bounds = guarded(3);
    let cluster = bounds.cluster;
    for (layout, rounds, attempts) in
        [(Layout::new(&bounds, 2), 3, 3), (Layout::merging(&bounds, 2), 2, 2)]
    {
        let terms = [0, 1, 2].map(|term| said(Term::new(term), rounds, attempts));
        assert!(terms.iter().all(|said| said.len() == layout.kinds()));
        let mut numbers = HashSet::new();
        for message in terms.iter().flatten().copied() {
            for from in cluster.servers() {
                for to in cluster.servers().map(Some).chain([None]) {
                    let number = layout.key(Envelope { from, to, message });
                    let number = number.expect("there is room for it");
                    assert!(numbers.insert(number), "{message} has the number of another");
                    assert!(number < layout.bits.len());
                }
            }
        }
        let mut beyond = said(Term::new(2), rounds + 1, attempts + 1);
        beyond.retain(|message| !terms[2].contains(message));
        for message in beyond.into_iter().chain(said(Term::new(3), rounds, attempts)) {
            let envelope = Envelope { from: ServerId::FIRST, to: None, message };
            assert_eq!(layout.key(envelope), None, "{message}");
        }
    }
}

#[test]
fn there_is_room_for_states_within_the_bounds_and_for_no_other() {
    let layout = Layout::new(&guarded(3), 2);
    for within in [leader(3, 1), asking(3), returning(2)] {
        assert!(layout.has(within), "{within:?}");
    }
    for beyond in [leader(4, 1), leader(3, 2), asking(4), returning(3)] {
        assert!(!layout.has(beyond), "{beyond:?}");
    }
    let late = State { ballot: in_term(3), role: Role::FOLLOWER };
    assert!(!layout.has(late), "there is no term 3");
}

#[test]
fn attempts_are_counted_in_a_term_or_from_the_present_one() {
    let layouts = [Layout::new(&guarded(3), 2), Layout::merging(&guarded(3), 2)];
    let numbers = |layout: &Layout, state: State| {
        layout.attempts(&state).map(Attempt::number).collect::<Vec<_>>()
    };
    for (state, counted, relative) in [
        (state(Role::FOLLOWER), vec![1, 2, 3], vec![1]),
        (asking(1), vec![1, 2, 3], vec![2]),
        (leader(1, 0), vec![1], vec![1]),
        (state(Role::Follower { contact: true }), vec![1], vec![1]),
    ] {
        let found = layouts.each_ref().map(|layout| numbers(layout, state));
        assert_eq!(found, [counted, relative], "{state:?}");
    }
}

#[test]
fn servers_alone_count_no_heartbeats_and_have_no_leases() {
    let patient = guarded(3);
    let limits = Limits { patience: Beats::ZERO, leases: true, ..patient.limits };
    let [many, none] =
        [patient, Bounds { limits, ..patient }].map(|bounds| Layout::of_servers(&bounds, 2));
    assert_eq!(many.bits_of_a_server(), none.bits_of_a_server());
    assert_eq!((many.len(), none.len()), (3 * many.bits_of_a_server() as usize, many.len()));
}

#[test]
fn no_field_lies_across_two_words() {
    assert_eq!(placed(3, 30, 0), (vec![(0, 0), (0, 30), (1, 0)], 94));
    assert_eq!(placed(2, 32, 0), (vec![(0, 0), (0, 32)], 64));
    assert_eq!(placed(2, 20, 50), (vec![(1, 0), (1, 20)], 104));
}

#[test]
fn leases_are_compared_whatever_else_differs() {
    let limits = Limits { leases: true, rounds: 2, ..Limits::SMALL };
    let cluster = Cluster::with(2, Protocol::CHECK_QUORUM).unwrap();
    let bounds = Bounds { cluster, limits, ..bounds(2, 1) };
    let layout = Layout::new(&bounds, 1);
    let packed = |(world, _)| (layout.pack::<W>(&world), world);
    let worlds: Vec<_> = reachable(bounds).into_iter().map(packed).collect();
    let mut leases = HashSet::new();
    for (packed, one) in &worlds {
        leases.insert(format!("{:?}", one.leases));
        for (other_packed, other) in &worlds {
            let are_same = layout.has_leases_of(packed, other_packed);
            assert_eq!(are_same, one.leases == other.leases, "{one} {other}");
        }
    }
    assert!(leases.len() > 4, "only {} leases were compared", leases.len());
}
