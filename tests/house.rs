//! The layout of the code base: rooms in order, small files, and what may not depend on what.

use std::env;
use std::process::Command;

use support::house::{
    COMMENT, FAULTS, FILE, FUNCTION, PROTOCOL, ROOMS, Source, Violation, dependencies, doors,
    neighbours, rooms, sizes, sources, sources_in,
};

#[track_caller]
fn none(violations: &[Violation]) {
    assert!(violations.is_empty(), "\n{}\n", told(violations).join("\n"));
}

fn told(violations: &[Violation]) -> Vec<String> {
    violations.iter().map(ToString::to_string).collect()
}

#[test]
fn each_room_of_the_model_uses_only_rooms_before_it() {
    none(&rooms(&sources()));
}

#[test]
fn files_functions_and_comments_are_small() {
    none(&sources().iter().flat_map(sizes).collect::<Vec<_>>());
}

#[test]
fn what_is_compiled_twice_imports_only_its_neighbours() {
    let twice = [PROTOCOL, FAULTS].into_iter().flat_map(sources_in);
    none(&twice.flat_map(|source| neighbours(&source)).collect::<Vec<_>>());
}

#[test]
fn the_node_does_not_depend_on_the_checker() {
    let output = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["tree", "-p", "raft-node", "-e", "normal", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.starts_with("raft-node ") && tree.contains("raft-model "), "{tree}");
    none(&dependencies(&Source::new("cargo tree", &tree)));
}

#[test]
fn a_folder_has_its_door_inside() {
    none(&doors(&sources()));
}

// Each rule is seen to fail.

/// A small model: `world` stands on `types`, and `protocol` is used by the name of what it holds.
fn model(list: &str, world: &str) -> Vec<Source> {
    let lib = format!("//! ```text\n{list}//! ```\npub use protocol::{{election, message}};\n");
    vec![
        Source::new(ROOMS, &lib),
        Source::new("model/src/types.rs", ""),
        Source::new("model/src/protocol/mod.rs", "use super::types;"),
        Source::new("model/src/world/mod.rs", world),
    ]
}

const LIST: &str = "//! types:\n//! protocol: types\n//! world: protocol\n";

#[test]
fn a_model_in_order_is_in_order() {
    none(&rooms(&model(LIST, "use crate::election::Role; // crate::types\n")));
}

#[test]
fn a_room_that_uses_what_it_does_not_stand_on_is_seen() {
    let world = "use crate::{\n    election::{Role, State},\n    message,\n};\n\nfn f() { crate::types::g() }\n";
    let seen =
        ["model/src/world/mod.rs:6: rooms: `world` uses `types`, and does not stand on `types`"];
    assert_eq!(told(&rooms(&model(LIST, world))), seen);
}

#[test]
fn an_arrow_back_is_seen_in_every_spelling() {
    for back in ["use crate::world::W;", "use super::super::world::W;", "use raft_model::world;"] {
        let mut sources = model(LIST, "use crate::message;");
        sources.push(Source::new("model/src/protocol/rule.rs", &format!("\n{back}\n")));
        let seen = "model/src/protocol/rule.rs:2: rooms: \
                    `protocol` uses `world`, and does not stand on `world`";
        assert_eq!(told(&rooms(&sources)), [seen]);
    }
}

#[test]
fn a_list_in_the_wrong_order_is_seen() {
    let list = "//! protocol: types\n//! types:\n//! world: protocol\n";
    let seen = "model/src/lib.rs:2: rooms: `protocol` stands on `types`, which is not before it";
    assert_eq!(told(&rooms(&model(list, "use crate::message;"))), [seen]);
}

#[test]
fn a_list_that_says_too_much_or_too_little_is_seen() {
    let list = "//! types:\n//! protocol: types\n//! attic:\n";
    let seen = [
        "model/src/world/mod.rs:1: rooms: the room `world` is not in the list of model/src/lib.rs",
        "model/src/lib.rs:4: rooms: there is no room `attic`",
    ];
    assert_eq!(told(&rooms(&model(list, ""))), seen);
    let seen = ["model/src/lib.rs:4: rooms: `world` does not use `protocol`"];
    assert_eq!(told(&rooms(&model(LIST, ""))), seen);
}

#[test]
fn a_long_file_is_seen() {
    none(&sizes(&Source::new("a.rs", &"\n".repeat(FILE))));
    let seen = ["a.rs:401: file size: the file has 401 lines, and 400 are allowed"];
    assert_eq!(told(&sizes(&Source::new("a.rs", &"\n".repeat(FILE + 1)))), seen);
}

#[test]
fn a_long_function_is_seen() {
    // Neither a brace in a literal or a comment nor the length of an array ends it.
    let function = |lines: usize| {
        let body = "    let _ = ('}', \"}\", r#\"}\"#, b'{'); // }\n".repeat(lines - 2);
        Source::new("a.rs", &format!("\npub fn long<'a>(_: &'a [u8; 3]) {{\n{body}}}\n"))
    };
    none(&sizes(&function(FUNCTION)));
    let seen = ["a.rs:2: function size: `long` has 71 lines, and 70 are allowed"];
    assert_eq!(told(&sizes(&function(FUNCTION + 1))), seen);
}

#[test]
fn a_wide_comment_is_seen() {
    // Columns are counted, not bytes; and a wide literal is no comment.
    let comment = |columns: usize| format!("\n    /// {}\n", "–".repeat(columns - 8));
    none(&sizes(&Source::new("a.rs", &comment(COMMENT))));
    none(&sizes(&Source::new("a.rs", &format!("const A: &str = \"{}\";", "a".repeat(COMMENT)))));
    let seen = ["a.rs:2: comment width: the comment has 101 columns, and 100 are allowed"];
    assert_eq!(told(&sizes(&Source::new("a.rs", &comment(COMMENT + 1)))), seen);
}

#[test]
fn a_specification_that_looks_around_is_seen() {
    let text =
        "use super::types::Term;\npub use std::fmt;\nfn f() { super::super::super::world::g() }\n";
    let seen = [
        "a.rs:2: neighbours: `pub use std::fmt;` reaches further than `super::`",
        "a.rs:3: neighbours: `fn f() { super::super::super::world::g() }` reaches further than `super::`",
    ];
    assert_eq!(told(&neighbours(&Source::new("a.rs", text))), seen);
}

#[test]
fn a_node_with_a_checker_is_seen() {
    let tree = "raft-node v0.1.0\n└── raft-model v0.1.0\n    └── stateright v0.31.0\n";
    let seen = ["cargo tree:3: dependencies: the node depends on `stateright`"];
    assert_eq!(told(&dependencies(&Source::new("cargo tree", tree))), seen);
}

#[test]
fn a_door_outside_its_room_is_seen() {
    let paths = ["src/wire.rs", "src/wire/tests.rs", "src/disk/mod.rs", "src/disk/slot.rs"];
    let sources = paths.map(|path| Source::new(path, ""));
    let seen = ["src/wire.rs:1: doors: the file stands beside the folder `src/wire/`"];
    assert_eq!(told(&doors(&sources)), seen);
}
