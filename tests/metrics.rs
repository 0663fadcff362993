//! The numbers of a node, and what is packaged for those who watch them: Prometheus and Grafana.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::cluster::{Cluster, Timing};
use support::skipped::skip;
use support::web::Web;

fn packaging(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("impl/packaging").join(path)
}

/// What promtool says about this, and whether it is content; `None` where there is none.
fn promtool(arguments: &[&str], folder: &Path, input: &str) -> Option<(bool, String)> {
    let mut command = Command::new("promtool");
    command.args(arguments).current_dir(folder).stdin(Stdio::piped());
    let Ok(mut child) = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() else {
        skip("promtool is not here", "`apt-get install prometheus` brings it");
        return None;
    };
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap()).concat();
    Some((output.status.success(), said))
}

/// What the leader of three servers says that has campaigned and been answered.
fn numbers() -> String {
    let mut cluster = Cluster::<Web>::start(3, Timing::Quick);
    let leader = cluster.agreed(0, &[1, 2, 3]).leader;
    cluster.until("answers", |cluster| {
        let (code, text) = cluster.get(leader, "/metrics").ok()?;
        let silent = text.lines().filter(|it| it.starts_with("raft_peer_answers_total")).count();
        (code == 200 && silent == 2 && !text.contains("_round_trip_seconds_count{peer=\"2\"} 0"))
            .then_some(text)
    })
}

/// The names of numbers in an expression.
fn names(expression: &str) -> impl Iterator<Item = String> {
    let words = expression.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    words.filter(|word| word.starts_with("raft_")).map(str::to_owned)
}

#[test]
fn a_node_says_its_numbers_as_prometheus_wants_them() {
    let text = numbers();
    let Some((is_content, said)) = promtool(&["check", "metrics"], Path::new("/"), &text) else {
        return;
    };
    assert!(is_content && said.is_empty(), "{said}");
    let (_, said) = promtool(&["check", "metrics"], Path::new("/"), "a_total_of 1\n").unwrap();
    assert!(said.contains("no help text"), "a mistake would be noticed: {said}");
}

#[test]
fn each_alert_fires_when_it_should_and_not_before() {
    let folder = packaging("prometheus");
    let Some((is_content, said)) = promtool(&["check", "rules", "alerts.yml"], &folder, "") else {
        return;
    };
    assert!(is_content, "{said}");
    let rules = fs::read_to_string(folder.join("alerts.yml")).unwrap();
    let stories = fs::read_to_string(folder.join("alerts_test.yml")).unwrap();
    for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        let fires = format!("alertname: {alert}\n        exp_alerts:");
        assert!(stories.contains(&fires), "no story tells that {alert} fires");
        assert!(stories.contains(&format!("alertname: {alert} }}")), "nor that it does not");
    }
    let (is_content, said) = promtool(&["test", "rules", "alerts_test.yml"], &folder, "").unwrap();
    assert!(is_content, "{said}");
}

#[test]
fn what_alerts_and_the_dashboard_look_at_is_there() {
    let rules = fs::read_to_string(packaging("prometheus/alerts.yml")).unwrap();
    let board = fs::read_to_string(packaging("grafana/dashboard.json")).unwrap();
    let board: Value = serde_json::from_str(&board).unwrap();
    let mut wanted: BTreeSet<String> = names(&rules).collect();
    for panel in board["panels"].as_array().unwrap() {
        assert!(panel["title"].is_string() && panel["description"].is_string(), "{panel}");
        for target in panel["targets"].as_array().unwrap() {
            wanted.extend(names(target["expr"].as_str().unwrap()));
        }
    }
    let text = numbers();
    let lines = || text.lines().filter(|line| !line.starts_with('#'));
    let mut said: BTreeSet<_> = lines().flat_map(names).collect();
    said.extend(lines().filter_map(|line| Some(line.split_once("_bucket")?.0.to_owned())));
    let missing: Vec<_> = wanted.difference(&said).collect();
    assert!(missing.is_empty() && wanted.len() > 12, "no node says {missing:?}");
    let is_part = |name: &str| name.ends_with("_sum") || name.ends_with("_count");
    let shown = |name: &&String| wanted.contains(*name) || is_part(name);
    let unseen: Vec<_> = said.iter().filter(|name| !shown(name)).collect();
    assert_eq!(unseen, [""; 0], "and nothing is said that nobody looks at");
}
