//! The lengths of seasons that nobody declared: proposed by the periodogram of augurs, judged by the autocorrelation.
//!
//! Either alone is wrong about ordinary data. The periodogram (Welch, 1967) is computed on a power of two of values, so it has
//! bins and no lengths: 171 and 146 steps around a week of hours. It peaks at the parts of a season (12 and 8 of 24) as well, and
//! somewhere in noise. The autocorrelation peaks at every multiple of a season, and noise decides which of them is the highest.
//! So the periodogram says in which bins there is anything, and in each bin the length counts whose phases explain the most, if
//! values correlate that far apart and not as much at the multiples of a shorter season beside it.

use augurs::seasons::PeriodogramDetector;

use super::{is_multiple, number};

/// The longest season that is looked for, in steps.
const LONGEST: usize = 512;
/// The shortest.
const SHORTEST: usize = 4;
/// As many of it have to be there.
const FEWEST_SEASONS: usize = 4;

/// The power from which a bin is looked at, as a share of the highest: a pattern of the week has a hundredth of the day's.
const POWER: f64 = 0.001;
/// The autocorrelation from which a season counts as one.
const CLEAR: f64 = 0.3;
/// As many standard errors of the autocorrelation of noise it must be.
const SURE: f64 = 3.0;
/// What it must be times the number of seasons: what comes again twice comes so by chance.
const OFTEN: f64 = 2.25;
/// By so much less than its neighbours' the autocorrelation of a season may be: noise moves a peak.
const BESIDE: f64 = 0.05;
/// By so much it must be more than at the multiples of a shorter season beside it.
const ABOVE: f64 = 0.05;

/// The lengths of the seasons that show in a series, in steps, the clearest first.
///
/// A season has 4 to 512 steps, of which four have to be there. What is correlated are the values around their moving mean
/// over a season, so that a level that drifts is none; and shorter seasons are taken off before longer ones are judged.
pub(crate) fn seasons(values: &[f64]) -> Vec<usize> {
    let longest = LONGEST.min(values.len() / FEWEST_SEASONS);
    if longest <= SHORTEST {
        return Vec::new();
    }
    let largest = values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let mut rest = values.to_vec();
    let mut found: Vec<Season> = Vec::new();
    for bin in bins(values, longest) {
        let around = AroundMean::of(&rest, bin.length, largest * 1e-9);
        let best = around.and_then(|around| around.season(&bin, &found, values.len()));
        if let Some(season) = best {
            take_off(&mut rest, season.length);
            found.push(season);
        }
    }
    let lengths: Vec<usize> = found.iter().map(|season| season.length).collect();
    found.retain(|season| !is_part_alone(season.length, &lengths, values));
    found.sort_by(|a, b| b.correlation.total_cmp(&a.correlation));
    found.into_iter().map(|season| season.length).collect()
}

/// A length that counts.
struct Season {
    length: usize,
    correlation: f64,
}

/// A bin of the periodogram: the lengths that fall into it.
struct Bin {
    /// Its own length.
    length: usize,
    shortest: usize,
    longest: usize,
}

/// The bins in which there is any power, the shortest lengths first.
fn bins(values: &[f64], longest: usize) -> Vec<Bin> {
    // The changes from step to step: they have no level, whose power would hide all else.
    let changes: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let bin = |length: u32, longer: u32, shorter: u32| {
        let (length, longer, shorter) = (length as usize, longer as usize, shorter as usize);
        // Nothing is beside the outermost ones.
        let below = if shorter > 0 {
            usize::midpoint(shorter, length)
        } else {
            length - length / 8
        };
        let above = if longer > 0 {
            (longer + length).div_ceil(2)
        } else {
            length + length / 2
        };
        Bin {
            length,
            shortest: below.min(length - 1).max(SHORTEST),
            longest: above.max(length + 1).min(longest),
        }
    };
    let periodogram = PeriodogramDetector::default().periodogram(&changes);
    let peaks = periodogram.peaks(POWER);
    let mut bins: Vec<Bin> = peaks
        .map(|peak| bin(peak.period, peak.prev_period, peak.next_period))
        .collect();
    bins.sort_by_key(|bin| bin.length);
    bins
}

/// Values around their moving mean over a season, as far as it has all of its values.
struct AroundMean {
    values: Vec<f64>,
    squares: f64,
}

impl AroundMean {
    /// `None` where nothing is left but rounding, which is no more than `rounding`.
    fn of(values: &[f64], season: usize, rounding: f64) -> Option<Self> {
        let half = season / 2;
        let sums: Vec<f64> = std::iter::once(0.0)
            .chain(values.iter().scan(0.0, |sum, value| {
                *sum += value;
                Some(*sum)
            }))
            .collect();
        let around = |at: usize| {
            let whole = match season % 2 {
                1 => sums[at + half + 1] - sums[at - half],
                // Of an even number of steps the outermost two count half.
                _ => sums[at + half] - sums[at - half + 1] + f64::midpoint(values[at - half], values[at + half]),
            };
            values[at] - whole / number(season)
        };
        let values: Vec<f64> = (half..values.len().checked_sub(half)?).map(around).collect();
        let squares: f64 = values.iter().map(|value| value * value).sum();
        let is_there = (squares / number(values.len().max(1))).sqrt() > rounding;
        is_there.then_some(Self { values, squares })
    }

    /// The autocorrelation so many steps apart.
    fn correlation(&self, lag: usize) -> f64 {
        let later = self.values.get(lag..).unwrap_or_default();
        self.values.iter().zip(later).map(|(a, b)| a * b).sum::<f64>() / self.squares
    }

    /// The share of the variance that the means of the phases of a season explain, less what they would of noise.
    fn explained(&self, season: usize) -> f64 {
        let mut phases = vec![(0.0, 0.0); season];
        for (at, value) in self.values.iter().enumerate() {
            let (sum, count) = &mut phases[at % season];
            *sum += value;
            *count += 1.0;
        }
        let of_means: f64 = phases
            .iter()
            .filter(|(_, count)| *count > 0.0)
            .map(|(sum, count)| sum * sum / count)
            .sum();
        let count = self.values.len();
        1.0 - (self.squares - of_means) / self.squares * number(count) / number(count - season)
    }

    /// The season of a bin, if one shows in `count` values beside those that were found.
    fn season(&self, bin: &Bin, found: &[Season], count: usize) -> Option<Season> {
        // Two seasons at least, and a step on either side.
        let longest = bin.longest.min((self.values.len() / 2).checked_sub(1)?);
        let lengths = (bin.shortest..=longest).map(|length| (length, self.explained(length)));
        let (length, explained) = lengths.max_by(|a, b| a.1.total_cmp(&b.1))?;
        let correlation = self.correlation(length);
        let seasons = number(self.values.len()) / number(length);
        // As many pairs are missing at this lag as one season has values.
        let whole = correlation * seasons / (seasons - 1.0);
        let needed = CLEAR.max(SURE / number(count).sqrt()).max(OFTEN / seasons);
        let is_peak = [length - 1, length + 1]
            .into_iter()
            .all(|beside| correlation >= self.correlation(beside) - BESIDE);
        let is_own = |shorter: &Season| {
            let season = shorter.length;
            let is_beside = length <= season + season / 8 || length < 2 * season - season / 8;
            let is_more = || {
                let beside = [length - season, length + season].into_iter();
                beside
                    .into_iter()
                    .all(|lag| correlation >= self.correlation(lag) + ABOVE)
            };
            !is_multiple(length, season) || !is_beside && is_more()
        };
        let shows = whole > needed && is_peak && 2.0 * explained >= whole && found.iter().all(is_own);
        shows.then_some(Season { length, correlation })
    }
}

/// Takes the means of the phases of a season off.
fn take_off(values: &mut [f64], season: usize) {
    for phase in 0..season.min(values.len()) {
        let of_phase = || values[phase..].iter().step_by(season);
        let mean = of_phase().sum::<f64>() / number(of_phase().count());
        for value in values[phase..].iter_mut().step_by(season) {
            *value -= mean;
        }
    }
}

/// Whether a season is only a part of one of some longer ones: by itself it comes less than half as clearly again.
fn is_part_alone(season: usize, lengths: &[usize], values: &[f64]) -> bool {
    let mut longer = lengths
        .iter()
        .filter(|length| **length > season && is_multiple(**length, season));
    longer.any(|longer| {
        AroundMean::of(values, *longer, 0.0)
            .is_some_and(|around| around.correlation(season) < around.correlation(*longer) / 2.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise between -1 and 1, the same in every run: the mixing function of `SplitMix64`.
    fn noise(seed: u64, at: usize) -> f64 {
        let mut mixed = seed
            .wrapping_mul(1_000_003)
            .wrapping_add(at as u64)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let bits = u32::try_from((mixed ^ (mixed >> 31)) >> 32).expect("32 bits");
        f64::from(bits) / f64::from(u32::MAX) * 2.0 - 1.0
    }

    fn series(count: usize, value: impl Fn(usize) -> f64) -> Vec<f64> {
        (0..count).map(value).collect()
    }

    fn wave(at: usize, length: usize) -> f64 {
        (number(at) * std::f64::consts::TAU / number(length)).sin()
    }

    /// Whether it is a Saturday or a Sunday of hours.
    fn weekend(hour: usize) -> f64 {
        f64::from(u8::from((hour / 24) % 7 >= 5))
    }

    #[test]
    fn seasons_show_in_noise_and_on_levels_that_drift() {
        let day = |t: usize| 20.0 * wave(t, 24) + 8.0 * wave(t + 5, 12);
        // Noise of which the changes from step to step are mostly made.
        assert_eq!(seasons(&series(1_440, |t| day(t) + 25.0 * noise(1, t))), [24]);
        let walk: Vec<f64> = (0..1_680)
            .scan(0.0, |level, t| {
                *level += 2.0 * noise(2, t);
                Some(*level + day(t))
            })
            .collect();
        assert_eq!(seasons(&walk), [24]);
        assert_eq!(
            seasons(&series(1_680, |t| day(t) + 0.2 * number(t) + noise(3, t))),
            [24]
        );
        assert_eq!(
            seasons(&series(3_000, |t| 30.0 * wave(t, 96) + 5.0 * noise(4, t))),
            [96]
        );
        assert_eq!(seasons(&series(600, |t| wave(t, 11) + 0.5 * noise(5, t))), [11]);
        assert_eq!(
            seasons(&series(400, |t| 20.0 * f64::from(u8::from(t % 7 >= 5)) + 5.0 * noise(6, t))),
            [7]
        );
        assert_eq!(
            seasons(&series(72, |t| 0.5 * number(t)
                + 20.0 * wave(t, 12)
                + 5.0 * noise(7, t))),
            [12]
        );
    }

    #[test]
    fn a_week_shows_beside_its_days_and_a_part_of_a_day_is_none() {
        let hours = |t: usize| 100.0 + 20.0 * wave(t, 24) + 8.0 * wave(t + 5, 12) - 25.0 * weekend(t);
        assert_eq!(seasons(&series(1_680, |t| hours(t) + 3.0 * noise(1, t))), [24, 168]);
        assert_eq!(seasons(&series(8_760, |t| hours(t) + 10.0 * noise(2, t))), [24, 168]);
    }

    #[test]
    fn a_plant_that_sleeps_at_night_has_days() {
        let power = |t: usize| 50.0 * wave(t + 18, 24).max(0.0) * (1.4 + noise(1, t / 24));
        assert_eq!(seasons(&series(2_000, power)), [24]);
    }

    #[test]
    fn noise_trends_and_a_few_values_have_no_season() {
        for seed in 0..20 {
            for count in [15, 60, 200, 1_000] {
                let found = seasons(&series(count, |t| noise(seed, t)));
                assert_eq!(found, [0; 0], "{count} values of seed {seed}");
            }
        }
        assert_eq!(seasons(&series(500, number)), [0; 0]);
        assert_eq!(seasons(&[5.0; 100]), [0; 0]);
        assert_eq!(seasons(&[0.1; 1_000]), [0; 0]);
        for count in 0..16 {
            assert_eq!(
                seasons(&series(count, |t| f64::from(u8::from(t % 2 == 0)))),
                [0; 0],
                "{count}"
            );
        }
    }

    #[test]
    fn lengths_around_the_shortest_and_the_longest_are_looked_at_without_a_panic() {
        for count in 10..80 {
            for length in [4, 5, 7, 12, 26] {
                let _ = seasons(&series(count, |t| wave(t, length)));
            }
        }
        assert_eq!(
            seasons(&series(100, |t| [1.0, 5.0, 2.0, 8.0][t % 4] + 0.5 * noise(1, t))),
            [4]
        );
        assert_eq!(seasons(&series(2_100, |t| wave(t, 500) + 0.1 * noise(1, t))), [500]);
    }
}
