//! `HourlyPanel`: regressions pooled over the series of a panel, profiles, smoothing and analogues, weighted by their errors
//! within the past.
//!
//! A combination of six simple members (`recipe = "pool"`) that is ahead of every statistical entry and of most pre-trained
//! models on the hourly series of the M4 competition, with linear algebra alone; `docs/forecasting.md` has the figures.
//!
//! 1. `PooledAR` on the lags `sparse`, `dense` and `by_day`; `WeekProfile`; `DoubleSeasonalHoltWinters` averaged over its
//!    parameters; `Analogues`. `recipe = "pool7"` adds the lags `by_two_days` and bounds the influence of large errors in
//!    both regressions of differences. `recipe = "local"` forecasts every series alone: the first two regressions without
//!    pooling, and the others.
//! 2. All are refitted from nine origins within each past, 2 m₁ steps before its end and m₁ apart. A member's error A is
//!    the mean of |y − f| over them. With la the logarithms of A less their mean, and V weights of the series whose members
//!    erred alike, la′ = (la + 2 V la) / 3, and weights are ∝ exp(−5 la′); alone ∝ A⁻³.
//! 3. The forecast is half the weighted mean and half the weighted median of the members, step by step.
//! 4. The intervals ([`super::step_errors`]) follow the errors of the combination from these origins by day and hour, drawn
//!    towards those of the neighbours and to a growth with h^0.3.
//! 5. With `rounding = "auto"` forecasts and bounds go to the nearest multiple of the step of which all values of the series
//!    are multiples: the median of what can only take such values. It is off by default, since people expect fractions.
//!
//! Below `pool_from` series (25) of which the past is long enough, it is the local one. Combining: Bates and Granger (1969);
//! Jose and Winkler (2008), Simple robust averages of forecasts. The errors are those of forecasts of what was then unknown, so
//! nothing here is judged on what it was fitted to.
//!
//! Where it does not serve: long single series with a trend of their own, where TBATS and MSTL are better; a few series that
//! have nothing to do with each other.
//!
//! Cost: ten fits of every member for each cutoff, of which cutoffs of a back-test share what they have in common.

pub(super) mod members;
pub(super) mod recipe;
pub(super) mod resolution;
pub(super) mod tracks;
pub(super) mod weights;

use self::recipe::Recipe;
use super::super::named_enum::named_enum;
use super::panel_model::{PanelControl, PanelModel, PanelOutcome, PanelPasts, PanelRequest, Stopped, in_groups};
use super::pooled_ar::lags::SeasonPair;
use super::pooled_ar::{POOL_FROM, SERIES};
use super::settings::model_settings;
use crate::engine::spec::schema::Kind;
use crate::engine::spec::schema::Literal::Text;

const NAME: &str = "HourlyPanel";

named_enum! {
    /// Which members there are.
    pub(crate) enum RecipeName {
        /// Three pooled regressions and three others.
        Pool = "pool",
        /// Four pooled regressions, two of them robust, and three others.
        Pool7 = "pool7",
        /// Five members of one series each.
        Local = "local",
    }
}

named_enum! {
    /// Whether forecasts have the resolution of the series.
    pub(crate) enum Rounding {
        /// They have as many digits as come out.
        Off = "off",
        /// They are multiples of the step of which all values are multiples.
        Auto = "auto",
    }
}

model_settings! {
    /// The model with its seasons.
    #[derive(Clone, Debug, PartialEq)]
    pub(crate) struct HourlyPanel {
        /// The seasons.
        seasons: SeasonPair = SeasonPair { short: 24, long: 168 },
    }
    "recipe" => recipe: RecipeName = Some(Text(RecipeName::Pool.name())), Kind::Choice(RecipeName::NAMES),
        "the members: six with three pooled regressions, seven with four, or five of each series alone";
    "rounding" => rounding: Rounding = Some(Text(Rounding::Off.name())), Kind::Choice(Rounding::NAMES),
        "whether forecasts and bounds become multiples of the step of which all values of the series are";
    "pool_from" => pool_from: usize = Some(POOL_FROM), SERIES,
        "from how many series on they are pooled; fewer are forecast one by one";
}

impl HourlyPanel {
    /// Has the default settings.
    pub(crate) fn new(seasons: SeasonPair) -> Self {
        Self {
            seasons,
            ..Self::default()
        }
    }

    fn recipe(&self) -> Recipe {
        let pool_from = match self.recipe {
            RecipeName::Local => usize::MAX,
            RecipeName::Pool | RecipeName::Pool7 => self.pool_from,
        };
        let (seven, rounding) = (self.recipe == RecipeName::Pool7, self.rounding == Rounding::Auto);
        Recipe::new(NAME, self.seasons, (seven, rounding), pool_from)
    }
}

impl PanelModel for HourlyPanel {
    fn forecasts(
        &self,
        panel: &PanelPasts<'_>,
        request: PanelRequest<'_>,
        control: PanelControl<'_>,
    ) -> Result<Vec<Vec<PanelOutcome>>, Stopped> {
        let recipe = self.recipe();
        in_groups(panel, |group| recipe.forecasts(group, request, control))
    }
}

#[cfg(test)]
mod tests;
