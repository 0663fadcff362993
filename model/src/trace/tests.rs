//! What a line of a trace is, and how it is written.

use super::*;
use crate::election::{Role, Rule};
use crate::types::Term;

fn a_server(id: ServerId) -> Server {
    Server { id, cluster: Cluster::new(3).unwrap(), patience: Beats::ZERO.next() }
}

pub(super) fn header_of(server: ServerId, boot: u64) -> Header {
    Header {
        version: VERSION,
        cluster: "test".to_owned(),
        servers: Cluster::new(3).unwrap(),
        addresses: vec![String::new(); 3],
        server,
        boot,
        heartbeat_ms: 50,
        election_ms: (150, 300),
        program: String::new(),
        sequence: 0,
    }
}

pub(super) fn record() -> Line {
    let server = ServerId::new(2).unwrap();
    let before = State { ballot: Ballot::INITIAL, role: Role::FOLLOWER };
    let cause = Cause::Receive {
        before,
        from: ServerId::new(1).unwrap(),
        message: Message::RequestVote { term: Term::new(1), hand_over: false },
        sent_in: StepId { boot: 7, sequence: 1 },
    };
    let (boot, sequence, wall_us, monotonic_us) = (9, 3, 1_000_000, 5);
    let mut record = Record {
        server,
        boot,
        sequence,
        wall_us,
        monotonic_us,
        cause,
        step: a_server(server).start(None),
    };
    record.step = cause.step_of(&a_server(server));
    assert_eq!(record.step.rule, Rule::VoteGranted);
    assert!(matches!(record.step.outgoing, Outgoing::Reply { .. }));
    Line::Step(record)
}

#[test]
fn a_step_that_changes_nothing_and_sends_nothing_is_not_recorded() {
    let Line::Step(Record { cause, step, .. }) = record() else { unreachable!() };
    let before = cause.before().unwrap();
    let quiet = Step { state: before, outgoing: Outgoing::Nothing, ..step };
    assert!(!cause.is_recorded(&quiet));
    assert!(cause.is_recorded(&Step { state: before, ..step }), "it sends something");
    assert!(cause.is_recorded(&Step { outgoing: Outgoing::Nothing, ..step }), "it changes");
}

/// Before, all numbers were numbers.
#[test]
fn a_line_with_large_numbers_is_read_as_it_is_written_and_as_it_once_was() {
    let Line::Step(mut record) = record() else { unreachable!() };
    let (large, rounded) = (u64::MAX, "\"18446744073709551615\"");
    record.boot = large;
    let text = Line::Step(record).to_text();
    assert!(text.contains(rounded), "{text}");
    let (body, _) = text.rsplit_once(CRC.0).unwrap();
    let once = body.replace(rounded, &large.to_string()) + "}";
    let crc = crc32fast::hash(once.as_bytes());
    let once = format!("{}{}{crc:08x}{}", &once[..once.len() - 1], CRC.0, CRC.1);
    for text in [text.trim_end(), &once] {
        assert_eq!(Line::from_text(text).unwrap(), Line::Step(record));
    }
}

#[test]
fn a_line_is_read_as_it_was_written() {
    let text = record().to_text();
    assert_eq!(Line::from_text(text.strip_suffix('\n').unwrap()).unwrap(), record());
}

/// The words of a trace are the words of the specification.
#[test]
fn a_line_reads_like_this() {
    let text = r#"{"step":{"server":2,"boot":9,"sequence":3,"wall_us":1000000,"monotonic_us":5,"cause":{"Receive":{"before":{"ballot":{"current_term":0,"voted_for":null},"role":{"Follower":{"contact":false}}},"from":1,"message":{"RequestVote":{"term":1,"hand_over":false}},"sent_in":{"boot":7,"sequence":1}}},"step":{"state":{"ballot":{"current_term":1,"voted_for":1},"role":{"Follower":{"contact":false}}},"rule":"VoteGranted","persist":true,"outgoing":{"Reply":{"to":1,"message":{"RequestVoteResponse":{"term":1,"vote_granted":true}}}},"restart_timer":true}},"crc":"CRC"}"#;
    let line = record().to_text();
    let crc = &line[line.len() - 11..line.len() - 3];
    assert_eq!(line, text.replace("CRC", crc) + "\n");
}

#[test]
fn patience_is_as_many_heartbeats_as_fit_into_an_election_timeout() {
    let of = |heartbeat, election| patience(heartbeat, election).number();
    assert_eq!(
        [of(50, 150), of(50, 199), of(100, 50), of(0, 50), of(1, 5000)],
        [3, 3, 1, 255, 255]
    );
}

#[test]
fn a_line_in_which_any_byte_was_changed_is_refused() {
    let text = record().to_text();
    let text = text.strip_suffix('\n').unwrap();
    for index in 0..text.len() {
        for bit in 0..7 {
            let mut bytes = text.as_bytes().to_vec();
            bytes[index] ^= 1 << bit;
            let changed = String::from_utf8(bytes).expect("still ASCII");
            assert!(Line::from_text(&changed).is_err(), "{changed}");
        }
    }
}

#[test]
fn a_line_that_is_cut_off_has_no_checksum() {
    let text = record().to_text();
    for length in 0..text.len() - 1 {
        assert!(matches!(Line::from_text(&text[..length]), Err(LineError::NoChecksum)));
    }
}

#[test]
fn a_line_that_is_written_in_another_way_is_refused() {
    let text = record().to_text();
    let (body, _) = text.rsplit_once(CRC.0).unwrap();
    for body in [body.replace(':', ": "), body.replace("\"boot\":9", "\"boot\":9.0")] {
        let crc = crc32fast::hash((body.clone() + "}").as_bytes());
        let error = Line::from_text(&format!("{body}{}{crc:08x}{}", CRC.0, CRC.1)).unwrap_err();
        assert!(matches!(error, LineError::OtherText | LineError::Json(_)), "{error}");
    }
}

#[test]
fn a_ballot_becomes_a_later_one_and_keeps_its_vote_in_its_term() {
    let ballot = |term: u64, vote: Option<u8>| Ballot {
        current_term: Term::new(term),
        voted_for: vote.map(|vote| ServerId::new(vote).unwrap()),
    };
    for (from, to, may) in [
        (ballot(1, None), ballot(1, None), true),
        (ballot(1, None), ballot(1, Some(2)), true),
        (ballot(1, Some(2)), ballot(1, Some(2)), true),
        (ballot(1, Some(2)), ballot(1, Some(3)), false),
        (ballot(1, Some(2)), ballot(1, None), false),
        (ballot(1, Some(2)), ballot(2, None), true),
        (ballot(2, None), ballot(1, None), false),
        (ballot(2, Some(1)), ballot(1, Some(1)), false),
    ] {
        assert_eq!(may_become(from, to), may, "{from:?} {to:?}");
    }
}
