//! What a mistake does: it calls the functions of the specification, and changes what goes in or
//! what comes out.
//!
//! Like the specification, these files import only from their neighbours by `super::`, and use
//! servers, terms and sets of votes through no more than equality, order, `Term::next`,
//! `ServerSet::only`, `ServerSet::with` and `Cluster::is_quorum`: so that they can be compiled once
//! more against other types, such as symbols. What a fault is called, and where it was seen, stands
//! in the catalogue.

use super::election::{Ballot, Event, Outgoing, Rule, Server, State, Step};

mod disk;
mod roles;
mod terms;
mod timers;
mod votes;

/// An election with a mistake in it.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Its name.
    pub name: &'static str,
    /// In place of [`Server::start`].
    pub start: fn(&Server, Option<Ballot>) -> Step,
    /// In place of [`Server::step`].
    pub step: fn(&Server, State, Event) -> Step,
}

impl Fault {
    const fn of_start(name: &'static str, start: fn(&Server, Option<Ballot>) -> Step) -> Self {
        Self { name, start, step: Server::step }
    }

    const fn of_step(name: &'static str, step: fn(&Server, State, Event) -> Step) -> Self {
        Self { name, start: Server::start, step }
    }
}

/// All faults.
pub const FAULTS: [Fault; 52] = [
    Fault::of_step("vote-given-twice", votes::given_twice),
    Fault::of_step("vote-not-recorded", votes::not_recorded),
    Fault::of_step("own-vote-not-recorded", votes::own_not_recorded),
    Fault::of_step("vote-cleared-on-step-down", votes::cleared_on_step_down),
    Fault::of_step("vote-cleared-by-heartbeat", votes::cleared_by_heartbeat),
    Fault::of_step("leader-votes-in-its-term", votes::given_by_leader),
    Fault::of_step("stale-vote-counted", votes::stale_counted),
    Fault::of_step("refusal-counted", votes::refusal_counted),
    Fault::of_step("quorum-of-one", votes::quorum_of_one),
    Fault::of_step("quorum-of-two", votes::quorum_of_two),
    Fault::of_step("quorum-of-those-alive", votes::quorum_of_those_alive),
    Fault::of_step("vote-refused-when-asked-again", votes::refused_when_asked_again),
    Fault::of_step("vote-refused-to-everybody", votes::refused_to_everybody),
    Fault::of_step("vote-never-counted", votes::never_counted),
    Fault::of_step("vote-kept-in-newer-term", votes::kept_in_newer_term),
    Fault::of_step("vote-answered-in-older-term", votes::answered_in_older_term),
    Fault::of_start("vote-forgotten-on-restart", disk::start_without_vote),
    Fault::of_start("disk-forgotten-on-restart", disk::start_afresh),
    Fault::of_start("leads-again-after-restart", disk::start_as_leader),
    Fault::of_step("vote-not-persisted", disk::vote_not_persisted),
    Fault::of_step("own-vote-not-persisted", disk::own_vote_not_persisted),
    Fault::of_step("term-not-persisted", disk::term_not_persisted),
    Fault::of_step("persisted-after-sending", disk::persisted_after_sending),
    Fault::of_step("no-step-down", terms::role_kept),
    Fault::of_step("equal-term-resets", terms::equal_resets),
    Fault::of_step("term-set-back", terms::set_back),
    Fault::of_step("older-request-granted", terms::older_request_granted),
    Fault::of_step("older-heartbeat-accepted", terms::older_heartbeat_accepted),
    Fault::of_step("campaign-in-current-term", terms::campaign_in_current),
    Fault::of_step("candidate-retries-in-its-term", terms::retry_in_current),
    Fault::of_step("term-skipped", terms::skipped),
    Fault::of_step("terms-wrap-around", terms::wrapped),
    Fault::of_step("leader-ignores-newer-term", terms::ignored_by_leader),
    Fault::of_step("newer-term-in-answer-ignored", terms::ignored_in_answers),
    Fault::of_step("stale-request-dropped", terms::stale_request_dropped),
    Fault::of_step("stale-request-told-its-own-term", terms::stale_request_told_its_own),
    Fault::of_step("candidate-waits-for-ever", roles::candidate_waits),
    Fault::of_step("voter-never-campaigns", roles::voter_waits),
    Fault::of_step("candidate-never-steps-down", roles::candidate_stays),
    Fault::of_step("candidate-gives-up-when-refused", roles::candidate_gives_up),
    Fault::of_step("leader-gives-up-when-refusing", roles::leader_gives_up_refusing),
    Fault::of_step("leader-gives-up-when-answered", roles::leader_gives_up_answered),
    Fault::of_step("heartbeat-of-deposed-leader", roles::deposed_heartbeat),
    Fault::of_step("no-first-heartbeat", roles::no_first_heartbeat),
    Fault::of_step("no-heartbeats", roles::no_heartbeats),
    Fault::of_step("timer-runs-on-after-vote", timers::runs_on_after_vote),
    Fault::of_step("timer-runs-on-after-heartbeat", timers::runs_on_after_heartbeat),
    Fault::of_step("timer-stops-after-campaign", timers::stops_after_campaign),
    Fault::of_step("timer-runs-on-after-step-down", timers::runs_on_after_step_down),
    Fault::of_step("timer-restarted-by-refused-request", timers::restarted_by_refused),
    Fault::of_step("timer-restarted-by-stale-request", timers::restarted_by_stale),
    Fault::of_step("timer-restarted-by-newer-term", timers::restarted_by_newer_term),
];

/// The step of a server that takes no notice of what happens.
const fn ignored(before: State, rule: Rule) -> Step {
    let outgoing = Outgoing::Nothing;
    Step { state: before, rule, persist: false, outgoing, restart_timer: false }
}
