//! Runs that a test makes step by step, and their traces.

use raft_model::cluster::Cluster;
use raft_model::election::{Ballot, Outgoing};
use raft_model::message::Message;
use raft_model::trace::{Cause, Header, Line, Record, StepId, VERSION};
use raft_model::types::{Attempt, ServerId};

use crate::bounds;
use crate::simulation::text;

pub fn id(number: u8) -> ServerId {
    ServerId::new(number).unwrap()
}

/// A run of three servers that a test makes step by step, with its times in milliseconds.
pub struct Run {
    name: String,
    pub traces: [Vec<Line>; 3],
}

/// A message, and the step in which it was sent.
pub type Letter = (ServerId, Message, StepId);

impl Run {
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), traces: [vec![], vec![], vec![]] }
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
        let step = cause.step_of(&bounds::server(server, Cluster::new(3).unwrap()));
        let record = Record { server, boot, sequence, wall_us, monotonic_us, cause, step };
        self.traces[server.index()].push(Line::Step(record));
        match record.step.outgoing {
            Outgoing::Nothing => None,
            Outgoing::Reply { message, .. }
            | Outgoing::Order { message, .. }
            | Outgoing::Broadcast { message } => Some((server, message, record.id())),
        }
    }

    pub fn start(&mut self, time: u64, server: u8) {
        let (boot, stored) = match self.traces[id(server).index()].last() {
            Some(_) => (self.last(server).boot + 1, self.last(server).step.state.ballot),
            None => (1, Ballot::INITIAL),
        };
        self.traces[id(server).index()].push(Line::Header(Header {
            version: VERSION,
            cluster: self.name.clone(),
            servers: Cluster::new(3).unwrap(),
            addresses: vec![String::new(); 3],
            server: id(server),
            boot,
            heartbeat_ms: 50,
            election_ms: (150, 300),
            program: "by hand".to_owned(),
        }));
        self.step(time, server, StepId { boot, sequence: 0 }, Cause::Start { stored });
    }

    fn next(&mut self, time: u64, server: u8, cause: Cause) -> Letter {
        let StepId { boot, sequence } = self.last(server).id();
        let next = StepId { boot, sequence: sequence + 1 };
        self.step(time, server, next, cause).expect("it sends something")
    }

    pub fn timeout(&mut self, time: u64, server: u8) -> Letter {
        let before = self.last(server).step.state;
        self.next(time, server, Cause::Timeout { before, attempt: Attempt::FIRST })
    }

    pub fn receive(&mut self, time: u64, server: u8, (from, message, sent_in): Letter) -> Letter {
        let before = self.last(server).step.state;
        self.next(time, server, Cause::Receive { before, from, message, sent_in })
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
        self.traces.iter().map(|trace| text(trace)).collect()
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
