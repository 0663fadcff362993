//! Tests that a machine cannot run. Each says so, and what brings what it needs; `.ci/test` counts
//! them at its end.

use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::thread;

/// This test is skipped for a reason, unless `CI` is set: then it fails.
pub fn skip(reason: &str, bring: &str) {
    let in_ci = env::var_os("CI").is_some_and(|value| !value.is_empty());
    assert!(!in_ci, "CI is set, so this may not be skipped: {reason}");
    note(reason, bring);
}

/// This test is skipped for a reason, even where `CI` is set.
pub fn note(reason: &str, bring: &str) {
    let test = thread::current().name().unwrap_or("a test without a name").to_owned();
    let line = format!("skipped: {test}: {}; {bring}\n", reason.trim().replace('\n', " "));
    // Not by `eprintln`, which a test that passes keeps to itself.
    let _ = write!(io::stderr(), "\n{line}");
    // This test is <target>/<profile>/deps/<name>.
    let program = env::current_exe().expect("a running test has a path");
    let target = program.ancestors().nth(3).expect("it is in the target directory");
    let list = File::options().create(true).append(true).open(target.join("skipped"));
    let written = list.and_then(|mut list| list.write_all(line.as_bytes()));
    written.expect("the list of skipped tests can be written");
}
