//! Why a property is broken: what one may point at.
//!
//! Whether it is, [`Property::holds`] decides; here only those are named of whom it is told. A
//! message can be evidence that would change nothing any more.

use serde_json::{Value, json};

use super::tell;
use crate::action::Envelope;
use crate::election::{Ballot, Role};
use crate::message::Message;
use crate::run::World;
use crate::types::{ServerId, ServerSet, Term};
use crate::world::bounds::Bounds;
use crate::world::properties::{Property, in_message};

/// A property that a step broke, and who and what shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The property.
    pub property: Property,
    /// What happened, in a sentence without its end.
    pub says: String,
    /// The servers that it is about.
    pub servers: ServerSet,
    /// The messages that show it.
    pub messages: Vec<Envelope>,
}

/// Every property that this step of a server broke.
pub fn broken(bounds: &Bounds, before: &World, id: ServerId, after: &World) -> Vec<Evidence> {
    let properties = Property::of(bounds).into_iter();
    let broken = properties.filter(|property| !property.holds(before, id, after));
    broken.map(|property| of(property, before, id, after)).collect()
}

/// As the page reads it.
pub(super) fn told(evidence: &Evidence) -> Value {
    json!({
        "property": evidence.property.to_string(),
        "says": evidence.says,
        "servers": evidence.servers,
        "messages": evidence.messages.iter().map(tell::envelope).collect::<Value>(),
    })
}

fn of(property: Property, before: &World, id: ServerId, after: &World) -> Evidence {
    let (says, servers, messages) = match property {
        Property::ElectionSafety => two_leaders(id, after),
        Property::VoteOncePerTerm | Property::GrantOncePerTerm => two_votes(before, id, after),
        Property::LeaderHasQuorum => no_quorum(before, id, after),
        Property::TermNeverDecreases => back_in_time(before, id, after),
        Property::LeaseSafety => two_leases(after),
    };
    Evidence { property, says, servers, messages }
}

type Found = (String, ServerSet, Vec<Envelope>);

fn names(servers: ServerSet) -> String {
    servers.iter().map(|id| id.to_string()).collect::<Vec<_>>().join(" and ")
}

fn two_leaders(id: ServerId, after: &World) -> Found {
    let claims = |term: Term| {
        let is_claim = move |e: &&Envelope| matches!(e.message, Message::AppendEntries { term: of, .. } if of == term);
        after.sent.iter().filter(is_claim).copied().collect::<Vec<_>>()
    };
    let leads = |id: ServerId, term| {
        let state = after.state(id);
        state.role.is_leader() && state.ballot.current_term == term
    };
    let own = after.sent.iter().filter(|e| e.from == id).map(|e| e.message.term());
    let terms = own.chain([after.state(id).ballot.current_term]);
    let all = terms.map(|term| {
        let messages = claims(term);
        let now = after.states().map(|(id, _)| id).filter(|&id| leads(id, term));
        let leaders: ServerSet = messages.iter().map(|e| e.from).chain(now).collect();
        (term, leaders, messages)
    });
    let (term, leaders, messages) =
        all.max_by_key(|(term, leaders, _)| (leaders.len(), *term)).expect("a term at least");
    (format!("{} lead, or led, term {term}", names(leaders)), leaders, messages)
}

fn two_votes(before: &World, id: ServerId, after: &World) -> Found {
    let at = id.index();
    let ballots =
        [before.servers[at].ballot, before.stored[at], after.servers[at].ballot, after.stored[at]];
    let on_ballots = ballots.iter().filter_map(|Ballot { current_term, voted_for }| {
        voted_for.map(|candidate| (*current_term, candidate, None))
    });
    let own = after.sent.iter().filter(|e| e.from == id);
    let in_messages =
        own.filter_map(|e| in_message(e).map(|vote| (vote.term, vote.candidate, Some(*e))));
    let votes: Vec<_> = on_ballots.chain(in_messages).collect();
    let candidates = |of: Term| -> ServerSet {
        votes.iter().filter(|(term, ..)| *term == of).map(|(_, candidate, _)| *candidate).collect()
    };
    let terms = votes.iter().map(|(term, ..)| *term);
    let term = terms.max_by_key(|&term| (candidates(term).len(), term)).unwrap_or(Term::ZERO);
    let messages =
        votes.iter().filter(|(of, ..)| *of == term).filter_map(|(.., sent)| *sent).collect();
    let voted_for = candidates(term);
    let says = format!("{id} gave its vote of term {term} to {}", names(voted_for));
    (says, voted_for.with(id), messages)
}

fn no_quorum(before: &World, id: ServerId, after: &World) -> Found {
    let term = after.state(id).ballot.current_term;
    let is_vote =
        |e: &&Envelope| in_message(e).is_some_and(|vote| vote.term == term && vote.candidate == id);
    let messages: Vec<_> = after.sent.iter().filter(is_vote).copied().collect();
    let counted = match before.state(id).role {
        Role::Candidate { votes } if before.state(id).ballot.current_term == term => votes,
        _ => ServerSet::EMPTY,
    };
    let on_disk = after
        .states()
        .filter(|(_, state)| state.ballot == Ballot { current_term: term, voted_for: Some(id) });
    let voters = messages.iter().map(|e| e.from).chain(counted.iter());
    let voters: ServerSet = voters.chain(on_disk.map(|(id, _)| id)).collect();
    let size = after.cluster().size();
    let says = if voters.is_empty() {
        format!("{id} leads term {term} without any vote")
    } else {
        format!("{id} leads term {term} by the vote of {}, of {size} servers", names(voters))
    };
    (says, voters.with(id), messages)
}

fn back_in_time(before: &World, id: ServerId, after: &World) -> Found {
    let at = id.index();
    let (was, is) = (before.servers[at].ballot.current_term, after.servers[at].ballot.current_term);
    let (stored, stores) = (before.stored[at].current_term, after.stored[at].current_term);
    let says = if is < was {
        format!("{id} was in term {was}, and is in term {is}")
    } else {
        format!("{id} had stored term {stored}, and has stored term {stores}")
    };
    (says, ServerSet::only(id), Vec::new())
}

fn two_leases(after: &World) -> Found {
    let has_lease = |id: &ServerId| after.leases[id.index()].valid.is_some();
    let servers: ServerSet = after.states().map(|(id, _)| id).filter(has_lease).collect();
    (format!("{} have valid leases at the same time", names(servers)), servers, Vec::new())
}
