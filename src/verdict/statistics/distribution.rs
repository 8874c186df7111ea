//! Tails and quantiles of the normal and of Student's t distribution.
//!
//! Everything goes through `libm` and IEEE arithmetic. The standard library's `exp` and `ln` come from the platform and
//! may differ in the last digit between machines, and so do crates that call them, so the incomplete beta function is
//! written out here and held against `statrs` in the tests.

use core::f64::consts::{PI, SQRT_2};

/// Continued fractions that have not converged by then never do; ours take about as many steps as the square root of
/// the degrees of freedom.
const MAX_STEPS: u32 = 20_000;
/// Smallest factor that Lentz' method may divide by.
const TINY: f64 = 1e-300;

/// A distribution that is symmetric about zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// The standard normal distribution.
    Normal,
    /// Student's t distribution with this many degrees of freedom, above 0, whole or not.
    StudentT(f64),
}

impl Distribution {
    /// The probability of a value above `x`.
    pub fn tail(self, x: f64) -> f64 {
        if x < 0.0 {
            return 1.0 - self.tail(-x);
        }
        match self {
            Self::Normal => 0.5 * libm::erfc(x / SQRT_2),
            // Abramowitz & Stegun 26.7.1: P(|T| > x) = I_{df/(df+x^2)}(df/2, 1/2).
            Self::StudentT(df) => {
                let square = x * x;
                0.5 * incomplete_beta(0.5 * df, 0.5, df / (df + square), square / (df + square))
            }
        }
    }

    /// The value that is exceeded with probability `tail`, in (0, 1).
    ///
    /// Above its mode a density falls, so the tail is convex there and Newton's steps from zero approach the root from
    /// one side: no bracket is needed.
    pub fn upper_quantile(self, tail: f64) -> f64 {
        if tail > 0.5 {
            return -self.upper_quantile(1.0 - tail);
        }
        let mut x = 0.0;
        for _ in 0..MAX_STEPS {
            let step = (self.tail(x) - tail) / self.density(x);
            if step.is_nan() || step <= x * 1e-15 {
                break;
            }
            x += step;
        }
        x
    }

    fn density(self, x: f64) -> f64 {
        match self {
            Self::Normal => libm::exp(-0.5 * x * x) / libm::sqrt(2.0 * PI),
            Self::StudentT(df) => {
                let scale = libm::lgamma(0.5 * (df + 1.0)) - libm::lgamma(0.5 * df);
                libm::exp(scale - 0.5 * (df + 1.0) * libm::log1p(x * x / df)) / libm::sqrt(df * PI)
            }
        }
    }
}

/// The regularized incomplete beta function `I_x(a, b)`; `y` is `1 - x`, given apart so that no digit is lost near 1.
///
/// Press et al., Numerical Recipes, section 6.4.
fn incomplete_beta(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if y <= 0.0 {
        return 1.0;
    }
    let log_beta = libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    let front = libm::exp(a * libm::log(x) + b * libm::log(y) - log_beta);
    // The fraction converges fast below the mean; above it, the mirrored one does.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(a, b, x) / a
    } else {
        1.0 - front * beta_fraction(b, a, y) / b
    }
}

/// The continued fraction of the incomplete beta function by the modified method of Lentz.
#[expect(clippy::many_single_char_names, reason = "the names in the formula")]
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for step in 1..MAX_STEPS {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut factor = 1.0;
        for numerator in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + numerator * d);
            c = away_from_zero(1.0 + numerator / c);
            factor = c * d;
            fraction *= factor;
        }
        if (factor - 1.0).abs() < 1e-16 {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

    use super::*;

    const DEGREES: [f64; 9] = [0.7, 1.0, 2.0, 4.0, 7.5, 13.0, 30.0, 200.0, 5000.0];

    #[test]
    fn the_tail_of_t_is_that_of_statrs() {
        for df in DEGREES {
            let reference = StudentsT::new(0.0, 1.0, df).unwrap();
            for x in [-7.0, -1.3, -0.01, 0.0, 0.3, 1.0, 2.6, 5.0, 9.2, 40.0] {
                let (ours, theirs) = (Distribution::StudentT(df).tail(x), reference.sf(x));
                assert!((ours - theirs).abs() < 1e-10, "{df} {x}: {ours} {theirs}");
            }
        }
    }

    #[test]
    fn the_tail_of_the_normal_is_that_of_statrs() {
        let reference = Normal::standard();
        for x in [-6.0, -1.0, 0.0, 0.5, 1.959_964, 4.0, 8.0] {
            let (ours, theirs) = (Distribution::Normal.tail(x), reference.sf(x));
            assert!((ours - theirs).abs() < 1e-10, "{x}: {ours} {theirs}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        // Any table of Student's t; the last row is the normal distribution.
        for (df, tail, expected) in [
            (1.0, 0.025, 12.706_204_736),
            (4.0, 0.01, 3.746_947_388),
            (11.0, 0.01, 2.718_079_184),
            (11.0, 0.025, 2.200_985_160),
            (13.0, 0.025, 2.160_368_656),
            (30.0, 0.005, 2.749_995_654),
        ] {
            let ours = Distribution::StudentT(df).upper_quantile(tail);
            assert!((ours - expected).abs() < 1e-8, "{df} {tail}: {ours}");
        }
        for (tail, expected) in [
            (0.05, 1.644_853_626_951),
            (0.025, 1.959_963_984_540),
            (0.01, 2.326_347_874_041),
            (0.5, 0.0),
        ] {
            let ours = Distribution::Normal.upper_quantile(tail);
            assert!((ours - expected).abs() < 1e-11, "{tail}: {ours}");
        }
    }

    #[test]
    fn a_quantile_is_where_the_tail_is() {
        for df in DEGREES {
            for tail in [1e-9, 1e-4, 0.01, 0.3, 0.5, 0.9, 0.999] {
                let distribution = Distribution::StudentT(df);
                let back = distribution.tail(distribution.upper_quantile(tail));
                assert!((back / tail - 1.0).abs() < 1e-9, "{df} {tail}: {back}");
            }
        }
    }
}
