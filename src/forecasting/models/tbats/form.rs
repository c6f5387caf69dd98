//! What a model is made of: its components, its seasons' harmonics, and its parameters.

use std::fmt;

/// Four numbers side by side, so that loops over harmonics run in vector registers.
pub(super) type Lane = [f64; 4];

/// How the level goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trend {
    /// It stays.
    Absent,
    /// It goes on by its slope.
    Linear,
    /// It goes on by a slope that fades.
    Damped,
}

/// The components of a model other than its seasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TbatsForm {
    /// Whether the series is transformed.
    pub(super) box_cox: bool,
    /// The trend.
    pub(super) trend: Trend,
    /// p: autoregressive coefficients of the errors.
    pub(super) p: usize,
    /// q: their moving-average coefficients.
    pub(super) q: usize,
}

/// The harmonics of all seasons, the shortest season first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Harmonics {
    /// Steps in each season, and which of its harmonics there are, ascending.
    pub(super) seasons: Vec<(usize, Vec<usize>)>,
    /// `cos` and `sin` of each harmonic's turn in one step, the last lane filled up with zeros.
    pub(super) cos: Vec<Lane>,
    pub(super) sin: Vec<Lane>,
    /// 1 for each harmonic.
    pub(super) ones: Vec<Lane>,
}

impl Harmonics {
    /// The angle that the `j`-th harmonic of a season turns in one step.
    #[expect(clippy::cast_precision_loss, reason = "a season has few steps")]
    pub(super) fn turn(m: usize, j: usize) -> f64 {
        std::f64::consts::TAU * j as f64 / m as f64
    }

    pub(super) fn new(seasons: Vec<(usize, Vec<usize>)>) -> Self {
        let turns: Vec<f64> = seasons
            .iter()
            .flat_map(|(m, harmonics)| harmonics.iter().map(|&j| Self::turn(*m, j)))
            .collect();
        // The sine of the highest frequency of an even season is zero, which rounding must not forget.
        let halves: Vec<bool> = seasons
            .iter()
            .flat_map(|(m, harmonics)| harmonics.iter().map(move |j| 2 * j == *m))
            .collect();
        let sine = |(turn, half): (&f64, &bool)| if *half { 0.0 } else { turn.sin() };
        Self {
            cos: lanes(turns.iter().map(|turn| turn.cos())),
            sin: lanes(turns.iter().zip(&halves).map(sine)),
            ones: lanes(turns.iter().map(|_| 1.0)),
            seasons,
        }
    }

    /// How many numbers of the seed state they have: two each, and one at the highest frequency of an even season.
    pub(super) fn seeds(&self) -> usize {
        let of = |(m, harmonics): &(usize, Vec<usize>)| -> usize {
            harmonics.iter().map(|j| if 2 * j == *m { 1 } else { 2 }).sum()
        };
        self.seasons.iter().map(of).sum()
    }
}

/// Fills lanes with numbers, and the last one up with zeros.
pub(super) fn lanes(numbers: impl Iterator<Item = f64>) -> Vec<Lane> {
    let mut out: Vec<Lane> = Vec::new();
    for (i, number) in numbers.enumerate() {
        if i % 4 == 0 {
            out.push([0.0; 4]);
        }
        out[i / 4][i % 4] = number;
    }
    out
}

/// The parameters of a model, other than its seed state.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TbatsParameters {
    /// λ of the transformation; 1 without one.
    pub(super) lambda: f64,
    /// How much of an error the level takes up.
    pub(super) alpha: f64,
    /// How much of it the slope takes up.
    pub(super) beta: f64,
    /// What is left of the slope after a step; 1 where it is not damped.
    pub(super) phi: f64,
    /// How much of it the harmonics of each season take up.
    pub(super) gamma: Vec<f64>,
    /// φ₁, φ₂, … of the errors.
    pub(super) ar: Vec<f64>,
    /// θ₁, θ₂, … of the errors.
    pub(super) ma: Vec<f64>,
}

/// One free parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ParameterName {
    Lambda,
    Alpha,
    Beta,
    Phi,
    /// γ of a season.
    Gamma(usize),
    Ar(usize),
    Ma(usize),
}

impl ParameterName {
    /// The free parameters of a form: those of the structure first, then those of the errors.
    pub(super) fn of(form: TbatsForm, seasons: usize) -> Vec<Self> {
        let mut names = vec![Self::Alpha];
        if form.box_cox {
            names.push(Self::Lambda);
        }
        if form.trend != Trend::Absent {
            names.push(Self::Beta);
        }
        if form.trend == Trend::Damped {
            names.push(Self::Phi);
        }
        names.extend((0..seasons).map(Self::Gamma));
        names.extend((0..form.p).map(Self::Ar));
        names.extend((0..form.q).map(Self::Ma));
        names
    }
}

impl TbatsParameters {
    /// The parameter of a name.
    pub(super) fn at(&mut self, name: ParameterName) -> &mut f64 {
        match name {
            ParameterName::Lambda => &mut self.lambda,
            ParameterName::Alpha => &mut self.alpha,
            ParameterName::Beta => &mut self.beta,
            ParameterName::Phi => &mut self.phi,
            ParameterName::Gamma(season) => &mut self.gamma[season],
            ParameterName::Ar(i) => &mut self.ar[i],
            ParameterName::Ma(i) => &mut self.ma[i],
        }
    }
}

/// A model in the notation of the source: `TBATS(λ, {p,q}, φ, {<m₁,k₁>, …})`, with `-` for what it has not.
#[derive(Debug)]
pub(super) struct Notation<'a>(
    pub(super) TbatsForm,
    pub(super) &'a Harmonics,
    pub(super) &'a TbatsParameters,
);

impl fmt::Display for Notation<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(form, harmonics, parameters) = self;
        let lambda = if form.box_cox { parameters.lambda } else { 1.0 };
        write!(out, "TBATS({lambda:.3}, {{{},{}}}, ", form.p, form.q)?;
        match form.trend {
            Trend::Absent => write!(out, "-")?,
            Trend::Linear => write!(out, "1")?,
            Trend::Damped => write!(out, "{:.3}", parameters.phi)?,
        }
        let seasons: Vec<String> = harmonics
            .seasons
            .iter()
            .map(|(m, harmonics)| format!("<{m},{}>", harmonics.len()))
            .collect();
        write!(out, ", {{{}}})", seasons.join(", "))
    }
}
