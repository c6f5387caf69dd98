//! The forms of the ETS family: which components a model has, and how they join.

use super::super::classical::Composition;
use std::fmt;
use std::str::FromStr;

/// How the errors, the trend or the season enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Component {
    /// Not at all.
    Absent,
    /// Added.
    Additive,
    /// Multiplied.
    Multiplicative,
}

impl From<Composition> for Component {
    fn from(composition: Composition) -> Self {
        match composition {
            Composition::Additive => Self::Additive,
            Composition::Multiplicative => Self::Multiplicative,
        }
    }
}

impl Component {
    fn letter(self) -> char {
        match self {
            Self::Absent => 'N',
            Self::Additive => 'A',
            Self::Multiplicative => 'M',
        }
    }
}

/// One form, such as ETS(A,Ad,M).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EtsForm {
    /// Additive or multiplicative errors, never absent.
    pub(crate) error: Component,
    /// The trend.
    pub(crate) trend: Component,
    /// Whether the trend fades.
    pub(crate) damped: bool,
    /// The season.
    pub(crate) season: Component,
}

impl EtsForm {
    /// Whether the states can be far apart in sign and size without harm: all components are added.
    pub(super) fn is_linear(self) -> bool {
        self.trend != Component::Multiplicative && self.season != Component::Multiplicative
    }

    /// Whether the form multiplies, so that it needs positive values.
    pub(super) fn needs_positive(self) -> bool {
        self.error == Component::Multiplicative || !self.is_linear()
    }

    /// Forms that are known to be unstable: an additive error on a multiplied level, or a product of mixed parts
    /// (Hyndman and others 2008, section 1.4; `restrict` of the R package forecast).
    fn is_unstable(self) -> bool {
        use Component::{Additive, Multiplicative};
        match self.error {
            Additive => !self.is_linear(),
            _ => self.trend == Multiplicative && self.season == Additive,
        }
    }

    /// Estimated numbers: smoothing parameters, free initial states and the variance.
    pub(super) fn parameters(self, season_length: usize) -> usize {
        let trend = if self.trend == Component::Absent {
            0
        } else {
            2 + usize::from(self.damped)
        };
        let season = if self.season == Component::Absent {
            0
        } else {
            season_length
        };
        3 + trend + season
    }
}

impl fmt::Display for EtsForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let damped = if self.damped { "d" } else { "" };
        write!(
            f,
            "ETS({},{}{damped},{})",
            self.error.letter(),
            self.trend.letter(),
            self.season.letter()
        )
    }
}

/// Which forms to try: `ZZZ`, `ZZN`, `AAA`, `MAdM` and the like.
///
/// The letters stand for error, trend and season: `N` none, `A` additive, `M` multiplicative, `Z` whatever fits best.
/// A `d` behind the trend asks for a damped one; without it a trend is tried damped and undamped. A trend of `Z` is never multiplicative, as in the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FormPattern {
    error: Option<Component>,
    trend: Option<Component>,
    season: Option<Component>,
    damped: Option<bool>,
}

/// A pattern that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no ETS model: three letters of N, A, M, Z (error, trend, season), such as `ZZZ` or `MAdM`")]
pub(crate) struct FormPatternError(String);

impl FormPattern {
    /// Those that a setting can ask for.
    pub(crate) const NAMES: [&'static str; 8] = ["ZZZ", "ZZN", "ZZA", "ANN", "AAN", "AAA", "ANA", "MAM"];

    /// Error and linear trend, the latter damped or not.
    pub(super) fn holt(error: Composition) -> Self {
        let error = Component::from(error);
        Self {
            error: Some(error),
            trend: Some(Component::Additive),
            season: Some(Component::Absent),
            damped: None,
        }
    }

    /// The same with a season that joins like the error.
    pub(super) fn holt_winters(error: Composition) -> Self {
        Self {
            season: Some(Component::from(error)),
            ..Self::holt(error)
        }
    }

    /// Whether it insists on a season.
    pub(super) fn needs_season(self) -> bool {
        matches!(self.season, Some(Component::Additive | Component::Multiplicative))
    }

    /// Lists the forms to try, simple ones first.
    ///
    /// `seasonal` and `positive` say whether the series has enough seasons, and only values above zero. A form that
    /// is known to be unstable is left out, unless the pattern names all of it.
    pub(super) fn forms(self, seasonal: bool, positive: bool) -> Vec<EtsForm> {
        use Component::{Absent, Additive, Multiplicative};
        let choices = |fixed: Option<Component>, open: &[Component]| fixed.map_or(open.to_vec(), |one| vec![one]);
        let is_whole = self.error.is_some() && self.trend.is_some() && self.season.is_some();
        let mut forms = Vec::new();
        for error in choices(self.error, &[Additive, Multiplicative]) {
            for season in choices(self.season, &[Absent, Additive, Multiplicative]) {
                for trend in choices(self.trend, &[Absent, Additive]) {
                    for damped in self.damped.map_or(vec![false, true], |one| vec![one]) {
                        let form = EtsForm {
                            error,
                            trend,
                            damped,
                            season,
                        };
                        let is_wanted = (seasonal || season == Absent)
                            && (positive || !form.needs_positive())
                            && (is_whole || !form.is_unstable())
                            && (trend != Absent || !damped);
                        if is_wanted {
                            forms.push(form);
                        }
                    }
                }
            }
        }
        forms
    }
}

impl FromStr for FormPattern {
    type Err = FormPatternError;

    fn from_str(text: &str) -> Result<Self, FormPatternError> {
        let wrong = || FormPatternError(text.to_owned());
        let component = |letter: char| match letter {
            'N' => Ok(Some(Component::Absent)),
            'A' => Ok(Some(Component::Additive)),
            'M' => Ok(Some(Component::Multiplicative)),
            'Z' => Ok(None),
            _ => Err(wrong()),
        };
        let letters: Vec<char> = text.chars().collect();
        let (error, trend, damped, season) = match letters[..] {
            [error, trend, season] => (error, trend, None, season),
            [error, trend, 'd', season] if trend != 'N' => (error, trend, Some(true), season),
            _ => return Err(wrong()),
        };
        if error == 'N' {
            return Err(wrong());
        }
        Ok(Self {
            error: component(error)?,
            trend: component(trend)?,
            season: component(season)?,
            damped,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(pattern: &str, seasonal: bool, positive: bool) -> Vec<String> {
        let pattern: FormPattern = pattern.parse().unwrap();
        pattern
            .forms(seasonal, positive)
            .iter()
            .map(EtsForm::to_string)
            .collect()
    }

    #[test]
    fn an_open_pattern_tries_the_fifteen_stable_forms() {
        assert_eq!(forms("ZZZ", true, true).len(), 15);
        let linear = ["(A,N,N)", "(A,A,N)", "(A,Ad,N)", "(A,N,A)", "(A,A,A)", "(A,Ad,A)"].map(|f| format!("ETS{f}"));
        assert_eq!(forms("ZZZ", true, false), linear);
        assert_eq!(forms("ZZN", false, true).len(), 6);
    }

    #[test]
    fn a_named_form_is_tried_alone() {
        assert_eq!(forms("MAdM", true, true), ["ETS(M,Ad,M)"]);
        assert_eq!(forms("AAA", true, true), ["ETS(A,A,A)", "ETS(A,Ad,A)"]);
        assert_eq!(forms("ANM", true, true), ["ETS(A,N,M)"]);
    }

    #[test]
    fn every_pattern_that_can_be_set_is_one() {
        for name in FormPattern::NAMES {
            assert!(name.parse::<FormPattern>().is_ok(), "{name}");
        }
    }

    #[test]
    fn other_letters_are_refused() {
        for text in ["", "AA", "AAAA", "NAA", "XYZ", "ANdN"] {
            assert_eq!(text.parse::<FormPattern>(), Err(FormPatternError(text.to_owned())));
        }
    }
}
