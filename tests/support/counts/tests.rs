//! What differs is told and written, and nothing else.

use super::*;

fn found(more: usize) -> Found {
    let mut found = Found::default();
    let counts = &all()[1];
    let Coverage { states, edges, depth } = counts.coverage();
    found.graph(counts, Coverage { states: states + more, edges, depth });
    found
}

#[test]
fn what_is_as_expected_needs_no_word() {
    assert_eq!(found(0).differences(), None);
}

#[test]
fn every_number_that_differs_is_named_with_both() {
    let table = found(1).differences().expect("a state too many");
    let line =
        "2 servers, up to 1, all                         states                 33          34";
    assert_eq!(table.lines().nth(1), Some(line), "{table}");
    assert_eq!(table.lines().count(), 2, "the rest is as expected: {table}");
}

#[test]
fn an_update_changes_that_number_and_leaves_the_comments() {
    let text = fs::read_to_string(path()).unwrap();
    let updated = found(1).updated(&text);
    let changed: Vec<_> = text.lines().zip(updated.lines()).filter(|(a, b)| a != b).collect();
    assert_eq!(changed, [("states = 33", "states = 34")]);
    assert_eq!(text.lines().count(), updated.lines().count());
}
