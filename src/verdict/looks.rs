//! Looks at a duet: how its false alarm rate is shared among them, and what the others bring.

use crate::record::{DuetSettings, LOOKS, RunRecord};

/// Family-wise false alarm rate of a duet (1 %).
pub const DUET_ALPHA: f64 = 0.01;
/// The false alarm rate of each look. Together they are that of the duet, and the last keeps most of it.
const ALPHAS: [f64; LOOKS as usize] = [0.001, 0.003, 0.006];

/// The false alarm rate of the look that a duet ended with.
pub(super) fn alpha(duet: &DuetSettings) -> f64 {
    match duet.look {
        Some(look) => alpha_of(look, duet.looks),
        None => DUET_ALPHA / f64::from(duet.looks.max(1)),
    }
}

/// The false alarm rate of a look, the first being 1.
pub(super) fn alpha_of(look: u32, looks: u32) -> f64 {
    if looks == LOOKS {
        ALPHAS[look.clamp(1, LOOKS) as usize - 1]
    } else {
        DUET_ALPHA / f64::from(looks.max(1))
    }
}

/// What is planned of a duet beyond the look that it is judged at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remaining {
    /// The false alarm rate of its last look.
    pub(super) alpha: f64,
    /// Requests of the whole duet over those so far.
    times: f64,
}

impl Remaining {
    /// None of a result that is not of a look before the last.
    pub(super) fn of(records: &[RunRecord]) -> Option<Self> {
        let [record] = records else { return None };
        let duet = record.duet.as_ref()?;
        let look = duet.look.filter(|look| (1..duet.looks).contains(look))?;
        Some(Self {
            alpha: alpha_of(duet.looks, duet.looks),
            times: f64::from(duet.looks) / f64::from(look),
        })
    }

    /// The standard error of the whole duet over that so far.
    pub(super) fn of_error(self) -> f64 {
        1.0 / libm::sqrt(self.times)
    }

    /// What so many of a look are in the whole duet.
    pub(super) fn whole(self, so_far: u64) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a few times as many, and never negative"
        )]
        let whole = (so_far as f64 * self.times).round() as u64;
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_looks_share_the_false_alarm_rate() {
        let sum: f64 = (1..=LOOKS).map(|look| alpha_of(look, LOOKS)).sum();
        assert!((sum - DUET_ALPHA).abs() < 1e-12);
        assert!((alpha_of(1, 1) - DUET_ALPHA).abs() < 1e-12);
        // Stored results say what they like.
        assert!((alpha_of(0, LOOKS) - 0.001).abs() < 1e-12);
        assert!((alpha_of(9, LOOKS) - 0.006).abs() < 1e-12);
        assert!((alpha_of(1, 0) - DUET_ALPHA).abs() < 1e-12);
    }
}
