//! What holds of any bytes, whoever wrote them: as a datagram, in sessions with a key, as the file
//! of the keys, as that of a ballot, as files of traces, as what a node is asked. The property
//! tests and the fuzzers of `impl/fuzz` call these functions; each panics when its law is broken.
//!
//! Random bytes hardly ever have the right checksum. So each law is also tried on the same bytes
//! with their checksums made right.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use raft_model::trace::Line;
use raft_model::trace::replay::replay;
use raft_model::types::ServerId;
use raft_node::clock::Moment;
use raft_node::config::{Config, Settings};
use raft_node::control::Request;
use raft_node::disk::slot::SLOT_SIZE;
use raft_node::disk::{DataDir, StoreError};
use raft_node::session::{Key, Keys, Opened, RunId, Sessions};
use raft_node::wire::{Frame, Rejection};
use tempfile::TempDir;

/// Only what [`Frame::encode`] writes is a frame.
pub fn frame(bytes: &[u8]) {
    let mut repaired = bytes.to_vec();
    if let Some((checked, checksum)) = repaired.split_last_chunk_mut::<4>() {
        *checksum = crc32fast::hash(checked).to_be_bytes();
    }
    for bytes in [bytes, &repaired] {
        if let Ok(frame) = Frame::decode(bytes) {
            assert_eq!(frame.encode(), bytes);
        }
    }
}

/// A server with a key believes what another one has sealed, as it is and once, whatever it heard
/// before: in the place of each datagram of a handshake and of a message come first these bytes,
/// and the datagram with these bytes as its first ones, as its last ones, and added to its own.
pub fn sealed(bytes: &[u8]) {
    // A fuzzer looks on when tags are compared: of a key that stays it would learn the right ones.
    let keys = Keys::one(Key::random().unwrap());
    let mut sides = [1, 2].map(|number| Side::new(number, &keys));
    sides[1].says(); // nobody hears it
    loop {
        let [from, to] = &mut sides;
        let said = from.says();
        if said.is_empty() {
            break;
        }
        for greeting in said {
            let _ = to.hears(&greeting, bytes); // the second answer to a question is refused
        }
        sides.reverse();
    }
    for _ in 0..2 {
        let [from, to] = &mut sides;
        from.sessions.send(to.id(), b"I lead".to_vec(), &from.config, from.now);
        let [message] = from.says().try_into().expect("they know each other");
        let believed = Opened::Frame(from.id(), b"I lead".to_vec());
        assert_eq!(to.hears(&message, bytes), Ok(believed));
        assert_eq!(to.receive(&message), Err(Rejection::Replayed));
        sides.reverse();
    }
}

/// One of two servers that speak to each other.
struct Side {
    config: Config,
    sessions: Sessions,
    now: Moment,
    to_say: Vec<Vec<u8>>,
}

impl Side {
    fn new(number: u8, keys: &Keys) -> Self {
        let (config, now) = (server_of_three(number), Moment::after_start(Duration::ZERO));
        let mut sessions = Sessions::new(&config, keys, RunId::random().unwrap(), now);
        sessions.greet(&config, now);
        Self { sessions, config, now, to_say: Vec::new() }
    }

    fn id(&self) -> ServerId {
        self.config.server().id
    }

    /// What it has to say to the other one.
    fn says(&mut self) -> Vec<Vec<u8>> {
        self.note();
        std::mem::take(&mut self.to_say)
    }

    fn note(&mut self) {
        let for_other = self.sessions.outbox().filter(|it| it.to.number() <= 2);
        self.to_say.extend(for_other.map(|it| it.bytes));
    }

    /// What it believes of a datagram that comes after what these bytes make of it.
    fn hears(&mut self, whole: &[u8], bytes: &[u8]) -> Result<Opened, Rejection> {
        let begin = &bytes[..bytes.len().min(whole.len())];
        let rest = whole.len() - begin.len();
        let added = whole.iter().zip(begin).map(|(one, other)| one ^ other);
        let added = added.chain(whole[begin.len()..].iter().copied()).collect();
        let first = [begin, &whole[begin.len()..]].concat();
        let last = [&whole[..rest], begin].concat();
        for changed in [bytes.to_vec(), first, last, added] {
            if changed != whole {
                let opened = self.receive(&changed);
                assert!(opened.is_err(), "{opened:?} of a forgery");
            }
        }
        // What it asked because of that is lost, and a while later it asks again.
        self.sessions.outbox().for_each(drop);
        self.now = self.now.after(Duration::from_millis(10));
        let opened = self.receive(whole);
        self.note();
        opened
    }

    /// From the address of the other one.
    fn receive(&mut self, bytes: &[u8]) -> Result<Opened, Rejection> {
        let source = server_of_three(3 - self.id().number()).own_address();
        self.sessions.receive(bytes, source, &self.config, self.now)
    }
}

/// How many bytes at the beginning of a slot are not always zero.
pub const SLOT_HEAD: usize = 74;

/// A file of a ballot is refused and left alone, or one of its two slots is believed. The bytes are
/// a file, and also the beginnings of the two slots of another one.
pub fn ballot(bytes: &[u8]) {
    ballot_file(bytes);
    let (first, second) = bytes.split_at(bytes.len().min(SLOT_HEAD));
    ballot_file(&[first, second].map(slot).concat());
}

/// A slot that begins like this, with the checksum that belongs to it.
fn slot(head: &[u8]) -> [u8; SLOT_SIZE] {
    let mut slot = [0; SLOT_SIZE];
    let len = head.len().min(SLOT_SIZE);
    slot[..len].copy_from_slice(&head[..len]);
    let at = checksum_at(&slot);
    let checksum = crc32fast::hash(&slot[..at]);
    slot[at..at + 4].copy_from_slice(&checksum.to_be_bytes());
    slot
}

/// Where a slot has its checksum: at its end, before version 4 of the format.
fn checksum_at(slot: &[u8]) -> usize {
    if slot[8..12] < [0, 0, 0, 4][..] { SLOT_SIZE - 4 } else { 508 }
}

fn ballot_file(content: &[u8]) {
    let dir = fast_dir();
    let path = dir.path().join("ballot");
    fs::write(&path, content).unwrap();
    let open = || DataDir::lock(dir.path()).unwrap().open(&first_of_three());
    match open() {
        Ok(store) => {
            let ballot = store.ballot();
            drop(store);
            let written = fs::read(&path).unwrap();
            let (a, b) = written.split_at(SLOT_SIZE);
            assert!(a == b, "both slots hold the ballot");
            assert!(
                content.chunks(SLOT_SIZE).any(|slot| is_next(slot, a)),
                "not one that was read"
            );
            // One more could not be counted: no server comes so far, and none believes it.
            let is_last = a[48..56] > (u64::MAX / 2).to_be_bytes()[..];
            match open() {
                Ok(again) => assert!(!is_last && again.ballot() == ballot),
                Err(error) => assert!(is_last, "it can be opened again: {error}"),
            }
        }
        Err(StoreError::Untrusted { .. }) => assert!(fs::read(&path).unwrap() == content),
        Err(error) => panic!("{error}"),
    }
}

/// Whether the second slot says the same as the first one, a generation later, in whatever version
/// of the format the first one was; and that S1 promises at least what it does by now.
fn is_next(one: &[u8], next: &[u8]) -> bool {
    let generation = |slot: &[u8]| u64::from_be_bytes(slot[48..56].try_into().unwrap());
    let promise = |slot: &[u8]| u64::from_be_bytes(slot[66..74].try_into().unwrap());
    let own = first_of_three().election_timeout().start().as_micros();
    let at = checksum_at(one);
    one.len() == SLOT_SIZE
        && one[at..at + 4] == crc32fast::hash(&one[..at]).to_be_bytes()
        && generation(next).checked_sub(1) == Some(generation(one))
        && next[..8] == one[..8]
        && next[12..48] == one[12..48]
        && next[56..66] == one[56..66]
        && u128::from(promise(next)) == own.max(promise(one).into())
        && next[74..508] == one[74..508]
}

/// S1 of three servers, whose ballots are tried.
pub fn first_of_three() -> Config {
    server_of_three(1)
}

fn server_of_three(number: u8) -> Config {
    let address = |number: u8| SocketAddr::from(([127, 0, 0, 1], 7000 + u16::from(number)));
    let servers = (1..=3).map(|number| (number, address(number))).collect();
    Config::new(Settings::new("test", number, servers)).unwrap()
}

/// What is read as the keys of a cluster is written and read as the same ones.
pub fn keys(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(keys) = Keys::parse(&text) {
        assert_eq!(Keys::parse(&keys.to_text()), Ok(keys));
    }
}

/// What is a request is written and read as the same one.
pub fn request(bytes: &[u8]) {
    if let Ok(request) = serde_json::from_slice::<Request>(bytes) {
        let written = serde_json::to_vec(&request).unwrap();
        assert_eq!(serde_json::from_slice::<Request>(&written).ok(), Some(request));
    }
}

/// Files are replayed or refused; and if they are replayed, then every record in them was.
pub fn traces(files: &[impl AsRef<[u8]>]) {
    traces_as_they_are(files);
    let repaired: Vec<_> = files.iter().map(|file| with_checksums(file.as_ref())).collect();
    traces_as_they_are(&repaired);
}

fn traces_as_they_are(files: &[impl AsRef<[u8]>]) {
    let dir = fast_dir();
    let write = |(number, content): (usize, &[u8])| {
        let path = dir.path().join(number.to_string());
        fs::write(&path, content).unwrap();
        path
    };
    let contents = files.iter().map(AsRef::as_ref);
    let paths: Vec<PathBuf> = contents.clone().enumerate().map(write).collect();
    let records: usize = contents.map(steps).sum();
    if let Ok(report) = replay(&paths) {
        assert_eq!(report.records, records as u64);
    }
}

/// How many records stand in a file, line for line.
fn steps(content: &[u8]) -> usize {
    let lines = content.split(|&byte| byte == b'\n').filter_map(|line| str::from_utf8(line).ok());
    lines.filter(|line| matches!(self::line(line), Some(Line::Step(_)))).count()
}

/// Only what [`Line::to_text`] writes is a line, or what it wrote in the first version, in fewer
/// words.
pub fn line(text: &str) -> Option<Line> {
    let line = Line::from_text(text).ok()?;
    let written = line.to_text();
    let written = written.strip_suffix('\n').expect("a line ends");
    assert!(written == text || text.len() < written.len(), "{text} is written as {written}");
    assert_eq!(Line::from_text(written).ok().as_ref(), Some(&line));
    Some(line)
}

/// Gives every line of a trace that ends like one the checksum that belongs to it.
fn with_checksums(content: &[u8]) -> Vec<u8> {
    let mut repaired = Vec::with_capacity(content.len());
    for line in content.split_inclusive(|&byte| byte == b'\n') {
        let text = str::from_utf8(line).unwrap_or_default();
        if let Some((body, _)) = text.rsplit_once(",\"crc\":\"") {
            let crc = crc32fast::hash(format!("{body}}}").as_bytes());
            repaired.extend(format!("{body},\"crc\":\"{crc:08x}\"}}\n").into_bytes());
        } else {
            repaired.extend(line);
        }
    }
    repaired
}

/// A folder in memory, where there is one: these files need not survive a power failure.
pub fn fast_dir() -> TempDir {
    let memory = Path::new("/dev/shm");
    tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).unwrap()
}
