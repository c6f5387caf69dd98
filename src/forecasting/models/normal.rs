//! The standard normal distribution: quantiles, and the prediction intervals that they give.

use super::Interval;

/// Coefficients of a rational approximation, the constant first.
struct Rational {
    numerator: [f64; 8],
    denominator: [f64; 8],
}

impl Rational {
    fn at(&self, x: f64) -> f64 {
        let polynomial = |coefficients: &[f64; 8]| coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c);
        polynomial(&self.numerator) / polynomial(&self.denominator)
    }
}

/// For |p − 1/2| up to 0.425.
const CENTRE: Rational = Rational {
    numerator: [
        3.387_132_872_796_366_5,
        133.141_667_891_784_38,
        1_971.590_950_306_551_3,
        13_731.693_765_509_46,
        45_921.953_931_549_87,
        67_265.770_927_008_7,
        33_430.575_583_588_13,
        2_509.080_928_730_122_7,
    ],
    denominator: [
        1.0,
        42.313_330_701_600_91,
        687.187_007_492_057_9,
        5_394.196_021_424_751,
        21_213.794_301_586_597,
        39_307.895_800_092_71,
        28_729.085_735_721_943,
        5_226.495_278_852_854,
    ],
};

/// For tails down to exp(−25).
const TAIL: Rational = Rational {
    numerator: [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        0.241_780_725_177_450_6,
        0.022_723_844_989_269_184,
        7.745_450_142_783_414e-4,
    ],
    denominator: [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        0.689_767_334_985_1,
        0.148_103_976_427_480_08,
        0.015_198_666_563_616_457,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ],
};

/// For tails beyond it.
const FAR_TAIL: Rational = Rational {
    numerator: [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        0.296_560_571_828_504_87,
        0.026_532_189_526_576_124,
        0.001_242_660_947_388_078_4,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    denominator: [
        1.0,
        0.599_832_206_555_888,
        0.136_929_880_922_735_8,
        0.014_875_361_290_850_615,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ],
};

/// Returns the value below which a standard normal variable falls with probability `p`.
///
/// Accurate to about 1 part in 10¹⁶; infinite at 0 and 1, NaN outside. Source: Wichura (1988), algorithm AS 241,
/// routine PPND16, Applied Statistics 37.
pub(crate) fn quantile(p: f64) -> f64 {
    let from_half = p - 0.5;
    if from_half.abs() <= 0.425 {
        return from_half * CENTRE.at(0.180_625 - from_half * from_half);
    }
    let tail = if from_half < 0.0 { p } else { 1.0 - p };
    if tail == 0.0 {
        return f64::INFINITY.copysign(from_half);
    }
    let depth = (-tail.ln()).sqrt(); // NaN for a `p` outside [0, 1], and so is the result
    let distance = if depth <= 5.0 {
        TAIL.at(depth - 1.6)
    } else {
        FAR_TAIL.at(depth - 5.0)
    };
    distance.copysign(from_half)
}

/// Returns how many standard deviations a central interval of `level` percent reaches to either side.
pub(crate) fn reach(level: f64) -> f64 {
    quantile(0.5 + level / 200.0)
}

/// Makes the central normal interval of each level, in the order of `levels`.
///
/// `mean` and `deviation` hold one value for each step; the deviations are standard deviations.
pub(crate) fn intervals(mean: &[f64], deviation: &[f64], levels: &[f64]) -> Vec<Interval> {
    let of_level = |&level: &f64| {
        let z = reach(level);
        let bounds = |side: f64| mean.iter().zip(deviation).map(|(m, d)| m + side * z * d).collect();
        Interval {
            level,
            lower: bounds(-1.0),
            upper: bounds(1.0),
        }
    };
    levels.iter().map(of_level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_agree_with_tables() {
        // Wichura (1988), section "accuracy", and the tables of any textbook.
        let known = [
            (0.25, -0.674_489_750_196_081_7),
            (0.001, -3.090_232_306_167_813_6),
            (1e-20, -9.262_340_089_798_409),
            (0.975, 1.959_963_984_540_054),
            (0.5, 0.0),
        ];
        for (p, z) in known {
            assert!(
                (quantile(p) - z).abs() <= 4e-16 * z.abs().max(1.0) * 4.0,
                "{p}: {} is not {z}",
                quantile(p)
            );
        }
    }

    #[test]
    fn quantiles_are_symmetric_and_infinite_at_the_ends() {
        for k in 1..100 {
            let p = f64::from(k) / 200.0;
            assert!((quantile(p) + quantile(1.0 - p)).abs() < 1e-13);
        }
        assert!(quantile(0.0).is_infinite() && quantile(0.0) < 0.0);
        assert!(quantile(1.0).is_infinite() && quantile(1.0) > 0.0);
        assert!(quantile(1.5).is_nan() && quantile(-0.1).is_nan() && quantile(f64::NAN).is_nan());
    }

    #[test]
    fn a_wider_level_contains_a_narrower_one() {
        let found = intervals(&[1.0, 2.0], &[0.5, 0.7], &[80.0, 95.0]);
        for step in 0..2 {
            assert!(found[1].lower[step] < found[0].lower[step] && found[0].upper[step] < found[1].upper[step]);
        }
    }
}
