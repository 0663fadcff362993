//! What the programs are made of: crates from crates.io alone, that anybody may use and pass on.
//!
//! Whether a crate has a known weakness is told by `cargo audit`. Its database is a repository on
//! GitHub, so it is asked by people, not here: see `.github/CONTRIBUTING.md`.

use std::env;
use std::path::Path;
use std::process::Command;

use spdx::expression::Expression;
use spdx::{LicenseItem, ParseMode};
use toml_edit::DocumentMut;

/// Whoever passes the programs on keeps their notices, and owes nothing else.
const ALLOWED: [&str; 6] = ["MIT", "Apache-2.0", "BSD-3-Clause", "Unicode-3.0", "Zlib", "0BSD"];

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn is_allowed(licence: &str) -> bool {
    let by = |item: &LicenseItem| item.id().is_some_and(|id| ALLOWED.contains(&id.name));
    Expression::parse_mode(licence, ParseMode::LAX)
        .is_ok_and(|expression| expression.evaluate(|requirement| by(&requirement.license)))
}

#[test]
fn whoever_builds_it_may_use_every_crate() {
    let output = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["tree", "--workspace", "--edges", "normal,build,dev", "--prefix", "none"])
        .args(["--format", "{p}\t{l}", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let crates: Vec<_> = tree.lines().filter_map(|line| line.split_once('\t')).collect();
    assert!(crates.len() > 200, "the tree has only {} lines", crates.len());
    for (name, licence) in crates {
        let licence = licence.trim_end_matches(" (*)");
        assert!(is_allowed(licence), "{name} has the licence \"{licence}\"");
    }
}

#[test]
fn every_crate_comes_from_the_registry() {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let lock: DocumentMut = std::fs::read_to_string(lock).unwrap().parse().unwrap();
    for package in lock["package"].as_array_of_tables().unwrap() {
        let name = package["name"].as_str().unwrap();
        match package.get("source") {
            Some(source) => assert_eq!(source.as_str(), Some(REGISTRY), "{name}"),
            None => assert!(name.starts_with("raft-"), "{name} comes from nowhere"),
        }
    }
}

#[test]
fn a_licence_that_asks_for_more_is_refused() {
    for licence in ["GPL-3.0-only", "MIT AND LGPL-2.1-or-later", "", "Free", "MPL-2.0"] {
        assert!(!is_allowed(licence), "{licence}");
    }
    assert!(is_allowed("GPL-3.0-only OR MIT") && is_allowed("MIT/Apache-2.0"));
}
