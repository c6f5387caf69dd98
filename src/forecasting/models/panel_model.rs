//! Models that are fitted to all series of a panel at once: global models, in the words of Januschowski and others
//! (2020), Criteria for classifying forecasting methods.
//!
//! A model of one series is a [`Model`]; one whose forecast of a series depends on the others is a [`PanelModel`]. It gets
//! all that is to be forecast, every series at every cutoff, in one call: what several cutoffs share is then its own to
//! find, and a program outside has to be begun but once.

use std::fmt::Debug;

use super::{Estimate, FitError, Forecast, Model};

/// A forecasting model that is fitted to several series together, with its settings.
pub(crate) trait PanelModel: Debug + Send + Sync {
    /// Forecasts what follows every past of every window: an outcome for each, by window, in the order of its pasts.
    ///
    /// A window knows nothing of the others: its outcomes are those of a call with it alone. Within one, an outcome may
    /// depend on every past, and on their order only as far as it says so in its documentation. A forecast is a pure
    /// function of the model, the pasts and the request, the same bits at any thread count, and does not depend on how
    /// far it goes. A series that cannot be forecast is an error of its own, and stops no other.
    ///
    /// # Errors
    /// [`Stopped`] if it was asked to stop before it was done.
    fn forecasts(
        &self,
        panel: &PanelPasts<'_>,
        request: PanelRequest<'_>,
        control: PanelControl<'_>,
    ) -> Result<Vec<Vec<PanelOutcome>>, Stopped>;
}

/// The series of a panel, and from where in them to forecast.
#[derive(Clone, Debug, Default)]
pub(crate) struct PanelPasts<'a> {
    /// The series, each once.
    pub(crate) series: Vec<PanelSeries<'a>>,
    /// The pasts that belong together, a series at most once in each; in a back-test the earliest window first.
    pub(crate) windows: Vec<Vec<Past>>,
}

/// One series of a panel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PanelSeries<'a> {
    /// Its name.
    pub(crate) unique_id: &'a str,
    /// Finite values at regular steps, the oldest first; a past is a beginning of them.
    pub(crate) y: &'a [f64],
}

/// The beginning of a series that a forecast may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Past {
    /// Position of the series in the panel.
    pub(crate) series: usize,
    /// How many of its values are past.
    pub(crate) n: usize,
}

/// How far to forecast, and with which intervals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PanelRequest<'a> {
    /// Steps.
    pub(crate) horizon: usize,
    /// Levels of the intervals in percent, each in (0, 100).
    pub(crate) levels: &'a [f64],
}

/// How whoever waits for a panel model looks in on it.
#[derive(Clone, Copy)]
pub(crate) struct PanelControl<'a> {
    /// Whether it is to stop; asked many times a second where that is possible.
    pub(crate) stopped: &'a (dyn Fn() -> bool + Sync),
    /// Takes a few words on how far it is.
    pub(crate) progress: &'a (dyn Fn(&str) + Sync),
}

/// What is forecast of one series.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PanelForecast {
    /// The forecast.
    pub(crate) forecast: Forecast,
    /// What the fit found, by name, as of [`Fitted::summary`](super::Fitted::summary).
    pub(crate) summary: Vec<(String, Estimate)>,
}

/// A forecast of one series, or why there is none.
pub(crate) type PanelOutcome = Result<PanelForecast, FitError>;

/// A panel model was asked to stop before it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped")]
pub(crate) struct Stopped;

/// A model, by what it is fitted to.
pub(crate) enum AnyModel {
    /// One series at a time.
    Local(Box<dyn Model>),
    /// All series at once.
    Panel(Box<dyn PanelModel>),
}

impl<'a> PanelPasts<'a> {
    /// The same series with the windows at these positions alone.
    pub(crate) fn of_windows(&self, positions: &[usize]) -> PanelPasts<'a> {
        PanelPasts {
            series: self.series.clone(),
            windows: positions.iter().map(|&at| self.windows[at].clone()).collect(),
        }
    }

    /// The name and the values of a past.
    pub(crate) fn past(&self, past: Past) -> PanelSeries<'a> {
        let series = self.series[past.series];
        PanelSeries {
            y: &series.y[..past.n],
            ..series
        }
    }
}

impl PanelControl<'_> {
    /// Goes on unless it is to stop.
    ///
    /// # Errors
    /// [`Stopped`] if it is.
    pub(crate) fn check(&self) -> Result<(), Stopped> {
        match (self.stopped)() {
            true => Err(Stopped),
            false => Ok(()),
        }
    }
}

/// As the model itself: what a forecast is cached under.
impl Debug for AnyModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local(model) => model.fmt(f),
            Self::Panel(model) => model.fmt(f),
        }
    }
}

impl<M: Model + 'static> From<M> for AnyModel {
    fn from(model: M) -> Self {
        Self::Local(Box::new(model))
    }
}
