//! Tests of the recursion: its gradient against differences, its end against its beginning.

use super::*;

const FORMS: [Component; 3] = [Component::Absent, Component::Additive, Component::Multiplicative];

/// Every form at a point, with the series that it is tried on.
fn cases() -> Vec<(EtsForm, Smoothing, States)> {
    let mut cases = Vec::new();
    for error in [Component::Additive, Component::Multiplicative] {
        for trend in FORMS {
            for season in FORMS {
                let damped = trend != Component::Absent;
                let (beta, phi) = if damped { (0.1, 0.9) } else { (0.0, 1.0) };
                let p = Smoothing {
                    alpha: 0.3,
                    beta,
                    gamma: 0.2,
                    phi,
                };
                let by_season = match season {
                    Component::Absent => vec![],
                    Component::Additive => vec![0.4, -0.3, -0.1],
                    Component::Multiplicative => vec![1.1, 0.8, 1.1],
                };
                let start = match trend {
                    Component::Absent => 0.0,
                    Component::Additive => 0.05,
                    Component::Multiplicative => 1.02,
                };
                let states = States {
                    level: 3.0,
                    trend: start,
                    season: by_season,
                };
                cases.push((
                    EtsForm {
                        error,
                        trend,
                        damped,
                        season,
                    },
                    p,
                    states,
                ));
            }
        }
    }
    cases
}

fn series() -> Vec<f64> {
    (0..20_usize)
        .map(|t| 3.0 + 0.03 * t as f64 + [0.5, -0.4, 0.1, 0.2][t % 4])
        .collect()
}

/// All numbers of a point, in one list.
fn numbers(p: &Smoothing, s: &States) -> Vec<f64> {
    [&[p.alpha, p.beta, p.gamma, p.phi, s.level, s.trend], &s.season[..]].concat()
}

#[test]
fn slopes_agree_with_differences() {
    let y = series();
    for (form, p, states) in cases() {
        let mut recursion = Recursion::new(&y, form, 1e-12);
        assert!(recursion.likelihood(&p, &states).is_finite(), "{form}");
        let mut slopes = Slopes::default();
        recursion.slopes(&p, &mut slopes);
        let found = numbers(&slopes.smoothing, &slopes.states);
        for (i, slope) in found.iter().enumerate() {
            let is_unused = (form.trend == Component::Absent && [1, 3, 5].contains(&i))
                || (form.season == Component::Absent && i == 2);
            let step = 1e-5;
            let mut at = |by: f64| {
                let mut point = numbers(&p, &states);
                point[i] += by;
                let p = Smoothing {
                    alpha: point[0],
                    beta: point[1],
                    gamma: point[2],
                    phi: point[3],
                };
                recursion.likelihood(
                    &p,
                    &States {
                        level: point[4],
                        trend: point[5],
                        season: point[6..].to_vec(),
                    },
                )
            };
            let difference = (at(step) - at(-step)) / (2.0 * step);
            let expected = if is_unused { 0.0 } else { difference };
            assert!(
                (slope - expected).abs() < 1e-5 * expected.abs().max(1.0),
                "{form} {i}: {slope} {expected}"
            );
        }
    }
}

#[test]
fn the_last_states_continue_the_recursion() {
    let y = series();
    for (form, p, states) in cases() {
        let mut whole = Recursion::new(&y, form, 0.0);
        whole.likelihood(&p, &states);
        let mut first = Recursion::new(&y[..9], form, 0.0);
        first.likelihood(&p, &states);
        let middle = first.last(&p);
        let mut second = Recursion::new(&y[9..], form, 0.0);
        second.likelihood(&p, &middle);
        let errors = |of: &Recursion| of.trace.iter().map(|step| step.error).collect::<Vec<_>>();
        let parts = [errors(&first), errors(&second)].concat();
        assert!(
            parts.iter().zip(errors(&whole)).all(|(a, b)| (a - b).abs() < 1e-12),
            "{form}"
        );
    }
}
