//! What the oracle answers to code that asks more than the election does today.

use std::cmp::Ordering;

use super::super::oracle::{Note, Path, assumed, every_path};
use super::super::types::{ServerSet, Term};

/// What a path was told, as far as something is concluded from it.
fn told(path: &Path) -> Vec<String> {
    let decided = path.notes.iter().filter_map(|note| match note {
        Note::Decided { question, answer } => assumed(*question, *answer),
        _ => None,
    });
    decided.collect()
}

#[test]
fn a_term_is_older_or_later_or_the_same_however_it_is_asked() {
    let ends = every_path(|| {
        let (a, b) = (Term::named("a"), Term::named("b"));
        (a.cmp(&b), a.partial_cmp(&b), [a < b, a <= b, a > b, a >= b])
    });
    let ends: Vec<_> = ends.into_iter().map(|(path, end)| (told(&path), end)).collect();
    let [less, greater, equal] = [Ordering::Less, Ordering::Greater, Ordering::Equal];
    let [is, is_not] = ["(older a b)", "(not (older a b))"].map(str::to_owned);
    let [later, not_later] = ["(older b a)", "(not (older b a))"].map(str::to_owned);
    assert_eq!(
        ends,
        [
            (vec![is], (less, Some(less), [true, true, false, false])),
            (vec![is_not.clone(), later], (greater, Some(greater), [false, false, true, true])),
            (vec![is_not, not_later], (equal, Some(equal), [false, true, false, true])),
        ]
    );
}

#[test]
fn terms_that_are_later_than_different_ones_have_different_names() {
    let ends = every_path(|| {
        let next = |name| Term::named(name).next().map(|term| format!("{term:?}"));
        [next("a"), next("b"), next("a"), next("c"), next("b")]
    });
    let (path, names) = &ends[ends.len() - 1]; // none of the three is the last term
    let names: Vec<_> = names.iter().map(|name| name.as_deref().unwrap()).collect();
    assert_eq!(names, ["later1", "later2", "later1", "later3", "later2"]);
    let later = path.notes.iter().filter_map(|note| match note {
        Note::Later { name, than } => Some((name.as_str(), than.as_str())),
        _ => None,
    });
    assert_eq!(later.collect::<Vec<_>>(), [("later1", "a"), ("later2", "b"), ("later3", "c")]);
}

#[test]
fn sets_are_the_same_if_they_have_the_same_members() {
    let ends = every_path(|| {
        let (a, b) = (ServerSet::named("a"), ServerSet::named("b"));
        [a == b, a == a, b == a]
    });
    let ends: Vec<_> = ends.into_iter().map(|(path, is)| (told(&path), is)).collect();
    let same = "(forall ((s Server)) (= (a s) (b s)))";
    assert_eq!(ends[0].0[0], same);
    assert_eq!(ends.last().unwrap().0[0], format!("(not {same})"));
    assert!(ends.iter().all(|(_, is)| is[1]), "nobody asks whether a set is itself");
    assert!(ends[0].1[0] && !ends.last().unwrap().1[0]);
}
