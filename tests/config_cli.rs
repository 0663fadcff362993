//! The configuration of a node: `raft-node init`, `check-config`, and `run` with a file, the
//! environment and names of hosts.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use raft_node::control::{Client, Snapshot};
use support::node::{free_addresses, raft_node};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

fn run(arguments: &[&str], folder: &Path) -> Output {
    Command::new(raft_node()).args(arguments).current_dir(folder).output().unwrap()
}

fn said(arguments: &[&str], folder: &Path) -> String {
    let output = run(arguments, folder);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn fails(arguments: &[&str], folder: &Path, words: &[&str]) {
    let output = run(arguments, folder);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "{arguments:?}: no {word:?} in: {stderr}");
    }
}

/// What `init` writes, for this server of two on this machine, which have names.
fn example(folder: &TempDir, id: u8, ports: [u16; 2]) -> PathBuf {
    let path = folder.path().join(format!("{id}.toml"));
    let name = path.to_str().unwrap();
    said(&["init", name], folder.path());
    let text = fs::read_to_string(&path).unwrap();
    let (keys, _) = text.split_once("[servers]").unwrap();
    let data = folder.path().join(format!("data{id}"));
    let keys = keys
        .replace("id = 1", &format!("id = {id}"))
        .replace("/var/lib/raft-node", data.to_str().unwrap());
    let [one, two] = ports;
    let servers = format!("[servers]\n1 = \"localhost:{one}\"\n2 = \"localhost:{two}\"\n");
    fs::write(&path, keys + &servers).unwrap();
    path
}

fn two(folder: &TempDir) -> [PathBuf; 2] {
    let addresses = free_addresses(2);
    let ports = [addresses[0].port(), addresses[1].port()];
    [1, 2].map(|id| example(folder, id, ports))
}

/// A node that dies with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(command: &mut Command) -> Running {
    Running(command.stderr(Stdio::null()).spawn().unwrap())
}

fn until(data: &Path, what: &str, is_so: impl Fn(&Snapshot) -> bool) -> Snapshot {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let asked = Client::connect(data, PATIENCE).and_then(|mut it| it.status());
        match asked {
            Ok(snapshot) if is_so(&snapshot) => return snapshot,
            asked => assert!(Instant::now() < deadline, "waited in vain for {what}: {asked:?}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_init_writes_runs_two_servers_that_have_names() {
    let folder = tempfile::tempdir().unwrap();
    let files = two(&folder);
    let [one, two] = [0, 1].map(|at| files[at].to_str().unwrap());
    let judged = said(&["check-config", one, two], folder.path());
    assert!(judged.contains("server 1 of \"demo\": valid"), "{judged}");
    assert!(judged.contains("server 2 of \"demo\": valid"), "{judged}");
    let nodes = [one, two].map(|file| {
        start(Command::new(raft_node()).args(["run", "--bootstrap", "--config", file]))
    });
    let data = folder.path().join("data1");
    let status = until(&data, "a leader", |it| it.status.leader.is_some());
    assert_eq!(status.cluster, "demo");
    let told = said(&["status", "--config", one], folder.path());
    assert!(told.starts_with("demo: process "), "{told}");
    drop(nodes);
}

#[test]
fn a_flag_is_stronger_than_the_environment_and_that_than_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let files = two(&folder);
    let mut command = Command::new(raft_node());
    command.args(["run", "--bootstrap", "--heartbeat", "30", "--config"]).arg(&files[0]);
    command.env("RAFT_HEARTBEAT", "40").env("RAFT_ELECTION", "200..400");
    let _node = start(&mut command);
    let status = until(&folder.path().join("data1"), "a node", |_| true);
    assert_eq!((status.heartbeat_us, status.election_us), (30_000, (200_000, 400_000)));
}

#[test]
fn a_node_can_be_told_all_by_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let address = free_addresses(1)[0];
    let mut command = Command::new(raft_node());
    command.args(["run", "--bootstrap"]).env("RAFT_DATA", folder.path().join("data"));
    command.env("RAFT_CLUSTER", "env").env("RAFT_ID", "1");
    command.env("RAFT_SERVERS", format!("1={address}"));
    command.env("RAFT_LISTEN", format!("0.0.0.0:{}", address.port()));
    let _node = start(&mut command);
    let status = until(&folder.path().join("data"), "a leader", |it| it.status.is_leader());
    assert_eq!((status.cluster.as_str(), status.address), ("env", address.to_string()));
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fails(&["run"], folder.path(), &["`data`", "--data", "raft-node init"]);
    fails(&["run", "--data", "x"], folder.path(), &["`cluster`", "--cluster"]);
    fails(&["run", "--config", "none.toml"], folder.path(), &["cannot read none.toml"]);
    fs::write(folder.path().join("node.toml"), "id = 1\nheartbeet = 20\n").unwrap();
    let words = ["node.toml, line 2", "no key \"heartbeet\"", "Is \"heartbeat\" meant?"];
    fails(&["run", "--config", "node.toml"], folder.path(), &words);
    fails(&["check-config", "node.toml"], folder.path(), &words);
    fails(&["init", "node.toml"], folder.path(), &["node.toml", "is there already"]);
}

/// Whoever reaches the network of servers without a key can pretend to be one of them, so that is
/// nothing that happens by oversight.
#[test]
fn servers_that_others_can_reach_need_a_key_or_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (key, data) = (path("cluster.key"), path("data"));
    let all = [
        &["run", "--cluster=test", "--id=1", "--data", &data][..],
        &["--server=1=192.0.2.1:7001", "--server=2=192.0.2.2:7001"],
    ]
    .concat();
    fn with<'a>(all: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
        [all, more].concat()
    }
    fails(&with(&all, &[]), folder.path(), &["no key", "raft-node keygen", "--key", "--insecure"]);
    fails(&with(&all, &["--key", "none"]), folder.path(), &["cannot read the key in none"]);

    let told = said(&["keygen", &key], folder.path());
    let text = fs::read_to_string(&key).unwrap();
    assert!(text.starts_with("raft-key-1:") && !told.contains(&text[11..]), "{told}");
    fails(&["keygen", &key], folder.path(), &["is there already, and is not overwritten"]);
    assert_eq!(fs::read_to_string(&key).unwrap(), text);
    fails(
        &with(&all, &["--key", &key, "--insecure"]),
        folder.path(),
        &["insecure", "without a key"],
    );
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    fails(&with(&all, &["--key", &key]), folder.path(), &["by others (mode 640)", "chmod 600"]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();

    // With either the next thing is looked at: it has no ballot.
    for more in [&["--key", &key][..], &["--insecure"]] {
        let output = run(&with(&all, more), folder.path());
        assert_eq!(output.status.code(), Some(3), "{output:?}");
    }
    let mut command = Command::new(raft_node());
    fs::rename(&key, path("cluster-key")).unwrap();
    command.args(&all).env("CREDENTIALS_DIRECTORY", folder.path());
    assert_eq!(command.output().unwrap().status.code(), Some(3), "it has a credential");
}

#[test]
fn the_steps_of_a_rotation_are_taken_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["key", "next"] {
        said(&["keygen", name], folder.path());
    }
    let rotate = |step: &'static str| ["key", "rotate", step, "key", "next"];
    let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let (old, new) = (text("key"), text("next"));
    fails(&rotate("seal"), folder.path(), &["first `accept`"]);
    fails(&rotate("drop"), folder.path(), &["first `seal`"]);
    said(&rotate("accept"), folder.path());
    assert_eq!(text("key"), format!("{old}{new}"));
    fails(&rotate("drop"), folder.path(), &["first `seal`"]);
    for _ in 0..2 {
        said(&rotate("seal"), folder.path());
        assert_eq!(text("key"), format!("{new}{old}"));
    }
    said(&rotate("drop"), folder.path());
    assert_eq!(text("key"), new);
}

#[test]
fn check_config_says_where_a_key_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let text = "cluster = \"test\"\nid = 1\ndata = \"data\"\n";
    let servers = "[servers]\n1 = \"192.0.2.1:7001\"\n";
    for (more, has_note) in [("", true), ("key = \"k\"\n", false), ("insecure = true\n", false)] {
        fs::write(folder.path().join("node.toml"), format!("{text}{more}{servers}")).unwrap();
        let told = said(&["check-config", "node.toml"], folder.path());
        assert_eq!(told.contains("note: no `key`"), has_note, "{told}");
    }
}

/// As it does for `run`: but what is of one server is not of several.
#[test]
fn the_environment_counts_where_one_file_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let text = "cluster = \"test\"\ndata = \"data\"\n[servers]\n1 = \"127.0.0.1:7001\"\n";
    fs::write(folder.path().join("node.toml"), text).unwrap();
    let judged = |files: &[&str]| {
        let mut check = Command::new(raft_node());
        check.arg("check-config").args(files).env("RAFT_ID", "1").current_dir(folder.path());
        let output = check.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(
        judged(&["node.toml"]),
        (Some(0), "node.toml: server 1 of \"test\": valid\n".into())
    );
    assert_eq!(judged(&["node.toml", "node.toml"]), (Some(2), String::new()));
    fails(&["check-config", "node.toml"], folder.path(), &["nothing says what `id` is"]);
}

#[test]
fn what_stands_alone_is_told_where_it_belongs() {
    let folder = tempfile::tempdir().unwrap();
    fails(&["run", "node.toml"], folder.path(), &["tip: ", "`--config node.toml`"]);
    fails(&["lead", "sleep", "5"], folder.path(), &["tip: ", "`-- sleep`"]);
    // Nothing stands alone here, or there is no place for it.
    for arguments in [&["lead"][..], &["check-config"], &["cluster", "node.toml"]] {
        let stderr = String::from_utf8(run(arguments, folder.path()).stderr).unwrap();
        assert!(!stderr.contains("tip: a "), "{arguments:?}: {stderr}");
    }
}

#[test]
fn files_that_are_not_of_one_cluster_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = two(&folder);
    let text = fs::read_to_string(&two).unwrap();
    let check = |text: &str| {
        fs::write(&two, text).unwrap();
        ["check-config".to_owned(), one.display().to_string(), two.display().to_string()]
    };
    let differs = |key: &str| format!("`{key}` differs");
    for (from, to, words) in [
        ("cluster = \"demo\"", "cluster = \"other\"", differs("cluster")),
        ("#protocol = \"guarded\"", "protocol = \"figure2\"", differs("protocol")),
        ("#witnesses = [3]", "witnesses = [2]", differs("witnesses")),
        ("2 = \"localhost", "2 = \"127.0.0.1", "on all servers: 2=localhost:".to_owned()),
        ("id = 2", "id = 1", "`id` is the same".to_owned()),
    ] {
        assert!(text.contains(from), "{from}");
        let arguments = check(&text.replace(from, to));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        fails(&arguments, folder.path(), &[&words, "1.toml and ", "2.toml"]);
    }
    let arguments = check(&text.replace("heartbeat = 50", "heartbeat = 20"));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let told = said(&arguments, folder.path());
    assert!(told.contains("note: `heartbeat` differs"), "{told}");
    assert_eq!(told.matches("differs").count(), 1, "{told}");
}

#[test]
fn a_leader_says_so_over_http_where_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let address = free_addresses(1)[0];
    // Nobody else has it, most likely.
    let free = || TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    let http = free().unwrap().to_string();
    let data = folder.path().join("data");
    let mut command = Command::new(raft_node());
    command.args(["run", "--bootstrap", "--cluster", "test", "--id", "1", "--http", &http]);
    command.args(["--server", &format!("1={address}"), "--data"]).arg(&data);
    let _node = start(&mut command);
    until(&data, "a leader", |it| it.status.leadership.is_some());
    let answer = ureq::get(format!("http://{http}/leader")).call().unwrap();
    let body = answer.into_body().read_to_string().unwrap();
    assert!(body.starts_with("{\"leader\":1,\"fencing_token\":\"1\","), "{body}");
}
