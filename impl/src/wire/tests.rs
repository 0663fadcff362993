//! One case after the other; arbitrary frames and bytes are in `tests/hostile_bytes.rs`.

use raft_model::cluster::Protocol;

use super::*;
use crate::config::Settings;

const TERM: Term = Term::new(0x0102_0304_0506_0708);

fn server(number: u8) -> ServerId {
    ServerId::new(number).unwrap()
}

fn address(number: u8) -> SocketAddr {
    format!("127.0.0.1:700{number}").parse().unwrap()
}

/// S1 of three servers.
fn receiver() -> Config {
    let servers = (1..=3).map(|number| (number, address(number))).collect();
    Config::new(Settings::new("test", 1, servers)).unwrap()
}

/// A vote of S2 for S1.
fn vote() -> Frame {
    Frame {
        cluster: ClusterName::new("test").unwrap(),
        servers: 3,
        guards: Protocol::GUARDED.bits(),
        witnesses: 0,
        from: server(2),
        to: server(1),
        message: Message::RequestVoteResponse { term: TERM, vote_granted: true },
        promise: Duration::ZERO,
        sent_in: StepId { boot: 0x1112_1314_1516_1718, sequence: 0x2122_2324_2526_2728 },
    }
}

const ROUND: Round = Round::new(0x3132_3334_3536_3738);
const ATTEMPT: Attempt = Attempt::new(0x4142_4344_4546_4748);

/// Each kind of message, with each truth value.
fn messages() -> [Message; 11] {
    let (term, round, attempt) = (TERM, ROUND, ATTEMPT);
    [
        Message::RequestVote { term, hand_over: false },
        Message::RequestVote { term, hand_over: true },
        Message::RequestVoteResponse { term, vote_granted: false },
        Message::RequestVoteResponse { term, vote_granted: true },
        Message::AppendEntries { term, round },
        Message::AppendEntriesResponse { term, round: None },
        Message::AppendEntriesResponse { term, round: Some(round) },
        Message::PreVote { term, attempt },
        Message::PreVoteResponse { term, vote_granted: false, attempt },
        Message::PreVoteResponse { term, vote_granted: true, attempt },
        Message::HandOver { term },
    ]
}

#[test]
fn every_message_is_read_as_it_was_written() {
    for message in messages() {
        let frame = Frame { message, ..vote() };
        assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
    }
}

#[test]
fn the_answer_to_a_heartbeat_carries_a_promise_and_nothing_else_does() {
    let promise = Duration::from_micros(150_000);
    for message in messages() {
        let carries = matches!(message, Message::AppendEntriesResponse { .. });
        let frame = Frame { message, promise, ..vote() };
        let read = Frame::decode(&frame.encode()).map(|frame| frame.promise);
        assert_eq!(read, Ok(if carries { promise } else { Duration::ZERO }), "{message}");
    }
}

/// The bytes of a vote with one byte replaced, and a checksum that agrees.
fn forged(offset: usize, value: u8) -> Vec<u8> {
    let mut bytes = vote().encode();
    bytes[offset] = value;
    with_checksum(bytes)
}

/// A frame with the checksum that belongs to it.
fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - 4;
    let checksum = crc32fast::hash(&bytes[..end]).to_be_bytes();
    bytes[end..].copy_from_slice(&checksum);
    bytes
}

// Where the fields of the vote start; the name of its cluster has four bytes.
const NAME: usize = 6;
const FROM: usize = NAME + 4 + 3;
const TO: usize = FROM + 1;
const KIND: usize = TO + 1;
const FLAG: usize = KIND + 1 + 8;

#[test]
fn the_format_is_what_the_table_says() {
    let mut expected = b"RAFT\x03\x04test\x03\x03\x00\x02\x01\x02".to_vec();
    expected.extend(b"\x01\x02\x03\x04\x05\x06\x07\x08\x01"); // term, vote granted
    expected.extend(b"\x11\x12\x13\x14\x15\x16\x17\x18"); // run
    expected.extend(b"\x21\x22\x23\x24\x25\x26\x27\x28"); // step
    expected.extend(crc32fast::hash(&expected).to_be_bytes());
    assert_eq!(vote().encode(), expected);
}

#[test]
fn what_a_message_has_beside_its_term_is_what_the_table_says() {
    const ROUND: &[u8] = b"\x31\x32\x33\x34\x35\x36\x37\x38";
    const ATTEMPT: &[u8] = b"\x41\x42\x43\x44\x45\x46\x47\x48";
    let expected: [(u8, &[u8]); 11] = [
        (1, &[0]),
        (1, &[1]),
        (2, &[0]),
        (2, &[1]),
        (3, ROUND),
        (4, &[0; 16]),
        (4, &[ROUND, &[0; 8]].concat()),
        (5, ATTEMPT),
        (6, &[&[0], ATTEMPT].concat()),
        (6, &[&[1], ATTEMPT].concat()),
        (7, &[]),
    ];
    for (message, expected) in messages().into_iter().zip(expected) {
        let bytes = Frame { message, ..vote() }.encode();
        assert_eq!((bytes[KIND], &bytes[FLAG..bytes.len() - 20]), expected, "{message}");
    }
}

#[test]
fn the_longest_frame_answers_a_heartbeat_in_a_cluster_with_the_longest_name() {
    let cluster = ClusterName::new("x".repeat(ClusterName::MAX_LEN)).unwrap();
    let lengths = messages()
        .map(|message| Frame { message, cluster: cluster.clone(), ..vote() }.encode().len());
    assert_eq!(lengths.into_iter().max(), Some(MAX_FRAME));
}

/// Frames of version 3 are read for ever: these bytes are what the first program wrote that had it.
#[test]
fn frames_of_version_3_are_what_they_always_were() {
    let golden = include_str!("golden/version3.txt");
    let frames = messages().map(|message| Frame { message, ..vote() });
    let hex = |frame: &Frame| frame.encode().iter().map(|it| format!("{it:02x}")).collect();
    assert_eq!(golden.lines().collect::<Vec<_>>(), frames.each_ref().map(hex) as [String; 11]);
    for (line, frame) in golden.lines().zip(frames) {
        let byte = |at: usize| u8::from_str_radix(&line[2 * at..2 * at + 2], 16).unwrap();
        let bytes: Vec<_> = (0..line.len() / 2).map(byte).collect();
        assert_eq!(Frame::decode(&bytes), Ok(frame));
    }
}

#[test]
fn every_truncation_is_rejected() {
    for message in messages() {
        let bytes = Frame { message, ..vote() }.encode();
        for len in 0..bytes.len() {
            assert_eq!(Frame::decode(&bytes[..len]), Err(Rejection::Truncated), "{len} bytes");
        }
    }
}

#[test]
fn trailing_bytes_are_rejected() {
    for message in messages() {
        let mut bytes = Frame { message, ..vote() }.encode();
        bytes.push(0);
        assert_eq!(Frame::decode(&bytes), Err(Rejection::TrailingBytes));
    }
}

#[test]
fn every_flipped_bit_is_rejected() {
    for message in messages() {
        let whole = Frame { message, ..vote() }.encode();
        for bit in 0..8 * whole.len() {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Frame::decode(&bytes).is_err(), "{message}: bit {bit}");
        }
    }
}

#[test]
fn a_frame_that_nobody_writes_is_rejected() {
    let table = [
        (forged(0, b'X'), Rejection::Magic),
        (forged(4, 2), Rejection::Version),
        (forged(4, SEALED), Rejection::NoKey),
        (forged(NAME, 0xff), Rejection::OtherCluster),
        (forged(FROM, 0), Rejection::ServerNumber),
        (forged(FROM, 8), Rejection::ServerNumber),
        (forged(TO, 0), Rejection::ServerNumber),
        (forged(TO, 8), Rejection::ServerNumber),
        (forged(FLAG, 2), Rejection::Flag),
    ];
    for (bytes, reason) in table {
        assert_eq!(Frame::decode(&bytes), Err(reason));
    }
}

#[test]
fn an_unknown_kind_is_rejected() {
    for kind in [0, 8, 255] {
        let mut bytes = Frame { message: Message::HandOver { term: TERM }, ..vote() }.encode();
        bytes[KIND] = kind;
        assert_eq!(Frame::decode(&with_checksum(bytes)), Err(Rejection::Kind));
    }
}

#[test]
fn a_heartbeat_of_no_round_is_rejected() {
    let message = Message::AppendEntries { term: TERM, round: Round::new(0) };
    let bytes = Frame { message, ..vote() }.encode();
    assert_eq!(Frame::decode(&bytes), Err(Rejection::NoRound));
}

#[test]
fn a_changed_byte_is_rejected_by_the_checksum() {
    let mut bytes = vote().encode();
    bytes[FLAG] = 0;
    assert_eq!(Frame::decode(&bytes), Err(Rejection::Checksum));
}

#[test]
fn a_vote_for_this_server_from_the_right_address_is_admitted() {
    let Frame { from, message, promise, sent_in, .. } = vote();
    let received = Received { from, message, promise, sent_in };
    assert_eq!(vote().admit(&receiver(), Origin::Address(address(2))), Ok(received));
}

#[test]
fn a_frame_for_or_from_somebody_else_is_rejected() {
    let other = ClusterName::new("other").unwrap();
    let table = [
        (Frame { cluster: other, ..vote() }, address(2), Rejection::OtherCluster),
        (Frame { servers: 5, ..vote() }, address(2), Rejection::OtherCluster),
        (Frame { guards: 0, ..vote() }, address(2), Rejection::OtherCluster),
        (Frame { witnesses: 4, ..vote() }, address(2), Rejection::OtherCluster),
        (Frame { to: server(3), ..vote() }, address(2), Rejection::OtherReceiver),
        (Frame { from: server(1), ..vote() }, address(1), Rejection::FromSelf),
        (Frame { from: server(4), ..vote() }, address(2), Rejection::UnknownSender),
        (vote(), address(3), Rejection::SenderAddress),
    ];
    for (frame, source, reason) in table {
        assert_eq!(frame.admit(&receiver(), Origin::Address(source)), Err(reason));
    }
}

#[test]
fn the_list_of_reasons_is_in_order() {
    for (index, reason) in Rejection::ALL.into_iter().enumerate() {
        assert_eq!(reason as usize, index);
    }
}

/// Each server seals with keys of its own: whoever has the key of the cluster speaks for itself.
#[test]
fn what_another_server_has_sealed_is_not_of_this_one() {
    let admit = |from| vote().admit(&receiver(), Origin::Session(server(from)));
    assert_eq!(admit(2).map(|received| received.from), Ok(server(2)));
    assert_eq!(admit(3), Err(Rejection::Unauthenticated));
}

#[test]
fn each_reason_has_its_own_name_and_some_need_a_key() {
    let name = |reason: &Rejection| {
        let words = format!("{reason:?}");
        let letters = words.char_indices().map(|(place, letter)| match letter.is_uppercase() {
            true if place > 0 => format!("_{}", letter.to_lowercase()),
            _ => letter.to_lowercase().to_string(),
        });
        letters.collect::<String>()
    };
    assert!(Rejection::ALL.iter().all(|reason| reason.name() == name(reason)));
    let needs_key = Rejection::ALL.into_iter().filter(|reason| reason.needs_key());
    let names = "unauthenticated other_key other_session replayed too_old unasked throttled";
    assert!(needs_key.map(Rejection::name).eq(names.split(' ')));
}
