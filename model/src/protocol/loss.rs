//! A server that lost its disk, and comes back.
//!
//! It has forgotten its term and its vote. So it is silent, and asks every other server, witnesses
//! too, for its current term, each after its disk was lost. Once all have answered it is a follower
//! again, in the newest of these terms, whose vote is spent.
//!
//! Why it is safe. What it may have done, in some term, was to vote for another server: then that
//! one had reached the term. Or to lead: then a quorum had, and so one server beside itself. They
//! keep their disks, and return to no older term: so both are of the newest term told, at most, and
//! it votes in later ones only. If it campaigned in a term that nobody else knows, then nobody but
//! its dead run ever voted for it there, and that counts no votes any more. Each of the others is
//! needed: any one of them may be the candidate that it voted for. And the vote of the newest term
//! itself may have been given.
//!
//! This rests on one thing: the others have kept their disks. If two servers lose theirs, one after
//! the other, then what one voted for the other may be known to nobody, while a message that says
//! so is still under way.

use super::election::{Ballot, Role, Rule, Server, State, Step};
use super::step::{Decision, Outgoing};
use super::types::{ServerId, ServerSet, Term};

impl Server {
    /// The server comes up, and its disk is lost: there may have been a ballot. Nothing is written
    /// until it is back; if it crashes before, its disk is lost again. (TLA+ `LoseDisk`.)
    pub fn lose_disk(&self) -> Step {
        let role = Role::Returning { heard: ServerSet::only(self.id), newest: Term::ZERO };
        Step {
            state: State { ballot: Ballot::INITIAL, role },
            rule: Rule::DiskLost,
            persist: false,
            outgoing: Outgoing::Nothing,
            restart_timer: true,
        }
    }

    /// Another server has told its current term. (TLA+ `HearTerm`.)
    pub(super) fn hear_term(&self, before: State, from: ServerId, term: Term) -> Decision {
        let Role::Returning { heard, newest } = before.role else {
            return Decision::quiet(before, Rule::TermNotAsked);
        };
        let heard = heard.with(from);
        let newest = if newest < term { term } else { newest };
        if !self.cluster.is_everybody(heard) {
            let role = Role::Returning { heard, newest };
            return Decision::quiet(State { role, ..before }, Rule::TermHeard);
        }
        // With a vote for itself it votes for nobody else; and it campaigns in later terms only.
        let spent = Ballot::of_term(newest).cast(self.id);
        Decision::quiet(self.in_contact_anew(spent), Rule::Returned)
    }
}
