//! The second reading: what was received was sent, and what holds of all records together.

use std::path::Path;

use super::Replay;
use crate::action::Envelope;
use crate::election::{self, Ballot};
use crate::trace::reader::{Place, Reader, ReplayError};
use crate::trace::rule::Rule;
use crate::trace::{Cause, Line, Record, StepId};
use crate::types::ServerId;

impl Replay {
    /// Second reading: what was received was sent; and what holds of all records together. Returns
    /// how many records there are.
    pub(super) fn read_messages(&mut self, path: &Path, bytes: u64) -> Result<u64, ReplayError> {
        let mut reader = Reader::open_first(path, bytes)?;
        let mut records = 0;
        while let Some((place, line)) = reader.next()? {
            let Line::Step(record) = line else { continue };
            self.check_sent(&place, &record)?;
            self.check_told(&place, &record)?;
            let Some(run) = self.runs.get(&(record.server, record.boot)) else {
                return Err(ReplayError::Changed { file: path.to_owned() });
            };
            records += 1;
            if run.took(record.sequence) {
                self.check_safety(&place, &record)?;
            }
        }
        Ok(records)
    }

    fn check_sent(&mut self, place: &Place, record: &Record) -> Result<(), ReplayError> {
        let Cause::Receive { from, message, sent_in, .. } = record.cause else { return Ok(()) };
        let receiver = record.server;
        self.check_another(place, receiver, from)?;
        let StepId { boot, sequence } = sent_in;
        if self.is_on_trust(from, sent_in) {
            self.on_trust += 1;
            return Ok(());
        }
        let sent = self.runs.get(&(from, boot)).and_then(|run| run.sent_in(sequence));
        let was_sent = sent
            .and_then(|sent| Envelope::of(from, sent))
            .is_some_and(|sent| sent.message == message && sent.to.is_none_or(|to| to == receiver));
        self.demand(Rule::WasSent, was_sent, place, || {
            let step = match sent {
                Some(sent) => format!("that step sent {sent:?}"),
                None => "that step is in no trace, or did not take effect; a trace that is still \
                         being written is to be stopped first (raft-node trace stop)"
                    .to_string(),
            };
            format!(
                "{receiver} received what {from} did not send in step {sequence} of run {boot}\n  recorded: {message:?}\n  expected: {step}"
            )
        })?;
        self.received += 1;
        Ok(())
    }

    fn check_another(
        &self,
        place: &Place,
        receiver: ServerId,
        from: ServerId,
    ) -> Result<(), ReplayError> {
        let servers = self.header.as_ref().expect("a trace begins with a header").servers;
        let is_another = from != receiver && servers.contains(from);
        self.demand(Rule::FromAnother, is_another, place, || {
            format!("{receiver} received a message from {from}")
        })
    }

    /// What was told to a server whose disk is lost.
    fn check_told(&mut self, place: &Place, record: &Record) -> Result<(), ReplayError> {
        let Cause::HearTerm { from, term, .. } = record.cause else { return Ok(()) };
        self.check_another(place, record.server, from)?;
        let runs = || self.runs.range((from, 0)..=(from, u64::MAX)).map(|(_, run)| run);
        let is_told = self.terms.contains(&(from, term));
        let is_all_told = !runs().any(|run| run.went_on() || run.begins_in_its_midst());
        if runs().next().is_none() || (!is_told && !is_all_told) {
            self.on_trust += 1;
            return Ok(());
        }
        self.demand(Rule::TermTold, is_told, place, || {
            format!(
                "{} was told that {from} is in term {term}, and {from} never was",
                record.server
            )
        })
    }

    /// Whether no trace of that server was given, or its traces say that they do not tell of this.
    fn is_on_trust(&self, server: ServerId, StepId { boot, sequence }: StepId) -> bool {
        let mut runs = self.runs.range((server, 0)..=(server, u64::MAX));
        let Some((&(_, first), earliest)) = runs.next() else { return true };
        match self.runs.get(&(server, boot)) {
            Some(run) => run.leaves_out(sequence),
            None => boot < first && earliest.begins_in_its_midst(),
        }
    }

    fn check_safety(&mut self, place: &Place, record: &Record) -> Result<(), ReplayError> {
        let Ballot { current_term: term, voted_for } = record.step.state.ballot;
        let server = record.server;
        if record.step.rule == election::Rule::Elected {
            self.elected_us.insert(term, self.ahead.aligned(server, record.wall_us));
            let (leader, other) =
                self.elected.entry(term).or_insert_with(|| (server, place.clone())).clone();
            self.demand(Rule::OneLeader, leader == server, place, || {
                format!("two leaders of term {term}: {server} here, and {leader} at {other}")
            })?;
        }
        // Whoever has lost its disk has forgotten votes for itself, and given others none instead.
        let is_forgotten = |candidate: ServerId| candidate == server && self.lost.contains(&server);
        if let Some(candidate) = voted_for.filter(|candidate| !is_forgotten(*candidate)) {
            let vote = self.votes.entry((term, server));
            let (earlier, other) = vote.or_insert_with(|| (candidate, place.clone())).clone();
            self.demand(Rule::OneVote, earlier == candidate, place, || {
                format!(
                    "{server} votes twice in term {term}: for {candidate} here, and for {earlier} at {other}"
                )
            })?;
        }
        Ok(())
    }
}
