//! What a mistake does: it calls the functions of the specification, and changes what goes in or
//! what comes out.
//!
//! Like the specification, these files import only from their neighbours by `super::`, and use
//! servers, terms and sets of votes through no more than equality, order, `Term::next`,
//! `ServerSet::only`, `ServerSet::with` and `Cluster::is_quorum`: so that they can be compiled once
//! more against other types, such as symbols. What a fault is called, and where it was seen, stands
//! in the catalogue.

use super::election::{Ballot, Event, Handlers, Outgoing, Rule, Server, State, Step};

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
    /// What drives it.
    pub handlers: Handlers,
}

impl Fault {
    const fn of_start(name: &'static str, start: fn(&Server, Option<Ballot>) -> Step) -> Self {
        Self { name, handlers: Handlers { start, ..Handlers::RAFT } }
    }

    pub(super) const fn of_step(
        name: &'static str,
        step: fn(&Server, State, Event) -> Step,
    ) -> Self {
        Self { name, handlers: Handlers { step, ..Handlers::RAFT } }
    }
}

// Each fault is a constant, which its entry in the catalogue names.

pub(super) const VOTE_GIVEN_TWICE: Fault = Fault::of_step("vote-given-twice", votes::given_twice);
pub(super) const VOTE_NOT_RECORDED: Fault =
    Fault::of_step("vote-not-recorded", votes::not_recorded);
pub(super) const OWN_VOTE_NOT_RECORDED: Fault =
    Fault::of_step("own-vote-not-recorded", votes::own_not_recorded);
pub(super) const VOTE_CLEARED_ON_STEP_DOWN: Fault =
    Fault::of_step("vote-cleared-on-step-down", votes::cleared_on_step_down);
pub(super) const VOTE_CLEARED_BY_HEARTBEAT: Fault =
    Fault::of_step("vote-cleared-by-heartbeat", votes::cleared_by_heartbeat);
pub(super) const LEADER_VOTES_IN_ITS_TERM: Fault =
    Fault::of_step("leader-votes-in-its-term", votes::given_by_leader);
pub(super) const STALE_VOTE_COUNTED: Fault =
    Fault::of_step("stale-vote-counted", votes::stale_counted);
pub(super) const REFUSAL_COUNTED: Fault = Fault::of_step("refusal-counted", votes::refusal_counted);
pub(super) const QUORUM_OF_ONE: Fault = Fault::of_step("quorum-of-one", votes::quorum_of_one);
pub(super) const QUORUM_OF_TWO: Fault = Fault::of_step("quorum-of-two", votes::quorum_of_two);
pub(super) const QUORUM_OF_THOSE_ALIVE: Fault =
    Fault::of_step("quorum-of-those-alive", votes::quorum_of_those_alive);
pub(super) const VOTE_REFUSED_WHEN_ASKED_AGAIN: Fault =
    Fault::of_step("vote-refused-when-asked-again", votes::refused_when_asked_again);
pub(super) const VOTE_REFUSED_TO_EVERYBODY: Fault =
    Fault::of_step("vote-refused-to-everybody", votes::refused_to_everybody);
pub(super) const VOTE_NEVER_COUNTED: Fault =
    Fault::of_step("vote-never-counted", votes::never_counted);
pub(super) const VOTE_KEPT_IN_NEWER_TERM: Fault =
    Fault::of_step("vote-kept-in-newer-term", votes::kept_in_newer_term);
pub(super) const VOTE_ANSWERED_IN_OLDER_TERM: Fault =
    Fault::of_step("vote-answered-in-older-term", votes::answered_in_older_term);
pub(super) const VOTE_FORGOTTEN_ON_RESTART: Fault =
    Fault::of_start("vote-forgotten-on-restart", disk::start_without_vote);
pub(super) const DISK_FORGOTTEN_ON_RESTART: Fault =
    Fault::of_start("disk-forgotten-on-restart", disk::start_afresh);
pub(super) const LEADS_AGAIN_AFTER_RESTART: Fault =
    Fault::of_start("leads-again-after-restart", disk::start_as_leader);
pub(super) const VOTE_NOT_PERSISTED: Fault =
    Fault::of_step("vote-not-persisted", disk::vote_not_persisted);
pub(super) const OWN_VOTE_NOT_PERSISTED: Fault =
    Fault::of_step("own-vote-not-persisted", disk::own_vote_not_persisted);
pub(super) const TERM_NOT_PERSISTED: Fault =
    Fault::of_step("term-not-persisted", disk::term_not_persisted);
pub(super) const PERSISTED_AFTER_SENDING: Fault =
    Fault::of_step("persisted-after-sending", disk::persisted_after_sending);
pub(super) const NO_STEP_DOWN: Fault = Fault::of_step("no-step-down", terms::role_kept);
pub(super) const EQUAL_TERM_RESETS: Fault =
    Fault::of_step("equal-term-resets", terms::equal_resets);
pub(super) const TERM_SET_BACK: Fault = Fault::of_step("term-set-back", terms::set_back);
pub(super) const OLDER_REQUEST_GRANTED: Fault =
    Fault::of_step("older-request-granted", terms::older_request_granted);
pub(super) const OLDER_HEARTBEAT_ACCEPTED: Fault =
    Fault::of_step("older-heartbeat-accepted", terms::older_heartbeat_accepted);
pub(super) const CAMPAIGN_IN_CURRENT_TERM: Fault =
    Fault::of_step("campaign-in-current-term", terms::campaign_in_current);
pub(super) const CANDIDATE_RETRIES_IN_ITS_TERM: Fault =
    Fault::of_step("candidate-retries-in-its-term", terms::retry_in_current);
pub(super) const TERM_SKIPPED: Fault = Fault::of_step("term-skipped", terms::skipped);
pub(super) const TERMS_WRAP_AROUND: Fault = Fault::of_step("terms-wrap-around", terms::wrapped);
pub(super) const LEADER_IGNORES_NEWER_TERM: Fault =
    Fault::of_step("leader-ignores-newer-term", terms::ignored_by_leader);
pub(super) const NEWER_TERM_IN_ANSWER_IGNORED: Fault =
    Fault::of_step("newer-term-in-answer-ignored", terms::ignored_in_answers);
pub(super) const STALE_REQUEST_DROPPED: Fault =
    Fault::of_step("stale-request-dropped", terms::stale_request_dropped);
pub(super) const STALE_REQUEST_TOLD_ITS_OWN_TERM: Fault =
    Fault::of_step("stale-request-told-its-own-term", terms::stale_request_told_its_own);
pub(super) const CANDIDATE_WAITS_FOR_EVER: Fault =
    Fault::of_step("candidate-waits-for-ever", roles::candidate_waits);
pub(super) const VOTER_NEVER_CAMPAIGNS: Fault =
    Fault::of_step("voter-never-campaigns", roles::voter_waits);
pub(super) const CANDIDATE_NEVER_STEPS_DOWN: Fault =
    Fault::of_step("candidate-never-steps-down", roles::candidate_stays);
pub(super) const CANDIDATE_GIVES_UP_WHEN_REFUSED: Fault =
    Fault::of_step("candidate-gives-up-when-refused", roles::candidate_gives_up);
pub(super) const LEADER_GIVES_UP_WHEN_REFUSING: Fault =
    Fault::of_step("leader-gives-up-when-refusing", roles::leader_gives_up_refusing);
pub(super) const LEADER_GIVES_UP_WHEN_ANSWERED: Fault =
    Fault::of_step("leader-gives-up-when-answered", roles::leader_gives_up_answered);
pub(super) const HEARTBEAT_OF_DEPOSED_LEADER: Fault =
    Fault::of_step("heartbeat-of-deposed-leader", roles::deposed_heartbeat);
pub(super) const NO_FIRST_HEARTBEAT: Fault =
    Fault::of_step("no-first-heartbeat", roles::no_first_heartbeat);
pub(super) const NO_HEARTBEATS: Fault = Fault::of_step("no-heartbeats", roles::no_heartbeats);
pub(super) const TIMER_RUNS_ON_AFTER_VOTE: Fault =
    Fault::of_step("timer-runs-on-after-vote", timers::runs_on_after_vote);
pub(super) const TIMER_RUNS_ON_AFTER_HEARTBEAT: Fault =
    Fault::of_step("timer-runs-on-after-heartbeat", timers::runs_on_after_heartbeat);
pub(super) const TIMER_STOPS_AFTER_CAMPAIGN: Fault =
    Fault::of_step("timer-stops-after-campaign", timers::stops_after_campaign);
pub(super) const TIMER_RUNS_ON_AFTER_STEP_DOWN: Fault =
    Fault::of_step("timer-runs-on-after-step-down", timers::runs_on_after_step_down);
pub(super) const TIMER_RESTARTED_BY_REFUSED_REQUEST: Fault =
    Fault::of_step("timer-restarted-by-refused-request", timers::restarted_by_refused);
pub(super) const TIMER_RESTARTED_BY_STALE_REQUEST: Fault =
    Fault::of_step("timer-restarted-by-stale-request", timers::restarted_by_stale);
pub(super) const TIMER_RESTARTED_BY_NEWER_TERM: Fault =
    Fault::of_step("timer-restarted-by-newer-term", timers::restarted_by_newer_term);

/// All faults.
pub const FAULTS: &[Fault] = &[
    VOTE_GIVEN_TWICE,
    VOTE_NOT_RECORDED,
    OWN_VOTE_NOT_RECORDED,
    VOTE_CLEARED_ON_STEP_DOWN,
    VOTE_CLEARED_BY_HEARTBEAT,
    LEADER_VOTES_IN_ITS_TERM,
    STALE_VOTE_COUNTED,
    REFUSAL_COUNTED,
    QUORUM_OF_ONE,
    QUORUM_OF_TWO,
    QUORUM_OF_THOSE_ALIVE,
    VOTE_REFUSED_WHEN_ASKED_AGAIN,
    VOTE_REFUSED_TO_EVERYBODY,
    VOTE_NEVER_COUNTED,
    VOTE_KEPT_IN_NEWER_TERM,
    VOTE_ANSWERED_IN_OLDER_TERM,
    VOTE_FORGOTTEN_ON_RESTART,
    DISK_FORGOTTEN_ON_RESTART,
    LEADS_AGAIN_AFTER_RESTART,
    VOTE_NOT_PERSISTED,
    OWN_VOTE_NOT_PERSISTED,
    TERM_NOT_PERSISTED,
    PERSISTED_AFTER_SENDING,
    NO_STEP_DOWN,
    EQUAL_TERM_RESETS,
    TERM_SET_BACK,
    OLDER_REQUEST_GRANTED,
    OLDER_HEARTBEAT_ACCEPTED,
    CAMPAIGN_IN_CURRENT_TERM,
    CANDIDATE_RETRIES_IN_ITS_TERM,
    TERM_SKIPPED,
    TERMS_WRAP_AROUND,
    LEADER_IGNORES_NEWER_TERM,
    NEWER_TERM_IN_ANSWER_IGNORED,
    STALE_REQUEST_DROPPED,
    STALE_REQUEST_TOLD_ITS_OWN_TERM,
    CANDIDATE_WAITS_FOR_EVER,
    VOTER_NEVER_CAMPAIGNS,
    CANDIDATE_NEVER_STEPS_DOWN,
    CANDIDATE_GIVES_UP_WHEN_REFUSED,
    LEADER_GIVES_UP_WHEN_REFUSING,
    LEADER_GIVES_UP_WHEN_ANSWERED,
    HEARTBEAT_OF_DEPOSED_LEADER,
    NO_FIRST_HEARTBEAT,
    NO_HEARTBEATS,
    TIMER_RUNS_ON_AFTER_VOTE,
    TIMER_RUNS_ON_AFTER_HEARTBEAT,
    TIMER_STOPS_AFTER_CAMPAIGN,
    TIMER_RUNS_ON_AFTER_STEP_DOWN,
    TIMER_RESTARTED_BY_REFUSED_REQUEST,
    TIMER_RESTARTED_BY_STALE_REQUEST,
    TIMER_RESTARTED_BY_NEWER_TERM,
];

/// The step of a server that takes no notice of what happens.
const fn ignored(before: State, rule: Rule) -> Step {
    let outgoing = Outgoing::Nothing;
    Step { state: before, rule, persist: false, outgoing, restart_timer: false }
}
