//! The rules that a replay judges by. Of each, the tests have an edited trace that only it refuses.

macro_rules! rules {
    ($($name:ident: $says:literal,)*) => {
        /// What is demanded of traces.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Rule {
            $(#[doc = $says] $name,)*
        }

        /// All rules, each with what it says.
        pub const RULES: &[(Rule, &str)] = &[$((Rule::$name, $says)),*];
    };
}

rules! {
    // Of each header.
    OneVersion: "all runs are in the version of the format that is read",
    OneCluster: "all runs are of one cluster, and of servers that it has",
    // Of each record.
    InItsRun: "a record is of the run under whose header it stands",
    NoneMissing: "the records of a run are numbered without a gap",
    StartsOnce: "a run begins with a start, or a lost disk, and has no other",
    GoesOn: "a step begins where the one before it ended",
    SameStep: "the step is the one that the specification takes",
    EndsOnce: "after its end a run tells nothing more",
    FromAnother: "a message comes from another server of the cluster",
    WasSent: "a message that was received was sent to its receiver, in the step that it names",
    TermTold: "a term that was told after a lost disk is one of the server that told it",
    // Of all runs of a server.
    RunOnce: "a run is told once",
    OneTiming: "a run has one timing, in whichever files it is told",
    BallotKept: "a server comes up with the ballot that its run before left on its disk, or without a disk",
    // Of all servers.
    OneLeader: "a term has one leader at most",
    OneVote: "a server has one vote a term: it follows from the others, and is looked at on its own",
}

impl Rule {
    /// What it says.
    pub fn says(self) -> &'static str {
        RULES.iter().find(|(rule, _)| *rule == self).map_or("", |(_, says)| says)
    }
}
