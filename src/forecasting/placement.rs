//! Where the windows of a back-test lie in each series, and what to lower where they do not fit in.

use super::backtest::RollingOrigin;
use super::panel::{BadSeries, Fault, OnBadSeries, Panel};
use super::series::Series;
use crate::engine::task::TaskError;

/// How many series a message names.
const NAMED: usize = 10;

/// The series of a panel as the back-test takes them.
#[derive(Debug)]
pub(super) struct Placement<'p> {
    /// Those that are back-tested, by name, with the cutoffs of their windows.
    pub(super) tested: Vec<(&'p Series, Vec<usize>)>,
    /// What is not as it should be with some of them: their back-test has fewer windows, or only part of their values.
    pub(super) shortened: Vec<(&'p Series, Fault)>,
    /// Those that are not back-tested.
    pub(super) bad: Vec<(&'p str, Option<&'p Series>, Fault)>,
}

/// The windows that are wanted in each series.
#[derive(Clone, Copy, Debug)]
pub(super) struct WantedWindows {
    /// How they lie.
    pub(super) windows: RollingOrigin,
    /// The shortest season, one of which must lie before the first cutoff.
    pub(super) season: usize,
    /// Fewest windows that say anything: two for intervals that are calibrated on them.
    pub(super) least: usize,
}

impl WantedWindows {
    /// Places the windows in the series of a panel.
    ///
    /// # Errors
    /// [`TaskError`] with what to lower, if they fit in no series, or where a bad series stops the task in any.
    pub(super) fn place<'p>(&self, panel: &'p Panel, policy: OnBadSeries) -> Result<Placement<'p>, TaskError> {
        let gapped = |bad: &&BadSeries| matches!(bad.fault, Fault::Gap(_));
        let with_rest = |bad: &'p BadSeries| Some((bad.rest.as_ref()?, Some(bad.fault.clone())));
        let mut candidates: Vec<(&Series, Option<Fault>)> = panel.sound.iter().map(|series| (series, None)).collect();
        if policy == OnBadSeries::Fallback {
            candidates.extend(panel.bad.iter().filter(gapped).filter_map(with_rest));
            candidates.sort_by_key(|(series, _)| &series.unique_id);
        }
        self.check(&candidates, policy)?;
        let mut placement = Placement {
            tested: Vec::with_capacity(candidates.len()),
            shortened: Vec::new(),
            bad: Vec::new(),
        };
        for (series, fault) in candidates {
            let fit = self.fit(series.y.len()).min(self.windows.count);
            let few = (fit < self.windows.count).then_some(Fault::FewWindows {
                fit,
                asked: self.windows.count,
            });
            let cutoffs = RollingOrigin {
                count: fit,
                ..self.windows
            }
            .cutoffs(series.y.len());
            let enough = fit >= self.least && (few.is_none() || policy == OnBadSeries::Fallback);
            match cutoffs.filter(|_| enough) {
                Some(cutoffs) => {
                    placement.shortened.extend(fault.or(few).map(|fault| (series, fault)));
                    placement.tested.push((series, cutoffs));
                }
                None => placement
                    .bad
                    .push((&series.unique_id, Some(series), self.short(series, policy))),
            }
        }
        let rest = panel
            .bad
            .iter()
            .filter(|bad| policy != OnBadSeries::Fallback || !gapped(bad) || bad.rest.is_none());
        placement
            .bad
            .extend(rest.map(|bad| (bad.unique_id.as_str(), bad.rest.as_ref(), bad.fault.clone())));
        placement.bad.sort_by_key(|(id, ..)| *id);
        Ok(placement)
    }

    /// How many windows fit into `n` values.
    fn fit(&self, n: usize) -> usize {
        let before_last = n.checked_sub(self.windows.horizon + self.season + 1);
        before_last.map_or(0, |room| room / self.windows.step + 1)
    }

    /// How many values all windows take.
    fn needed(&self) -> usize {
        let RollingOrigin { horizon, count, step } = self.windows;
        (count - 1)
            .saturating_mul(step)
            .saturating_add(horizon)
            .saturating_add(self.season + 1)
    }

    /// A series with too few values for as many windows as it has to have.
    fn short(&self, series: &Series, policy: OnBadSeries) -> Fault {
        let count = if policy == OnBadSeries::Fallback {
            self.least
        } else {
            self.windows.count
        };
        let windows = RollingOrigin { count, ..self.windows };
        Fault::Short {
            values: series.y.len(),
            needed: Self { windows, ..*self }.needed(),
        }
    }

    /// Refuses windows that fit into no series, since then it is they that are at fault.
    fn check(&self, candidates: &[(&Series, Option<Fault>)], policy: OnBadSeries) -> Result<(), TaskError> {
        let is_short = |series: &&Series| self.fit(series.y.len()) < self.windows.count;
        let short: Vec<&Series> = candidates.iter().map(|(series, _)| *series).filter(is_short).collect();
        let stops = short.len() == candidates.len() || policy == OnBadSeries::Error;
        let by_length = short.iter().copied();
        let decides = match policy {
            OnBadSeries::Error => by_length.min_by_key(|series| series.y.len()),
            // The first of the longest.
            OnBadSeries::Fallback | OnBadSeries::Drop => by_length.rev().max_by_key(|series| series.y.len()),
        };
        let Some(decides) = decides.filter(|_| stops) else {
            return Ok(());
        };
        let RollingOrigin { horizon, count, step } = self.windows;
        let (id, n, season) = (&decides.unique_id, decides.y.len(), self.season);
        let mut error = TaskError::new(format!(
            "the series `{id}` has {n} values; the back-test needs at least {}",
            self.needed()
        ))
        .note(format!(
            "{count} windows, {step} steps apart, of {horizon} steps, after more than one season of {season}"
        ));
        let others = short.iter().filter(|other| other.unique_id != *id);
        let others: Vec<String> = others.map(|other| format!("`{}`", other.unique_id)).collect();
        if !others.is_empty() {
            let more = if others.len() > NAMED { ", …" } else { "" };
            let names = others[..others.len().min(NAMED)].join(", ");
            error = error.note(format!("too short as well, {} more: {names}{more}", others.len()));
        }
        Err(error.help(self.advice(n)))
    }

    /// What to lower, and to what number, so that the windows fit into `n` values.
    fn advice(&self, n: usize) -> String {
        let RollingOrigin { horizon, count, step } = self.windows;
        let over = self.needed().saturating_sub(n);
        let lowered = |value: usize, least: usize| value.checked_sub(over).filter(|value| *value >= least);
        let step_to = (over.div_ceil((count - 1).max(1)) < step && count > 1).then(|| step - over.div_ceil(count - 1));
        let windows_to = Some(self.fit(n)).filter(|fit| *fit >= self.least);
        let each = [
            ("n_windows", windows_to),
            ("step_size", step_to),
            ("horizon", lowered(horizon, 1)),
            ("season_length", lowered(self.season, 1)),
        ];
        let each: Vec<String> = each
            .into_iter()
            .filter_map(|(name, to)| Some(format!("`{name}` to {}", to?)))
            .collect();
        let longer = format!("take a longer span of data, of {} steps", self.needed());
        let one_window = n
            .checked_sub(self.season + 1 + (self.least - 1))
            .filter(|horizon| *horizon > 0);
        match (each.as_slice(), one_window) {
            ([], Some(horizon)) => format!(
                "lower `n_windows` to {}, `step_size` to 1 and `horizon` to {horizon}, or {longer}",
                self.least
            ),
            ([], None) => match (n.saturating_sub(self.least)) / 2 {
                0 => longer,
                half => format!(
                    "lower `season_length` and `horizon` to {half}, `n_windows` to {} and `step_size` to 1, or {longer}",
                    self.least
                ),
            },
            ([one], _) => format!("lower {one}, or {longer}"),
            (several, _) => format!("lower one of these: {}; or {longer}", several.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(horizon: usize, count: usize, step: usize, season: usize) -> WantedWindows {
        WantedWindows {
            windows: RollingOrigin { horizon, count, step },
            season,
            least: 1,
        }
    }

    #[test]
    fn each_number_that_is_advised_is_enough_and_one_more_is_not() {
        let fits = |wanted: &WantedWindows, n: usize| wanted.fit(n) >= wanted.windows.count;
        for n in [60, 200, 700, 1000, 1500] {
            let asked = wanted(24, 10, 168, 24);
            assert!(!fits(&asked, n));
            let advice = asked.advice(n);
            for part in advice.split(['`', ';']).collect::<Vec<_>>().windows(2) {
                let number = part[1]
                    .strip_prefix(" to ")
                    .map(|rest| rest.trim_end_matches([',', ' ']));
                let Some(number) = number.and_then(|number| number.parse::<usize>().ok()) else {
                    continue;
                };
                let with = |value: usize| {
                    let mut changed = asked;
                    match part[0] {
                        "n_windows" => changed.windows.count = value,
                        "step_size" => changed.windows.step = value,
                        "horizon" => changed.windows.horizon = value,
                        _ => changed.season = value,
                    }
                    changed
                };
                assert!(fits(&with(number), n), "{n}: {advice}");
                assert!(!fits(&with(number + 1), n), "{n}: {advice}");
            }
        }
        assert_eq!(
            wanted(24, 10, 168, 24).advice(1000),
            "lower one of these: `n_windows` to 6, `step_size` to 105; or take a longer span of data, of 1561 steps"
        );
        assert_eq!(
            wanted(24, 1, 168, 24).advice(40),
            "lower one of these: `horizon` to 15, `season_length` to 15; or take a longer span of data, of 49 steps"
        );
        assert_eq!(
            wanted(24, 5, 168, 24).advice(40),
            "lower `n_windows` to 1, `step_size` to 1 and `horizon` to 15, or take a longer span of data, of 721 steps"
        );
        assert_eq!(
            wanted(24, 5, 168, 24).advice(20),
            "lower `season_length` and `horizon` to 9, `n_windows` to 1 and `step_size` to 1, or take a longer span of data, of \
             721 steps"
        );
        assert!(fits(&wanted(9, 1, 1, 9), 20));
        assert_eq!(
            wanted(24, 5, 168, 24).advice(2),
            "take a longer span of data, of 721 steps"
        );
    }
}
