//! What a formula means: its value where everything that it speaks of is known.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::super::expression::Expression;
use super::super::invariant::DEFINITIONS;

/// Servers, terms, quorums and truth values are numbers here; a quorum is the bits of its members.
pub(super) type Value = u64;

/// What is known.
pub(super) trait Structure {
    /// Everything of a sort.
    fn all_of(&self, sort: &str) -> Vec<Value>;
    /// The value of a constant, or of a function for these arguments; none if it is not known.
    fn value(&self, name: &str, arguments: &[Value]) -> Option<Value>;
}

/// A formula, in the words of the invariant.
pub(super) struct Formula(Expression);

/// The words of the invariant: their parameters, and what they mean.
static WORDS: LazyLock<HashMap<&str, (Vec<String>, Expression)>> = LazyLock::new(|| {
    let definitions = DEFINITIONS.iter().map(|definition| {
        let parameters = read(definition.parameters);
        let names = variables(&parameters).map(|(name, _)| name.to_owned()).collect();
        (definition.name, (names, read(definition.formula)))
    });
    definitions.collect()
});

fn read(text: &str) -> Expression {
    let (expression, rest) = Expression::read(text).unwrap_or_else(|| panic!("no formula: {text}"));
    assert_eq!(rest.trim(), "", "more than one formula: {text}");
    expression
}

fn list(expression: &Expression) -> &[Expression] {
    match expression {
        Expression::List(list) => list,
        Expression::Word(word) => panic!("{word} is no list"),
    }
}

fn word(expression: &Expression) -> &str {
    match expression {
        Expression::Word(word) => word,
        Expression::List(_) => panic!("{expression} is no word"),
    }
}

/// The names and the sorts of variables: `((s Server) (t Term))`.
fn variables(expression: &Expression) -> impl Iterator<Item = (&str, &str)> {
    list(expression).iter().map(|variable| match list(variable) {
        [name, sort] => (word(name), word(sort)),
        _ => panic!("{variable} is no variable"),
    })
}

impl Formula {
    pub(super) fn read(text: &str) -> Self {
        Self(read(text))
    }

    /// Its value.
    pub(super) fn value(&self, known: &impl Structure) -> Value {
        value(&self.0, known, &mut Vec::new())
    }

    /// Whether it is true.
    pub(super) fn holds(&self, known: &impl Structure) -> bool {
        self.value(known) != 0
    }
}

fn value(
    expression: &Expression,
    known: &impl Structure,
    bound: &mut Vec<(String, Value)>,
) -> Value {
    let Expression::List(parts) = expression else {
        let name = word(expression);
        let is_bound = bound.iter().rev().find(|(is, _)| is == name).map(|(_, value)| *value);
        return is_bound
            .or_else(|| name.parse().ok())
            .or_else(|| (name == "true").then_some(1))
            .or_else(|| (name == "false").then_some(0))
            .or_else(|| known.value(name, &[]))
            .unwrap_or_else(|| panic!("{name} is not known"));
    };
    let (name, rest) = (word(&parts[0]), &parts[1..]);
    let mut part = |index: usize| value(&rest[index], known, bound);
    match name {
        "not" => u64::from(part(0) == 0),
        "and" => u64::from((0..rest.len()).all(|index| part(index) != 0)),
        "or" => u64::from((0..rest.len()).any(|index| part(index) != 0)),
        "=>" => u64::from(part(0) == 0 || part(1) != 0),
        "=" => u64::from(part(0) == part(1)),
        ">" => u64::from(part(0) > part(1)),
        ">=" => u64::from(part(0) >= part(1)),
        "*" => part(0) * part(1),
        "ite" => {
            let chosen = if part(0) != 0 { 1 } else { 2 };
            part(chosen)
        }
        "forall" => u64::from(every(&rest[0], &rest[1], known, bound, 1)),
        "is_quorum" => 1, // all that are of that sort
        "exists" => u64::from(!every(&rest[0], &rest[1], known, bound, 0)),
        _ => {
            let arguments: Vec<_> = (0..rest.len()).map(part).collect();
            match WORDS.get(name) {
                Some((names, body)) => {
                    let mut bound = names.iter().cloned().zip(arguments).collect();
                    value(body, known, &mut bound)
                }
                None => known
                    .value(name, &arguments)
                    .unwrap_or_else(|| panic!("{expression} is not known")),
            }
        }
    }
}

/// Whether a formula has this truth value, whatever these variables are.
fn every(
    names: &Expression,
    body: &Expression,
    known: &impl Structure,
    bound: &mut Vec<(String, Value)>,
    truth: Value,
) -> bool {
    let names: Vec<_> = variables(names).collect();
    every_of(&names, body, known, bound, truth)
}

fn every_of(
    names: &[(&str, &str)],
    body: &Expression,
    known: &impl Structure,
    bound: &mut Vec<(String, Value)>,
    truth: Value,
) -> bool {
    let Some(((name, sort), others)) = names.split_first() else {
        return value(body, known, bound) == truth;
    };
    known.all_of(sort).into_iter().all(|value| {
        bound.push(((*name).to_owned(), value));
        let holds = every_of(others, body, known, bound, truth);
        bound.pop();
        holds
    })
}
