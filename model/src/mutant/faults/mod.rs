//! What a mistake does: it calls the functions of the specification, and changes what goes in or
//! what comes out.
//!
//! Like the specification, these files import only from their neighbours by `super::`, and use
//! servers, terms and sets of votes through no more than equality, order, `Term::next`,
//! `ServerSet::only`, `ServerSet::with`, `Cluster::is_quorum` and `Cluster::is_witness`, and what
//! is counted through its first and equality: so that they can be compiled once more against other
//! types, such as symbols. What a fault is called, and where it was seen, stands in the catalogue.

use super::election::{Ballot, Event, Handlers, Outgoing, Rule, Server, State, Step};

mod contact;
mod disk;
mod leases;
mod loss;
mod pre_vote;
mod roles;
mod terms;
mod timers;
mod votes;
mod witness;

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
pub(super) const CONTACT_FORGOTTEN_ON_RESTART: Fault =
    Fault::of_start("contact-forgotten-on-restart", contact::forgotten_on_restart);
pub(super) const HEARTBEAT_BEGINS_NO_CONTACT: Fault =
    Fault::of_step("heartbeat-begins-no-contact", contact::not_begun_by_heartbeat);
pub(super) const EX_LEADER_NOT_IN_CONTACT: Fault =
    Fault::of_step("ex-leader-not-in-contact", contact::not_begun_by_leaving_office);
pub(super) const VOTE_GRANTED_IN_CONTACT: Fault =
    Fault::of_step("vote-granted-in-contact", contact::vote_granted);
pub(super) const LEADER_ADOPTS_UNFLAGGED_REQUEST: Fault =
    Fault::of_step("leader-adopts-unflagged-request", contact::adopted_by_leader);
pub(super) const REFUSED_REQUEST_MOVES_TERM: Fault =
    Fault::of_step("refused-request-moves-term", contact::term_moved);
pub(super) const REFUSED_REQUEST_RENEWS_CONTACT: Fault =
    Fault::of_step("refused-request-renews-contact", contact::renewed_by_refusal);
pub(super) const NEWER_TERM_ENDS_CONTACT: Fault =
    Fault::of_step("newer-term-ends-contact", contact::ended_by_newer_term);
pub(super) const VOTE_ENDS_CONTACT: Fault =
    Fault::of_step("vote-ends-contact", contact::ended_by_vote);
pub(super) const CONTACT_NEVER_ENDS: Fault =
    Fault::of_step("contact-never-ends", contact::never_ended);
pub(super) const STALE_HEARTBEAT_IGNORED: Fault =
    Fault::of_step("stale-heartbeat-ignored", contact::stale_heartbeat_ignored);
pub(super) const HAND_OVER_FLAG_IGNORED: Fault =
    Fault::of_step("hand-over-flag-ignored", contact::flag_ignored);
pub(super) const LATE_ANSWER_COUNTS: Fault =
    Fault::of_step("late-answer-counts", leases::late_answer_counted);
pub(super) const REFUSAL_RETURNS_ROUND: Fault =
    Fault::of_step("refusal-returns-round", leases::round_of_refused);
pub(super) const VOTES_COUNT_AS_ANSWERS: Fault =
    Fault::of_step("votes-count-as-answers", leases::votes_are_answers);
pub(super) const LEASE_COUNTED_FROM_ANSWER: Fault =
    Fault::of_step("lease-counted-from-answer", leases::counted_from_answer);
pub(super) const LEADER_STAYS_WITHOUT_QUORUM: Fault =
    Fault::of_step("leader-stays-without-quorum", leases::quorum_not_missed);
pub(super) const ROUND_NEVER_CLOSES: Fault =
    Fault::of_step("round-never-closes", leases::round_kept_open);
pub(super) const HAND_OVER_KEEPS_OFFICE: Fault =
    Fault::of_step("hand-over-keeps-office", leases::office_kept);
pub(super) const STALE_HAND_OVER_OBEYED: Fault =
    Fault::of_step("stale-hand-over-obeyed", leases::stale_order_obeyed);
pub(super) const HAND_OVER_UNFLAGGED: Fault =
    Fault::of_step("hand-over-unflagged", leases::order_not_told);
pub(super) const HAND_OVER_FLAG_KEPT: Fault =
    Fault::of_step("hand-over-flag-kept", leases::order_told_again);
pub(super) const HAND_OVER_ASKS_FIRST: Fault =
    Fault::of_step("hand-over-asks-first", leases::order_asked_about);
pub(super) const PRE_VOTE_SKIPPED: Fault = Fault::of_step("pre-vote-skipped", pre_vote::skipped);
pub(super) const PRE_VOTE_ADOPTS_TERM: Fault =
    Fault::of_step("pre-vote-adopts-term", pre_vote::term_adopted);
pub(super) const PRE_VOTE_ENDS_CONTACT: Fault =
    Fault::of_step("pre-vote-ends-contact", pre_vote::contact_ended);
pub(super) const PRE_VOTE_WITHOUT_ATTEMPT: Fault =
    Fault::of_step("pre-vote-without-attempt", pre_vote::attempts_alike);
pub(super) const PRE_VOTE_GRANTED_IN_CONTACT: Fault =
    Fault::of_step("pre-vote-granted-in-contact", pre_vote::granted_in_contact);
pub(super) const PRE_VOTE_GRANTED_BY_LEADER: Fault =
    Fault::of_step("pre-vote-granted-by-leader", pre_vote::granted_by_leader);
pub(super) const PRE_VOTE_IGNORES_VOTE: Fault =
    Fault::of_step("pre-vote-ignores-vote", pre_vote::vote_ignored);
pub(super) const PRE_VOTE_REFUSAL_TELLS_NOTHING: Fault =
    Fault::of_step("pre-vote-refusal-tells-nothing", pre_vote::refusal_not_sent);
pub(super) const PRE_VOTE_REFUSAL_NOT_HEARD: Fault =
    Fault::of_step("pre-vote-refusal-not-heard", pre_vote::refusal_not_heard);
pub(super) const PRE_VOTE_YES_ADOPTED: Fault =
    Fault::of_step("pre-vote-yes-adopted", pre_vote::yes_adopted);
pub(super) const PRE_VOTE_COUNTS_AS_VOTE: Fault =
    Fault::of_step("pre-vote-counts-as-vote", pre_vote::yes_is_vote);
pub(super) const PRE_VOTE_CLEARS_VOTE: Fault =
    Fault::of_step("pre-vote-clears-vote", pre_vote::vote_cleared);
pub(super) const PRE_CANDIDATE_STAYS_AFTER_VOTE: Fault =
    Fault::of_step("pre-candidate-stays-after-vote", pre_vote::asked_on_after_vote);
pub(super) const TIMER_RESTARTED_BY_PRE_VOTE: Fault =
    Fault::of_step("timer-restarted-by-pre-vote", timers::restarted_by_pre_vote);
pub(super) const BACK_AFTER_QUORUM: Fault =
    Fault::of_step("back-after-quorum", loss::back_after_quorum);
pub(super) const NEWEST_VOTE_UNSPENT: Fault =
    Fault::of_step("newest-vote-unspent", loss::newest_vote_unspent);
pub(super) const WITNESS_CAMPAIGNS: Fault = Fault::of_step("witness-campaigns", witness::campaigns);
pub(super) const WITNESS_TAKES_OVER: Fault =
    Fault::of_step("witness-takes-over", witness::takes_over);

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
    CONTACT_FORGOTTEN_ON_RESTART,
    HEARTBEAT_BEGINS_NO_CONTACT,
    EX_LEADER_NOT_IN_CONTACT,
    VOTE_GRANTED_IN_CONTACT,
    LEADER_ADOPTS_UNFLAGGED_REQUEST,
    REFUSED_REQUEST_MOVES_TERM,
    REFUSED_REQUEST_RENEWS_CONTACT,
    NEWER_TERM_ENDS_CONTACT,
    VOTE_ENDS_CONTACT,
    CONTACT_NEVER_ENDS,
    STALE_HEARTBEAT_IGNORED,
    HAND_OVER_FLAG_IGNORED,
    LATE_ANSWER_COUNTS,
    REFUSAL_RETURNS_ROUND,
    VOTES_COUNT_AS_ANSWERS,
    LEASE_COUNTED_FROM_ANSWER,
    LEADER_STAYS_WITHOUT_QUORUM,
    ROUND_NEVER_CLOSES,
    HAND_OVER_KEEPS_OFFICE,
    STALE_HAND_OVER_OBEYED,
    HAND_OVER_UNFLAGGED,
    HAND_OVER_FLAG_KEPT,
    HAND_OVER_ASKS_FIRST,
    PRE_VOTE_SKIPPED,
    PRE_VOTE_ADOPTS_TERM,
    PRE_VOTE_ENDS_CONTACT,
    PRE_VOTE_WITHOUT_ATTEMPT,
    PRE_VOTE_GRANTED_IN_CONTACT,
    PRE_VOTE_GRANTED_BY_LEADER,
    PRE_VOTE_IGNORES_VOTE,
    PRE_VOTE_REFUSAL_TELLS_NOTHING,
    PRE_VOTE_REFUSAL_NOT_HEARD,
    PRE_VOTE_YES_ADOPTED,
    PRE_VOTE_COUNTS_AS_VOTE,
    PRE_VOTE_CLEARS_VOTE,
    PRE_CANDIDATE_STAYS_AFTER_VOTE,
    TIMER_RESTARTED_BY_PRE_VOTE,
    WITNESS_CAMPAIGNS,
    WITNESS_TAKES_OVER,
    BACK_AFTER_QUORUM,
    NEWEST_VOTE_UNSPENT,
];

/// The step of a server that takes no notice of what happens.
const fn ignored(before: State, rule: Rule) -> Step {
    let outgoing = Outgoing::Nothing;
    Step { state: before, rule, persist: false, outgoing, restart_timer: false }
}

/// The step, but that it leaves the server in this state.
fn leaving(before: State, step: Step, state: State) -> Step {
    let restart_timer = step.restart_timer || state.timer() != before.timer();
    Step { state, persist: state.ballot != before.ballot, restart_timer, ..step }
}
