//! The thread of a node, with a real socket, a real disk and the machine's clock. The test holds
//! the socket of the other server.

use std::fs::File;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

mod stop;
mod trace;

use raft_model::cluster::Protocol;
use raft_model::election::{Role, Server};
use raft_model::message::Message;
use raft_model::types::{Round, Term};

use super::*;
use crate::config::Settings;
use crate::session::Key;
use crate::status::Authentication;
use crate::testing::{datagram, server};
use crate::wire::Frame;

const ONE: Term = Term::new(1);
const PATIENCE: Duration = Duration::from_secs(30);

/// S1 of two servers, and the socket of the other.
struct Pair {
    dir: tempfile::TempDir,
    config: Config,
    peer: UdpSocket,
}

impl Pair {
    fn new(protocol: Protocol, election: (u64, u64)) -> Self {
        let [own, peer] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        let addresses = [&own, &peer].map(|socket| socket.local_addr().unwrap());
        let servers = vec![(1, addresses[0]), (2, addresses[1])];
        let election_timeout =
            Duration::from_millis(election.0)..=Duration::from_millis(election.1);
        let settings = Settings::new("test", 1, servers);
        let config = Config::new(Settings { protocol, election_timeout, ..settings }).unwrap();
        Self { dir: tempfile::tempdir().unwrap(), config, peer }
    }

    /// Timeouts so long that no test is slow enough for one to fire.
    fn patient(protocol: Protocol) -> Self {
        Self::new(protocol, (1_000_000, 2_000_000))
    }

    fn builder(&self, is_new: bool) -> Builder {
        Node::builder(self.config.clone()).data(self.dir.path().join("data")).bootstrap(is_new)
    }

    fn start(&self) -> Node {
        self.builder(true).start().unwrap()
    }

    fn says(&self, message: Message) {
        self.peer.send_to(&datagram(&self.config, 2, message), self.config.own_address()).unwrap();
    }

    /// The next message that S1 sends.
    fn hears(&self) -> Message {
        let mut buffer = [0; 2000];
        let length = self.peer.recv(&mut buffer).expect("S1 says nothing");
        let frame = Frame::decode(&buffer[..length]).unwrap();
        let Server { id, .. } = self.config.server();
        assert_eq!((frame.from, frame.to), (id, server(2)));
        frame.message
    }

    /// S2 grants whatever it is asked, and answers heartbeats, until this is so.
    fn agrees_until(&self, node: &Node, mut is_so: impl FnMut(&Status) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(&node.status()) {
            assert!(Instant::now() < deadline, "not so: {:?}", node.status());
            self.peer.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
            let mut buffer = [0; 2000];
            let Ok(length) = self.peer.recv(&mut buffer) else { continue };
            let vote_granted = true;
            match Frame::decode(&buffer[..length]).unwrap().message {
                Message::PreVote { term, attempt } => {
                    self.says(Message::PreVoteResponse { term, vote_granted, attempt });
                }
                Message::RequestVote { term, .. } => {
                    self.says(Message::RequestVoteResponse { term, vote_granted });
                }
                Message::AppendEntries { term, round } => {
                    self.says(Message::AppendEntriesResponse { term, round: Some(round) });
                }
                _ => {}
            }
        }
        self.peer.set_read_timeout(Some(PATIENCE)).unwrap();
    }

    /// S1 leads, and a quorum has confirmed it.
    fn leader(&self) -> Node {
        let node = self.start();
        self.agrees_until(&node, |status| status.leadership.is_some());
        node
    }
}

const REQUEST: Message = Message::RequestVote { term: ONE, hand_over: false };

#[test]
fn a_vote_is_on_the_disk_when_the_answer_leaves() {
    let pair = Pair::patient(Protocol::FIGURE2);
    let node = pair.start();
    pair.says(REQUEST);
    assert_eq!(pair.hears(), Message::RequestVoteResponse { term: ONE, vote_granted: true });
    drop(node);
    let again = pair.builder(false).start().unwrap();
    assert_eq!((again.status().term(), again.status().voted_for()), (ONE, Some(server(2))));
}

#[test]
fn it_says_nothing_and_stops_when_the_ballot_cannot_be_written() {
    let pair = Pair::patient(Protocol::FIGURE2);
    let mut driver = pair.builder(true).driver().unwrap().0;
    driver.obey().unwrap();
    driver.store.replace_file(File::open(driver.store.path()).unwrap()); // read-only
    pair.says(REQUEST);
    driver.wait().unwrap();
    assert!(matches!(driver.turn(), Err(NodeError::Store(_))));
    pair.peer.set_nonblocking(true).unwrap();
    assert!(pair.peer.recv(&mut [0; 100]).is_err(), "it answered");
}

#[test]
fn a_message_that_is_there_is_heard_before_a_timer_that_is_due() {
    let pair = Pair::new(Protocol::FIGURE2, (200, 201));
    let mut driver = pair.builder(true).driver().unwrap().0;
    driver.obey().unwrap();
    pair.says(Message::AppendEntries { term: ONE, round: Round::FIRST });
    std::thread::sleep(Duration::from_millis(300));
    driver.turn().unwrap();
    let status = driver.engine.status();
    assert_eq!((status.leader, status.voted_for()), (Some(server(2)), None), "it campaigned first");
}

#[test]
fn it_tells_who_leads_and_until_when() {
    let pair = Pair::new(Protocol::GUARDED, (300, 600));
    let node = pair.leader();
    let leadership = node.leadership().expect("it leads");
    assert_eq!(leadership.fencing_token(), node.status().term().number());
    assert!(leadership.remaining() <= Duration::from_millis(300));
    let status = node.status();
    assert_eq!(status.leader, Some(server(1)));
    assert!(status.peer(server(2)).answered > 0);
    drop(node);
    assert!(!leadership.is_valid() || leadership.remaining() <= Duration::from_millis(300));
}

#[test]
fn a_watch_tells_the_present_and_what_changes_and_that_the_node_has_stopped() {
    let pair = Pair::patient(Protocol::FIGURE2);
    let node = pair.start();
    let mut watch = node.watch();
    let present = watch.next().expect("it runs");
    assert_eq!((present.term(), present.leader), (Term::ZERO, None));
    assert_eq!(watch.next_within(Duration::from_millis(1)), None);
    pair.says(Message::AppendEntries { term: ONE, round: Round::FIRST });
    let news = watch.next_within(PATIENCE).flatten().expect("it follows");
    assert_eq!(news.leader, Some(server(2)));
    drop(node);
    assert_eq!(watch.next(), None);
    assert_eq!(watch.next_within(PATIENCE), Some(None));
}

#[test]
fn a_watch_can_be_awaited_without_a_runtime() {
    let pair = Pair::patient(Protocol::FIGURE2);
    let node = pair.start();
    let mut watch = node.watch();
    watch.next().expect("it runs");
    pair.says(Message::AppendEntries { term: ONE, round: Round::FIRST });
    let (sender, waker) = std::sync::mpsc::channel();
    struct Unpark(std::sync::mpsc::Sender<()>);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            let _ = self.0.send(());
        }
    }
    let wakes = Arc::new(Unpark(sender)).into();
    let mut context = std::task::Context::from_waker(&wakes);
    let mut changed = std::pin::pin!(watch.changed());
    let news = loop {
        match changed.as_mut().poll(&mut context) {
            std::task::Poll::Ready(news) => break news,
            std::task::Poll::Pending => waker.recv_timeout(PATIENCE).unwrap(),
        }
    };
    assert_eq!(news.and_then(|status| status.leader), Some(server(2)));
}

#[test]
fn a_leader_hands_over_once_what_it_handed_out_is_over() {
    let pair = Pair::new(Protocol::GUARDED, (300, 600));
    let node = pair.leader();
    let handed_out = node.leadership().expect("it leads");
    node.hand_over(server(2)).unwrap();
    assert!(!handed_out.is_valid() && node.leadership().is_none());
    assert_eq!(node.status().state.role, Role::Follower { contact: true });
    let told = std::iter::from_fn(|| Some(pair.hears()))
        .find(|message| matches!(message, Message::HandOver { .. }));
    assert_eq!(told, Some(Message::HandOver { term: handed_out.term() }));
    assert_eq!(node.step_down(), Err(HandOverError::NotLeading { leader: None }));
}

#[test]
fn a_server_that_has_moved_is_spoken_to_there_and_believed_from_there() {
    let mut pair = Pair::new(Protocol::FIGURE2, (300, 600));
    let node = pair.start();
    pair.hears();
    let moved = UdpSocket::bind("127.0.0.1:0").unwrap();
    moved.set_read_timeout(Some(PATIENCE)).unwrap();
    node.set_address(server(2), moved.local_addr().unwrap());
    pair.peer = moved;
    assert!(matches!(pair.hears(), Message::RequestVote { .. }));
    let term = node.status().term().next().unwrap();
    pair.says(Message::AppendEntries { term, round: Round::FIRST });
    pair.agrees_until(&node, |status| status.leader == Some(server(2)));
}

#[test]
fn it_says_whether_it_would_hand_over_and_whether_it_gets_on() {
    let pair = Pair::new(Protocol::GUARDED, (300, 600));
    let node = pair.leader();
    let term = node.status().term();
    node.check_hand_over(Some(server(2))).unwrap();
    let itself = node.check_hand_over(Some(server(1)));
    assert!(matches!(itself, Err(HandOverError::CannotLead { .. })), "{itself:?}");
    assert!(node.gets_on(PATIENCE));
    assert_eq!(node.status().term(), term, "it was only asked");
    (0..2).for_each(|_| node.begin_shutdown());
    node.wait().unwrap();
    assert!(!node.gets_on(PATIENCE));
    assert!(matches!(node.check_hand_over(None), Err(HandOverError::Stopped)));
}

#[test]
fn it_says_how_it_knows_the_others() {
    let pair = Pair::patient(Protocol::GUARDED);
    let known = |builder: Builder| builder.start().unwrap().status().authentication;
    assert_eq!(known(pair.builder(true)), Authentication::Loopback);
    let [old, new] = [1, 2].map(|number| Key::new([number; 32]));
    let node = pair.builder(false).keys(Keys::one(old.clone())).start().unwrap();
    assert!(node.status().authentication.keys().eq([old.id()]));
    node.set_keys(Keys::two(new.clone(), old.clone()).unwrap());
    assert!(node.gets_on(PATIENCE), "it has heard of the new key");
    assert!(node.status().authentication.keys().eq([new.id(), old.id()]));
    drop(node);

    let elsewhere = (1..=2).map(|id| (id, SocketAddr::from(([192, 0, 2, id], 7001)))).collect();
    let listen = Some(pair.config.own_address());
    let config = Config::new(Settings { listen, ..Settings::new("test", 1, elsewhere) }).unwrap();
    let builder = |name| Node::builder(config.clone()).data(pair.dir.path().join(name));
    assert_eq!(known(builder("new").bootstrap(true).insecure(true)), Authentication::Insecure);
    let without_key = builder("newer").bootstrap(true).start();
    assert!(matches!(without_key, Err(StartError::NoKey)));
}

#[test]
fn it_waits_while_there_is_nothing_to_do() {
    let pair = Pair::patient(Protocol::GUARDED);
    let mut driver = pair.builder(true).driver().unwrap().0;
    driver.obey().unwrap();
    let (sender, has_waited) = std::sync::mpsc::channel();
    let waits = std::thread::spawn(move || {
        driver.wait().unwrap();
        sender.send(()).unwrap();
    });
    has_waited.recv_timeout(Duration::from_millis(50)).unwrap_err();
    pair.says(REQUEST);
    has_waited.recv_timeout(PATIENCE).unwrap();
    waits.join().unwrap();
}
