//! Nodes that are asked over HTTP.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::time::Instant;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::config::{Config, Settings};

const LIMIT: Duration = Duration::from_secs(30);

/// A node and its server.
struct Asked {
    _dir: TempDir,
    node: Arc<Node>,
    http: Server,
}

impl Asked {
    /// S1 of so many servers, of which no other runs.
    fn start(size: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sockets: Vec<_> = (0..size).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
        let addresses = sockets.iter().map(|socket| socket.local_addr().unwrap());
        let servers = (1..).zip(addresses).collect();
        drop(sockets);
        let config = Config::new(Settings::new("test", 1, servers)).unwrap();
        let node = Node::builder(config).data(dir.path().join("data")).bootstrap(true).start();
        let node = Arc::new(node.unwrap());
        let servers = [(node.status().server, "one.example:80".to_owned())].into_iter().collect();
        let http = Server::open(&node, "127.0.0.1:0".parse().unwrap(), servers, || 7).unwrap();
        Self { _dir: dir, node, http }
    }

    /// The status of the answer, and its body.
    fn get(&self, path: &str) -> (u16, String) {
        let (head, body) = self.answer(path, "");
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body)
    }

    /// What comes before the body of the answer, and the body.
    fn answer(&self, path: &str, headers: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.http.address()).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: raft\r\n{headers}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (format!("{head}\r\n"), body.to_owned())
    }

    fn json(&self, path: &str) -> (u16, Value) {
        let (code, body) = self.get(path);
        (code, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}")))
    }

    fn leader() -> Self {
        let asked = Self::start(1);
        let deadline = Instant::now() + LIMIT;
        while asked.get("/leader").0 != 200 {
            assert!(Instant::now() < deadline, "it does not lead: {}", asked.get("/status").1);
        }
        asked
    }
}

#[test]
fn a_leader_says_so_with_its_token_and_what_is_left() {
    let asked = Asked::leader();
    let (code, body) = asked.json("/leader");
    assert_eq!((code, &body["leader"], &body["fencing_token"]), (200, &json!(1), &json!("1")));
    assert!(body["left_us"].as_u64().is_some_and(|left| left < 150_000), "{body}");
    assert_eq!(asked.get("/readyz").0, 200);
}

#[test]
fn who_does_not_lead_is_no_leader_and_not_ready() {
    let asked = Asked::start(3);
    let (code, body) = asked.json("/leader");
    assert_eq!((code, body), (503, json!({ "leader": null, "address": null })));
    assert_eq!(asked.json("/readyz"), (503, json!({ "leads": false, "follows": false })));
    assert_eq!(asked.get("/healthz").0, 200, "and yet it is well");
}

#[test]
fn the_status_is_the_one_of_the_control_socket() {
    let asked = Asked::leader();
    let (code, body) = asked.get("/status");
    let snapshot: Snapshot = serde_json::from_str(&body).unwrap();
    assert_eq!((code, snapshot.cluster.as_str(), snapshot.status.is_leader()), (200, "test", true));
}

#[test]
fn a_node_that_has_stopped_is_not_well() {
    let asked = Asked::leader();
    asked.node.begin_shutdown();
    asked.node.wait().unwrap();
    assert_eq!([asked.get("/leader").0, asked.get("/healthz").0], [503, 503]);
}

#[test]
fn there_is_nothing_else_and_nothing_can_be_changed() {
    let asked = Asked::start(1);
    assert_eq!(asked.get("/nothing").0, 404);
    let mut stream = TcpStream::connect(asked.http.address()).unwrap();
    stream.write_all(b"POST /leader HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
}

#[test]
fn the_page_may_only_show_itself_and_ask_the_servers_that_it_was_told_of() {
    let asked = Asked::start(1);
    let (head, body) = asked.answer("/", "");
    assert!(head.starts_with("HTTP/1.1 200 ") && body.starts_with("<!doctype html>"), "{head}");
    let policy = head.lines().find_map(|line| line.strip_prefix("content-security-policy: "));
    let policy: Vec<_> = policy.unwrap().split("; ").collect();
    assert_eq!(policy[..2], ["default-src 'none'", "script-src 'self'"]);
    assert_eq!(policy.last(), Some(&"connect-src 'self' http://one.example:80"));
    assert_eq!(asked.json("/page/servers"), (200, json!({ "1": "one.example:80" })));
    for file in body.split(['"', '\'']).filter(|it| it.starts_with("page/")) {
        assert_eq!(asked.get(&format!("/{file}")).0, 200, "{file}");
    }
    assert_eq!(asked.get("/page/nothing.js").0, 404);
}

#[test]
fn only_pages_of_its_own_cluster_may_read_the_status() {
    let asked = Asked::start(1);
    let may = |origin: &str| {
        let (head, _) = asked.answer("/status", &format!("Origin: {origin}\r\n"));
        head.contains(&format!("access-control-allow-origin: {origin}\r\n"))
    };
    let origins =
        ["http://one.example:80", "http://evil.example", "https://one.example:80", "null"];
    assert_eq!(origins.map(may), [true, false, false, false]);
    let (head, _) = asked.answer("/status", "");
    assert!(!head.contains("access-control-allow"), "{head}");
}

#[test]
fn metrics_have_these_names_and_each_says_what_it_is() {
    let asked = Asked::leader();
    let (code, text) = asked.get("/metrics");
    assert_eq!(code, 200);
    for line in [
        "raft_server 1.0",
        "raft_term 1.0",
        "raft_role{role=\"leader\"} 1.0",
        "raft_role{role=\"follower\"} 0.0",
        "raft_leader 1.0",
        "raft_campaigns_total 1",
        "raft_elections_won_total 1",
        "raft_datagrams_sent_total 0",
        "raft_info{cluster=\"test\",program=\"raft-node 0.1.0\",protocol=\"guarded\",authentication=\"loopback\"} 1.0",
        "raft_datagrams_rejected_total{reason=\"magic\",peer=\"unknown\"} 0",
        "raft_save_seconds_count 1",
        "raft_save_seconds_bucket{le=\"+Inf\"} 1",
        "raft_late_timers_total 0",
        "raft_log_lines_dropped_total 7",
    ] {
        assert!(text.lines().any(|it| it == line), "no {line} in\n{text}");
    }
    assert!(text.contains("\nraft_lease_remaining_seconds 0."), "{text}");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let described = |what| {
            [
                name,
                ["_total", "_bucket", "_count", "_sum"]
                    .iter()
                    .fold(name, |name, end| name.trim_end_matches(end)),
            ]
            .iter()
            .any(|name| text.contains(&format!("# {what} {name} ")))
        };
        assert!(described("HELP") && described("TYPE"), "{name} is not described in\n{text}");
    }
}

#[test]
fn any_bytes_may_arrive() {
    let asked = Asked::leader();
    let before = asked.node.status().term();
    let mut runner =
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() });
    let pieces = [
        "GET ",
        "POST ",
        "/status",
        "/metrics?",
        " HTTP/1.1\r\n",
        "\r\n",
        "Host: a\r\n",
        "Content-Length: 9999999999\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Upgrade: h2c\r\n",
    ];
    let piece = prop_oneof![
        select(pieces.to_vec()).prop_map(|it| it.as_bytes().to_vec()),
        vec(any::<u8>(), 0..40)
    ];
    let result = runner.run(&vec(piece, 0..12), |pieces| {
        let mut stream = TcpStream::connect(asked.http.address()).unwrap();
        let _ = stream.write_all(&pieces.concat()); // it may hang up in the middle
        Ok(())
    });
    result.unwrap();
    assert_eq!(asked.get("/healthz").0, 200);
    assert_eq!(asked.node.status().term(), before);
}

/// Whoever drops it has the address back at once.
#[test]
fn a_server_that_is_gone_answers_nobody() {
    let Asked { node, mut http, .. } = Asked::start(1);
    let address = http.address();
    for _ in 0..10 {
        drop(http);
        TcpListener::bind(address).unwrap();
        http = Server::open(&node, address, Servers::default(), || 0).unwrap();
    }
}
