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

    pub(super) const fn of_step(
        name: &'static str,
        step: fn(&Server, State, Event) -> Step,
    ) -> Self {
        Self { name, start: Server::start, step }
    }
}

/// Gives each fault a constant, for its entry in the catalogue, and puts it among all: so that none
/// can be left out of these.
macro_rules! faults {
    ($($constant:ident = $fault:expr;)*) => {
        $(pub(super) const $constant: Fault = $fault;)*

        /// All faults.
        pub const FAULTS: &[Fault] = &[$($constant),*];
    };
}

faults! {
    VOTE_GIVEN_TWICE = Fault::of_step("vote-given-twice", votes::given_twice);
    VOTE_NOT_RECORDED = Fault::of_step("vote-not-recorded", votes::not_recorded);
    OWN_VOTE_NOT_RECORDED = Fault::of_step("own-vote-not-recorded", votes::own_not_recorded);
    VOTE_CLEARED_ON_STEP_DOWN = Fault::of_step("vote-cleared-on-step-down", votes::cleared_on_step_down);
    VOTE_CLEARED_BY_HEARTBEAT = Fault::of_step("vote-cleared-by-heartbeat", votes::cleared_by_heartbeat);
    LEADER_VOTES_IN_ITS_TERM = Fault::of_step("leader-votes-in-its-term", votes::given_by_leader);
    STALE_VOTE_COUNTED = Fault::of_step("stale-vote-counted", votes::stale_counted);
    REFUSAL_COUNTED = Fault::of_step("refusal-counted", votes::refusal_counted);
    QUORUM_OF_ONE = Fault::of_step("quorum-of-one", votes::quorum_of_one);
    QUORUM_OF_TWO = Fault::of_step("quorum-of-two", votes::quorum_of_two);
    QUORUM_OF_THOSE_ALIVE = Fault::of_step("quorum-of-those-alive", votes::quorum_of_those_alive);
    VOTE_REFUSED_WHEN_ASKED_AGAIN = Fault::of_step("vote-refused-when-asked-again", votes::refused_when_asked_again);
    VOTE_REFUSED_TO_EVERYBODY = Fault::of_step("vote-refused-to-everybody", votes::refused_to_everybody);
    VOTE_NEVER_COUNTED = Fault::of_step("vote-never-counted", votes::never_counted);
    VOTE_KEPT_IN_NEWER_TERM = Fault::of_step("vote-kept-in-newer-term", votes::kept_in_newer_term);
    VOTE_ANSWERED_IN_OLDER_TERM = Fault::of_step("vote-answered-in-older-term", votes::answered_in_older_term);
    VOTE_FORGOTTEN_ON_RESTART = Fault::of_start("vote-forgotten-on-restart", disk::start_without_vote);
    DISK_FORGOTTEN_ON_RESTART = Fault::of_start("disk-forgotten-on-restart", disk::start_afresh);
    LEADS_AGAIN_AFTER_RESTART = Fault::of_start("leads-again-after-restart", disk::start_as_leader);
    VOTE_NOT_PERSISTED = Fault::of_step("vote-not-persisted", disk::vote_not_persisted);
    OWN_VOTE_NOT_PERSISTED = Fault::of_step("own-vote-not-persisted", disk::own_vote_not_persisted);
    TERM_NOT_PERSISTED = Fault::of_step("term-not-persisted", disk::term_not_persisted);
    PERSISTED_AFTER_SENDING = Fault::of_step("persisted-after-sending", disk::persisted_after_sending);
    NO_STEP_DOWN = Fault::of_step("no-step-down", terms::role_kept);
    EQUAL_TERM_RESETS = Fault::of_step("equal-term-resets", terms::equal_resets);
    TERM_SET_BACK = Fault::of_step("term-set-back", terms::set_back);
    OLDER_REQUEST_GRANTED = Fault::of_step("older-request-granted", terms::older_request_granted);
    OLDER_HEARTBEAT_ACCEPTED = Fault::of_step("older-heartbeat-accepted", terms::older_heartbeat_accepted);
    CAMPAIGN_IN_CURRENT_TERM = Fault::of_step("campaign-in-current-term", terms::campaign_in_current);
    CANDIDATE_RETRIES_IN_ITS_TERM = Fault::of_step("candidate-retries-in-its-term", terms::retry_in_current);
    TERM_SKIPPED = Fault::of_step("term-skipped", terms::skipped);
    TERMS_WRAP_AROUND = Fault::of_step("terms-wrap-around", terms::wrapped);
    LEADER_IGNORES_NEWER_TERM = Fault::of_step("leader-ignores-newer-term", terms::ignored_by_leader);
    NEWER_TERM_IN_ANSWER_IGNORED = Fault::of_step("newer-term-in-answer-ignored", terms::ignored_in_answers);
    STALE_REQUEST_DROPPED = Fault::of_step("stale-request-dropped", terms::stale_request_dropped);
    STALE_REQUEST_TOLD_ITS_OWN_TERM = Fault::of_step("stale-request-told-its-own-term", terms::stale_request_told_its_own);
    CANDIDATE_WAITS_FOR_EVER = Fault::of_step("candidate-waits-for-ever", roles::candidate_waits);
    VOTER_NEVER_CAMPAIGNS = Fault::of_step("voter-never-campaigns", roles::voter_waits);
    CANDIDATE_NEVER_STEPS_DOWN = Fault::of_step("candidate-never-steps-down", roles::candidate_stays);
    CANDIDATE_GIVES_UP_WHEN_REFUSED = Fault::of_step("candidate-gives-up-when-refused", roles::candidate_gives_up);
    LEADER_GIVES_UP_WHEN_REFUSING = Fault::of_step("leader-gives-up-when-refusing", roles::leader_gives_up_refusing);
    LEADER_GIVES_UP_WHEN_ANSWERED = Fault::of_step("leader-gives-up-when-answered", roles::leader_gives_up_answered);
    HEARTBEAT_OF_DEPOSED_LEADER = Fault::of_step("heartbeat-of-deposed-leader", roles::deposed_heartbeat);
    NO_FIRST_HEARTBEAT = Fault::of_step("no-first-heartbeat", roles::no_first_heartbeat);
    NO_HEARTBEATS = Fault::of_step("no-heartbeats", roles::no_heartbeats);
    TIMER_RUNS_ON_AFTER_VOTE = Fault::of_step("timer-runs-on-after-vote", timers::runs_on_after_vote);
    TIMER_RUNS_ON_AFTER_HEARTBEAT = Fault::of_step("timer-runs-on-after-heartbeat", timers::runs_on_after_heartbeat);
    TIMER_STOPS_AFTER_CAMPAIGN = Fault::of_step("timer-stops-after-campaign", timers::stops_after_campaign);
    TIMER_RUNS_ON_AFTER_STEP_DOWN = Fault::of_step("timer-runs-on-after-step-down", timers::runs_on_after_step_down);
    TIMER_RESTARTED_BY_REFUSED_REQUEST = Fault::of_step("timer-restarted-by-refused-request", timers::restarted_by_refused);
    TIMER_RESTARTED_BY_STALE_REQUEST = Fault::of_step("timer-restarted-by-stale-request", timers::restarted_by_stale);
    TIMER_RESTARTED_BY_NEWER_TERM = Fault::of_step("timer-restarted-by-newer-term", timers::restarted_by_newer_term);
}

/// The step of a server that takes no notice of what happens.
const fn ignored(before: State, rule: Rule) -> Step {
    let outgoing = Outgoing::Nothing;
    Step { state: before, rule, persist: false, outgoing, restart_timer: false }
}
