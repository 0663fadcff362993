//! A lone node, spoken to over its socket.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::time::Instant;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use tempfile::TempDir;

use super::*;
use crate::config::{Config, Settings};
use crate::testing::server;

const PATIENCE: Duration = Duration::from_secs(30);

/// A node that is alone, so it leads; and the level that its log was set to.
struct Lone {
    dir: TempDir,
    node: Arc<Node>,
    level: Arc<Mutex<String>>,
    server: Server,
}

impl Lone {
    fn start() -> Self {
        Self::start_in(|dir| dir.join("data"))
    }

    fn start_in(data: impl FnOnce(&Path) -> std::path::PathBuf) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let settings = Settings::new("test", 1, vec![(1, socket.local_addr().unwrap())]);
        drop(socket);
        let config = Config::new(settings).unwrap();
        let node = Node::builder(config).data(data(dir.path())).bootstrap(true).start();
        let (node, level) = (Arc::new(node.unwrap()), Arc::new(Mutex::default()));
        let set: Arc<Mutex<String>> = Arc::clone(&level);
        let levels: Levels = Box::new(move |level| {
            *set.lock().unwrap() = level.to_owned();
            if level == "loud" { Err("there is no such level".into()) } else { Ok(()) }
        });
        let server = Server::open(&node, Some(levels)).unwrap();
        Self { dir, node, level, server }
    }

    fn client(&self) -> Client {
        Client::connect(self.node.data(), PATIENCE).unwrap()
    }

    fn leader(&self) -> Client {
        let mut client = self.client();
        let deadline = Instant::now() + PATIENCE;
        while client.status().unwrap().status.leadership.is_none() {
            assert!(Instant::now() < deadline, "it does not lead");
        }
        client
    }
}

#[test]
fn a_node_says_what_it_knows_as_often_as_it_is_asked() {
    let lone = Lone::start();
    let mut client = lone.leader();
    let snapshot = client.status().unwrap();
    assert_eq!((snapshot.cluster.as_str(), snapshot.process), ("test", std::process::id()));
    assert_eq!((snapshot.heartbeat_us, snapshot.election_us), (50_000, (150_000, 225_000)));
    assert_eq!(snapshot.address, lone.node.config().own_address().to_string());
    let Report { leader, term, leadership, .. } = snapshot.status;
    assert_eq!((leader, Some(term)), (Some(server(1)), leadership.map(|it| it.fencing_token)));
    for _ in 0..1000 {
        client.status().unwrap();
    }
}

#[test]
fn who_watches_is_told_at_once_and_again_and_when_it_stops() {
    let lone = Lone::start();
    let mut watcher = lone.client();
    watcher.watch(Duration::from_millis(10)).unwrap();
    while watcher.next_status().unwrap().status.leader != Some(server(1)) {}
    for _ in 0..3 {
        watcher.next_status().unwrap(); // nothing has changed
    }
    lone.node.begin_shutdown();
    let end = loop {
        if let Err(end) = watcher.next_status() {
            break end;
        }
    };
    assert!(matches!(end, ClientError::Ended { .. }), "{end}");
}

#[test]
fn orders_are_obeyed_or_refused_with_the_reason_of_the_node() {
    let lone = Lone::start();
    let mut client = lone.leader();
    let refused = |client: &mut Client, request| match client.order(&request) {
        Err(ClientError::Refused(reason)) => reason,
        other => panic!("{request:?}: {other:?}"),
    };
    let reason = refused(&mut client, Request::StepDown);
    assert_eq!(reason, crate::engine::HandOverError::NobodyElse.to_string());
    let reason = refused(&mut client, Request::HandOver { to: server(2) });
    assert!(reason.starts_with("S2 cannot take over"), "{reason}");
    client.order(&Request::LogLevel { level: "debug".into() }).unwrap();
    assert_eq!(*lone.level.lock().unwrap(), "debug");
    let reason = refused(&mut client, Request::LogLevel { level: "loud".into() });
    assert_eq!(reason, "there is no such level");
    client.status().expect("a refusal does not end the connection");
}

#[test]
fn requests_have_these_words() {
    let words = [
        (Request::Status, r#"{"do":"status"}"#),
        (Request::Watch { every_ms: 50 }, r#"{"do":"watch","every_ms":50}"#),
        (Request::HandOver { to: server(2) }, r#"{"do":"hand-over","to":2}"#),
        (Request::StepDown, r#"{"do":"step-down"}"#),
        (Request::LogLevel { level: "info".into() }, r#"{"do":"log-level","level":"info"}"#),
    ];
    for (request, word) in words {
        assert_eq!(serde_json::to_string(&request).unwrap(), word);
        assert_eq!(serde_json::from_str::<Request>(word).unwrap(), request);
    }
}

#[test]
fn what_is_no_request_is_refused() {
    let lone = Lone::start();
    let long = [b"{\"do\":\"".as_slice(), &[b'a'; 20_000], b"\"}"].concat();
    for bytes in [b"hello\n".as_slice(), b"{\"do\":\"dance\"}\n", b"\xff\n", b"{\"do\":", &long] {
        let mut stream = socket::stream(lone.node.data()).unwrap();
        let _ = stream.write_all(bytes); // it may have been refused before it was read
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.starts_with("{\"error\":\"not a request: "), "{answer}");
    }
    lone.client().status().expect("others are answered");
}

#[test]
fn only_its_user_may_ask() {
    let lone = Lone::start();
    let mode = fs::metadata(lone.node.data().join(SOCKET)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_directory_with_a_very_long_name_has_a_socket_too() {
    let lone = Lone::start_in(|dir| {
        let long = dir.join("d".repeat(100));
        fs::create_dir(&long).unwrap();
        long.join("data")
    });
    assert!(lone.node.data().as_os_str().len() > 108);
    lone.client().status().unwrap();
}

#[test]
fn where_no_node_runs_nobody_answers() {
    let lone = Lone::start();
    let Lone { dir, server, node, .. } = lone;
    let none = |data: &Path| Client::connect(data, PATIENCE).map(drop).unwrap_err();
    assert!(matches!(none(dir.path()), ClientError::NoNode { .. }));
    drop(server);
    assert!(!node.data().join(SOCKET).exists());
    assert!(matches!(none(node.data()), ClientError::NoNode { .. }));
    // What a killed node leaves behind is replaced.
    drop(std::os::unix::net::UnixListener::bind(node.data().join(SOCKET)).unwrap());
    assert!(matches!(none(node.data()), ClientError::NoNode { .. }));
    let _server = Server::open(&node, None).unwrap();
    Client::connect(node.data(), PATIENCE).unwrap().status().unwrap();
}

#[test]
fn a_node_that_does_not_answer_is_not_waited_for_without_end() {
    let dir = tempfile::tempdir().unwrap();
    let _listener = socket::listener(dir.path()).unwrap(); // and nobody accepts
    let mut client = Client::connect(dir.path(), Duration::from_millis(20)).unwrap();
    let silent = client.status().unwrap_err();
    assert!(matches!(silent, ClientError::Silent { .. }), "{silent}");
}

#[test]
fn any_bytes_may_be_said_at_the_socket() {
    let lone = Lone::start();
    let socket = lone.node.data().join(SOCKET);
    let mut runner =
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() });
    let said = vec(prop_oneof![3 => any::<u8>(), 1 => select(b"{}\":,do\n".to_vec())], 0..300);
    let result = runner.run(&said, |bytes| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        let _ = stream.write_all(&bytes); // it may hang up in the middle
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let lines = answer.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        for line in lines {
            let answer: Answer = serde_json::from_slice(line).unwrap();
            prop_assert!(matches!(answer, Answer::Error(_)), "{answer:?}");
        }
        Ok(())
    });
    result.unwrap();
    lone.client().status().unwrap();
}
