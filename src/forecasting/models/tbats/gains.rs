//! How much of an unforeseen value each harmonic takes up, and in which phase.
//!
//! The source gives all harmonics of a season the same two gains γ₁ and γ₂, whatever their frequency. The level takes up
//! an error too, and before the harmonics have answered: what is left of it is ahead in phase, the more the lower the
//! frequency. Two gains that suit one harmonic turn another the wrong way; on a year of hourly generation next to no pair
//! but zero is admissible for all of them, and a search ends there, far from an optimum. Here the gain at the frequency λ is
//!
//! ```text
//! γ₁ + i γ₂ = γ e^(−iλ) H / |H|,   H = 1 / (1 + the level's answer at e^(iλ))
//! ```
//!
//! so that a deviation decays and is not turned: one γ a season, of which any that is positive and not large is
//! admissible. A Kalman filter's gains have this phase in the limit of slowly changing harmonics.

use super::complex::Complex;
use super::form::{Harmonics, Lane, TbatsForm, TbatsParameters, Trend, lanes};

/// The gains of both states of each harmonic.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Gains {
    pub(super) re: Vec<Lane>,
    pub(super) im: Vec<Lane>,
}

impl Gains {
    pub(super) fn new(form: TbatsForm, harmonics: &Harmonics, parameters: &TbatsParameters) -> Self {
        let gains = |(season, (m, numbers)): (usize, &(usize, Vec<usize>))| -> Vec<Complex> {
            let gain = |&j: &usize| gain(form, parameters, parameters.gamma[season], Harmonics::turn(*m, j));
            numbers.iter().map(gain).collect()
        };
        let all: Vec<Complex> = harmonics.seasons.iter().enumerate().flat_map(gains).collect();
        Self {
            re: lanes(all.iter().map(|gain| gain.0)),
            im: lanes(all.iter().map(|gain| gain.1)),
        }
    }
}

fn gain(form: TbatsForm, parameters: &TbatsParameters, gamma: f64, turn: f64) -> Complex {
    let x = Complex::polar(1.0, turn);
    let left = level(form, parameters, x).plus(1.0).inverse();
    x.conjugate().times(left).times(Complex(gamma / left.size(), 0.0))
}

/// What level and slope foresee after an unforeseen wave `x^t`, `w' (x − F)⁻¹ g` of the two.
pub(super) fn level(form: TbatsForm, parameters: &TbatsParameters, x: Complex) -> Complex {
    let slope = if form.trend == Trend::Absent {
        Complex(0.0, 0.0)
    } else {
        // The slope answers β / (x − φ), and is seen with φ.
        let TbatsParameters { beta, phi, .. } = parameters;
        x.plus(-phi).inverse().times(Complex(beta * phi, 0.0))
    };
    x.plus(-1.0).inverse().times(slope.plus(parameters.alpha)).add(slope)
}
