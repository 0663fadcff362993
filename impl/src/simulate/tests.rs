//! That the simulation finds nothing in what is shipped, and that it would.

use super::*;

fn runs(seeds: std::ops::Range<u64>, options: &Options) -> Outcome {
    let mut all = Outcome::default();
    for seed in seeds {
        let (outcome, _) = Run { seed, only: None }.simulate(options).unwrap();
        if let Some(violation) = &outcome.violation {
            panic!("seed {seed}: {violation}");
        }
        all.add(&outcome);
    }
    all
}

#[test]
fn servers_of_every_number_survive_what_goes_wrong() {
    for servers in 1..=7 {
        let outcome = runs(0..4, &Options { servers, ..Options::default() });
        assert!(outcome.handed_out > 0, "{servers} servers: {outcome:?}");
    }
}

#[test]
fn a_run_can_be_had_again() {
    let run = Run { seed: 7, only: None };
    let traces = || run.simulate(&Options::default()).unwrap().1;
    assert!(traces() == traces());
}
