//! The rules of the specification: each step applies one of them.

/// The rule that a step applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Rule {
    /// The server came up, with the ballot it had stored.
    Started,

    /// The election timer fired: a new term, a vote for itself, a request to everybody.
    Campaigned,
    /// A quorum granted its vote: the server leads, and says so with its first heartbeat.
    Elected,
    /// The heartbeat timer fired: the leader says again that it is alive.
    HeartbeatSent,
    /// The server should campaign, but there is no later term: nothing happens.
    TermsExhausted,
    /// The election timer of a witness fired: it waits on, since it never campaigns.
    WitnessWaits,

    /// The candidate has this server's vote, now or from an earlier request in the same term.
    VoteGranted,
    /// Another candidate, or the server itself, has the vote of this term.
    VoteRefused,

    /// A vote was added; it does not make a quorum yet.
    VoteCounted,
    /// A vote of this term for a server that does not stand: it leads already, it has lost, or it
    /// has restarted since.
    VoteNotCounted,
    /// A refusal of this term: of the request of this term, or of an older one by a server that had
    /// reached this term before.
    RefusalHeard,

    /// A heartbeat of this term's leader: the follower waits anew.
    HeartbeatAccepted,
    /// A heartbeat of this term's leader: the candidate has lost, or the pre-candidate need not
    /// ask, and keeps its vote.
    SteppedDown,
    /// A heartbeat of another leader of the leader's own term, which Election Safety excludes.
    RivalIgnored,
    /// An answer of this term, to a heartbeat of this term or of an older one.
    HeartbeatAnswered,

    /// A request of an older term: its sender is told the newer one.
    StaleRequestRefused,
    /// A response of an older term: ignored.
    StaleResponseIgnored,
    /// A response that carries a newer term: adopted.
    NewerTermAdopted,

    /// The contact timer fired: the server has heard no leader for a minimum election timeout, and
    /// may help somebody to office.
    ContactLost,
    /// The server is in contact: it would not and does not vote, whatever the term.
    ContactKept,

    /// The election timer fired: the server asks whether it would be elected.
    PreCampaigned,
    /// A vote would be granted; nothing changes.
    PreVoteGranted,
    /// A vote would not be granted; nothing changes.
    PreVoteRefused,
    /// Somebody would vote for this server; that makes no quorum yet.
    PreVoteCounted,
    /// Somebody would have voted for this server, but it does not ask, or asks again.
    PreVoteNotCounted,

    /// A quorum had answered: the leader opens the next round.
    RoundOpened,
    /// An answer to the open round was added.
    AnswerCounted,
    /// The open round is answered by a quorum.
    RoundAnswered,
    /// No quorum answered in time: the leader leaves office.
    QuorumLost,

    /// The leader leaves office for good, and asks another server to take over.
    HandedOver,
    /// A server was told to hand over that does not lead, or leads the last term, or is to hand
    /// over to a witness; or an order of an older term arrived, or a witness got one.
    HandOverIgnored,

    /// The disk is lost: the server is silent, and asks every other one for its current term.
    DiskLost,
    /// Another server has told its term; not all have.
    TermHeard,
    /// Every other server has told its term: the server is back, in the newest of them, whose vote
    /// is spent.
    Returned,
    /// A term was told to a server that is not returning.
    TermNotAsked,
    /// The server has lost its disk and is not back: it takes no notice of anything else.
    NotBack,
}

impl Rule {
    /// Whether the timer starts again: when the server starts, when the timer has fired, and when
    /// the server is elected, has given its vote or has heard the current leader (Figure 2, "Rules
    /// for Servers"). In particular neither a refused request nor a newer term alone keeps a
    /// follower from campaigning, and neither lengthens a contact. (A vote that is given in
    /// contact, to whom leadership was handed over, does: it only promises more.)
    pub(super) const fn restarts_timer(self) -> bool {
        match self {
            Self::Started
            | Self::Campaigned
            | Self::Elected
            | Self::HeartbeatSent
            | Self::TermsExhausted
            | Self::WitnessWaits
            | Self::VoteGranted
            | Self::HeartbeatAccepted
            | Self::SteppedDown
            | Self::ContactLost
            | Self::PreCampaigned
            | Self::RoundOpened
            | Self::QuorumLost
            | Self::HandedOver
            | Self::DiskLost
            | Self::Returned => true,
            Self::VoteRefused
            | Self::VoteCounted
            | Self::VoteNotCounted
            | Self::RefusalHeard
            | Self::RivalIgnored
            | Self::HeartbeatAnswered
            | Self::StaleRequestRefused
            | Self::StaleResponseIgnored
            | Self::NewerTermAdopted
            | Self::ContactKept
            | Self::PreVoteGranted
            | Self::PreVoteRefused
            | Self::PreVoteCounted
            | Self::PreVoteNotCounted
            | Self::AnswerCounted
            | Self::RoundAnswered
            | Self::HandOverIgnored
            | Self::TermHeard
            | Self::TermNotAsked
            | Self::NotBack => false,
        }
    }
}
