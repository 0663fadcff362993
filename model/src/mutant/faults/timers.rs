//! Mistakes about timers, which a model without time cannot see.

use super::super::election::{Event, Role, Rule, Server, State, Step};

pub(super) fn runs_on_after_vote(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::VoteGranted => runs_on(before, step),
        _ => step,
    }
}

pub(super) fn runs_on_after_heartbeat(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::HeartbeatAccepted => runs_on(before, step),
        _ => step,
    }
}

/// The timer of a candidate is not set again, so that it never fires again.
pub(super) fn stops_after_campaign(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::Campaigned => runs_on(before, step),
        _ => step,
    }
}

/// The timer of a leader that steps down is still that of its heartbeats.
pub(super) fn runs_on_after_step_down(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match (before.role, step.state.role) {
        (Role::Leader { .. }, Role::Follower { .. }) => Step { restart_timer: false, ..step },
        _ => step,
    }
}

pub(super) fn restarted_by_refused(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::VoteRefused => Step { restart_timer: true, ..step },
        _ => step,
    }
}

pub(super) fn restarted_by_stale(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::StaleRequestRefused => Step { restart_timer: true, ..step },
        _ => step,
    }
}

pub(super) fn restarted_by_newer_term(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::NewerTermAdopted => Step { restart_timer: true, ..step },
        _ => step,
    }
}

/// A question that is answered with yes is taken for a sign of life of a leader.
pub(super) fn restarted_by_pre_vote(server: &Server, before: State, event: Event) -> Step {
    let step = server.step(before, event);
    match step.rule {
        Rule::PreVoteGranted => Step { restart_timer: true, ..step },
        _ => step,
    }
}

/// The step, but that it restarts no timer that was running.
fn runs_on(before: State, step: Step) -> Step {
    Step { restart_timer: before.timer() != step.state.timer(), ..step }
}
