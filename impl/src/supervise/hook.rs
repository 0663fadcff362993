//! A program that is run at each change: of who leads, and of whether this server may act.
//!
//! One run at a time, in the order of the changes. Whoever is slow misses what lies between, never
//! the latest; and nobody waits for it.

use std::ffi::OsString;
use std::process::{Child, Command, Stdio};

use raft_model::types::{ServerId, Term};

use crate::control::Leading;

/// What a hook is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct News {
    server: ServerId,
    leads: bool,
    leader: Option<ServerId>,
    term: Term,
}

impl News {
    pub(super) const fn new(leading: &Leading) -> Self {
        let Leading { server, leader, term, .. } = *leading;
        Self { server, leads: leading.lease.is_some(), leader, term }
    }

    /// `leading` if this server may act, `following` if another one leads, `none` else.
    fn word(&self) -> &'static str {
        match self.leader {
            _ if self.leads => "leading",
            Some(leader) if leader != self.server => "following",
            _ => "none",
        }
    }
}

#[derive(Debug)]
pub(super) struct Hook {
    program: Option<OsString>,
    latest: Option<News>,
    told: Option<News>,
    running: Option<Child>,
}

impl Hook {
    pub(super) const fn new(program: Option<OsString>) -> Self {
        Self { program, latest: None, told: None, running: None }
    }

    /// This is so now.
    pub(super) fn tell(&mut self, news: News) {
        self.latest = Some(news);
        self.look();
    }

    /// Looks whether a run has ended, and whether another one is due.
    pub(super) fn look(&mut self) {
        let Some(program) = &self.program else { return };
        if let Some(child) = &mut self.running {
            match child.try_wait() {
                Ok(None) => return,
                Ok(Some(status)) if status.success() => {}
                Ok(Some(status)) => tracing::warn!(%status, "the hook failed"),
                Err(error) => tracing::warn!(%error, "the hook is lost"),
            }
            self.running = None;
        }
        let Some(news) = self.latest.filter(|&news| self.told != Some(news)) else { return };
        self.told = Some(news);
        let mut command = Command::new(program);
        command.arg(news.word()).stdin(Stdio::null());
        command.env("RAFT_SERVER", news.server.number().to_string());
        command.env("RAFT_TERM", news.term.number().to_string());
        let leader = news.leader.map(|leader| leader.number().to_string());
        command.env("RAFT_LEADER", leader.unwrap_or_default());
        match command.spawn() {
            Ok(child) => self.running = Some(child),
            Err(error) => {
                tracing::warn!(%error, "cannot run the hook {}", program.to_string_lossy());
            }
        }
    }
}
