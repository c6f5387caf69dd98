//! Columns that are known ahead, as a model sees them: of each a value for every step of the past and of the forecast.

/// Less than this share of a column's length is left of it where others make it up.
const LEAST_OWN: f64 = 1e-6;

/// Columns that are known ahead, from the first step of a series on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct KnownColumns {
    columns: Vec<(String, Vec<f64>)>,
}

/// The beginning of such columns: a past of a series, and the steps to forecast after it.
#[derive(Clone, Debug)]
pub(crate) struct KnownAhead<'a> {
    /// Names, and values of all steps, all finite.
    columns: Vec<(&'a str, &'a [f64])>,
    /// Steps of the past.
    past: usize,
}

impl KnownColumns {
    /// Columns by name, all of one length, with finite values.
    pub(crate) fn new(columns: Vec<(String, Vec<f64>)>) -> Self {
        Self { columns }
    }

    /// Whether nothing is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The names of the columns, in their order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// The value of the column of this name at a step, the first of the series being 0; `None` beyond what is known.
    pub(crate) fn value(&self, name: &str, step: usize) -> Option<f64> {
        let (_, values) = self.columns.iter().find(|(one, _)| one == name)?;
        values.get(step).copied()
    }

    /// The bytes of all that is known of a past and the `horizon` steps after it, for a digest; none where nothing is.
    pub(crate) fn bytes(&self, past: usize, horizon: usize) -> Vec<u8> {
        if self.is_empty() {
            return Vec::new();
        }
        let mut bytes = format!("known to {} ", past + horizon).into_bytes();
        for (name, values) in self.of(past, horizon).iter().flat_map(KnownAhead::columns) {
            bytes.extend(format!("{name:?} ").into_bytes());
            bytes.extend(values.iter().flat_map(|value| value.to_bits().to_le_bytes()));
        }
        bytes
    }

    /// Whether the column of this name is there and never changes in a past.
    pub(crate) fn is_constant(&self, name: &str, past: usize) -> bool {
        let column = self.columns.iter().find(|(one, _)| one == name);
        let values = column.and_then(|(_, values)| values.get(..past));
        values.is_some_and(|values| values.windows(2).all(|pair| pair[0].total_cmp(&pair[1]).is_eq()))
    }

    /// What is known of a past and the `horizon` steps after it; `None` if the columns do not go so far.
    pub(crate) fn of(&self, past: usize, horizon: usize) -> Option<KnownAhead<'_>> {
        let until = past.checked_add(horizon)?;
        let columns = self
            .columns
            .iter()
            .map(|(name, values)| Some((name.as_str(), values.get(..until)?)))
            .collect::<Option<_>>()?;
        Some(KnownAhead { columns, past })
    }
}

impl<'a> KnownAhead<'a> {
    /// Names and values of the columns.
    pub(crate) fn columns(&self) -> &[(&'a str, &'a [f64])] {
        &self.columns
    }

    /// Those whose effect the past can tell: without constant ones, and ones that those before them make up.
    pub(crate) fn told_apart(&self) -> Self {
        let pasts: Vec<Vec<f64>> = self
            .columns
            .iter()
            .map(|(_, values)| values[..self.past].to_vec())
            .collect();
        let kept = independent(&[vec![1.0; self.past]], &pasts);
        Self {
            columns: kept.into_iter().map(|at| self.columns[at]).collect(),
            past: self.past,
        }
    }

    /// The names, for what a fit reports.
    pub(crate) fn names(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }
}

/// The positions of columns that neither the `fixed` ones nor those before them make up, by Gram and Schmidt's process.
pub(crate) fn independent(fixed: &[Vec<f64>], columns: &[Vec<f64>]) -> Vec<usize> {
    let mut basis: Vec<Vec<f64>> = Vec::new();
    let mut add = |column: &[f64]| {
        let length = norm(column);
        let mut rest: Vec<f64> = column.iter().map(|value| value / length).collect();
        // Twice is enough (Kahan and Parlett): the first time leaves rounding in the direction of the others.
        for _ in 0..2 {
            for other in &basis {
                let share = super::linalg::dot(&rest, other);
                rest.iter_mut()
                    .zip(other)
                    .for_each(|(value, other)| *value -= share * other);
            }
        }
        let left = norm(&rest);
        let is_own = length > 0.0 && length.is_finite() && left > LEAST_OWN;
        if is_own {
            for value in &mut rest {
                *value /= left;
            }
            basis.push(rest);
        }
        is_own
    };
    for column in fixed {
        add(column);
    }
    (0..columns.len()).filter(|&at| add(&columns[at])).collect()
}

fn norm(column: &[f64]) -> f64 {
    super::linalg::dot(column, column).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_constant_or_made_up_of_others_is_left_out() {
        let wave: Vec<f64> = (0..40_u32).map(|t| f64::from(t * t % 17)).collect();
        let ramp: Vec<f64> = (0..40_u32).map(f64::from).collect();
        let sum: Vec<f64> = wave.iter().zip(&ramp).map(|(a, b)| 3.0 * a - b + 5.0).collect();
        let known = KnownColumns::new(vec![
            ("five".to_owned(), vec![5.0; 40]),
            ("wave".to_owned(), wave),
            ("ramp".to_owned(), ramp),
            ("sum".to_owned(), sum),
            ("nothing".to_owned(), vec![0.0; 40]),
        ]);
        assert_eq!(known.of(30, 10).expect("so far").told_apart().names(), "wave, ramp");
        assert!(known.of(30, 11).is_none());
    }

    #[test]
    fn a_column_far_from_zero_that_varies_little_is_one_of_its_own() {
        let price: Vec<f64> = (0..60_u32).map(|t| 1_000.0 + f64::from(t * 7 % 5)).collect();
        let known = KnownColumns::new(vec![("price".to_owned(), price)]);
        assert_eq!(known.of(60, 0).expect("so far").told_apart().names(), "price");
    }
}
