//! What a trace proves of the ballot: a server that had another one has forgotten votes.

use std::path::Path;

use raft_model::election::Ballot;
use raft_model::trace::tail::Tail;
use raft_model::trace::{Line, Record, may_become};

use super::numbered;

/// In how many bytes at the end of a file its last record is found.
const RECENT: u64 = 1 << 18;

/// The last that a trace tells of its server.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    boot: Option<u64>,
    record: Option<Record>,
}

impl Evidence {
    /// What stands in this file, or if nothing has happened in it, in the one before.
    pub(super) fn in_trace(path: &Path) -> Self {
        let mut found = Self::default();
        found.read(path);
        if found.record.is_none()
            && let Some((_, before)) = numbered::all(path).unwrap_or_default().pop()
        {
            found.read(&before);
        }
        found
    }

    fn read(&mut self, path: &Path) {
        // What is damaged proves nothing; `raft-model replay` says so.
        for line in Tail::recent(path.to_owned(), RECENT).lines().unwrap_or_default() {
            match line {
                Line::Header(header) => self.boot = self.boot.max(Some(header.boot)),
                Line::Step(record) => self.record = Some(record),
                Line::End(_) => {}
            }
        }
    }

    /// Why a server that comes up with this ballot, in the run of this number, has forgotten
    /// another one; `None` if it need not have. The last step may not have taken effect.
    pub(super) fn against(&self, boot: u64, ballot: Ballot) -> Option<String> {
        let told = self.record.map(|record| record.cause.ballot_before());
        if let Some(had) = told.filter(|&had| !may_become(had, ballot)) {
            let vote = had.voted_for.map_or(String::new(), |it| format!(" and had voted for {it}"));
            let (then, now) = (had.current_term, ballot.current_term);
            return Some(format!("it was in term {then}{vote}, and now it is in term {now}"));
        }
        let last = self.boot.max(self.record.map(|record| record.boot)).filter(|&it| it >= boot)?;
        Some(format!("its runs are counted upwards, and run {last} comes before this run {boot}"))
    }
}
