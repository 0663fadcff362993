//! Options that would be ignored, or that together ask for what there is not: they are refused,
//! with the reason.

use raft_model::cluster::Protocol;
use raft_model::mutant::Mutant;
use raft_model::world::properties::Property;

use super::args::{Args, Engine, NoReduce};
use crate::cli::Failure;

const NO_LEASES: &str = "LeaseSafety is judged where leaders have leases: with --protocol check-quorum or guarded, \
                         without --no-leases, and not by --engine actor";

/// An option: whether it is given, its name, whether it is heeded, and why not.
type Refusal = (bool, &'static str, bool, &'static str);

impl Args {
    /// Refuses what there is a reason to refuse.
    pub(super) fn validate(&self) -> Result<(), Failure> {
        self.cluster()?;
        let reasons = self.of_mutant().or_else(|| self.of_engine());
        let reasons = reasons.or_else(|| self.of_lost_disks());
        let reasons = reasons.or_else(|| self.of_protocol()).or_else(|| self.of_reductions());
        let asks_of_leases = self.property.contains(&Property::LeaseSafety);
        let no_leases =
            || (asks_of_leases && !self.bounds().has_leases()).then(|| NO_LEASES.to_owned());
        reasons.or_else(no_leases).map_or(Ok(()), |why| Err(Failure::Input(why)))
    }

    fn of_mutant(&self) -> Option<String> {
        let Mutant { name, protocol, .. } = self.mutant?;
        let of_guards = protocol != Protocol::FIGURE2;
        if self.engine() == Engine::World || (of_guards && self.engine().is_ours()) {
            return None;
        }
        let or = if of_guards { "or timely only" } else { "only" };
        Some(format!(
            "--mutant {name} is searched by --engine world {or}: packing and reducing states, and \
             the actors, are for the specification"
        ))
    }

    fn of_engine(&self) -> Option<String> {
        let engine = self.engine();
        let refusals: [Refusal; 9] = [
            (
                !self.lost_disk.is_empty(),
                "--lost-disk",
                engine.is_ours() || engine == Engine::World,
                "what its servers have stored they keep",
            ),
            (
                self.hosts.is_some(),
                "--hosts",
                engine.is_ours(),
                "only timely and disk search in several processes",
            ),
            (
                self.fingerprints,
                "--fingerprints",
                engine == Engine::Timely,
                "it is how timely keeps states; stateright always keeps 64 bits, the others keep \
                 whole states",
            ),
            (
                self.disk.is_some(),
                "--disk",
                engine == Engine::Disk,
                "it keeps states in memory; leave --engine out, or give --engine disk",
            ),
            (
                self.free_news,
                "--free-news",
                engine.is_ours(),
                "only timely and disk explore more than can happen",
            ),
            (self.workers.is_some(), "--workers", engine.is_packed(), "it searches in one thread"),
            (
                !self.no_reduce.is_empty(),
                "--no-reduce",
                engine.is_packed(),
                "it reduces nothing anyway",
            ),
            (
                self.window,
                "--window",
                engine.is_packed(),
                "without reductions stale messages would pile up for ever",
            ),
            (self.no_leases, "--no-leases", engine != Engine::Actor, "it never looks at leases"),
        ];
        if engine == Engine::Disk && self.disk.is_none() {
            return Some("--engine disk needs a folder: --disk DIR".to_owned());
        }
        told(&format!("--engine {}", engine.name()), refusals)
    }

    fn of_lost_disks(&self) -> Option<String> {
        let &stranger = self.lost_disk.iter().find(|&&id| !self.servers.contains(id))?;
        let size = self.servers.size();
        Some(format!("--lost-disk: there is no {stranger} among {size} servers"))
    }

    fn of_protocol(&self) -> Option<String> {
        let protocol = self.protocol();
        let (pre_vote, check_quorum) = (protocol.pre_vote(), protocol.check_quorum());
        let counts = "leaders count answers by check-quorum and guarded only";
        let refusals = [
            (self.patience.is_some(), "--patience", check_quorum, counts),
            (self.rounds.is_some(), "--rounds", check_quorum, counts),
            (
                self.no_leases,
                "--no-leases",
                check_quorum,
                "there are leases by check-quorum and guarded only",
            ),
            (
                self.attempts.is_some(),
                "--attempts",
                pre_vote,
                "servers ask before they campaign by pre-vote and guarded only",
            ),
        ];
        told(&format!("--protocol {protocol}"), refusals)
    }

    fn of_reductions(&self) -> Option<String> {
        let reductions = self.reductions();
        let bounds_nothing = |option| {
            format!(
                "{option} bounds nothing where messages are reduced; with --no-reduce=messages or \
                 --engine world it does"
            )
        };
        if reductions.messages {
            let given =
                [(self.rounds.is_some(), "--rounds"), (self.attempts.is_some(), "--attempts")];
            if let Some((_, option)) = given.into_iter().find(|(is_given, _)| *is_given) {
                return Some(bounds_nothing(option));
            }
        }
        if self.free_news && !reductions.messages {
            return Some("--free-news needs messages to be reduced: it replaces some".to_owned());
        }
        if self.window && !reductions.messages {
            let why = "--window needs messages to be reduced: stale ones would pile up for ever";
            return Some(why.to_owned());
        }
        if !self.lost_disk.is_empty() && !self.no_reduce.is_empty() {
            let why = "--no-reduce: with --lost-disk nothing is reduced anyway; a server that returns \
                       to an older term may need what else would be dead";
            return Some(why.to_owned());
        }
        let guarded = [(NoReduce::Outcomes, "outcomes"), (NoReduce::AtOnce, "at-once")];
        let off = guarded.into_iter().find(|(which, _)| self.no_reduce.contains(which));
        if let Some((_, name)) = off.filter(|_| !self.reduces_outcomes()) {
            return Some(format!(
                "--no-reduce={name}: they are not reduced anyway, but behind guards, without \
                 --window and without --mutant"
            ));
        }
        None
    }
}

/// The first that is given and not heeded.
fn told<const N: usize>(by: &str, refusals: [Refusal; N]) -> Option<String> {
    let ignored = |(is_given, _, is_heeded, _): &Refusal| *is_given && !is_heeded;
    let (_, option, _, why) = refusals.into_iter().find(ignored)?;
    Some(format!("{by} knows nothing of {option}: {why}"))
}
