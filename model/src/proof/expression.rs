//! What a solver writes, read: words and lists of them.

use std::fmt;

/// An expression of SMT-LIB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expression {
    Word(String),
    List(Vec<Expression>),
}

impl Expression {
    /// Reads the expression that a text begins with, and tells what comes after it. A text that
    /// ends too early begins with none.
    pub(super) fn read(text: &str) -> Option<(Self, &str)> {
        let text = text.trim_start();
        let Some(mut rest) = text.strip_prefix('(') else {
            let end = text.find(|c: char| c.is_whitespace() || "()".contains(c));
            let (word, rest) = text.split_at(end.unwrap_or(text.len()));
            return (!word.is_empty()).then(|| (Self::Word(word.to_owned()), rest));
        };
        let mut list = Vec::new();
        loop {
            rest = rest.trim_start();
            if let Some(rest) = rest.strip_prefix(')') {
                return Some((Self::List(list), rest));
            }
            let (expression, behind) = Self::read(rest)?;
            list.push(expression);
            rest = behind;
        }
    }

    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(is) if is == word)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::List(list) => {
                let texts: Vec<_> = list.iter().map(ToString::to_string).collect();
                write!(f, "({})", texts.join(" "))
            }
        }
    }
}
