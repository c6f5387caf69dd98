//! Which parameters make a model whose seed state is forgotten.
//!
//! Source: De Livera, Hyndman and Snyder (2011), section 2.3 (forecastability). They ask for the eigenvalues of
//! `D = F − g w'` to lie within the unit circle; the reference lets them reach a radius of 1.01. Since `det(x − D) =
//! det(x − F) · h(x)` with `h(x) = 1 + w' (x − F)⁻¹ g`, and all of F lies within, the number of eigenvalues of `D` beyond
//! a circle is how often `h` winds about 0 along it (Nyquist 1932): a sum over harmonics at points of the circle, and no
//! matrix.

use super::super::arima;
use super::form::Parameters;
use super::state::Structure;

/// The radius that the reference allows to eigenvalues and asks of the roots of ARMA polynomials.
const RADIUS: f64 = 1.01;

/// Points on half the circle: a tenth of the distance between it and the unit circle apart, or less.
const POINTS: u32 = 2048;

/// Tells whether the structure forgets its seed state, and the errors are stationary and invertible.
pub(super) fn is_admissible(structure: &Structure<'_>, parameters: &Parameters) -> bool {
    let negated: Vec<f64> = parameters.ma.iter().map(|c| -c).collect();
    arima::roots_beyond(&parameters.ar, RADIUS) && arima::roots_beyond(&negated, RADIUS) && forgets(structure)
}

fn forgets(structure: &Structure<'_>) -> bool {
    let mut turned = 0.0;
    let mut before = Complex(1.0, 0.0);
    for k in 0..=POINTS {
        let angle = std::f64::consts::PI * f64::from(k) / f64::from(POINTS);
        let here = characteristic(structure, Complex(RADIUS * angle.cos(), RADIUS * angle.sin()));
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

/// A complex number: its real and its imaginary part.
#[derive(Clone, Copy, Debug)]
struct Complex(f64, f64);

impl Complex {
    fn plus(self, real: f64) -> Self {
        Self(self.0 + real, self.1)
    }

    fn times(self, other: Self) -> Self {
        Self(
            self.0 * other.0 - self.1 * other.1,
            self.0 * other.1 + self.1 * other.0,
        )
    }

    fn inverse(self) -> Self {
        let square = self.0 * self.0 + self.1 * self.1;
        Self(self.0 / square, -self.1 / square)
    }
}

/// `h(x)` of a structure.
fn characteristic(structure: &Structure<'_>, x: Complex) -> Complex {
    let Structure {
        harmonics,
        alpha,
        beta,
        phi,
        gain_re,
        gain_im,
    } = structure;
    // The slope answers β / (x − φ), and the level takes up φ of it and α.
    let slope = x.plus(-phi).inverse().times(Complex(beta * phi, 0.0));
    let level = x.plus(-1.0).inverse().times(slope.plus(*alpha));
    let (mut re, mut im) = (1.0 + level.0 + slope.0, level.1 + slope.1);
    let square = x.times(x);
    let turns = harmonics.cos.iter().zip(&harmonics.sin);
    for ((cos, sin), (gain_re, gain_im)) in turns.zip(gain_re.iter().zip(gain_im)) {
        for i in 0..4 {
            // γ₁ (x − cos) + γ₂ sin over x² − 2 x cos + 1; lanes that no harmonic fills have no gains.
            let above = Complex(gain_re[i] * (x.0 - cos[i]) + gain_im[i] * sin[i], gain_re[i] * x.1);
            let below = Complex(square.0 - 2.0 * x.0 * cos[i] + 1.0, square.1 - 2.0 * x.1 * cos[i]);
            let share = above.times(below.inverse());
            re += share.0;
            im += share.1;
        }
    }
    Complex(re, im)
}

#[cfg(test)]
mod tests {
    use super::super::form::{Form, Harmonics, Trend};
    use super::*;

    fn forgetting(alpha: f64, beta: f64, gamma: [f64; 2]) -> bool {
        let harmonics = Harmonics::new(vec![(12, vec![1, 2, 6])]);
        let parameters = Parameters {
            lambda: 1.0,
            alpha,
            beta,
            phi: 0.95,
            gamma: vec![gamma],
            ar: vec![],
            ma: vec![],
        };
        let form = Form {
            box_cox: false,
            trend: Trend::Damped,
            p: 0,
            q: 0,
        };
        forgets(&Structure::new(form, &harmonics, &parameters))
    }

    #[test]
    fn gains_are_admissible_where_the_rows_of_the_seeds_stay_small() {
        let grid = [-0.05, -0.002, 0.0, 0.01, 0.1, 0.5, 1.2, 1.9, 2.2];
        let mut both = [0; 2];
        for alpha in grid {
            for gamma in grid.map(|g| g / 3.0) {
                for other in [-0.2, 0.0, 0.2] {
                    let harmonics = Harmonics::new(vec![(12, vec![1, 2, 6])]);
                    let parameters = Parameters {
                        lambda: 1.0,
                        alpha,
                        beta: 0.02,
                        phi: 0.95,
                        gamma: vec![[gamma, other]],
                        ar: vec![],
                        ma: vec![],
                    };
                    let form = Form {
                        box_cox: false,
                        trend: Trend::Damped,
                        p: 0,
                        q: 0,
                    };
                    let structure = Structure::new(form, &harmonics, &parameters);
                    let mut row = structure.first_row();
                    let size = |row: &super::super::state::State| {
                        let waves = row.re.iter().chain(&row.im).flatten();
                        waves.fold(row.level.abs().max(row.slope.abs()), |most, v| most.max(v.abs()))
                    };
                    // ρ of D from how much the row grows; the first steps are not yet of its eigenvector.
                    let mut grown = 0.0;
                    for t in 0..6000 {
                        structure.advance_row(&mut row);
                        let by = size(&row).max(1e-300);
                        if t >= 3000 {
                            grown += by.ln();
                        }
                        row.level /= by;
                        row.slope /= by;
                        row.re.iter_mut().chain(&mut row.im).flatten().for_each(|v| *v /= by);
                    }
                    let radius = (grown / 3000.0_f64).exp();
                    if (radius - RADIUS).abs() > 1e-4 {
                        assert_eq!(forgets(&structure), radius < RADIUS, "{alpha} {gamma} {other}: {radius}");
                        both[usize::from(radius < RADIUS)] += 1;
                    }
                }
            }
        }
        assert!(both.iter().all(|count| *count > 20), "{both:?}");
        assert!(forgetting(0.1, 0.01, [0.0, 0.0]) && !forgetting(2.5, 0.0, [0.0, 0.0]));
    }
}
