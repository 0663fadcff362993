//! Amounts in few words.

/// So many seconds: as seconds, minutes, hours or days.
pub(super) fn span(seconds: f64) -> String {
    let units = [(60.0, "s"), (60.0, "min"), (24.0, "h"), (f64::INFINITY, "days")];
    let mut amount = seconds;
    for (next, unit) in units {
        // Ninety minutes say more than two hours.
        if amount < 1.5 * next {
            return format!("{amount:.0} {unit}");
        }
        amount /= next;
    }
    unreachable!("there is no end of days")
}

/// So many bytes.
pub(super) fn size(bytes: f64) -> String {
    let mib = bytes / f64::from(1 << 20);
    if mib < 10_000.0 { format!("{mib:.0} MiB") } else { format!("{:.0} GiB", mib / 1024.0) }
}

/// About so many: two digits of it.
pub(super) fn about(number: f64) -> String {
    let unit = 10_f64.powf((number.max(1.0).log10().floor() - 1.0).max(0.0));
    format!("~{:.0}", (number / unit).round() * unit)
}

/// Exact for all that is counted here.
#[expect(clippy::cast_precision_loss)]
pub(super) fn as_f64(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_the_unit_that_suits_it() {
        let spans =
            [(12.3, "12 s"), (89.0, "89 s"), (720.0, "12 min"), (2e4, "6 h"), (1e6, "12 days")];
        for (seconds, says) in spans {
            assert_eq!(span(seconds), says);
        }
    }

    #[test]
    fn an_estimate_has_two_digits() {
        for (number, says) in [(7.4, "~7"), (1234.0, "~1200"), (4_926_633.0, "~4900000")] {
            assert_eq!(about(number), says);
        }
    }
}
