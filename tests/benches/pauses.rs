//! A thousand leaders that are stopped and continued: `cargo bench --bench pauses`. What a test
//! does thirty times, for the figure in the README.

use std::time::Duration;

use support::pauses::Asked;

fn main() {
    let mut asked = Asked::start();
    for trial in 1..=1000 {
        asked.pause_the_leader(Duration::from_millis(10 * (trial % 20)));
        if trial % 100 == 0 {
            let clash = asked.clash();
            println!(
                "{trial:>5} trials, {} leaderships and renewals: {clash:?}",
                asked.answers.len()
            );
            assert!(clash.is_none(), "two servers said at one moment that they lead");
        }
    }
}
