//! How a leader gives up: it hands out nothing more, waits until all that it handed out is over,
//! and then asks one of the others to take over. The specification leaves that wait to its caller.

use raft_model::types::ServerId;

use super::Engine;
use crate::clock::Moment;

/// A leader that gives up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaving {
    to: ServerId,
    /// When all that was handed out is over, as soon as that is known.
    pub(super) at: Option<Moment>,
}

impl Engine {
    /// From now on nothing is handed out, since this server is to take over. Whoever hands out then
    /// finds until when what was handed out is valid, and tells [`Engine::released`].
    ///
    /// # Errors
    ///
    /// [`HandOverError`]; nothing has changed then.
    pub fn give_up(&mut self, to: Option<ServerId>, now: Moment) -> Result<(), HandOverError> {
        let to = self.check_give_up(to)?;
        self.leaving = Some(Leaving { to, at: None });
        self.show_lease(now);
        Ok(())
    }

    /// Who would take over, if this server gave up now.
    ///
    /// # Errors
    ///
    /// As [`Engine::give_up`].
    pub fn check_give_up(&self, to: Option<ServerId>) -> Result<ServerId, HandOverError> {
        let to = self.check_successor(to)?;
        if !self.status.state.role.is_leader() {
            return Err(HandOverError::NotLeading { leader: self.status.leader });
        }
        Ok(to)
    }

    /// All that was handed out is over at this moment.
    pub const fn released(&mut self, over: Moment) {
        if let Some(leaving) = &mut self.leaving {
            leaving.at = Some(over);
        }
    }

    /// Whether it is about to leave office.
    pub const fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }

    /// Who takes over now, if that is due.
    pub(super) fn leaves_at(&self, now: Moment) -> Option<ServerId> {
        let Leaving { to, at } = self.leaving?;
        at.is_some_and(|at| at <= now).then_some(to)
    }

    /// Who shall lead: whoever is named, or the follower that answered last, or any other server,
    /// but no witness. Nobody without check-quorum: the others would not hold still for it.
    pub(super) fn check_successor(&self, to: Option<ServerId>) -> Result<ServerId, HandOverError> {
        let cluster = self.server.cluster;
        if !cluster.protocol().check_quorum() {
            return Err(HandOverError::NoCheckQuorum);
        }
        let can_lead = |server: &ServerId| {
            cluster.contains(*server) && !cluster.is_witness(*server) && *server != self.server.id
        };
        let any = || cluster.others(self.server.id).find(can_lead);
        match to {
            Some(to) if can_lead(&to) => Ok(to),
            Some(server) => Err(HandOverError::CannotLead { server }),
            None => self.follower.filter(can_lead).or_else(any).ok_or(HandOverError::NobodyElse),
        }
    }
}

/// Why leadership is not handed over. Nothing has changed, unless the node has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandOverError {
    /// There is nothing to hand over.
    #[error("this server does not lead; {}. Nothing has changed", leads(*.leader))]
    NotLeading {
        /// Who does, as far as it knows.
        leader: Option<ServerId>,
    },
    /// The others would not hold still.
    #[error(
        "the protocol of this cluster has no check-quorum, and without it leadership cannot be \
         handed over; stop the server instead. Nothing has changed"
    )]
    NoCheckQuorum,
    /// That server never leads instead of this one.
    #[error(
        "{server} cannot take over: name another server of the cluster that is no witness. Nothing \
         has changed"
    )]
    CannotLead {
        /// The server.
        server: ServerId,
    },
    /// There is no other server that can lead.
    #[error("no other server of the cluster can lead. Nothing has changed")]
    NobodyElse,
    /// The node has stopped, before this or meanwhile. It hands out nothing more.
    #[error("this node has stopped, and hands out nothing more")]
    Stopped,
}

fn leads(leader: Option<ServerId>) -> String {
    leader.map_or_else(|| "nobody is known to".to_owned(), |leader| format!("{leader} does"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::server;

    #[test]
    fn who_does_not_lead_says_who_does() {
        let says = |leader| HandOverError::NotLeading { leader }.to_string();
        assert_eq!(
            says(Some(server(2))),
            "this server does not lead; S2 does. Nothing has changed"
        );
        assert_eq!(
            says(None),
            "this server does not lead; nobody is known to. Nothing has changed"
        );
    }
}
