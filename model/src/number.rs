//! Whole numbers in JSON. A number that JavaScript would round, since it is 2^53 or more, is
//! written as a string; both are read.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;
use serde_json::Value;

/// From here on JavaScript rounds.
const ROUNDED: u64 = 1 << 53;

pub(crate) fn serialize<T, S>(number: &T, to: S) -> Result<S::Ok, S::Error>
where
    T: Copy + Into<u64>,
    S: Serializer,
{
    match (*number).into() {
        number @ ..ROUNDED => to.serialize_u64(number),
        number => to.collect_str(&number),
    }
}

pub(crate) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: TryFrom<u64>,
    D: Deserializer<'de>,
{
    from.deserialize_any(Number(PhantomData))
}

struct Number<T>(PhantomData<T>);

impl<T: TryFrom<u64>> Visitor<'_> for Number<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        T::try_from(number).map_err(|_| E::custom(format!("{number} is too large")))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let number = text.parse().map_err(|_| E::custom(format!("{text:?} is no number")))?;
        self.visit_u64(number)
    }
}

/// This JSON with strings in place of large numbers: as it is written today. `None` if it is no
/// JSON, or written in another way.
pub(crate) fn with_strings(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    let written = value.to_string();
    (written == text).then(|| strings(value).to_string())
}

/// The same of a value.
pub(crate) fn strings(value: Value) -> Value {
    match value {
        Value::Number(number) if number.as_u64() >= Some(ROUNDED) => {
            Value::String(number.to_string())
        }
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, strings(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(strings).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(transparent)]
    struct Whole(#[serde(with = "crate::number")] u64);

    #[test]
    fn a_number_that_javascript_would_round_is_a_string() {
        for (number, json) in [
            (0, "0"),
            (ROUNDED - 1, "9007199254740991"),
            (ROUNDED, "\"9007199254740992\""),
            (u64::MAX, "\"18446744073709551615\""),
        ] {
            assert_eq!(serde_json::to_string(&Whole(number)).unwrap(), json);
            assert_eq!(serde_json::from_str::<Whole>(json).unwrap(), Whole(number));
            let plain = number.to_string();
            assert_eq!(serde_json::from_str::<Whole>(&plain).unwrap().0, number, "as it once was");
            assert_eq!(with_strings(&plain).as_deref(), Some(json));
        }
        for wrong in ["\"\"", "\"-1\"", "\"18446744073709551616\"", "\"x\"", "-1", "1.5", "null"] {
            assert!(serde_json::from_str::<Whole>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_written_in_another_way_is_not_rewritten() {
        assert_eq!(
            with_strings("[9007199254740992,\"a\"]").unwrap(),
            "[\"9007199254740992\",\"a\"]"
        );
        for wrong in ["[1, 2]", "[", "1e3"] {
            assert_eq!(with_strings(wrong), None, "{wrong}");
        }
    }
}
