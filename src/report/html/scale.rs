//! From a value to a place on an axis, and the round values that an axis is marked with.

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Spread {
    Linear,
    Log,
    /// A change (0.05 is +5 %) by the logarithm of its ratio, so that twice and half are equally far from none.
    Change,
    /// A share q by how rare it is to lie above it, as HdrHistogram's users know it: 0, 0.9, 0.99, 0.999 stand evenly.
    Percentile,
}

impl Spread {
    fn spread(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => libm::log10(value.max(1e-9)),
            Self::Change => libm::log10((1.0 + value).max(1e-9)),
            // Nothing lies above the last of a billion requests.
            Self::Percentile => -libm::log10((1.0 - value).max(1e-9)),
        }
    }

    fn unspread(self, spread: f64) -> f64 {
        match self {
            Self::Linear => spread,
            Self::Log => libm::pow(10.0, spread),
            Self::Change => libm::pow(10.0, spread) - 1.0,
            Self::Percentile => 1.0 - libm::pow(10.0, -spread),
        }
    }
}

/// An axis: values from `from` to `to`, spread, lie between the places `low` and `high`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    from: f64,
    to: f64,
    low: f64,
    high: f64,
    spread: Spread,
}

impl Scale {
    /// A scale over these values, between the places 0 and 1.
    pub(super) fn new(spread: Spread, from: f64, to: f64) -> Self {
        let (from, to) = (spread.spread(from), spread.spread(to));
        Self {
            from,
            to: if to > from { to } else { from + 1.0 },
            low: 0.0,
            high: 1.0,
            spread,
        }
    }

    /// A scale from zero to a little above the largest.
    pub(super) fn from_zero(values: impl Iterator<Item = f64>) -> Self {
        let top = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
        Self::new(
            Spread::Linear,
            0.0,
            if top > 0.0 { top * 1.08 } else { 1.0 },
        )
    }

    /// A scale around some positive values: by their logarithm where they differ by much, since a tail would otherwise
    /// press all else to the floor.
    pub(super) fn around(values: impl Iterator<Item = f64>) -> Self {
        let values = values.filter(|value| value.is_finite() && *value > 0.0);
        match extent(values) {
            None => Self::new(Spread::Linear, 0.0, 1.0),
            Some((low, high)) if high / low > 20.0 => Self::new(Spread::Log, low / 1.1, high * 1.3),
            Some((_, high)) => Self::new(Spread::Linear, 0.0, high * 1.08),
        }
    }

    pub(super) fn is_logarithmic(&self) -> bool {
        self.spread == Spread::Log
    }

    #[must_use]
    pub(super) fn between(self, low: f64, high: f64) -> Self {
        Self { low, high, ..self }
    }

    /// Where a value lies; what is beyond an end lies at that end.
    pub(super) fn at(&self, value: f64) -> f64 {
        let share = (self.spread.spread(value) - self.from) / (self.to - self.from);
        self.low + share.clamp(0.0, 1.0) * (self.high - self.low)
    }

    pub(super) fn holds(&self, value: f64) -> bool {
        let spread = self.spread.spread(value);
        (self.from - 1e-9..=self.to + 1e-9).contains(&spread)
    }

    /// Values at so many even steps from one end to the other.
    pub(super) fn steps(&self, steps: u32) -> impl Iterator<Item = f64> {
        let scale = *self;
        (0..=steps).map(move |step| {
            let share = f64::from(step) / f64::from(steps.max(1));
            let spread = scale.from + share * (scale.to - scale.from);
            scale.spread.unspread(spread)
        })
    }

    /// Round values to mark the axis with: about so many of them.
    pub(super) fn ticks(&self, about: u32) -> Vec<f64> {
        let mut all = match self.spread {
            Spread::Linear => linear_ticks(self.from, self.to, about),
            Spread::Log => log_ticks(self.from, self.to, about),
            Spread::Change => {
                let ratios = log_ticks(self.from, self.to, about).into_iter();
                ratios.map(|ratio| ratio - 1.0).collect()
            }
            Spread::Percentile => [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999].to_vec(),
        };
        all.retain(|value| self.holds(*value));
        all
    }
}

/// The least and the largest of some values; none if there are none.
pub(super) fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let both = values.map(|value| (value, value));
    both.reduce(|(low, high), (value, _)| (low.min(value), high.max(value)))
}

/// The smallest of 1, 2, 5, 10 times a power of ten that is not below `step`.
fn round_step(step: f64) -> f64 {
    let power = libm::pow(10.0, libm::floor(libm::log10(step)));
    let round = [1.0, 2.0, 5.0, 10.0].map(|times| times * power);
    let above = round.into_iter().find(|round| *round >= step * 0.999);
    above.unwrap_or(10.0 * power)
}

fn linear_ticks(from: f64, to: f64, about: u32) -> Vec<f64> {
    let step = round_step((to - from) / f64::from(about.max(1)));
    let first = libm::ceil(from / step - 1e-9);
    (0..=about * 3)
        .map(|index| (first + f64::from(index)) * step)
        .take_while(|value| *value <= to + step * 1e-6)
        .collect()
}

fn log_ticks(from: f64, to: f64, about: u32) -> Vec<f64> {
    let steps: &[f64] = match to - from {
        // Less than a decade has no power of ten in it, or one.
        decades if decades < 0.7 => {
            let (low, high) = (libm::pow(10.0, from), libm::pow(10.0, to));
            return linear_ticks(low, high, about);
        }
        decades if decades < 2.0 => &[1.0, 2.0, 5.0],
        decades if decades < 4.0 => &[1.0, 3.0],
        _ => &[1.0],
    };
    let mut ticks = Vec::new();
    let mut power = libm::floor(from);
    while power <= to {
        ticks.extend(steps.iter().map(|step| step * libm::pow(10.0, power)));
        power += 1.0;
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_between_the_ends_and_never_beyond() {
        let scale = Scale::new(Spread::Linear, 0.0, 10.0).between(100.0, 0.0);
        for (value, place) in [
            (0.0, 100.0),
            (5.0, 50.0),
            (10.0, 0.0),
            (99.0, 0.0),
            (-1.0, 100.0),
        ] {
            assert!((scale.at(value) - place).abs() < 1e-9, "{value}");
        }
        let log = Scale::new(Spread::Log, 1.0, 100.0);
        assert!((log.at(10.0) - 0.5).abs() < 1e-9);
        let rare = Scale::new(Spread::Percentile, 0.0, 0.9999);
        assert!((rare.at(0.99) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn axes_are_marked_with_round_values() {
        for (scale, about, ticks) in [
            (
                Scale::new(Spread::Linear, 0.0, 10.8),
                5,
                vec![0.0, 5.0, 10.0],
            ),
            (
                Scale::new(Spread::Linear, 0.0, 0.97),
                5,
                vec![0.0, 0.2, 0.4, 0.6, 0.8],
            ),
            (
                Scale::new(Spread::Log, 8.0, 130.0),
                5,
                vec![10.0, 20.0, 50.0, 100.0],
            ),
            (
                Scale::new(Spread::Percentile, 0.0, 0.9995),
                5,
                vec![0.0, 0.5, 0.9, 0.99, 0.999],
            ),
        ] {
            let got = scale.ticks(about);
            assert_eq!(got.len(), ticks.len(), "{got:?}");
            for (got, wanted) in got.iter().zip(&ticks) {
                assert!((got - wanted).abs() < 1e-9, "{got} {wanted}");
            }
        }
    }

    #[test]
    fn nothing_to_show_still_has_an_axis() {
        assert!(!Scale::from_zero(std::iter::empty()).ticks(4).is_empty());
        assert!(
            !Scale::around([0.0, f64::NAN].into_iter())
                .ticks(4)
                .is_empty()
        );
        let one = Scale::new(Spread::Linear, 3.0, 3.0);
        assert!((0.0..=1.0).contains(&one.at(3.0)));
        assert_eq!(one.steps(2).count(), 3);
    }

    #[test]
    fn a_tail_that_dwarfs_the_rest_makes_the_scale_logarithmic() {
        let is_logarithmic = |values: [f64; 2]| Scale::around(values.into_iter()).is_logarithmic();
        assert!(!is_logarithmic([1.0, 10.0]));
        assert!(is_logarithmic([1.0, 100.0]));
    }
}
