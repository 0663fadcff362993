//! How long one waits for the explorer: `cargo bench --bench explorer`. It wants chromium and
//! chromium-driver.
//!
//! Each is measured several times, and the median is told: how soon the program answers; what a
//! click costs, as a question and in a browser; how long a map takes from the start of the program.

use std::path::Path;
use std::time::{Duration, Instant};

use raft_model::cluster::Cluster;
use raft_model::explore::setting::Setting;
use raft_model::explore::walk;
use raft_model::types::Term;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;
use support::binary;
use support::explorer::{Explorer, go};
use support::paths::Walk;

fn main() {
    let program = binary::built("raft-model");
    let link = sixty_steps();
    row("from its start to its first page", 9, || {
        let begun = Instant::now();
        let explorer = Explorer::of(&program, &[]);
        get(explorer.root());
        begun.elapsed()
    });
    let explorer = Explorer::of(&program, &[]);
    let question = format!("{}api/walk?{link}", explorer.root());
    row("5 servers, 60 steps: the question of a click", 21, || {
        let begun = Instant::now();
        get(&question);
        begun.elapsed()
    });
    let page = explorer.page(&format!("#{link}"));
    row("5 servers, 60 steps: from a click to the new picture", 21, || {
        let took = page.run_async(CLICK).expect("a step to click");
        go(&page, "#protocol=figure2&servers=2&terms=1");
        go(&page, &format!("#{link}"));
        milliseconds(&took)
    });
    row("24,485 states drawn, the program just started", 5, || map(&program));
}

/// Clicks the first step that can happen, and waits for the frame that shows it.
const CLICK: &str = "const done = arguments[0];
    const app = document.getElementById('app');
    const before = app.dataset.link;
    const begun = performance.now();
    document.querySelector('.choice').click();
    const look = () => app.dataset.link === before ? requestAnimationFrame(look)
        : requestAnimationFrame(() => done(performance.now() - begun));
    look();";

/// Chooses five servers and two terms, and waits until every state is painted.
const MAP: &str = "const done = arguments[0];
    const begun = performance.now();
    location.hash = '#protocol=figure2&servers=5&terms=2';
    const look = () => {
        const said = document.querySelector('.map')?.textContent ?? '';
        const canvas = document.querySelector('canvas.raw');
        if (!canvas || !said.includes('24,485 states')) return requestAnimationFrame(look);
        // Two frames later it is painted; a pixel that is read waits until it is.
        requestAnimationFrame(() => requestAnimationFrame(() => {
            canvas.getContext('2d').getImageData(0, 0, 1, 1);
            done(performance.now() - begun);
        }));
    };
    look();";

fn map(program: &Path) -> Duration {
    let explorer = Explorer::of(program, &[]);
    let page = explorer.page("#protocol=figure2&servers=2&terms=1");
    page.press("mm"); // phases, leaders, states
    milliseconds(&page.run_async(MAP).expect("a map"))
}

/// A path of five servers that is not over.
fn sixty_steps() -> String {
    let setting = Setting::new(Cluster::new(5).expect("five servers"), Term::new(8));
    let Walk { setting, path, .. } = Walk::within(setting, 60, StdRng::seed_from_u64(1));
    assert_eq!(path.len(), 60, "it ends before");
    format!("{setting}&path={}", walk::written(&path))
}

fn get(url: &str) {
    let mut response = ureq::get(url).call().expect("an answer");
    response.body_mut().read_to_string().expect("text");
}

fn milliseconds(value: &Value) -> Duration {
    Duration::from_secs_f64(value.as_f64().expect("a number") / 1000.0)
}

/// A line of the table: the median of so many, and the longest.
fn row(what: &str, times: usize, measure: impl FnMut() -> Duration) {
    let mut all: Vec<Duration> = std::iter::repeat_with(measure).take(times).collect();
    all.sort_unstable();
    let [median, longest] = [all[times / 2], all[times - 1]].map(|one| one.as_secs_f64() * 1000.0);
    println!("  {what:<54} {median:>8.1} ms   at most {longest:.1} ms, of {times}");
}
