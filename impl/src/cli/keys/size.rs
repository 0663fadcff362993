//! Sizes in bytes, as people write them.

use std::str::FromStr;

/// A trace whose files are shorter would be files and little else.
const LEAST: u64 = 64 << 10;

/// How long a file may become, in bytes, as `64M`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let shift = match &text[digits.len()..] {
            "" => 0,
            "K" | "KiB" => 10,
            "M" | "MiB" => 20,
            "G" | "GiB" => 30,
            _ => {
                return Err(
                    "write it as 64M: a number of bytes, with K, M or G for KiB, MiB or GiB".into(),
                );
            }
        };
        let number: u64 = digits.parse().map_err(|_| "write it as 64M, in bytes")?;
        let bytes = number.checked_mul(1 << shift).ok_or("no disk has that many bytes")?;
        if bytes < LEAST { Err("it is at least 64K".into()) } else { Ok(Self(bytes)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_of_bytes_or_of_their_multiples() {
        let sizes = [("65536", 1 << 16), ("64K", 1 << 16), ("64MiB", 1 << 26), ("2G", 1 << 31)];
        for (text, bytes) in sizes {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
        for (text, words) in [
            ("64k", "write it as 64M"),
            ("", "write it as 64M"),
            ("-1M", "write it as 64M"),
            ("1.5G", "write it as 64M"),
            ("63K", "at least 64K"),
            ("18446744073709551615G", "no disk"),
        ] {
            let error = text.parse::<Size>().unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
