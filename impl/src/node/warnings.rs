//! What somebody should look at, though the server goes on: as values, and as lines of the log.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use raft_model::types::{ServerId, ServerSet, Term};

use crate::clock::Moment;
use crate::counters::is_worth_a_line;
use crate::status::Status;
use crate::wire::Rejection;

/// Of how many sources the first rejection gets a line of its own: a flood of datagrams with forged
/// sources is no flood of lines.
const SOURCES: usize = 64;

/// So many messages of an earlier run may be late after a restart.
const LATE: u64 = 8;

/// Nobody counts that far: a term that is later was forged, or came of damage.
const HALF: u64 = u64::MAX / 2;

/// Something that somebody should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Warning {
    /// Datagrams from there are rejected: the first one, or so many for this reason from anywhere.
    Rejected { source: SocketAddr, reason: Rejection, count: u64 },
    /// This leader hears that server, which does not answer its heartbeats.
    Deaf(ServerId),
    /// This leader has not heard that server for long. It is down, or hears and is not heard.
    Silent(ServerId),
    /// What was said of that server before is over.
    Answers(ServerId),
    /// So many messages of that server came from an earlier run or step than others before them.
    Twice { server: ServerId, count: u64 },
    /// Most terms are used up, or all.
    Terms { term: Term },
}

/// What has been warned of.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    sources: HashSet<SocketAddr>,
    office: Option<Moment>, // since when this server leads
    deaf: ServerSet,
    silent: ServerSet,
    has_said_terms: bool,
}

impl Warnings {
    /// A datagram was rejected, one of so many for this reason, and of so many from a server that
    /// should be at that address, if one should.
    pub(super) fn rejected(
        &mut self,
        reason: Rejection,
        source: SocketAddr,
        count: u64,
        known: Option<u64>,
    ) -> Option<Warning> {
        let is_first = match known {
            Some(count) => count == 1,
            None => self.sources.len() < SOURCES && self.sources.insert(source),
        };
        (is_first || is_worth_a_line(count)).then_some(Warning::Rejected { source, reason, count })
    }

    /// What is worth a warning after this status came after that one. No timer fires later than
    /// the longest election timeout.
    pub(super) fn after(
        &mut self,
        before: &Status,
        status: &Status,
        longest: Duration,
        now: Moment,
    ) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for (server, peer) in status.peers() {
            let count = peer.went_back;
            let is_news = count > before.peer(server).went_back;
            if is_news && count >= LATE && is_worth_a_line(count) {
                warnings.push(Warning::Twice { server, count });
            }
        }
        let term = status.term();
        if term.number() > HALF && (!self.has_said_terms || term > before.term()) {
            let is_last = term.next().is_none();
            if is_last || !self.has_said_terms {
                warnings.push(Warning::Terms { term });
            }
            self.has_said_terms = true;
        }
        self.links(status, longest, now, &mut warnings);
        warnings
    }

    /// A leader sends to all and is answered by all, so it is the one that sees which links are
    /// broken.
    fn links(
        &mut self,
        status: &Status,
        longest: Duration,
        now: Moment,
        warnings: &mut Vec<Warning>,
    ) {
        if !status.state.role.is_leader() {
            self.office = None;
            return;
        }
        let since = *self.office.get_or_insert(now);
        let is_long_ago = |time: Moment| now.since(time) > 4 * longest;
        if !is_long_ago(since) {
            return;
        }
        for (server, peer) in status.peers() {
            let answers = peer.last_answered.is_some_and(|time| !is_long_ago(time));
            let is_heard = peer.last_heard.is_some_and(|time| !is_long_ago(time));
            let (deaf, silent) = (self.deaf.contains(server), self.silent.contains(server));
            if answers && (deaf || silent) {
                self.deaf = self.deaf.without(server);
                self.silent = self.silent.without(server);
                warnings.push(Warning::Answers(server));
            } else if !answers && is_heard && !deaf {
                self.deaf = self.deaf.with(server);
                warnings.push(Warning::Deaf(server));
            } else if !answers && !is_heard && !silent {
                self.silent = self.silent.with(server);
                warnings.push(Warning::Silent(server));
            }
        }
    }
}

impl Warning {
    /// A line in the log.
    pub(super) fn say(self) {
        match self {
            Self::Rejected { source, reason, count } => {
                let reason = reason.to_string(); // so that it stands in quotes
                tracing::warn!(%source, reason, count, "datagrams rejected");
            }
            Self::Deaf(server) => tracing::warn!(
                %server,
                "{server} is heard and does not answer: what this leader sends does not arrive there"
            ),
            Self::Silent(server) => tracing::warn!(
                %server,
                "{server} is not heard: it is down, or what it sends does not arrive here"
            ),
            Self::Answers(server) => tracing::info!(%server, "{server} answers"),
            Self::Twice { server, count } => tracing::warn!(
                %server,
                count,
                "the runs or steps of {server} go backwards: the same server may be running twice, \
                 or on an old disk"
            ),
            Self::Terms { term } if term.next().is_none() => {
                tracing::error!(%term, "the terms are used up: nobody can be elected any more");
            }
            Self::Terms { term } => tracing::error!(
                %term,
                "most terms are used up, which no election does: a message was forged or damaged"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use raft_model::cluster::Protocol;
    use raft_model::election::{Ballot, Server};
    use raft_model::message::Message;
    use raft_model::trace::{Cause, StepId};
    use raft_model::types::{Attempt, Beats, Round};

    use super::*;
    use crate::testing::{NOW, config_by, server};

    const LONGEST: Duration = Duration::from_millis(225);

    /// S1 of three, and what is said of it.
    struct Story {
        server: Server,
        status: Status,
        now: Moment,
        warnings: Warnings,
        said: Vec<Warning>,
    }

    impl Story {
        fn begin() -> Self {
            let server = config_by(3, Protocol::FIGURE2).server();
            let server = Server { patience: Beats::ZERO.next(), ..server };
            let status = Status::new(&server, server.start(Some(Ballot::INITIAL)).state);
            Self { server, status, now: NOW, warnings: Warnings::default(), said: vec![] }
        }

        fn takes(&mut self, cause: Cause) {
            let before = self.status;
            self.status = before.after(cause, &cause.step_of(&self.server), self.now);
            self.said.extend(self.warnings.after(&before, &self.status, LONGEST, self.now));
        }

        fn times_out(&mut self) {
            let before = self.status.state;
            self.takes(Cause::Timeout { before, attempt: Attempt::FIRST });
        }

        fn hears(&mut self, from: u8, message: Message, sent_in: (u64, u64)) {
            let (before, from) = (self.status.state, server(from));
            let sent_in = StepId { boot: sent_in.0, sequence: sent_in.1 };
            self.takes(Cause::Receive { before, from, message, sent_in });
        }

        fn leads() -> Self {
            let mut story = Self::begin();
            story.times_out();
            story.hears(2, Message::RequestVoteResponse { term: ONE, vote_granted: true }, (1, 1));
            assert!(story.status.state.role.is_leader());
            story
        }

        /// For so many heartbeats S2 answers, and S3 does this.
        fn goes_on(&mut self, beats: u64, mut other: impl FnMut(&mut Self)) {
            for _ in 0..beats {
                self.now = self.now.after(Duration::from_millis(50));
                self.times_out();
                self.hears(2, ANSWER, (1, 2));
                other(self);
            }
        }
    }

    const ONE: Term = Term::new(1);
    const ANSWER: Message = Message::AppendEntriesResponse { term: ONE, round: Some(Round::FIRST) };

    #[test]
    fn the_first_rejection_of_each_source_gets_a_line() {
        let source = |port| SocketAddr::from(([10, 0, 0, 1], port));
        let mut warnings = Warnings::default();
        let mut lines = 0;
        for count in 1..=1000 {
            // One of them floods, and in between others come.
            let port = if count % 10 == 0 { 9000 + count } else { 7000 };
            let at = source(u16::try_from(port).unwrap());
            let warning = warnings.rejected(Rejection::Magic, at, count, None);
            let is_new = count == 1 || count % 10 == 0;
            assert_eq!(warning.is_some(), is_new && lines < SOURCES || is_worth_a_line(count));
            lines += usize::from(is_new);
        }
        // A server of the cluster is not forgotten for all of these.
        let mut says = |of| warnings.rejected(Rejection::Version, source(7002), 999, Some(of));
        assert!(says(1).is_some() && says(2).is_none());
    }

    #[test]
    fn a_server_that_is_heard_and_does_not_answer_is_named_until_it_answers() {
        let mut story = Story::leads();
        let request = Message::RequestVote { term: ONE, hand_over: false };
        story.goes_on(40, |story| story.hears(3, request, (1, 1)));
        assert_eq!(story.said, [Warning::Deaf(server(3))]);
        story.goes_on(2, |story| story.hears(3, ANSWER, (1, 2)));
        assert_eq!(story.said[1..], [Warning::Answers(server(3))]);
    }

    #[test]
    fn a_server_that_is_not_heard_is_named_until_it_answers() {
        let mut story = Story::leads();
        story.goes_on(18, |_| {});
        assert_eq!(story.said, [], "it may still come up");
        story.goes_on(22, |_| {});
        assert_eq!(story.said, [Warning::Silent(server(3))]);
        story.goes_on(2, |story| story.hears(3, ANSWER, (1, 2)));
        assert_eq!(story.said[1..], [Warning::Answers(server(3))]);
    }

    #[test]
    fn a_server_that_runs_twice_is_named() {
        let request = Message::RequestVote { term: ONE, hand_over: false };
        for other in [(1, 9000), (3, 5)] {
            let mut story = Story::begin();
            // It was restarted, and a few messages were late.
            (0..7).for_each(|_| story.hears(2, request, (1, 5)));
            story.hears(2, request, (2, 9000));
            story.hears(2, request, (2, 8990));
            (0..7).for_each(|_| story.hears(2, request, (1, 5)));
            assert_eq!(story.said, []);
            for sequence in 0..8 {
                story.hears(2, request, (2, 9000 + sequence));
                story.hears(2, request, other);
                let count = story.status.peer(server(2)).went_back;
                assert_eq!(story.said.is_empty(), count < 8, "{other:?}: {count}");
            }
            let said = [Warning::Twice { server: server(2), count: 8 }];
            assert_eq!(story.said, said, "{other:?}");
            story.times_out();
            assert_eq!(story.said, said, "it was said");
        }
    }

    #[test]
    fn terms_that_are_used_up_are_told_of_and_so_is_the_last() {
        let mut story = Story::begin();
        let heartbeat = |term| Message::AppendEntries { term, round: Round::FIRST };
        let said = [1 << 63, u64::MAX].map(|term| Warning::Terms { term: Term::new(term) });
        for term in [1, 1000, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, u64::MAX] {
            story.hears(2, heartbeat(Term::new(term)), (1, 1));
        }
        assert_eq!(story.said, said);
        story.hears(2, heartbeat(Term::new(u64::MAX)), (1, 1));
        assert_eq!(story.said, said, "it was said");
    }
}
