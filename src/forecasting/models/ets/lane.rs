//! Four numbers side by side, as they stand in vector registers.

use std::ops::{Add, Div, Mul, Range, Sub};

/// How many there are.
pub(super) const LANES: usize = 4;

/// Four numbers; arithmetic is number by number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lane([f64; LANES]);

impl Lane {
    /// The same number in each.
    #[inline]
    pub(super) fn splat(value: f64) -> Self {
        Self([value; LANES])
    }

    /// The number of each from its position.
    #[inline]
    pub(super) fn from_fn(value: impl FnMut(usize) -> f64) -> Self {
        Self(std::array::from_fn(value))
    }

    /// One of them.
    #[inline]
    pub(super) fn at(self, lane: usize) -> f64 {
        self.0[lane]
    }

    /// The same with another number in one place.
    #[inline]
    pub(super) fn with(mut self, lane: usize, value: f64) -> Self {
        self.0[lane] = value;
        self
    }

    /// The lesser of two each; this one where the other is no number.
    #[inline]
    pub(super) fn lesser(self, other: Self) -> Self {
        Self::from_fn(|lane| {
            if other.0[lane] < self.0[lane] {
                other.0[lane]
            } else {
                self.0[lane]
            }
        })
    }

    /// Whether all lie in a range of positive numbers.
    ///
    /// The bits of positive numbers are ordered as they are, so that no comparison of numbers is needed.
    #[inline]
    pub(super) fn all_within(self, range: &Range<f64>) -> bool {
        let (first, count) = (range.start.to_bits(), range.end.to_bits() - range.start.to_bits());
        let outside = |value: &f64| u64::from(value.to_bits().wrapping_sub(first) >= count);
        self.0.iter().map(outside).sum::<u64>() == 0
    }
}

macro_rules! lane_by_lane {
    ($($operation:ident $function:ident $symbol:tt),*) => {$(
        impl $operation for Lane {
            type Output = Self;

            #[inline]
            fn $function(self, other: Self) -> Self {
                Self::from_fn(|lane| self.0[lane] $symbol other.0[lane])
            }
        }
    )*};
}

lane_by_lane!(Add add +, Sub sub -, Mul mul *, Div div /);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_what_it_holds_number_by_number() {
        let range = 1e-100..1e100;
        for value in [
            1e-100,
            1.0,
            9.9e99,
            1e100,
            9.9e-101,
            0.0,
            -1.0,
            f64::INFINITY,
            f64::NAN,
            -0.0,
            -f64::NAN,
        ] {
            let lane = Lane::splat(2.0).with(3, value);
            assert_eq!(lane.all_within(&range), range.contains(&value), "{value}");
        }
    }

    #[test]
    fn the_lesser_of_a_number_and_none_is_the_number() {
        let (a, b) = (Lane([1.0, 2.0, 3.0, -0.5]), Lane([2.0, 1.0, f64::NAN, -0.25]));
        assert_eq!(a.lesser(b), Lane([1.0, 1.0, 3.0, -0.5]));
    }
}
