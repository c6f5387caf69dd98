//! Combinations of forecasts: a weighted mean of some models, or the median of a few.
//!
//! A combination errs less than its best member wherever their errors differ, since those partly cancel (Bates and
//! Granger, 1969, who give the weights ∝ 1 / E² for errors that are not correlated; Stock and Watson, 2004, who find that
//! estimated correlations make it worse). On hourly series it beat the choice of the best member for each.

mod windows;

pub(crate) use windows::WindowValues;

use super::{Forecast, Interval};

/// How forecasts of one series become one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Combination {
    /// The mean with weights that sum to one.
    Weighted(Vec<Member>),
    /// The median of the models at these positions.
    Median(Vec<usize>),
}

/// A model of a weighted mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Member {
    /// Position of the model in the list of models.
    pub(crate) model: usize,
    /// Its weight, in (0, 1].
    pub(crate) weight: f64,
}

impl Combination {
    /// One model alone.
    pub(crate) fn one(model: usize) -> Self {
        Self::Weighted(vec![Member { model, weight: 1.0 }])
    }

    /// Weights models by the inverse square of their errors, (position, E) each; one without error takes all.
    ///
    /// `None` if no error is a number.
    pub(crate) fn inverse_square(errors: &[(usize, f64)]) -> Option<Self> {
        let least = errors
            .iter()
            .map(|&(_, error)| error)
            .filter(|error| *error >= 0.0)
            .min_by(f64::total_cmp)?;
        // In units of the least error, so that no square under- or overflows.
        let share = |error: f64| if error <= least { 1.0 } else { (least / error).powi(2) };
        let share = |&(model, error): &(usize, f64)| (model, if error >= 0.0 { share(error) } else { 0.0 });
        let shares: Vec<(usize, f64)> = errors.iter().map(share).filter(|&(_, share)| share > 0.0).collect();
        let total: f64 = shares.iter().map(|&(_, share)| share).sum();
        let members = shares.into_iter().map(|(model, share)| Member {
            model,
            weight: share / total,
        });
        Some(Self::Weighted(members.collect()))
    }

    /// The positions of its models.
    pub(crate) fn models(&self) -> Vec<usize> {
        match self {
            Self::Weighted(members) => members.iter().map(|member| member.model).collect(),
            Self::Median(models) => models.clone(),
        }
    }

    /// Combines one path of each model, step by step; a model without one leaves its weight to the others.
    ///
    /// `None` if no model of the combination has a path.
    pub(crate) fn path<'a>(&self, of: impl Fn(usize) -> Option<&'a [f64]>) -> Option<Vec<f64>> {
        match self {
            Self::Weighted(members) => {
                let present: Vec<(f64, &[f64])> = members
                    .iter()
                    .filter_map(|member| Some((member.weight, of(member.model)?)))
                    .collect();
                let total: f64 = present.iter().map(|(weight, _)| weight).sum();
                let mut mean = vec![0.0; present.first()?.1.len()];
                for (weight, path) in present {
                    for (sum, value) in mean.iter_mut().zip(path) {
                        *sum += weight / total * value;
                    }
                }
                Some(mean)
            }
            Self::Median(models) => {
                let present: Vec<&[f64]> = models.iter().filter_map(|&model| of(model)).collect();
                let steps = present.first()?.len();
                Some(
                    (0..steps)
                        .map(|h| median(present.iter().map(|path| path[h]).collect()))
                        .collect(),
                )
            }
        }
    }

    /// Combines forecasts with their intervals, bound by bound, which averages the quantiles.
    ///
    /// All forecasts have the same horizon and levels. Bounds stay nested by level, since each model's are.
    pub(crate) fn forecast<'a>(&self, of: impl Fn(usize) -> Option<&'a Forecast>) -> Option<Forecast> {
        let mean = self.path(|model| Some(of(model)?.mean.as_slice()))?;
        let first = self.models().into_iter().find_map(&of)?;
        let interval = |(i, interval): (usize, &Interval)| {
            Some(Interval {
                level: interval.level,
                lower: self.path(|model| Some(of(model)?.intervals[i].lower.as_slice()))?,
                upper: self.path(|model| Some(of(model)?.intervals[i].upper.as_slice()))?,
            })
        };
        let intervals = first
            .intervals
            .iter()
            .enumerate()
            .map(interval)
            .collect::<Option<_>>()?;
        Some(Forecast { mean, intervals })
    }
}

/// The middle value, or the mean of the two in the middle; NaN of none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match (values.len() / 2, values.len() % 2) {
        (0, 0) => f64::NAN,
        (half, 1) => values[half],
        (half, _) => f64::midpoint(values[half - 1], values[half]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(combination: &Combination) -> Vec<f64> {
        match combination {
            Combination::Weighted(members) => members.iter().map(|member| member.weight).collect(),
            Combination::Median(_) => Vec::new(),
        }
    }

    #[test]
    fn weights_go_with_the_inverse_square_and_sum_to_one() {
        let found = Combination::inverse_square(&[(4, 1.0), (0, 2.0), (7, f64::NAN)]).unwrap();
        assert_eq!(found.models(), [4, 0]);
        assert_eq!(weights(&found), [0.8, 0.2]);
        for scale in [1e-200, 1.0, 1e200] {
            let found = Combination::inverse_square(&[(0, 3.0 * scale), (1, 7.0 * scale), (2, 0.1 * scale)]).unwrap();
            assert!((weights(&found).iter().sum::<f64>() - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn a_model_without_error_takes_all() {
        assert_eq!(
            Combination::inverse_square(&[(0, 1.0), (1, 0.0)]),
            Some(Combination::one(1))
        );
        let both = Combination::inverse_square(&[(0, 0.0), (1, 0.0), (2, 1.0)]).unwrap();
        assert_eq!((both.models(), weights(&both)), (vec![0, 1], vec![0.5, 0.5]));
    }

    #[test]
    fn nothing_comes_of_no_errors() {
        assert_eq!(Combination::inverse_square(&[]), None);
        assert_eq!(Combination::inverse_square(&[(0, f64::NAN)]), None);
    }

    #[test]
    fn a_missing_member_leaves_its_weight_to_the_others() {
        let paths: [Option<&[f64]>; 3] = [Some(&[1.0, 2.0]), None, Some(&[5.0, 6.0])];
        let equal = Combination::inverse_square(&[(0, 1.0), (1, 1.0), (2, 1.0)]).unwrap();
        assert_eq!(equal.path(|model| paths[model]), Some(vec![3.0, 4.0]));
        assert_eq!(
            Combination::Median(vec![0, 1, 2]).path(|model| paths[model]),
            Some(vec![3.0, 4.0])
        );
        assert_eq!(Combination::one(1).path(|model| paths[model]), None);
    }

    #[test]
    fn bounds_are_combined_like_the_forecasts() {
        let forecast = |shift: f64| Forecast {
            mean: vec![shift],
            intervals: vec![Interval {
                level: 90.0,
                lower: vec![shift - 1.0],
                upper: vec![shift + 3.0],
            }],
        };
        let all = [forecast(0.0), forecast(10.0), forecast(11.0)];
        let median = Combination::Median(vec![0, 1, 2])
            .forecast(|model| all.get(model))
            .unwrap();
        assert_eq!(median, forecast(10.0));
        let mean = Combination::inverse_square(&[(0, 1.0), (1, 1.0)])
            .unwrap()
            .forecast(|model| all.get(model));
        assert_eq!(mean, Some(forecast(5.0)));
    }
}
