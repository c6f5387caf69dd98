//! Spikes: values so far from all others, and so few in a row, that a regression on lags must not carry them on.
//!
//! A meter that once showed ten thousand times its usual value says nothing of the same hour a day or a week later. What stays
//! is a change and no spike; so nothing at the end of a past is one, as long as no usual value has followed it.

use std::borrow::Cow;

/// A spike is farther from the median than all but one value in so many.
const FEW: usize = 100;
/// So many times as far, at least.
const FAR: f64 = 5.0;
/// And it has no more values in a row than these.
const SHORT: usize = 3;

/// A past whose spikes are no farther from its median than all but one value in a hundred are.
pub(super) fn drawn_in(past: &[f64]) -> Cow<'_, [f64]> {
    let mut drawn = Cow::Borrowed(past);
    let Some((median, reach)) = reach(past) else {
        return drawn;
    };
    let is_far = |value: f64| (value - median).abs() > FAR * reach;
    let mut at = 0;
    while at < past.len() {
        let length = past[at..].iter().take_while(|value| is_far(**value)).count();
        let has_returned = at + length < past.len();
        if (1..=SHORT).contains(&length) && has_returned {
            for value in &mut drawn.to_mut()[at..at + length] {
                *value = value.clamp(median - reach, median + reach);
            }
        }
        at += length.max(1);
    }
    drawn
}

/// The median, and how far from it all but one value in a hundred lie; `None` where that is nowhere.
fn reach(past: &[f64]) -> Option<(f64, f64)> {
    let mut values = past.to_vec();
    let half = values.len().checked_sub(1)? / 2;
    let median = *values.select_nth_unstable_by(half, f64::total_cmp).1;
    for value in &mut values {
        *value = (*value - median).abs();
    }
    let most = (values.len() - 1) - values.len().div_ceil(FEW).min(values.len() - 1);
    let reach = *values.select_nth_unstable_by(most, f64::total_cmp).1;
    (reach > 0.0 && reach.is_finite()).then_some((median, reach))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(count: u32) -> Vec<f64> {
        (0..count).map(|t| 5.0 + (f64::from(t) / 4.0).sin()).collect()
    }

    #[test]
    fn a_spike_is_drawn_in_and_what_stays_is_not() {
        let plain = wave(400);
        assert!(matches!(drawn_in(&plain), Cow::Borrowed(_)));
        let with = |places: &[usize], value: f64| {
            let mut values = plain.clone();
            for at in places {
                values[*at] = value;
            }
            drawn_in(&values).into_owned()
        };
        let drawn = with(&[390], 14.0);
        assert!(drawn[390] < 6.2 && drawn[389..391] != plain[389..391], "{}", drawn[390]);
        assert_eq!((&drawn[..390], &drawn[391..]), (&plain[..390], &plain[391..]));
        assert!(with(&[200, 300], -14.0).iter().all(|value| (3.8..6.2).contains(value)));
        // Nobody knows yet whether it stays; and four in a row do.
        assert!(with(&[399], 14.0)[399] > 13.0);
        assert!(with(&[300, 301, 302, 303], 14.0)[301] > 13.0);
    }

    #[test]
    fn a_few_values_and_those_that_are_mostly_one_have_no_spikes() {
        for values in [&[][..], &[1.0], &[1.0, 2.0], &[1.0, 1.0, 1.0, 50.0, 1.0, 1.0]] {
            assert_eq!(*drawn_in(values), *values);
        }
    }
}
