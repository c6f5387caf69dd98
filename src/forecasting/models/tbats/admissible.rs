//! Which parameters make a model whose seed state is forgotten.
//!
//! Source: De Livera, Hyndman and Snyder (2011), section 2.3 (forecastability). They ask for the eigenvalues of
//! `D = F − g w'` to lie within the unit circle; the reference lets them reach a radius of 1.01. Since `det(x − D) =
//! det(x − F) · h(x)` with `h(x) = 1 + w' (x − F)⁻¹ g`, and all of F lies within, the number of eigenvalues of `D` beyond
//! a circle is how often `h` winds about 0 along it (Nyquist 1932): a sum over harmonics at points of the circle, and no
//! matrix.

use super::super::arima;
use super::complex::Complex;
use super::form::{TbatsForm, TbatsParameters};
use super::gains::level;
use super::state::Structure;

/// The radius that the reference allows to eigenvalues and asks of the roots of ARMA polynomials.
const RADIUS: f64 = 1.01;

/// Points on half the circle: a tenth of the distance between it and the unit circle apart, or less.
const POINTS: u32 = 512;

/// Returns whether the structure forgets its seed state, and the errors are stationary and invertible.
pub(super) fn is_admissible(form: TbatsForm, structure: &Structure<'_>, parameters: &TbatsParameters) -> bool {
    let negated: Vec<f64> = parameters.ma.iter().map(|c| -c).collect();
    arima::roots_beyond(&parameters.ar, RADIUS)
        && arima::roots_beyond(&negated, RADIUS)
        && forgets(form, structure, parameters)
}

fn forgets(form: TbatsForm, structure: &Structure<'_>, parameters: &TbatsParameters) -> bool {
    let mut turned = 0.0;
    let mut before = Complex(1.0, 0.0);
    for k in 0..=POINTS {
        let angle = std::f64::consts::PI * f64::from(k) / f64::from(POINTS);
        let x = Complex::polar(RADIUS, angle);
        let here = characteristic(structure, level(form, parameters, x), x);
        if k > 0 {
            let (along, across) = (
                here.0 * before.0 + here.1 * before.1,
                here.1 * before.0 - here.0 * before.1,
            );
            turned += across.atan2(along);
        }
        before = here;
    }
    // The other half of the circle mirrors this one; `h` is real at both ends, so that half turns count whole.
    turned.abs() < 1.0
}

/// `h(x)` of a structure.
fn characteristic(structure: &Structure<'_>, level: Complex, x: Complex) -> Complex {
    let Structure { harmonics, gains, .. } = structure;
    let mut sum = level.plus(1.0);
    let square = x.times(x);
    let turns = harmonics.cos.iter().zip(&harmonics.sin);
    for ((cos, sin), (re, im)) in turns.zip(gains.re.iter().zip(&gains.im)) {
        for i in 0..4 {
            // γ₁ (x − cos) + γ₂ sin over x² − 2 x cos + 1; lanes that no harmonic fills have no gains.
            let above = Complex(re[i] * (x.0 - cos[i]) + im[i] * sin[i], re[i] * x.1);
            let below = Complex(square.0 - 2.0 * x.0 * cos[i] + 1.0, square.1 - 2.0 * x.1 * cos[i]);
            sum = sum.add(above.times(below.inverse()));
        }
    }
    sum
}
