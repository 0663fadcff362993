//! Runs that a test makes step by step, and their traces.

use raft_model::cluster::{Cluster, Protocol};
use raft_model::election::{Ballot, Outgoing};
use raft_model::message::Message;
use raft_model::trace::{Cause, Header, Line, Record, StepId, VERSION};
use raft_model::types::{Attempt, ServerId, Term};

use crate::bounds;
use crate::simulation::text;

pub fn id(number: u8) -> ServerId {
    ServerId::new(number).unwrap()
}

/// A run of three servers that a test makes step by step, with its times in milliseconds.
pub struct Run {
    name: String,
    cluster: Cluster,
    pub traces: [Vec<Line>; 3],
}

/// A message, and the step in which it was sent.
pub type Letter = (ServerId, Message, StepId);

impl Run {
    pub fn new(name: &str) -> Self {
        Self::with(name, Protocol::FIGURE2)
    }

    pub fn with(name: &str, protocol: Protocol) -> Self {
        let cluster = Cluster::with(3, protocol).unwrap();
        Self { name: name.to_owned(), cluster, traces: [vec![], vec![], vec![]] }
    }

    pub fn last(&self, server: u8) -> Record {
        let Some(&Line::Step(last)) = self.traces[id(server).index()].last() else {
            panic!("S{server} has not started");
        };
        last
    }

    fn step(&mut self, time: u64, server: u8, id_of_step: StepId, cause: Cause) -> Option<Letter> {
        let StepId { boot, sequence } = id_of_step;
        let server = id(server);
        let (wall_us, monotonic_us) = (5_000_000 + 1000 * time, 1000 * time);
        let step = cause.step_of(&bounds::server(server, self.cluster));
        let record = Record { server, boot, sequence, wall_us, monotonic_us, cause, step };
        self.traces[server.index()].push(Line::Step(record));
        self.sent(server.number())
    }

    /// What a server has sent in its last step.
    pub fn sent(&self, server: u8) -> Option<Letter> {
        let record = self.last(server);
        match record.step.outgoing {
            Outgoing::Nothing => None,
            Outgoing::Reply { message, .. }
            | Outgoing::Order { message, .. }
            | Outgoing::Broadcast { message } => Some((record.server, message, record.id())),
        }
    }

    pub fn start(&mut self, time: u64, server: u8) {
        let (boot, stored) = match self.traces[id(server).index()].last() {
            Some(_) => (self.last(server).boot + 1, self.last(server).step.state.ballot),
            None => (1, Ballot::INITIAL),
        };
        self.begin(time, server, boot, Cause::Start { stored });
    }

    /// It comes up without its disk.
    pub fn lose_disk(&mut self, time: u64, server: u8) {
        let boot = self.last(server).boot + 1;
        self.begin(time, server, boot, Cause::LoseDisk);
    }

    /// Another server tells it its term.
    pub fn hear_term(&mut self, time: u64, server: u8, from: u8, term: Term) {
        let before = self.last(server).step.state;
        self.next(time, server, Cause::HearTerm { before, from: id(from), term });
    }

    fn begin(&mut self, time: u64, server: u8, boot: u64, cause: Cause) {
        self.traces[id(server).index()].push(Line::Header(Header {
            version: VERSION,
            cluster: self.name.clone(),
            servers: self.cluster,
            addresses: vec![String::new(); 3],
            server: id(server),
            boot,
            heartbeat_ms: 50,
            election_ms: (150, 300),
            program: "by hand".to_owned(),
            sequence: 0,
        }));
        self.step(time, server, StepId { boot, sequence: 0 }, cause);
    }

    fn next(&mut self, time: u64, server: u8, cause: Cause) -> Option<Letter> {
        let StepId { boot, sequence } = self.last(server).id();
        let next = StepId { boot, sequence: sequence + 1 };
        self.step(time, server, next, cause)
    }

    pub fn timeout(&mut self, time: u64, server: u8) -> Letter {
        let before = self.last(server).step.state;
        let cause = Cause::Timeout { before, attempt: Attempt::FIRST };
        self.next(time, server, cause).expect("it sends something")
    }

    /// Its timer fires, and it sends nothing.
    pub fn wakes(&mut self, time: u64, server: u8) {
        let before = self.last(server).step.state;
        let sent = self.next(time, server, Cause::Timeout { before, attempt: Attempt::FIRST });
        assert_eq!(sent, None, "S{server} sends something");
    }

    pub fn receive(&mut self, time: u64, server: u8, (from, message, sent_in): Letter) -> Letter {
        let before = self.last(server).step.state;
        let cause = Cause::Receive { before, from, message, sent_in };
        self.next(time, server, cause).expect("it sends something")
    }

    /// A message arrives, and is not answered.
    pub fn hears(&mut self, time: u64, server: u8, (from, message, sent_in): Letter) {
        let before = self.last(server).step.state;
        let sent = self.next(time, server, Cause::Receive { before, from, message, sent_in });
        assert_eq!(sent, None, "S{server} answers");
    }

    /// A server records a step, is killed before it takes it, and comes up again.
    pub fn killed_before(&mut self, time: u64, server: u8, step: impl FnOnce(&mut Self)) {
        let index = id(server).index();
        let end = self.traces[index].len();
        step(self);
        let not_taken = self.traces[index].split_off(end);
        self.start(time, server);
        self.traces[index].splice(end..end, not_taken);
    }

    pub fn texts(&self) -> Vec<String> {
        self.traces.iter().map(text).collect()
    }
}

/// S1 leads term 1 until it crashes. S2 leads term 2. The election of term 3 is split.
pub fn three_elections(name: &str) -> Run {
    let mut run = Run::new(name);
    for server in 1..=3 {
        run.start(u64::from(server - 1), server);
    }
    let request = run.timeout(200, 1); // lost on the way to S3
    let vote = run.receive(201, 2, request);
    let heartbeat = run.receive(202, 1, vote);
    run.receive(203, 2, heartbeat);
    run.receive(203, 3, heartbeat);
    let heartbeat = run.timeout(252, 1); // lost on the way to S2
    run.receive(253, 3, heartbeat);

    let request = run.timeout(450, 2); // S1 is down
    let vote = run.receive(451, 3, request);
    let heartbeat = run.receive(452, 2, vote);
    run.receive(453, 3, heartbeat);
    run.start(470, 1);

    let request = run.timeout(700, 3);
    let rival = run.timeout(700, 1); // in term 2, which S2 leads
    run.receive(701, 2, request); // a vote that is lost
    run.receive(702, 2, rival); // told of term 3: lost as well
    run
}

/// Behind both guards S1 is elected in term 1, and so many rounds of its heartbeats are answered.
pub fn rounds(number: u64) -> Run {
    let mut run = Run::with("demo", Protocol::GUARDED);
    (1..=3).for_each(|server| run.start(0, server));
    (1..=3).for_each(|server| run.wakes(150, server));
    let question = run.timeout(200, 1);
    let yes = run.receive(201, 2, question);
    let request = run.receive(202, 1, yes);
    let vote = run.receive(203, 2, request);
    let mut heartbeat = run.receive(204, 1, vote);
    for time in (205..).step_by(50).take(usize::try_from(number).unwrap()) {
        for follower in [2, 3] {
            let answer = run.receive(time, follower, heartbeat);
            run.hears(time + 1, 1, answer);
        }
        heartbeat = run.timeout(time + 49, 1);
    }
    run
}

/// S2 is elected and heard, and nobody is down. Its clock is two seconds ahead.
pub fn with_a_clock_ahead() -> Run {
    let mut run = Run::new("demo");
    let ahead = 2_000;
    run.start(0, 1);
    run.start(ahead, 2);
    run.start(0, 3);
    let request = run.timeout(ahead + 200, 2);
    let vote = run.receive(201, 1, request);
    run.receive(203, 3, request);
    let heartbeat = run.receive(ahead + 202, 2, vote);
    run.receive(203, 1, heartbeat);
    run.receive(204, 3, heartbeat);
    run
}
