//! The part of the catalogue that is about the guards: contact, rounds and leases, hand-over,
//! pre-vote; and about witnesses.

use super::{Mutant, counting, faults};
use crate::cluster::Protocol;
use crate::world::properties::Property::{LeaderHasQuorum, LeaseSafety, VoteOncePerTerm};

/// Where the models have lost disks, two leaders of one term are found.
const LOST_DISK: &str = "GrantOncePerTerm and ElectionSafety break where a disk may be lost, which it may nowhere else.";

/// By check-quorum, and then by both guards. In the end what a lost disk takes, by Figure 2.
pub(super) const GUARDED: &[Mutant] = &[
    Mutant::breaks(faults::CONTACT_FORGOTTEN_ON_RESTART, LeaseSafety, (3, 2), 13)
        .says("a server that restarts may vote at once, whatever it promised before")
        .seen("https://github.com/tikv/tikv/issues/15035")
        .played("23_asked_after_restart")
        .by(Protocol::CHECK_QUORUM),
    Mutant::breaks(faults::HEARTBEAT_BEGINS_NO_CONTACT, LeaseSafety, (3, 2), 12)
        .says("a server that answers its leader promises nothing by that")
        .seen("https://github.com/sofastack/sofa-jraft/issues/25")
        .remarked(
            "The system that had it kept whoever hears its leader from asking, and not from voting.",
        )
        .played("18_cut_off_server_returns")
        .by(Protocol::CHECK_QUORUM),
    Mutant::breaks(faults::EX_LEADER_NOT_IN_CONTACT, LeaseSafety, (3, 2), 14)
        .says("a leader that leaves office may vote at once, although it answered its own rounds")
        .played("24_deposed_leader_stays_in_contact")
        .by(Protocol::CHECK_QUORUM),
    Mutant::breaks(faults::VOTE_GRANTED_IN_CONTACT, LeaseSafety, (3, 2), 12)
        .says("a follower votes although it is in contact")
        .played("21_star")
        .by(Protocol::CHECK_QUORUM),
    Mutant::breaks(faults::LEADER_ADOPTS_UNFLAGGED_REQUEST, LeaseSafety, (3, 2), 12)
        .says("a leader gives way to any candidate of a newer term")
        .seen("https://github.com/baidu/braft/issues/463")
        .remarked(
            "The system that has it ends the lease then, and loses no more than a healthy leader.",
        )
        .played("23_asked_after_restart")
        .by(Protocol::CHECK_QUORUM),
    Mutant::breaks(faults::NEWER_TERM_ENDS_CONTACT, LeaseSafety, (3, 2), 15)
        .says("a follower that learns of a newer term is no longer in contact")
        .played("25_newer_term_in_contact")
        .by(Protocol::CHECK_QUORUM),
    Mutant::breaks(faults::VOTE_ENDS_CONTACT, LeaseSafety, (3, 3), 17)
        .says("a vote that is given in contact, because leadership was handed over, ends it")
        .played("31_hand_over")
        .by(Protocol::CHECK_QUORUM),
    Mutant::breaks(faults::VOTES_COUNT_AS_ANSWERS, LeaseSafety, (3, 2), 9)
        .says("whoever has voted for a leader has answered its first round")
        .played("01_first_election")
        .by(Protocol::CHECK_QUORUM),
    Mutant::breaks(faults::LEASE_COUNTED_FROM_ANSWER, LeaseSafety, (3, 2), 13)
        .says("a lease is counted from the moment in which a quorum's answer arrives")
        .played("18_cut_off_server_returns")
        .by(Protocol::CHECK_QUORUM),
    Mutant::breaks(faults::HAND_OVER_KEEPS_OFFICE, LeaseSafety, (3, 2), 13)
        .says("a leader that has asked another server to take over leads on until it is deposed")
        .seen("https://github.com/tikv/raft-rs/issues/234")
        .played("31_hand_over")
        .by(Protocol::CHECK_QUORUM),
    Mutant::breaks(faults::HAND_OVER_FLAG_KEPT, LeaseSafety, (3, 2), 14)
        .says("a candidate that asks again says that leadership was handed over to it")
        .remarked(
            "A candidate does not know whether it was asked to take over: so every one that asks again says so.",
        )
        .played("03_candidate_asked_for_its_vote")
        .by(Protocol::CHECK_QUORUM),
    Mutant::tested(faults::STALE_HAND_OVER_OBEYED, "faults")
        .says("a server takes over for a leader of an older term")
        .seen("https://github.com/tikv/raft-rs/issues/234")
        .remarked(
            "LeaseSafety breaks in 17 steps, 3 servers, max term 3, which reduced states do not show: a stale order is dead in them.",
        )
        .played("31_hand_over")
        .by(Protocol::CHECK_QUORUM),
    Mutant::resizes(faults::LATE_ANSWER_COUNTS, (2, 1), (424, 1382))
        .says("an answer counts for the open round, whichever round it answers")
        .played("26_late_answers")
        .remarked(
            "LeaseSafety breaks in 15 steps, 3 servers, max term 2, which reduced states do not show: a late answer is dead in them. tests/faults.rs tells how.",
        )
        .by(Protocol::CHECK_QUORUM),
    Mutant::resizes(faults::REFUSAL_RETURNS_ROUND, (3, 2), (8391, 69659))
        .says("a refusal says which round it refuses, and may be taken for an answer later on")
        .remarked(
            "LeaseSafety breaks in 19 steps, 3 servers, max term 3, which reduced states do not show: a refusal is news in them, and no more. tests/faults.rs tells how.",
        )
        .played("08_old_leader_returns")
        .by(Protocol::CHECK_QUORUM),
    Mutant::resizes(faults::REFUSED_REQUEST_MOVES_TERM, (2, 1), (200, 638))
        .says("a follower that refuses a request in contact takes over its term")
        .played("21_star")
        .by(Protocol::CHECK_QUORUM),
    Mutant::resizes(faults::REFUSED_REQUEST_RENEWS_CONTACT, (3, 1), (417, 2429))
        .says("a follower that refuses a request in contact begins its contact anew")
        .played("24_deposed_leader_stays_in_contact")
        .by(Protocol::CHECK_QUORUM),
    Mutant::resizes(faults::CONTACT_NEVER_ENDS, (2, 1), (1, 0))
        .says("a server that has once heard a leader waits for it for ever")
        .remarked(
            "Nobody is ever elected: it is in contact from its start on.",
        )
        .played("18_cut_off_server_returns")
        .by(Protocol::CHECK_QUORUM),
    Mutant::resizes(faults::STALE_HEARTBEAT_IGNORED, (3, 2), (8391, 69217))
        .says("a heartbeat of an older term draws no answer, so that its leader hears of no newer one")
        .seen("https://github.com/etcd-io/etcd/issues/8501")
        .played("30_stuck_in_higher_term")
        .by(Protocol::CHECK_QUORUM),
    Mutant::resizes(faults::LEADER_STAYS_WITHOUT_QUORUM, (2, 1), (408, 1274))
        .says("a leader that a quorum does not answer leads on, and keeps some in contact")
        .seen("https://github.com/databendlabs/openraft/issues/2080")
        .played("21_star")
        .by(Protocol::CHECK_QUORUM),
    Mutant::resizes(faults::ROUND_NEVER_CLOSES, (2, 1), (296, 918))
        .says("a leader whose round is answered asks the same again, and has no later lease")
        .played("18_cut_off_server_returns")
        .by(Protocol::CHECK_QUORUM),
    Mutant::resizes(faults::HAND_OVER_UNFLAGGED, (3, 2), (7178, 59947))
        .says("whoever is asked to take over does not say so, and is refused by all in contact")
        .played("31_hand_over")
        .by(Protocol::CHECK_QUORUM),
    Mutant::resizes(faults::HAND_OVER_FLAG_IGNORED, (3, 2), (8391, 69060))
        .says("a server in contact refuses also whom leadership was handed over to")
        .seen("https://github.com/baidu/braft/pull/262")
        .played("31_hand_over")
        .by(Protocol::CHECK_QUORUM),
    Mutant::resizes(faults::HAND_OVER_ASKS_FIRST, (3, 2), (125783, 1287115))
        .says("whoever is asked to take over asks for pre-votes, which all in contact refuse")
        .seen("https://github.com/canonical/raft/issues/203")
        .played("31_hand_over")
        .by(Protocol::GUARDED),
    Mutant::breaks(faults::PRE_VOTE_ENDS_CONTACT, LeaseSafety, (3, 2), 15)
        .says("whoever is asked for a pre-vote enters its term, and is no longer in contact")
        .played("18_cut_off_server_returns")
        .by(Protocol::GUARDED),
    Mutant::breaks(faults::PRE_VOTE_CLEARS_VOTE, VoteOncePerTerm, (3, 2), 10)
        .says("a server that asks for pre-votes forgets whom it has voted for")
        .seen("https://github.com/canonical/raft/issues/196")
        .remarked(
            "Whoever has voted in a term must not vote for another one in it, also if it asks about the next.",
        )
        .played("18_cut_off_server_returns")
        .by(Protocol::GUARDED),
    Mutant::breaks(faults::PRE_VOTE_COUNTS_AS_VOTE, LeaderHasQuorum, (2, 1), 6)
        .says("a candidate takes a late yes to its pre-vote for a vote")
        .seen("https://github.com/canonical/raft/issues/196")
        .played("27_late_yes")
        .by(Protocol::GUARDED),
    Mutant::resizes(faults::PRE_VOTE_SKIPPED, (2, 1), (408, 1306))
        .says("a server campaigns without asking first, and comes back with a newer term")
        .seen("https://github.com/etcd-io/etcd/issues/9333")
        .played("18_cut_off_server_returns")
        .by(Protocol::GUARDED),
    Mutant::resizes(faults::PRE_VOTE_ADOPTS_TERM, (2, 1), (1125, 4174))
        .says("whoever is asked for a pre-vote enters its term, and stays in contact")
        .played("18_cut_off_server_returns")
        .by(Protocol::GUARDED),
    Mutant::resizes(faults::PRE_VOTE_WITHOUT_ATTEMPT, (3, 1), (1480, 10144))
        .says("a yes to a pre-vote counts for every later attempt in the same term")
        .played("27_late_yes")
        .by(Protocol::GUARDED),
    Mutant::resizes(faults::PRE_VOTE_GRANTED_IN_CONTACT, (2, 1), (1820, 6646))
        .says("a follower says yes to a pre-vote although it would not vote: it is in contact")
        .played("18_cut_off_server_returns")
        .by(Protocol::GUARDED),
    Mutant::resizes(faults::PRE_VOTE_GRANTED_BY_LEADER, (3, 2), (140302, 1468305))
        .says("a leader says yes to a pre-vote")
        .seen("https://github.com/baidu/braft/pull/366")
        .played("18_cut_off_server_returns")
        .by(Protocol::GUARDED),
    Mutant::resizes(faults::PRE_VOTE_IGNORES_VOTE, (2, 1), (11408, 44416))
        .says("a server says yes to a pre-vote although it has voted for another one in that term")
        .played("25_newer_term_in_contact")
        .by(Protocol::GUARDED),
    Mutant::resizes(faults::PRE_VOTE_REFUSAL_TELLS_NOTHING, (2, 1), (1006, 3244))
        .says("a pre-vote is refused by silence, so that whoever lags behind does not come to know")
        .seen("https://github.com/etcd-io/etcd/issues/8243")
        .played("29_precandidate_lags")
        .by(Protocol::GUARDED),
    Mutant::resizes(faults::PRE_VOTE_REFUSAL_NOT_HEARD, (2, 1), (10944, 43152))
        .says("the term of a refused pre-vote is not adopted")
        .seen("https://github.com/canonical/raft/issues/279")
        .played("29_precandidate_lags")
        .by(Protocol::GUARDED),
    Mutant::resizes(faults::PRE_VOTE_YES_ADOPTED, (2, 1), (528, 1824))
        .says("a yes to a pre-vote is taken for news of the term that was asked about")
        .played("18_cut_off_server_returns")
        .by(Protocol::GUARDED),
    Mutant::resizes(faults::PRE_CANDIDATE_STAYS_AFTER_VOTE, (3, 2), (137488, 1426614))
        .says("a server that has voted for a rival goes on asking for pre-votes")
        .played("28_precandidate_votes")
        .by(Protocol::GUARDED),
    Mutant::tested(faults::TIMER_RESTARTED_BY_PRE_VOTE, "faults")
        .says("a follower that says yes to a pre-vote waits anew")
        .seen("https://github.com/hashicorp/raft/pull/609")
        .played("18_cut_off_server_returns")
        .by(Protocol::GUARDED),
    Mutant::tested(faults::WITNESS_CAMPAIGNS, "witness")
        .says("a witness campaigns when its timer fires")
        .remarked("It is as safe as anybody's campaign; but the service has no machine there.")
        .played("32_witness")
        .by(Protocol::GUARDED),
    Mutant::tested(faults::WITNESS_TAKES_OVER, "witness")
        .says("a witness that is asked to take over does so")
        .remarked("No server asks one: it takes an old program, or another configuration.")
        .by(Protocol::GUARDED),
    Mutant::tested(faults::BACK_AFTER_QUORUM, "lost_disk")
        .says("a server that has lost its disk is back when it has heard a quorum")
        .remarked(LOST_DISK)
        .played("36_lost_disk"),
    Mutant::tested(counting::BACK_AFTER_MEETING_QUORUMS, "lost_disk")
        .says(
            "a server that has lost its disk is back when it has heard of so many others that no \
             quorum is left without one",
        )
        .remarked(LOST_DISK),
    Mutant::tested(faults::NEWEST_VOTE_UNSPENT, "lost_disk")
        .says("a server that has lost its disk may vote in the newest term that it is told")
        .remarked(LOST_DISK)
        .played("36_lost_disk"),
    Mutant::tested(counting::OLD_ANSWER_BELIEVED, "lost_disk")
        .says("what another server's term is was asked before the disk was lost")
        .remarked(LOST_DISK)
        .played("36_lost_disk"),
];
