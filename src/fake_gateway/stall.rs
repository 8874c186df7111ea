//! When a response leaves a server that stands still now and then.

use super::config::Stall;
use std::time::Duration;

impl Stall {
    /// The moment at which a response leaves that is due at this one: at once, or at the end of the freeze it falls in.
    pub(super) fn release(self, due: Duration) -> Duration {
        let (every, length) = (self.every.as_nanos(), self.length.as_nanos());
        let into_the_period = due.as_nanos() % every.max(1);
        if due < self.every || into_the_period >= length {
            return due;
        }
        // What is left of a freeze is shorter than the freeze, so that its nanoseconds fit in 64 bits for 584 years.
        due + Duration::from_nanos(u64::try_from(length - into_the_period).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_due_in_a_freeze_leave_at_its_end() {
        let ms = Duration::from_millis;
        let freeze = Stall {
            every: ms(1000),
            length: ms(200),
        };
        for (due, leaves) in [
            (0, 0),
            (100, 100),
            (999, 999),
            (1000, 1200),
            (1199, 1200),
            (1200, 1200),
            (1500, 1500),
            (7001, 7200),
        ] {
            assert_eq!(freeze.release(ms(due)), ms(leaves), "due at {due} ms");
        }
    }
}
