//! What takes nothing away is done at once.
//!
//! Messages are never lost for good: what was sent can arrive at any later time, again and again.
//! So of two worlds that differ only in what was sent, the one with more can do all that the other
//! can, and what it comes to again has more. It **covers** the other: whatever can break there can
//! break here. Some steps lead to a world that covers the one before. They are **free**:
//!
//! * **An answer that changes nobody**: a refusal, a yes to a pre-vote, a vote that is told once
//!   more, an answer to a heartbeat by which no contact begins anew.
//! * **A question**: a follower out of contact asks whether it would be elected. It votes, answers,
//!   follows and takes over as before; but where it would have asked, it has.
//! * **A count** that completes no quorum, of votes, of pre-votes or of answers: whoever counts one
//!   lacks one less. (What completes a quorum does away with what the server was.)
//!
//! A step that changes what is known of leases is not free. A free step changes nothing that
//! another one needs, so it does not matter in which order they are done: all of them are, before
//! anything else is tried.
//!
//! Other steps lead to a world that is covered by the one before. They are **needless**, and not
//! tried:
//!
//! * **To ask once more** in the same term: the first question is still under way, and so is every
//!   yes to it. Whoever would answer the second can answer the first.
//! * **To come up again** as what one is, a follower in contact: only leases end sooner, since the
//!   contact is a newer one. And without contact, as a follower that has not asked.
//!
//! So pre-votes, which never die, are hardly ever a choice: a server has asked as soon as it may,
//! and who would vote for it has said so.
//!
//! Unlike the other reductions this one does not keep what a world can do in a step. It keeps which
//! worlds there are, as far as a property of safety can tell them apart, and the steps between
//! them: [`seen_steps`](super::seen_steps) finds them, to be compared. How many steps it takes is
//! not kept, nor whether something happens at last: this is not for liveness. The arguments are
//! about the specification: this is not for mutants, either.

use crate::cluster::Protocol;
use crate::election::{Role, Rule, State};

/// Whether a step by this rule of a server that was in this state is free, if it changes no lease.
/// `changes` says whether it changes the server.
pub(super) const fn is_free(rule: Rule, before: &State, changes: bool) -> bool {
    match rule {
        Rule::PreCampaigned => matches!(before.role, Role::Follower { .. }),
        Rule::PreVoteCounted | Rule::VoteCounted | Rule::AnswerCounted => true,
        _ => !changes,
    }
}

/// Whether a step by this rule of a server that was in this state is needless.
pub(super) const fn is_needless(protocol: Protocol, rule: Rule, before: &State) -> bool {
    match rule {
        Rule::PreCampaigned => matches!(before.role, Role::PreCandidate { .. }),
        Rule::Started => match before.role {
            Role::Follower { contact } => contact == protocol.check_quorum(),
            Role::PreCandidate { .. } => !protocol.check_quorum(),
            Role::Candidate { .. } | Role::Leader { .. } => false,
        },
        _ => false,
    }
}
