//! The proof is about everything that happens: what a path leads to, and what it sends, is where
//! paths begin. A list that lacks something is noticed.

use std::collections::BTreeSet;

use super::super::election::Handlers;
use super::super::obligation::{CONSIDERED, files_from};
use super::super::situation::{Occurrence, Situation, Standing};

/// The rules of the paths that lead to where none begins, if only these situations are considered.
fn not_considered(is_listed: impl Fn(&Situation) -> bool) -> BTreeSet<String> {
    let listed: Vec<_> = Situation::all().filter(is_listed).collect();
    let files = files_from(&listed, Handlers::RAFT, true);
    let obligations = files.iter().flat_map(|file| &file.obligations);
    let missing = obligations.filter(|obligation| obligation.name == CONSIDERED.0);
    let rule = |path: &Option<(usize, String)>| {
        path.as_ref().map_or_else(|| "Started".to_owned(), |(_, rule)| rule.clone())
    };
    missing.map(|obligation| rule(&obligation.path)).collect()
}

fn rules(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn whatever_the_specification_leads_to_is_considered() {
    assert_eq!(not_considered(|_| true), rules(&[]));
}

#[test]
fn a_role_that_no_path_begins_with_is_noticed_where_it_is_entered() {
    let missing = not_considered(|situation| situation.standing != Standing::Leader);
    assert_eq!(missing, rules(&["Elected"]));
    let missing = not_considered(|situation| situation.standing != Standing::Candidate);
    assert_eq!(missing, rules(&["Campaigned"]));
    let missing = not_considered(|situation| situation.standing != Standing::PreCandidate);
    assert!(missing.contains("PreCampaigned"), "{missing:?}");
    let missing = not_considered(|situation| situation.standing != Standing::FollowerInContact);
    assert!(missing.contains("Started") && missing.contains("HeartbeatAccepted"), "{missing:?}");
}

#[test]
fn a_message_whose_arrival_is_not_listed_is_noticed_where_it_is_sent() {
    let without = |occurrence| not_considered(move |situation| situation.occurrence != occurrence);
    let requested = without(Occurrence::RequestVote);
    assert_eq!(requested, rules(&["Campaigned"]));
    let led = without(Occurrence::AppendEntries);
    assert_eq!(led, rules(&["Elected", "HeartbeatSent", "RoundOpened"]));
    let granted = without(Occurrence::VoteGranted);
    assert_eq!(granted, rules(&["VoteGranted"]));
    let refused = without(Occurrence::VoteRefused);
    assert_eq!(refused, rules(&["ContactKept", "StaleRequestRefused", "VoteRefused"]));
    let answered = without(Occurrence::AppendEntriesAnswered);
    assert_eq!(answered, rules(&["HeartbeatAccepted", "SteppedDown"]));
    let unanswered = without(Occurrence::AppendEntriesRefused);
    assert_eq!(unanswered, rules(&["HeartbeatAccepted", "StaleRequestRefused", "SteppedDown"]));
    assert_eq!(without(Occurrence::PreVote), rules(&["PreCampaigned"]));
    assert_eq!(without(Occurrence::PreVoteGranted), rules(&["PreVoteGranted"]));
    assert_eq!(without(Occurrence::PreVoteRefused), rules(&["PreVoteRefused"]));
    assert_eq!(without(Occurrence::ReceiveHandOver), rules(&["HandedOver"]));
    assert_eq!(without(Occurrence::RequestVoteHandedOver), rules(&["Campaigned"]));
}

#[test]
fn a_ballot_without_a_vote_is_a_beginning_of_its_own() {
    let missing = not_considered(|situation| situation.has_voted);
    assert!(missing.contains("Started"), "{missing:?}");
    assert!(missing.contains("NewerTermAdopted"), "{missing:?}");
}
