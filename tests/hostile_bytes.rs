//! Whatever bytes arrive or stand in a file, nothing panics, and only what was written is read. The
//! laws are in `support/bytes.rs`; here they are tried on what proptest makes up, and on the seeds
//! of the fuzzers.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::FileFailurePersistence;
use raft_model::cluster::{Cluster, Protocol};
use raft_model::election::{Ballot, Outgoing, Role, State};
use raft_model::message::Message;
use raft_model::trace::{Cause, Header, Line, Record, StepId, VERSION};
use raft_model::types::{Attempt, Beats, Round, ServerId, ServerSet, Term};
use raft_node::config::ClusterName;
use raft_node::control::Request;
use raft_node::disk::DataDir;
use raft_node::session::{Key, Keys};
use raft_node::wire::{Frame, MAX_FRAME};
use support::bounds;
use support::bytes::{self, SLOT_HEAD};
use support::simulation::{Simulation, text};

fn server() -> impl Strategy<Value = ServerId> {
    (1..=Cluster::MAX_SIZE).prop_map(|number| ServerId::new(number).unwrap())
}

/// Any number, and often one at the ends of the range.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), 0..4_u64, (u64::MAX - 3)..=u64::MAX]
}

fn message() -> impl Strategy<Value = Message> {
    let yes = any::<bool>();
    (number().prop_map(Term::new), 0..8, yes, number()).prop_map(|(term, kind, yes, number)| {
        let (round, attempt) = (Round::new(number.max(1)), Attempt::new(number));
        match kind {
            0 => Message::RequestVote { term, hand_over: yes },
            1 => Message::RequestVoteResponse { term, vote_granted: yes },
            2 => Message::AppendEntries { term, round },
            3 => Message::AppendEntriesResponse { term, round: None },
            4 => Message::AppendEntriesResponse { term, round: Some(round) },
            5 => Message::PreVote { term, attempt },
            6 => Message::PreVoteResponse { term, vote_granted: yes, attempt },
            _ => Message::HandOver { term },
        }
    })
}

fn step_id() -> impl Strategy<Value = StepId> {
    (number(), number()).prop_map(|(boot, sequence)| StepId { boot, sequence })
}

fn cluster_name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9._-]{1,32}"
}

fn frame() -> impl Strategy<Value = Frame> {
    (cluster_name(), any::<[u8; 3]>(), server(), server(), message(), step_id()).prop_map(
        |(cluster, [servers, guards, witnesses], from, to, message, sent_in)| {
            let cluster = ClusterName::new(cluster).unwrap();
            let promise = match message {
                Message::AppendEntriesResponse { .. } => Duration::from_micros(sent_in.sequence),
                _ => Duration::ZERO,
            };
            Frame { cluster, servers, guards, witnesses, from, to, message, promise, sent_in }
        },
    )
}

fn ballot() -> impl Strategy<Value = Ballot> {
    (number().prop_map(Term::new), proptest::option::of(server()))
        .prop_map(|(current_term, voted_for)| Ballot { current_term, voted_for })
}

fn state() -> impl Strategy<Value = State> {
    let votes = vec(server(), 0..8).prop_map(ServerSet::from_iter);
    let role =
        (0..5, any::<bool>(), votes, number()).prop_map(
            |(kind, contact, votes, number)| match kind {
                4 => Role::Returning { heard: votes, newest: Term::new(number) },
                0 => Role::Follower { contact },
                1 => Role::PreCandidate { attempt: Attempt::new(number), votes },
                2 => Role::Candidate { votes },
                _ => {
                    Role::Leader { round: Round::new(number), answered: votes, beats: Beats::ZERO }
                }
            },
        );
    (ballot(), role).prop_map(|(ballot, role)| State { ballot, role })
}

fn cause() -> impl Strategy<Value = Cause> {
    prop_oneof![
        ballot().prop_map(|stored| Cause::Start { stored }),
        Just(Cause::LoseDisk),
        (state(), server(), number()).prop_map(|(before, from, number)| {
            Cause::HearTerm { before, from, term: Term::new(number) }
        }),
        (state(), number()).prop_map(|(before, number)| {
            Cause::Timeout { before, attempt: Attempt::new(number) }
        }),
        (state(), server()).prop_map(|(before, to)| Cause::HandOver { before, to }),
        (state(), server(), message(), step_id()).prop_map(|(before, from, message, sent_in)| {
            Cause::Receive { before, from, message, sent_in }
        }),
    ]
}

/// A header, or a record of a step that the specification need not take.
fn line() -> impl Strategy<Value = Line> {
    let cluster = (1..=Cluster::MAX_SIZE, 0..Protocol::ALL.len(), any::<u8>());
    let cluster = cluster.prop_map(|(size, index, bits)| {
        let cluster = Cluster::with(size, Protocol::ALL[index]).unwrap();
        // Not S1: somebody has to be able to lead.
        let witnesses = cluster.servers().skip(1).filter(|id| bits >> id.index() & 1 == 1);
        cluster.with_witnesses(witnesses.collect()).unwrap()
    });
    let numbers = (number(), number(), number(), number());
    let record = (server(), cluster.clone(), cause(), state(), numbers).prop_map(
        |(server, cluster, cause, state, (boot, sequence, wall_us, monotonic_us))| {
            let mut step = cause.step_of(&bounds::server(server, cluster));
            if step.outgoing == Outgoing::Nothing {
                step.state = state;
            }
            Line::Step(Record { server, boot, sequence, wall_us, monotonic_us, cause, step })
        },
    );
    let numbers = (number(), number(), number(), number(), number());
    let header = (any::<String>(), cluster, vec(any::<String>(), 0..8), server(), numbers)
        .prop_map(
            |(cluster, servers, addresses, server, (boot, heartbeat_ms, min, max, sequence))| {
                let (version, program) = (VERSION, cluster.clone());
                let election_ms = (min, max);
                Line::Header(Header {
                    version,
                    cluster,
                    servers,
                    addresses,
                    server,
                    boot,
                    heartbeat_ms,
                    election_ms,
                    program,
                    sequence,
                })
            },
        );
    prop_oneof![record, header]
}

/// One thing that befalls some bytes.
#[derive(Clone, Debug)]
enum Change {
    Replace(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Truncate(Index),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    // What is worth something in one of the formats.
    let bytes = prop_oneof![
        any::<u8>(),
        Just(0),
        Just(1),
        Just(0xff),
        "[0-9{}\"\n,]".prop_map(|text| text.as_bytes()[0])
    ];
    let change = prop_oneof![
        4 => (any::<Index>(), bytes.clone()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        1 => (any::<Index>(), vec(bytes, 1..5)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => (any::<Index>(), 1..5_usize).prop_map(|(at, count)| Change::Remove(at, count)),
        1 => any::<Index>().prop_map(Change::Truncate),
    ];
    vec(change, 1..4)
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let at = |index: &Index| index.index(bytes.len() + 1);
        match change {
            Change::Replace(index, byte) => {
                let at = at(index);
                bytes.iter_mut().skip(at).take(1).for_each(|old| *old = *byte);
            }
            Change::Insert(index, new) => {
                let at = at(index);
                bytes.splice(at..at, new.iter().copied());
            }
            Change::Remove(index, count) => {
                let at = at(index);
                bytes.drain(at..(at + count).min(bytes.len()));
            }
            Change::Truncate(index) => bytes.truncate(at(index)),
        }
    }
    bytes
}

/// The lines of three servers that elect and restart.
static TRACES: LazyLock<[Vec<String>; 3]> = LazyLock::new(|| {
    let ids = [1, 2, 3].map(|number| ServerId::new(number).unwrap());
    let mut simulation = Simulation::new(3, 11);
    for id in ids {
        simulation.run(300);
        simulation.restart(id);
    }
    simulation.run(300);
    ids.map(|id| simulation.trace(id).iter().map(Line::to_text).collect())
});

/// One of each kind.
const REQUESTS: [&str; 9] = [
    r#"{"do":"status"}"#,
    r#"{"do":"watch","every_ms":100}"#,
    r#"{"do":"hand-over","to":2}"#,
    r#"{"do":"step-down"}"#,
    r#"{"do":"lead","guard":{"group":7,"before_us":8}}"#,
    r#"{"do":"log-level","level":"info"}"#,
    r#"{"do":"trace-start","file":"/tmp/a"}"#,
    r#"{"do":"trace-stop"}"#,
    r#"{"do":"trace-rotate"}"#,
];

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_frame_survives_the_round_trip(frame in frame()) {
        let bytes = frame.encode();
        prop_assert!(bytes.len() <= MAX_FRAME);
        prop_assert_eq!(Frame::decode(&bytes), Ok(frame));
    }

    #[test]
    fn any_bytes_may_arrive(bytes in vec(any::<u8>(), 0..2 * MAX_FRAME)) {
        bytes::frame(&bytes);
    }

    #[test]
    fn any_changed_frame_may_arrive(frame in frame(), changes in changes()) {
        bytes::frame(&changed(frame.encode(), &changes));
    }

    #[test]
    fn any_bytes_may_stand_in_for_what_is_sealed(bytes in vec(any::<u8>(), 0..150)) {
        bytes::sealed(&bytes);
    }

    #[test]
    fn any_changed_keys_may_stand_in_their_file(first: [u8; 32], changes in changes()) {
        let text = Keys::two(Key::new(first), Key::new([7; 32])).unwrap().to_text();
        bytes::keys(&changed(text.into_bytes(), &changes));
    }

    #[test]
    fn every_ballot_that_is_saved_is_found(ballots in vec(ballot(), 1..4)) {
        let (dir, config) = (bytes::fast_dir(), bytes::first_of_three());
        let mut store = DataDir::create(dir.path()).unwrap().bootstrap(&config).unwrap();
        for &ballot in &ballots {
            store.save(ballot, Duration::from_millis(150)).unwrap();
            prop_assert_eq!(store.ballot(), ballot);
        }
        drop(store);
        let store = DataDir::lock(dir.path()).unwrap().open(&config).unwrap();
        prop_assert_eq!(Some(&store.ballot()), ballots.last());
    }

    #[test]
    fn any_bytes_may_stand_where_the_ballot_should(bytes in vec(any::<u8>(), 0..3 * SLOT_HEAD)) {
        bytes::ballot(&bytes);
    }

    #[test]
    fn any_changed_ballot_may_stand_there(ballot in ballot(), changes in changes()) {
        let (dir, config) = (bytes::fast_dir(), bytes::first_of_three());
        let mut store = DataDir::create(dir.path()).unwrap().bootstrap(&config).unwrap();
        store.save(ballot, Duration::from_millis(150)).unwrap();
        let file = fs::read(store.path()).unwrap();
        bytes::ballot(&changed(file.clone(), &changes));
        let head = &file[..SLOT_HEAD];
        bytes::ballot(&changed([head, head].concat(), &changes));
    }

    #[test]
    fn any_changed_request_may_be_asked(which in 0..REQUESTS.len(), changes in changes()) {
        let request = REQUESTS[which].as_bytes();
        prop_assert!(serde_json::from_slice::<Request>(request).is_ok());
        bytes::request(&changed(request.to_vec(), &changes));
    }

    #[test]
    fn every_line_of_a_trace_survives_the_round_trip(line in line()) {
        let text = line.to_text();
        prop_assert_eq!(bytes::line(text.strip_suffix('\n').unwrap()), Some(line));
    }

    #[test]
    fn any_text_may_stand_in_a_trace(text in any::<String>()) {
        bytes::line(&text);
        bytes::traces(&[text]);
    }

    #[test]
    fn any_lines_may_stand_in_a_trace(lines in vec(line(), 0..6)) {
        bytes::traces(&[text(&lines)]);
    }

    #[test]
    fn any_changed_trace_may_be_replayed(file in 0..3_usize, changes in changes()) {
        let mut traces = TRACES.each_ref().map(|lines| lines.concat().into_bytes());
        traces[file] = changed(std::mem::take(&mut traces[file]), &changes);
        bytes::traces(&traces);
    }

    #[test]
    fn any_lines_may_be_lost_or_repeated(file in 0..3_usize, from: Index, to: Index, keep: bool) {
        let mut traces = TRACES.clone();
        let lines = &mut traces[file];
        let (from, to) = (from.index(lines.len()), to.index(lines.len()));
        if keep {
            lines.insert(to, lines[from].clone());
        } else {
            lines.drain(from.min(to)..from.max(to));
        }
        bytes::traces(&traces.map(|lines| lines.concat()));
    }
}

#[test]
fn the_seeds_of_the_fuzzers_break_no_law() {
    let seeds = |target: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("impl/fuzz/seeds").join(target);
        let files = fs::read_dir(folder).unwrap();
        let seeds: Vec<_> = files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
        assert!(!seeds.is_empty(), "no seed of {target}");
        seeds
    };
    seeds("frame").iter().for_each(|seed| bytes::frame(seed));
    seeds("sealed").iter().for_each(|seed| bytes::sealed(seed));
    seeds("keys").iter().for_each(|seed| bytes::keys(seed));
    seeds("ballot").iter().for_each(|seed| bytes::ballot(seed));
    seeds("trace").iter().for_each(|seed| bytes::traces(&[seed]));
    seeds("request").iter().for_each(|seed| bytes::request(seed));
}
