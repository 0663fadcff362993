//! The invariant of leases, what is assumed of clocks, and what follows.

use super::super::logic::Definition;

/// Something that is proved of leases.
#[derive(Debug)]
pub struct Statement {
    /// Its name.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub says: &'static str,
    /// What it says, as a formula.
    pub formula: &'static str,
}

/// The one thing that is assumed of clocks: its name, what it says, and its formula, which is true
/// whenever the contact of the server `me` ends.
pub const CLOCKS: (&str, &str, &str) = (
    "ContactOutlastsLease",
    "When a contact ends, every round that was opened before this contact began is over: a contact \
     lasts at least as long as a lease, however the rates of clocks differ within their bound.",
    "(forall ((c Server) (t Term) (n Round)) (=> (since me c t n) (over c t n)))",
);

/// The words that the invariant is told in.
pub(in crate::proof) const DEFINITIONS: [Definition; 4] = [
    Definition {
        name: "has_answered",
        says: "A server has answered a round of that one: it has said so, or has opened it itself.",
        parameters: "((s Server) (c Server) (t Term) (n Round))",
        formula: "(or (answer s c t n) (and (= s c) (opened c t n)))",
    },
    Definition {
        name: "promises",
        says: "A server is in contact, and has been since that round was opened.",
        parameters: "((s Server) (c Server) (t Term) (n Round))",
        formula: "(and (contact s) (since s c t n))",
    },
    Definition {
        name: "is_done",
        says: "A round gives no lease any more: time has passed, or its leader has handed over.",
        parameters: "((c Server) (t Term) (n Round))",
        formula: "(or (over c t n) (hand_over c t))",
    },
    Definition {
        name: "led_between",
        says: "Somebody has led between these terms.",
        parameters: "((t Term) (u Term))",
        formula: "(exists ((e Server) (v Term)) (and (older t v) (older v u) (has_led e v)))",
    },
];

const fn statement(name: &'static str, says: &'static str, formula: &'static str) -> Statement {
    Statement { name, says, formula }
}

/// The invariant: first votes and offices, then hand-over, then rounds, then time.
pub const LEASES: [Statement; 20] = [
    statement(
        "VotedNotInFuture",
        "No server has voted in a term that it has not reached.",
        "(forall ((s Server) (t Term) (c Server)) \
         (=> (has_voted s t c) (not (older (current_term s) t))))",
    ),
    statement(
        "BallotIsVote",
        "In its current term, a server has voted for whom its ballot has a vote.",
        "(forall ((s Server) (c Server)) (= (has_voted s (current_term s) c) (voted_for s c)))",
    ),
    statement(
        "VotedOnce",
        "No server has voted for two in one term.",
        "(forall ((s Server) (t Term) (c Server) (d Server)) \
         (=> (and (has_voted s t c) (has_voted s t d)) (= c d)))",
    ),
    statement(
        "GrantedWasVoted",
        "A vote that was granted was on the ballot.",
        "(forall ((s Server) (t Term) (c Server)) (=> (vote_granted s t c) (has_voted s t c)))",
    ),
    statement(
        "CountedWasVoted",
        "A vote that a candidate has counted was on the ballot.",
        "(forall ((c Server) (s Server)) \
         (=> (and (candidate c) (votes c s)) (has_voted s (current_term c) c)))",
    ),
    statement(
        "LedNotInFuture",
        "No server has led a term that it has not reached.",
        "(forall ((c Server) (t Term)) (=> (has_led c t) (not (older (current_term c) t))))",
    ),
    statement(
        "LeaderHasLed",
        "A leader has led its current term.",
        "(forall ((c Server)) (=> (leader c) (has_led c (current_term c))))",
    ),
    statement(
        "LedByQuorum",
        "For whoever has led a term its electors, a quorum, have voted.",
        "(forall ((c Server) (t Term) (s Server)) \
         (=> (and (has_led c t) (member s (electors c t))) (has_voted s t c)))",
    ),
    statement(
        "CandidateHasNotLed",
        "A candidate has not led its current term before.",
        "(forall ((c Server)) (=> (candidate c) (not (has_led c (current_term c)))))",
    ),
    statement(
        "HandedOverLed",
        "Whoever has handed over has led that term.",
        "(forall ((c Server) (t Term)) (=> (hand_over c t) (has_led c t)))",
    ),
    statement(
        "GoneForGood",
        "Whoever has handed over does not lead that term any more.",
        "(forall ((c Server)) (=> (leader c) (not (hand_over c (current_term c)))))",
    ),
    statement(
        "HandedAfterHandOver",
        "If leadership was handed over to a candidate, the leader of the term before has done so.",
        "(forall ((c Server) (t Term)) (=> (handed c t) (and (older (previous t) t) \
         (exists ((d Server)) (hand_over d (previous t))))))",
    ),
    statement(
        "OpenedInOffice",
        "Whoever has opened a round of a term has led it.",
        "(forall ((c Server) (t Term) (n Round)) (=> (opened c t n) (has_led c t)))",
    ),
    statement(
        "OpenIsLatest",
        "A leader has opened the round that it has open, and none in that term after it.",
        "(forall ((c Server)) (=> (leader c) (and (opened c (current_term c) (open_round c)) \
         (forall ((n Round)) (=> (opened c (current_term c) n) \
         (or (= n (open_round c)) (sooner n (open_round c))))))))",
    ),
    statement(
        "HeartbeatOpened",
        "The round of a heartbeat was opened by its sender.",
        "(forall ((c Server) (t Term) (n Round)) (=> (heartbeat c t n) (opened c t n)))",
    ),
    statement(
        "AnsweredOpened",
        "A round that was answered was opened, in a term that who answered has reached.",
        "(forall ((s Server) (c Server) (t Term) (n Round)) (=> (answer s c t n) \
         (and (opened c t n) (not (older (current_term s) t)))))",
    ),
    statement(
        "CountedIsAnswer",
        "Whom a leader has counted has answered its open round.",
        "(forall ((c Server) (s Server)) (=> (and (leader c) (answers c s)) \
         (has_answered s c (current_term c) (open_round c))))",
    ),
    statement(
        "LeaseIsAnswered",
        "A lease that was handed out, and not given up, is of a round that its witnesses, a quorum, \
         have answered; its leader has not handed over.",
        "(forall ((c Server) (t Term) (n Round)) (=> (lease c t n) (and (opened c t n) \
         (not (hand_over c t)) (forall ((s Server)) \
         (=> (member s (witnesses c t n)) (has_answered s c t n))))))",
    ),
    statement(
        "AnswerIsPromise",
        "Whoever has answered a round is in contact since it was opened, or leads on; or the round \
         gives no lease any more, or somebody has led a later term, before that of who answered.",
        "(forall ((s Server) (c Server) (t Term) (n Round)) (=> (has_answered s c t n) \
         (or (is_done c t n) (promises s c t n) \
         (and (= s c) (leader s) (= t (current_term s))) (led_between t (current_term s)))))",
    ),
    statement(
        "PromiseKept",
        "If whoever has answered a round has voted in a later term, the round gives no lease any \
         more, or somebody has led in between.",
        "(forall ((s Server) (c Server) (t Term) (n Round) (u Term) (d Server)) \
         (=> (and (has_answered s c t n) (has_voted s u d) (older t u)) \
         (or (is_done c t n) (led_between t u))))",
    ),
];

/// Terms are numbers, and numbers have no end downwards. It is used once, for what follows.
pub(super) const FIRST: Statement = statement(
    "FirstLaterTerm",
    "If anybody has led a term later than this one, there is a first such term.",
    "(forall ((t Term)) (=> (exists ((c Server) (u Term)) (and (has_led c u) (older t u))) \
     (exists ((c Server) (u Term)) (and (has_led c u) (older t u) \
     (forall ((d Server) (v Term)) (=> (and (has_led d v) (older t v)) (not (older v u))))))))",
);

/// What follows from the invariant: each with the names of what it needs, which stands before it.
pub const LEASE_SAFETY: [(Statement, &[&str]); 3] = [
    (
        statement(
            "LedOnce",
            "No two servers have led the same term.",
            "(forall ((c Server) (d Server) (t Term)) \
             (=> (and (has_led c t) (has_led d t)) (= c d)))",
        ),
        &["LedByQuorum", "VotedOnce"],
    ),
    (
        statement(
            "LaterLeaderEndsLease",
            "Once somebody has led a later term, no lease of a leader is valid.",
            "(forall ((c Server) (t Term) (n Round) (d Server) (u Term)) \
             (=> (and (lease c t n) (has_led d u) (older t u)) (over c t n)))",
        ),
        &["LeaseIsAnswered", "LedByQuorum", "PromiseKept", FIRST.name],
    ),
    (
        statement(
            "LeaseSafety",
            "No two servers have a valid lease at the same time, be they still in office or not.",
            "(forall ((c Server) (t Term) (n Round) (d Server) (u Term) (m Round)) (=> (and \
             (lease c t n) (not (over c t n)) (lease d u m) (not (over d u m))) (= c d)))",
        ),
        &["LeaseIsAnswered", "OpenedInOffice", "LedOnce", "LaterLeaderEndsLease"],
    ),
];
