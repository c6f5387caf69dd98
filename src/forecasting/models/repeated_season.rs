//! The fit of a series that repeats one season exactly: the last season again, with intervals of width 0.

use super::{Estimate, Fitted, Forecast, Interval};

/// One season, to be repeated.
#[derive(Clone, Debug)]
pub(crate) struct RepeatedSeason {
    season: Vec<f64>,
}

impl RepeatedSeason {
    /// The fit, if the series has more than `season` values and each equals the one a season before it.
    pub(crate) fn of_repeating(y: &[f64], season: usize) -> Option<Self> {
        let repeats =
            season > 0 && y.len() > season && y.iter().zip(&y[season..]).all(|(before, now)| now - before == 0.0);
        repeats.then(|| Self {
            season: y[y.len() - season..].to_vec(),
        })
    }
}

impl Fitted for RepeatedSeason {
    fn forecast(&self, horizon: usize, levels: &[f64]) -> Forecast {
        let mean: Vec<f64> = self.season.iter().copied().cycle().take(horizon).collect();
        let interval = |&level| Interval {
            level,
            lower: mean.clone(),
            upper: mean.clone(),
        };
        let intervals = levels.iter().map(interval).collect();
        Forecast { mean, intervals }
    }

    fn summary(&self) -> Vec<(&'static str, Estimate)> {
        vec![(
            "fit",
            Estimate::Text("the series repeats one season; no model was fitted".to_owned()),
        )]
    }
}
