//! Student's distribution: the intervals around a forecast whose deviation was estimated from a handful of values.
#![expect(clippy::cast_precision_loss, reason = "degrees of freedom are far below 2^52")]

use std::f64::consts::FRAC_PI_2;

use super::{Interval, normal};

/// Returns how many estimated deviations a central interval of `level` percent reaches to either side, with so many
/// degrees of freedom, at least one.
///
/// Exact for one and two, else accurate to about 1 part in 10⁶. Source: Hill (1970), algorithm 396, Communications of
/// the ACM 13.
pub(crate) fn reach(level: f64, freedom: usize) -> f64 {
    let tails = 1.0 - level / 100.0;
    match freedom {
        0 | 1 => 1.0 / (tails * FRAC_PI_2).tan(),
        2 => (2.0 / (tails * (2.0 - tails)) - 2.0).sqrt(),
        _ => hill(tails, freedom as f64),
    }
}

/// Hill's expansion, for `n` degrees of freedom and the probability of both tails together.
#[expect(clippy::many_single_char_names, reason = "the names of the paper")]
fn hill(tails: f64, n: f64) -> f64 {
    let a = 1.0 / (n - 0.5);
    let b = 48.0 / (a * a);
    let mut c = ((20_700.0 * a / b - 98.0) * a - 16.0) * a + 96.36;
    let d = ((94.5 / (b + c) - 3.0) / b + 1.0) * (a * FRAC_PI_2).sqrt() * n;
    let mut y = (d * tails).powf(2.0 / n);
    if y > 0.05 + a {
        let x = normal::quantile(tails / 2.0);
        y = x * x;
        if n < 5.0 {
            c += 0.3 * (n - 4.5) * (x + 0.6);
        }
        c += (((0.05 * d * x - 5.0) * x - 7.0) * x - 2.0) * x + b;
        y = (((((0.4 * y + 6.3) * y + 36.0) * y + 94.5) / c - y - 3.0) / b + 1.0) * x;
        y = (a * y * y).exp_m1();
    } else {
        y = ((1.0 / (((n + 6.0) / (n * y) - 0.089 * d - 0.822) * (n + 2.0) * 3.0) + 0.5 / (n + 4.0)) * y - 1.0)
            * (n + 1.0)
            / (n + 2.0)
            + 1.0 / y;
    }
    (n * y).sqrt()
}

/// Makes the central interval of each level, in the order of `levels`, as [`normal::intervals`] does.
pub(crate) fn intervals(mean: &[f64], deviation: &[f64], freedom: usize, levels: &[f64]) -> Vec<Interval> {
    let of_level = |&level: &f64| {
        let t = reach(level, freedom);
        let bounds = |side: f64| mean.iter().zip(deviation).map(|(m, d)| m + side * t * d).collect();
        Interval {
            level,
            lower: bounds(-1.0),
            upper: bounds(1.0),
        }
    };
    levels.iter().map(of_level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reaches_as_far_as_the_tables_say() {
        // scipy.stats.t.ppf(0.5 + level / 200, freedom)
        let known = [
            (95.0, 1, 12.706_204_736),
            (95.0, 2, 4.302_652_730),
            (95.0, 3, 3.182_446_305),
            (95.0, 4, 2.776_445_105),
            (95.0, 10, 2.228_138_852),
            (80.0, 5, 1.475_884_049),
            (99.0, 7, 3.499_483_297),
            (50.0, 3, 0.764_892_328),
            (95.0, 100, 1.983_971_519),
        ];
        for (level, freedom, expected) in known {
            let found = reach(level, freedom);
            assert!((found - expected).abs() < 2e-4 * expected, "{level} {freedom}: {found}");
        }
        assert!((reach(95.0, 100_000) - normal::reach(95.0)).abs() < 1e-4);
    }
}
