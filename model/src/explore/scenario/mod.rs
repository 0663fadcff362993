//! The language of scenarios: scripts that play an election, and tell what every server did.
//!
//! | command | what happens |
//! |---|---|
//! | `cluster 3` | S1, S2 and S3 come up for the first time, and elect as in Figure 2 |
//! | `cluster 3 guarded` | … behind both guards, or by another protocol that is named |
//! | `cluster 3 guarded witness=S3` | … where S3 votes and never campaigns |
//! | `cluster 3 guarded term=8` | … with term 8 on their disks, as after eight elections |
//! | `timeout S1` | the timer that S1 has running fires: contact, election or heartbeat |
//! | `hand-over S1 S2` | S1 is told to hand over to S2: what it handed out of its lease is over |
//! | `deliver S1 S2 RequestVote term=1` | this message from S1 arrives at S2 |
//! | `duplicate S1 S2 RequestVote term=1` | it has arrived already, and arrives once more |
//! | `drop S1 S2 RequestVote term=1` | it is lost |
//! | `deliver-all` | messages arrive in the order sent, with all that follows, until none is left |
//! | `drop-all` | every message that is under way is lost |
//! | `cut S3 S4` | S3 and S4 are cut off from the others: messages across the cut wait |
//! | `cut-links S1 S3` | S1 and S3 do not hear each other; all else is heard as before |
//! | `deafen S3` | S3 hears nobody, and goes on being heard |
//! | `cut-way S1 S3` | S3 does not hear S1; S1 goes on hearing S3 |
//! | `mend-way S1 S3` | S3 hears S1 again |
//! | `heal` | everybody hears everybody, and what has waited can be delivered |
//! | `restart S2` | S2 crashes and comes up again with what it had stored |
//! | `lose-disk S2` | S2 crashes and comes up without its disk: it waits for all others' terms |
//! | `hear-term S2 S1` | S1 tells its term to S2, which has lost its disk |
//! | `show` | the state of every server |
//! | `expect-leader S1` | the script fails unless S1 leads and nobody else does |
//! | `expect-no-leader` | … unless nobody leads |
//! | `expect-lease S1` | … unless a lease of S1 may be valid, and nobody else's |
//! | `expect-no-lease` | … unless nobody's may be |
//! | `expect-term 1` | … unless every server is in term 1 |
//! | `expect-messages 30` | … unless at most 30 messages were sent since the start |
//!
//! A script begins with `cluster`; another `cluster` later on begins the story anew. A message is
//! named with `term=…`, `round=…`, `attempt=…`, and `vote=granted` or `vote=refused`, each of which
//! may be left out where only one message fits. The tag `[brief]` after a command leaves out the
//! indented lines of its output; parentheses around it leave out all. A message is only delivered
//! if it was really sent: anything else is an error of the script, and so is every step after which
//! a property of safety is false. A leader's patience is two heartbeats, unless `cluster` is told
//! another one: `patience=1`.

mod lost_disk;
mod script;
mod stage;

pub use script::Runner;

use std::fmt::Write as _;

use super::codes::Code;
use super::setting::Setting;
use crate::cluster::Cluster;
use crate::types::{Beats, Term};
use crate::world::bounds::Replies;
use crate::world::{Handlers, World};

/// How many heartbeats a leader waits for its quorum, unless a script says otherwise.
const PATIENCE: u8 = 2;

/// One story of a script, as a path.
#[derive(Clone, Debug)]
pub struct Play {
    /// Which servers, and by which election.
    pub setting: Setting,
    /// What happened.
    pub path: Vec<Code>,
    /// What it came to.
    pub end: World,
}

/// What a script is played in: bounds are for searches, and a script makes its own moves.
fn setting(cluster: Cluster, first_term: Term, patience: Beats) -> Setting {
    Setting {
        first_term,
        replies: Replies::All,
        hand_over: true,
        patience,
        ..Setting::new(cluster, Term::new(u64::MAX))
    }
}

/// Plays a script, by these functions: its output, and its stories.
///
/// # Errors
///
/// Which line cannot be played, and why; or which property breaks there.
pub fn play(handlers: Handlers, script: &str) -> Result<(String, Vec<Play>), String> {
    let mut runner = Runner::new(handlers);
    let output = goldenscript::generate(&mut runner, script).map_err(|error| error.to_string())?;
    Ok((output, runner.plays()))
}

macro_rules! scripts {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../../../../tests/scenarios/", $name, ".txt")))),*]
    };
}

/// The scripts of `tests/scenarios`: each with its name, without `.txt`.
pub const SCRIPTS: &[(&str, &str)] = &scripts![
    "01_first_election"
    "02_asked_for_its_vote"
    "03_candidate_asked_for_its_vote"
    "04_split_vote"
    "05_timer_fires_during_election"
    "06_slow_and_dead_peers"
    "07_duplicates_and_latecomers"
    "08_old_leader_returns"
    "09_candidate_hears_leader"
    "10_crash_after_voting"
    "11_minority"
    "12_heartbeats_in_time"
    "13_first_heartbeat_at_once"
    "14_fifth_server_decides"
    "15_seven_servers_three_cut_off"
    "16_alone"
    "17_everybody_alone"
    "18_cut_off_server_returns"
    "19_deaf_server"
    "20_chain"
    "21_star"
    "22_answers_do_not_come_back"
    "23_asked_after_restart"
    "24_deposed_leader_stays_in_contact"
    "25_newer_term_in_contact"
    "26_late_answers"
    "27_late_yes"
    "28_precandidate_votes"
    "29_precandidate_lags"
    "30_stuck_in_higher_term"
    "31_hand_over"
    "32_witness"
    "33_two_precandidates"
    "34_alone_guarded"
    "35_everybody_restarts"
    "36_lost_disk"
];

/// What a script tells, in the first sentence that it begins with.
pub fn title(script: &str) -> String {
    let mut text = String::new();
    for line in script.lines().map_while(|line| line.strip_prefix('#')) {
        let _ = write!(text, " {}", line.trim());
    }
    let end = text.find(". ").map_or(text.trim_end_matches('.').len(), |at| at);
    text[..end].trim().to_owned()
}
