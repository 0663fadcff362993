//! Whatever stands in a data directory or where a trace should, and whenever the disk fills up, a
//! server ends with 1 and names the file, and its ballot is what it was. Processes, real files.

use std::fs::{self, File, Permissions};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::net::UdpSocket;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use raft_model::cluster::Protocol;
use raft_model::election::Ballot;
use raft_model::message::Message;
use raft_model::trace::StepId;
use raft_model::trace::replay::replay;
use raft_model::types::{ServerId, Term};
use raft_node::config::{Config, Settings};
use raft_node::disk::slot::SLOT_SIZE;
use raft_node::disk::{DataDir, Store};
use raft_node::recorder::{Rotation, Trace};
use raft_node::wire::Frame;
use rustix::process::{Pid, Resource, Rlimit, getuid, prlimit};
use support::node::{free_addresses, raft_node};
use tempfile::TempDir;

/// How long to wait for what must happen, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(30);

const LOST: &str = "keep this server out of the cluster";

fn id(number: u8) -> ServerId {
    ServerId::new(number).unwrap()
}

fn ballot(term: u64) -> Ballot {
    Ballot { current_term: Term::new(term), voted_for: Some(id(2)) }
}

/// S1 of two, which voted in term 7 and is down. The test is S2.
struct Server {
    folder: TempDir,
    config: Config,
    peer: UdpSocket,
}

impl Server {
    fn new() -> Self {
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        let addresses = vec![(1, free_addresses(1)[0]), (2, peer.local_addr().unwrap())];
        // Without guards, it votes whenever it is asked.
        let settings = Settings::new("test", 1, addresses);
        let config = Config::new(Settings { protocol: Protocol::FIGURE2, ..settings }).unwrap();
        let server = Self { folder: tempfile::tempdir().unwrap(), config, peer };
        let data = DataDir::create(&server.data()).unwrap();
        data.bootstrap(&server.config)
            .unwrap()
            .save(ballot(7), Duration::from_millis(150))
            .unwrap();
        server
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn ballot(&self) -> PathBuf {
        self.data().join("ballot")
    }

    fn trace(&self) -> PathBuf {
        self.folder.path().join("trace")
    }

    fn stored(&self) -> Store {
        DataDir::lock(&self.data()).unwrap().open(&self.config).unwrap()
    }

    /// Starts it, as the arguments of this command, with so long a timeout that it only answers.
    fn start(&self, wrapper: &[&str], more: &[&str]) -> Running {
        let address = |server| self.config.address_of(id(server)).unwrap();
        let mut command = Command::new("env"); // which runs its arguments
        command.args(wrapper).arg(raft_node());
        command.args(["run", "--cluster=test", "--id=1", "--election=100000..200000"]);
        command.arg("--protocol=figure2");
        command.args([1, 2].map(|server| format!("--server={server}={}", address(server))));
        command.arg("--data").arg(self.data()).args(more);
        command.env_remove("RAFT_LOG").stderr(Stdio::piped());
        Running(command.spawn().unwrap())
    }

    /// Starts it, and expects that it ends with 1 and says all these words.
    fn refuses(&self, wrapper: &[&str], more: &[&str], words: &[&str]) {
        self.start(wrapper, more).cannot_run(words);
    }

    /// Asks it for its vote in term 8.
    fn request_vote(&self) {
        let frame = Frame {
            cluster: self.config.cluster_name().clone(),
            servers: 2,
            guards: Protocol::FIGURE2.bits(),
            witnesses: 0,
            from: id(2),
            to: id(1),
            message: Message::RequestVote { term: Term::new(8), hand_over: false },
            promise: Duration::ZERO,
            sent_in: StepId { boot: 1, sequence: 1 },
        };
        self.peer.send_to(&frame.encode(), self.config.address_of(id(1)).unwrap()).unwrap();
    }

    /// Fails if it has sent anything.
    fn was_silent(&self) {
        self.peer.set_nonblocking(true).unwrap();
        let received = self.peer.recv(&mut [0; 100]);
        assert_eq!(received.unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}

/// A process. It dies with this value.
struct Running(Child);

impl Running {
    /// Reads its log until it is up.
    fn is_up(&mut self) {
        let stderr = self.0.stderr.as_ref().unwrap().as_fd().try_clone_to_owned().unwrap();
        let (sender, is_up) = channel();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(File::from(stderr)).lines().map_while(Result::ok);
            sender.send(lines.any(|line| line.contains("rule=Started")))
        });
        assert_eq!(is_up.recv_timeout(PATIENCE), Ok(true), "it did not start");
    }

    /// From now on it can write no file past this size.
    fn limit(&self, size: u64) {
        let limit = Rlimit { current: Some(size), maximum: None };
        prlimit(Some(Pid::from_child(&self.0)), Resource::Fsize, limit).unwrap();
    }

    fn cannot_run(mut self, words: &[&str]) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            match self.0.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > deadline => panic!("it does not end"),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        let mut text = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        // Which of the two it is: `service.rs`.
        assert!(matches!(status.code(), Some(1 | 3)), "{status}: {text}");
        for word in words {
            assert!(text.contains(word), "no {word:?} in: {text}");
        }
        assert!(!text.contains("panicked"), "{text}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A disk that has room for so many blocks of 512 bytes a file: to the program, one that is full.
fn full_after(blocks: &str) -> [&str; 4] {
    const SCRIPT: &str = "trap '' XFSZ; ulimit -f $0; exec \"$@\"";
    ["sh", "-c", SCRIPT, blocks]
}

/// A command that runs another without the right to ignore permissions, which root has.
fn unprivileged() -> &'static [&'static str] {
    if getuid().is_root() { &["setpriv", "--bounding-set=-all", "--inh-caps=-all"] } else { &[] }
}

fn forbid(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_file_that_is_no_ballot_is_refused_and_left_alone() {
    let server = Server::new();
    let (ballot, file) = (server.ballot(), fs::read(server.ballot()).unwrap());
    let name = ballot.to_str().unwrap();
    let size = "bytes instead of 8192";
    let table: [(&[u8], &str); 6] = [
        (&[], size),
        (&file[..SLOT_SIZE], size),
        (&file[..file.len() - 1], size),
        (b"Dear diary\n", size),
        (&[0; 2 * SLOT_SIZE], "both copies of the ballot are damaged"),
        (&[b'x'; 2 * SLOT_SIZE], "both copies of the ballot are damaged"),
    ];
    for (content, what) in table {
        fs::write(&ballot, content).unwrap();
        server.refuses(&[], &[], &[name, what, LOST]);
        server.refuses(&[], &["--bootstrap"], &[name, "there is a ballot already"]);
        assert!(fs::read(&ballot).unwrap() == content);
    }
}

#[test]
fn what_is_no_file_is_no_ballot() {
    let server = Server::new();
    let (path, nowhere) = (server.ballot(), server.folder.path().join("nowhere"));
    let name = path.to_str().unwrap();
    fs::remove_file(&path).unwrap();

    fs::create_dir(&path).unwrap();
    server.refuses(&[], &[], &[name, "Is a directory", "Remove the cause"]);
    fs::remove_dir(&path).unwrap();

    symlink(&nowhere, &path).unwrap();
    server.refuses(&[], &[], &[name, "there is no ballot"]);
    server.refuses(&[], &["--bootstrap"], &[name, "there is a ballot already"]);
    assert!(!nowhere.exists());
    fs::remove_file(&path).unwrap();

    pipe(&path);
    server.refuses(&[], &[], &[name, "0 bytes instead of 8192"]);
    server.refuses(&[], &["--bootstrap"], &[name, "there is a ballot already"]);
}

#[test]
fn a_pipe_beside_the_ballot_holds_nobody_up() {
    let server = Server::new();
    fs::remove_dir_all(server.data()).unwrap();
    fs::create_dir(server.data()).unwrap();
    for name in ["lock", "ballot.new"] {
        pipe(&server.data().join(name));
    }
    server.start(&[], &["--bootstrap"]).is_up();
}

#[test]
fn what_may_not_be_written_is_refused() {
    let server = Server::new();
    let before = fs::read(server.ballot()).unwrap();
    for file in ["ballot", "lock"] {
        let path = server.data().join(file);
        forbid(&path, 0o400);
        let name = path.to_str().unwrap();
        server.refuses(unprivileged(), &[], &[name, "Permission denied", "Remove the cause"]);
        forbid(&path, 0o600);
    }
    assert!(fs::read(server.ballot()).unwrap() == before);

    fs::remove_file(server.ballot()).unwrap();
    forbid(&server.data(), 0o500);
    let name = server.ballot();
    let words = [name.to_str().unwrap(), "cannot create", "Permission denied"];
    server.refuses(unprivileged(), &["--bootstrap"], &words);
    forbid(&server.data(), 0o700);
    assert!(!server.ballot().exists());
}

#[test]
fn a_full_disk_bootstraps_nobody_and_another_try_does() {
    let server = Server::new();
    fs::remove_file(server.ballot()).unwrap();
    for blocks in ["0", "8"] {
        let name = server.ballot();
        let words = [name.to_str().unwrap(), "cannot create", "too large", "Remove the cause"];
        server.refuses(&full_after(blocks), &["--bootstrap"], &words);
        assert!(!server.ballot().exists());
    }
    server.start(&[], &["--bootstrap"]).is_up();
}

/// The disk fills up in the first write of a save, or between the two.
#[test]
fn a_disk_that_fills_up_stops_the_server_before_it_answers() {
    for (size, found) in [(0, 7), (SLOT_SIZE as u64, 8)] {
        let server = Server::new();
        let mut running = server.start(&full_after("unlimited"), &[]);
        running.is_up();
        running.limit(size);
        server.request_vote();
        let path = server.ballot();
        running.cannot_run(&[path.to_str().unwrap(), "cannot write", "stopped before it acted"]);
        server.was_silent();
        assert_eq!(server.stored().ballot(), ballot(found), "nothing that was promised is lost");
    }
}

#[test]
fn what_is_no_trace_is_refused_and_left_alone() {
    let server = Server::new();
    let trace = server.trace();
    let name = trace.to_str().unwrap();
    let trace_it = ["--trace", name];

    fs::write(&trace, "Dear diary\n").unwrap();
    server.refuses(&[], &trace_it, &[name, "not the trace of this server"]);
    assert_eq!(fs::read_to_string(&trace).unwrap(), "Dear diary\n");
    forbid(&trace, 0o400);
    server.refuses(unprivileged(), &trace_it, &[name, "Permission denied", "--trace"]);
    fs::remove_file(&trace).unwrap();

    pipe(&trace);
    server.refuses(&[], &trace_it, &[name, "not the trace of this server"]);
    fs::remove_file(&trace).unwrap();

    fs::create_dir(&trace).unwrap();
    server.refuses(&[], &trace_it, &[name, "Is a directory"]);
    server.refuses(
        &[],
        &["--trace-required", "--trace", "/dev/full"],
        &["/dev/full", "not the trace"],
    );
    assert_eq!(server.stored().ballot(), ballot(7));
}

/// A trace of many runs, longer than the ballot, so that a limit can come between the two.
fn long_trace(server: &Server) -> u64 {
    loop {
        if server.trace().metadata().is_ok_and(|metadata| metadata.len() > 3 * SLOT_SIZE as u64) {
            break;
        }
        let trace = Trace::open(&server.trace(), &server.config, Rotation::default());
        trace.unwrap().begin(0).unwrap();
    }
    server.trace().metadata().unwrap().len()
}

#[test]
fn a_trace_that_cannot_go_on_is_refused_and_left_alone() {
    let server = Server::new();
    let trace = server.trace();
    let name = trace.to_str().unwrap();
    let before = long_trace(&server);
    let words = [name, "cannot write the trace", "too large", "Remove the cause"];
    server.refuses(&full_after("20"), &["--trace-required", "--trace", name], &words);
    assert_eq!(trace.metadata().unwrap().len(), before);
}

#[test]
fn a_disk_that_fills_up_stops_the_server_before_a_step_that_is_not_recorded() {
    let server = Server::new();
    let trace = server.trace();
    let name = trace.to_str().unwrap();
    long_trace(&server);
    let mut running =
        server.start(&full_after("unlimited"), &["--trace-required", "--trace", name]);
    running.is_up();
    let before = fs::read(server.ballot()).unwrap();
    running.limit(trace.metadata().unwrap().len() + 100); // part of a record
    server.request_vote();
    running.cannot_run(&[name, "cannot write the trace", "stopped before it took the step"]);
    server.was_silent();
    assert!(fs::read(server.ballot()).unwrap() == before, "nothing was saved");

    server.start(&[], &["--trace-required", "--trace", name]).is_up();
    let report = replay(&[trace]).unwrap();
    assert_eq!(report.notes, [""; 0], "the half of a record was taken back");
}
