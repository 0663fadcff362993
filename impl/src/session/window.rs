//! Which numbers of a sender have come already.

use crate::wire::Rejection;

/// How far behind the highest number one may be that is still believed, so that datagrams may
/// overtake each other.
pub const WIDTH: u64 = 128;

/// The numbers of one run of a sender, which begin with 1: the highest that has come, and which of
/// those right below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    highest: u64,
    seen: u128, // bit n: whether `highest - n` has come
}

impl Window {
    /// None has come. Number 0 counts as seen: nobody sends it.
    pub const NEW: Self = Self { highest: 0, seen: 1 };

    /// Whether this number may be believed.
    ///
    /// # Errors
    ///
    /// [`Rejection::Replayed`] if it has come before, and [`Rejection::TooOld`] if nobody knows.
    pub const fn check(&self, number: u64) -> Result<(), Rejection> {
        let Some(behind) = self.highest.checked_sub(number) else { return Ok(()) };
        if behind >= WIDTH {
            return Err(Rejection::TooOld);
        }
        if self.seen >> behind & 1 == 1 {
            return Err(Rejection::Replayed);
        }
        Ok(())
    }

    /// This number, which was checked, has come, and its sender is known to have sent it.
    pub fn accept(&mut self, number: u64) {
        match self.highest.checked_sub(number) {
            Some(behind) => self.seen |= 1 << behind,
            None => {
                let ahead = number - self.highest;
                let shift = u32::try_from(ahead).unwrap_or(u32::MAX);
                self.seen = self.seen.checked_shl(shift).unwrap_or(0) | 1;
                self.highest = number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    fn comes(window: &mut Window, number: u64) -> Result<(), Rejection> {
        window.check(number).inspect(|()| window.accept(number))
    }

    #[test]
    fn each_number_is_believed_once_in_any_order() {
        let mut window = Window::NEW;
        for number in [1, 3, 2, 7, 5, 6, 4] {
            assert_eq!(comes(&mut window, number), Ok(()), "{number}");
        }
        for number in 0..=7 {
            assert_eq!(comes(&mut window, number), Err(Rejection::Replayed), "{number}");
        }
    }

    #[test]
    fn the_last_one_within_the_window_is_believed_and_the_next_is_too_old() {
        let mut window = Window::NEW;
        comes(&mut window, 1000).unwrap();
        assert_eq!(comes(&mut window, 1000 - (WIDTH - 1)), Ok(()));
        assert_eq!(comes(&mut window, 1000 - (WIDTH - 1)), Err(Rejection::Replayed));
        assert_eq!(comes(&mut window, 1000 - WIDTH), Err(Rejection::TooOld));
    }

    #[test]
    fn a_jump_forgets_what_it_leaves_behind_and_nothing_else() {
        let mut window = Window::NEW;
        comes(&mut window, 1).unwrap();
        comes(&mut window, WIDTH).unwrap();
        assert_eq!(comes(&mut window, 1), Err(Rejection::Replayed));
        comes(&mut window, 2 * WIDTH).unwrap();
        assert_eq!(comes(&mut window, WIDTH), Err(Rejection::TooOld));
        assert_eq!(comes(&mut window, WIDTH + 1), Ok(()));
        comes(&mut window, u64::MAX).unwrap();
        assert_eq!(comes(&mut window, u64::MAX), Err(Rejection::Replayed));
        assert_eq!(comes(&mut window, u64::MAX - 1), Ok(()));
        assert_eq!(comes(&mut window, 2 * WIDTH), Err(Rejection::TooOld));
    }

    /// A set that never forgets says the same, but for what is too old.
    #[test]
    fn it_agrees_with_a_set_of_all_that_has_come() {
        let mut random = StdRng::seed_from_u64(1);
        let (mut window, mut all, mut highest) = (Window::NEW, BTreeSet::from([0]), 0_u64);
        let mut told = [0; 3];
        for _ in 0..100_000 {
            let ahead = random.random_range(0..300_u64);
            let number = (highest + ahead).saturating_sub(280);
            let expected = if highest.saturating_sub(number) >= WIDTH {
                Err(Rejection::TooOld)
            } else if all.insert(number) {
                Ok(())
            } else {
                Err(Rejection::Replayed)
            };
            assert_eq!(comes(&mut window, number), expected, "{number} after {highest}");
            if expected.is_ok() {
                highest = highest.max(number);
            }
            let kind = match expected {
                Ok(()) => 0,
                Err(Rejection::Replayed) => 1,
                Err(_) => 2,
            };
            told[kind] += 1;
        }
        assert!(told.iter().all(|&count| count > 1000), "{told:?}");
    }
}
