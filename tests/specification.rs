//! The specification stays what other readers can compile once more against types of their own,
//! such as symbols: plain Rust that knows nothing but its neighbours.

use std::fs;
use std::path::Path;

/// The code of a file of the specification, without comments.
fn code(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("model/src").join(file);
    let text = fs::read_to_string(&path).unwrap();
    let without_comment = |line: &str| line.split("//").next().unwrap().to_owned() + "\n";
    text.lines().map(without_comment).collect()
}

const FILES: [&str; 3] = ["protocol/message.rs", "protocol/rule.rs", "protocol/election.rs"];

/// Mistakes are compiled once more as well, with what they wrap.
const FAULTS: [&str; 6] = [
    "mutant/faults/mod.rs",
    "mutant/faults/disk.rs",
    "mutant/faults/roles.rs",
    "mutant/faults/terms.rs",
    "mutant/faults/timers.rs",
    "mutant/faults/votes.rs",
];

#[test]
fn it_imports_only_its_neighbours() {
    for file in FILES.into_iter().chain(FAULTS) {
        for line in code(file).lines().filter(|line| line.trim_start().starts_with("use ")) {
            assert!(line.starts_with("use super::"), "{file}: {line}");
        }
    }
}

#[test]
fn it_holds_no_generics_switches_tests_or_formatting() {
    for file in FILES.into_iter().chain(FAULTS) {
        let code = code(file);
        for absent in [
            "impl<",
            "dyn ",
            "where ",
            "cfg",
            "#[test]",
            "macro_rules",
            "fmt",
            "unsafe",
            "extern",
            "println",
            "panic!",
            "unwrap()",
            "expect(",
            "todo!",
            "unimplemented!",
            "\nstatic ",
            " static ",
            "std::",
            "crate::",
            " mut ",
        ] {
            assert!(!code.contains(absent), "{file} holds “{absent}”");
        }
        // A function or a type with parameters of its own would be "name<".
        for line in code.lines() {
            let mut words =
                line.split_whitespace().skip_while(|w| !["fn", "struct", "enum"].contains(w));
            if let (Some(_), Some(name)) = (words.next(), words.next()) {
                let name = name.split('(').next().unwrap();
                assert!(!name.contains('<'), "{file}: {line}");
            }
        }
    }
}

#[test]
fn faults_do_not_look_into_servers_terms_and_votes() {
    for file in FAULTS {
        let code = code(file);
        for absent in [".size()", ".number()", ".index()", ".len()", ".contains(", ".iter()"] {
            assert!(!code.contains(absent), "{file} holds “{absent}”");
        }
    }
}
