//! The specification stays what other readers can compile once more against types of their own,
//! such as symbols: plain Rust that knows nothing but its neighbours.

use support::house::{FAULTS, PROTOCOL, Source, sources_in};

/// The code of a file, without comments.
fn code(source: &Source) -> String {
    let without_comment = |line: &str| line.split("//").next().unwrap().to_owned() + "\n";
    source.text.lines().map(without_comment).collect()
}

#[test]
fn it_holds_no_generics_switches_tests_or_formatting() {
    for source in [PROTOCOL, FAULTS].into_iter().flat_map(sources_in) {
        let (file, code) = (&source.path, code(&source));
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
    for source in sources_in(FAULTS) {
        let (file, code) = (&source.path, code(&source));
        for absent in [".size()", ".number()", ".index()", ".len()", ".contains(", ".iter()"] {
            assert!(!code.contains(absent), "{file} holds “{absent}”");
        }
    }
}
