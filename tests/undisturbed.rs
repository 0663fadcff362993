//! tmp
use raft_model::cluster::{Cluster, Protocol};
use raft_model::liveness::undisturbed::{Beginning, Hostile, Verdict};
use raft_model::mutant::Mutant;
use raft_model::search::Control;
use raft_model::types::{Beats, Term};
use raft_model::world::Handlers;
use raft_model::world::bounds::{Bounds, Replies, Terms};

#[test]
fn tmp() {
    for patience in [1, 2] {
        let cases = Protocol::ALL.map(|p| (p, None)).into_iter().chain(
            [
                "pre-vote-adopts-term",
                "pre-vote-granted-by-leader",
                "pre-vote-granted-in-contact",
                "leader-adopts-unflagged-request",
                "vote-granted-in-contact",
                "pre-vote-without-attempt",
            ]
            .map(|m| (Protocol::GUARDED, Some(m))),
        );
        for (protocol, mutant) in cases {
            let t = std::time::Instant::now();
            let handlers = mutant.map_or(Handlers::RAFT, |m| Mutant::named(m).unwrap().handlers);
            let cluster = Cluster::with(3, protocol).unwrap();
            let mut bounds = Bounds::new(cluster, Terms::UpTo(Term::new(2)), Replies::All);
            bounds.limits.patience = Beats::new(patience);
            let control = Control::default();
            let hostile = Hostile::<4>::explore(bounds, handlers, &control).unwrap().unwrap();
            println!(
                "{patience} {protocol} {mutant:?}: hostile {} {:?}",
                hostile.worlds(),
                t.elapsed()
            );
            for b in Beginning::ALL {
                let f = hostile.judge(b, &control).unwrap();
                let v = match &f.verdict {
                    Verdict::Holds => "holds".into(),
                    Verdict::Unconfirmed => "UNCONFIRMED".into(),
                    Verdict::Fails(d) => {
                        format!("fails {}+{}", d.stem.moves.len(), d.run.moves.len())
                    }
                };
                println!(
                    "   {b}: {} beginnings {} worlds {v} {:?}",
                    f.beginnings,
                    f.worlds,
                    t.elapsed()
                );
                if let Verdict::Fails(d) = &f.verdict
                    && protocol == Protocol::CHECK_QUORUM
                {
                    println!("{d}");
                }
            }
        }
    }
}
