//! Numbers with their units, each idea written in one way everywhere.

use crate::metric::{Metric, MetricKind};
use crate::thresholds::AwsMetric;
use crate::units::{self, Dollars, Latency, group, rounded, six_digits, three_digits};
use crate::verdict::{EstimatedChange, Measure};

/// What stands where there is no number.
pub(crate) const NONE: &str = "–";

/// The units that stand behind a number.
pub(crate) const UNITS: [&str; 6] = ["ms", "s", "µs", "%", "pp", "min"];

/// What may stand directly behind a word and does not belong to it.
pub(crate) const PUNCTUATION: [char; 6] = [',', ';', ':', '.', ')', ']'];

/// A measure whose values are latencies.
pub(crate) const P95: Measure = Measure::Metric(Metric::P95);

/// How a measure's values read.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Latency,
    Share,
    Rate,
    Count,
    Dollars,
}

fn kind(measure: Measure) -> Kind {
    match measure {
        Measure::Metric(metric) => match metric.kind() {
            MetricKind::Quantile(_) => Kind::Latency,
            MetricKind::Share => Kind::Share,
            MetricKind::Rate => Kind::Rate,
        },
        Measure::Aws(AwsMetric::BilledP95) => Kind::Latency,
        Measure::Aws(AwsMetric::MemoryUsed) | Measure::Failures(_) | Measure::Unavailable => {
            Kind::Share
        }
        Measure::Aws(AwsMetric::Throttles | AwsMetric::Errors | AwsMetric::Spillover) => {
            Kind::Count
        }
        Measure::Aws(AwsMetric::CostPerMillion) => Kind::Dollars,
    }
}

/// Whether a measure is a share, so that its changes are differences in percentage points.
pub(crate) fn is_share(measure: Measure) -> bool {
    kind(measure) == Kind::Share
}

/// Whether a measure is a latency.
pub(crate) fn is_latency(measure: Measure) -> bool {
    kind(measure) == Kind::Latency
}

/// Whether more of the measure is better.
pub(crate) fn more_is_better(measure: Measure) -> bool {
    kind(measure) == Kind::Rate
}

/// A measured value such as `182 ms`, `0.30 %` or `98.0/s`.
pub(crate) fn value(measure: Measure, value: f64) -> String {
    match kind(measure) {
        Kind::Latency => Latency(value).to_string(),
        Kind::Share => share(value),
        Kind::Rate => rate(value),
        Kind::Count => group(&plain(value)),
        Kind::Dollars => Dollars(value).to_string(),
    }
}

/// A measured value and its interval, the unit said once where it is the same: `182 ms [178, 187]`.
pub(crate) fn value_in(measure: Measure, of: f64, interval: Option<(f64, f64)>) -> String {
    let text = value(measure, of);
    let Some((lower, upper)) = interval else {
        return text;
    };
    let [lower, upper] = [lower, upper].map(|bound| value(measure, bound));
    let unit = text.find(' ').map_or("", |at| &text[at..]);
    let bare = lower.strip_suffix(unit).zip(upper.strip_suffix(unit));
    let (lower, upper) = bare.unwrap_or((&lower, &upper));
    format!("{text} [{lower}, {upper}]")
}

/// A promised value as a person writes it, with no digit more or less: `800 ms`, `1 %`, `90/s`.
pub(crate) fn promised(measure: Measure, value: f64) -> String {
    match kind(measure) {
        Kind::Latency => time(value),
        Kind::Share => percent(value),
        Kind::Rate => format!("{}/s", plain(value)),
        Kind::Count => group(&plain(value)),
        Kind::Dollars => format!("${}", plain(value)),
    }
}

pub(crate) fn or_none(text: Option<String>) -> String {
    text.unwrap_or_else(|| NONE.to_owned())
}

pub(crate) fn value_or_none(measure: Measure, known: Option<f64>) -> String {
    or_none(known.map(|known| value(measure, known)))
}

/// A measured latency in seconds, or a dash where there is none.
pub(crate) fn latency(seconds: Option<f64>) -> String {
    or_none(seconds.map(|seconds| Latency(seconds).to_string()))
}

/// A measured number of three digits, or a dash where there is none.
pub(crate) fn number(value: Option<f64>) -> String {
    or_none(value.map(three_digits))
}

/// Two values with an arrow between them, the unit said once where it is the same: `182 → 231 ms`.
pub(crate) fn from_to(measure: Measure, before: f64, now: f64) -> String {
    let (before, now) = (value(measure, before), value(measure, now));
    let number = |text: &str| {
        text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ',' | '-'))
            .unwrap_or(text.len())
    };
    let (end, other) = (number(&before), number(&now));
    if before[end..] == now[other..] {
        return format!("{} → {now}", &before[..end]);
    }
    format!("{before} → {now}")
}

/// The value now, with an arrow from the one before if that is known; none if there is none now.
pub(crate) fn before_now(
    measure: Measure,
    before: Option<f64>,
    now: Option<f64>,
) -> Option<String> {
    let now = now?;
    let from_to = before.map(|before| from_to(measure, before, now));
    Some(from_to.unwrap_or_else(|| value(measure, now)))
}

/// A measured share of requests in percent: two digits below 1 %, where the third says nothing.
pub(crate) fn share(fraction: f64) -> String {
    let percent = fraction * 100.0;
    let small = rounded(percent, 2);
    if small == 0.0 || percent.abs() >= 1.0 {
        return format!("{} %", three_digits(percent));
    }
    let digits = three_digits(small);
    // Of its three digits the last is the zero that rounding left, unless it has become a whole percent.
    let digits = digits
        .strip_suffix('0')
        .filter(|_| small.abs() < 1.0)
        .unwrap_or(&digits);
    format!("{digits} %")
}

/// A share as a person writes it, such as `5 %`.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{} %", plain(fraction * 100.0))
}

/// A share of which no more than whole percents are of account, such as that of a CPU: `35 %`.
pub(crate) fn about(fraction: f64) -> String {
    format!("{:.0} %", fraction * 100.0)
}

/// A length of time in seconds as a person writes it: `800 ms`, `2 s`.
pub(crate) fn time(seconds: f64) -> String {
    match six_digits(seconds) {
        whole if whole >= 1.0 => format!("{} s", plain(whole)),
        0.0 => "0 ms".to_owned(),
        part if part >= 1e-3 => format!("{} ms", plain(part * 1e3)),
        part => format!("{} µs", plain(part * 1e6)),
    }
}

/// A number as a person writes it: the digits that it has, up to six.
fn plain(value: f64) -> String {
    let text = six_digits(value).to_string();
    match text.split_once('.') {
        Some((whole, fraction)) => format!("{}.{fraction}", group(whole)),
        None => group(&text),
    }
}

pub(crate) fn rate(per_second: f64) -> String {
    format!("{}/s", three_digits(per_second))
}

/// A change with its sign: `+26.9 %`, or `+0.02 pp` for a difference of shares.
pub(crate) fn change(measure: Measure, change: f64) -> String {
    let percent = change * 100.0;
    if is_share(measure) {
        // What is smaller than two decimals matters to nobody, since a gate looks at tenths.
        let digits = format!("{:.2}", percent.abs());
        return format!("{} pp", signed(&digits, percent));
    }
    let digits = if percent.abs() >= 100.0 {
        group(&format!("{:.0}", percent.abs()))
    } else {
        format!("{:.1}", percent.abs())
    };
    format!("{} %", signed(&digits, percent))
}

/// A change with its sign and its interval: `+26.9 % [+22.0 %, +32.1 %]`.
pub(crate) fn change_with_interval(measure: Measure, estimated: &EstimatedChange) -> String {
    let estimate = change(measure, estimated.estimate);
    format!("{estimate} {}", interval(measure, estimated))
}

/// A change that a rule speaks of, such as a tolerance, as a person writes it: `5 %`, `0.1 pp`.
pub(crate) fn allowed(measure: Measure, change: f64) -> String {
    let unit = if is_share(measure) { "pp" } else { "%" };
    format!("{} {unit}", plain(change * 100.0))
}

/// The digits with a sign, but a zero without one.
fn signed(digits: &str, value: f64) -> String {
    if digits.chars().all(|c| matches!(c, '0' | '.')) {
        return digits.to_owned();
    }
    format!("{}{digits}", if value < 0.0 { '-' } else { '+' })
}

/// A 95 % interval: `[-1.2 %, +7.6 %]`.
pub(crate) fn interval(measure: Measure, estimated: &EstimatedChange) -> String {
    let [lower, upper] = [estimated.lower, estimated.upper].map(|bound| change(measure, bound));
    format!("[{lower}, {upper}]")
}

/// The ends of an interval: the better one, and the worse one.
pub(crate) fn best_and_worst(measure: Measure, change: &EstimatedChange) -> [f64; 2] {
    if more_is_better(measure) {
        return [change.upper, change.lower];
    }
    [change.lower, change.upper]
}

/// The change that would have been caught, rounded away from zero so that nothing is promised that does not hold.
pub(crate) fn caught(measure: Measure, would_catch: f64) -> String {
    let sign = if more_is_better(measure) { '-' } else { '+' };
    let percent = would_catch.abs() * 100.0;
    if is_share(measure) {
        let rounded = (percent * 100.0 - 1e-6).ceil() / 100.0;
        return format!("{sign}{rounded:.2} pp");
    }
    let digits = format!("{:.0}", (percent - 1e-6).ceil());
    format!("{sign}{} %", group(&digits))
}

pub(crate) fn count(number: u64) -> String {
    group(&number.to_string())
}

/// A number with its noun, in the singular where it is one.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number))
}

/// A length of time in whole seconds: `34 s`, `1 min 30 s`.
pub(crate) fn length(seconds: f64) -> String {
    match whole_seconds(seconds) {
        0..60 if seconds < 10.0 => time(rounded(seconds.max(0.0), 3)),
        whole => units::whole_seconds(whole),
    }
}

/// A start in seconds, to a tenth where it is no whole one.
pub(crate) fn start(seconds: f64) -> String {
    let tenths = (seconds * 10.0).round();
    if tenths % 10.0 == 0.0 {
        count(whole(seconds))
    } else {
        format!("{:.1}", tenths / 10.0)
    }
}

/// Seconds, rounded and never negative.
pub(crate) fn whole_seconds(seconds: f64) -> u64 {
    whole(seconds.min(3.2e9))
}

/// A number rounded to a whole one, never negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped first; a stored NaN becomes 0"
)]
pub(crate) fn whole(number: f64) -> u64 {
    number.round().clamp(0.0, 1e15) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERRORS: Measure = Measure::Metric(Metric::ErrorRate);
    const RATE: Measure = Measure::Metric(Metric::RequestsPerSecond);

    #[test]
    fn measured_values_carry_their_unit_and_all_their_digits() {
        for (measure, number, text) in [
            (P95, 0.182, "182 ms"),
            (P95, 0.049, "49.0 ms"),
            (P95, 1.0, "1.00 s"),
            (ERRORS, 0.000_333, "0.033 %"),
            (ERRORS, 0.003, "0.30 %"),
            (ERRORS, 0.009_96, "1.00 %"),
            (ERRORS, 0.05, "5.00 %"),
            (ERRORS, 0.0, "0 %"),
            (ERRORS, 1.0, "100 %"),
            (RATE, 98.04, "98.0/s"),
            (RATE, 1234.5, "1,234/s"),
        ] {
            assert_eq!(value(measure, number), text);
        }
    }

    #[test]
    fn an_interval_has_its_unit_once_where_it_is_the_same() {
        let cost = Measure::Aws(AwsMetric::CostPerMillion);
        for (measure, of, interval, text) in [
            (P95, 0.182, Some((0.178, 0.187)), "182 ms [178, 187]"),
            (P95, 0.98, Some((0.9, 1.1)), "980 ms [900 ms, 1.10 s]"),
            (cost, 2.0, Some((1.9, 2.1)), "$2.00 [$1.90, $2.10]"),
            (P95, 0.182, None, "182 ms"),
        ] {
            assert_eq!(value_in(measure, of, interval), text);
        }
    }

    #[test]
    fn promises_stay_as_they_were_written() {
        for (measure, number, text) in [
            (P95, 0.8, "800 ms"),
            (P95, 2.0, "2 s"),
            (P95, 1.234, "1.234 s"),
            (P95, 0.000_5, "500 µs"),
            (ERRORS, 0.07, "7 %"),
            (ERRORS, 0.001_25, "0.125 %"),
            (RATE, 90.0, "90/s"),
            (RATE, 1_234.5, "1,234.5/s"),
        ] {
            assert_eq!(promised(measure, number), text);
        }
        assert_eq!(allowed(P95, 0.6), "60 %");
        assert_eq!(allowed(ERRORS, 0.001), "0.1 pp");
    }

    #[test]
    fn a_unit_is_said_once_where_it_is_the_same() {
        assert_eq!(from_to(P95, 0.182, 0.231), "182 → 231 ms");
        assert_eq!(from_to(P95, 0.0578, 0.049), "57.8 → 49.0 ms");
        assert_eq!(from_to(P95, 0.9, 1.21), "900 ms → 1.21 s");
        assert_eq!(from_to(ERRORS, 0.001, 0.023), "0.10 → 2.30 %");
        assert_eq!(from_to(RATE, 98.0, 71.2), "98.0 → 71.2/s");
    }

    #[test]
    fn changes_carry_their_sign_and_zero_has_none() {
        for (measure, number, text) in [
            (P95, 0.269, "+26.9 %"),
            (P95, -0.012, "-1.2 %"),
            (P95, -0.000_1, "0.0 %"),
            (P95, 12.5, "+1,250 %"),
            (ERRORS, 0.000_2, "+0.02 pp"),
            (ERRORS, -0.022, "-2.20 pp"),
            (ERRORS, -0.000_02, "0.00 pp"),
            (ERRORS, 0.0, "0.00 pp"),
        ] {
            assert_eq!(change(measure, number), text);
        }
    }

    #[test]
    fn what_would_have_been_caught_is_never_rounded_down() {
        for (measure, number, text) in [
            (P95, 0.141, "+15 %"),
            (P95, 0.14, "+14 %"),
            (ERRORS, 0.002_71, "+0.28 pp"),
            (ERRORS, 0.001, "+0.10 pp"),
            (RATE, 0.2, "-20 %"),
        ] {
            assert_eq!(caught(measure, number), text);
        }
    }

    #[test]
    fn lengths_read_as_people_say_them() {
        for (seconds, text) in [
            (0.4, "400 ms"),
            (4.234_5, "4.23 s"),
            (4.0, "4 s"),
            (34.2, "34 s"),
            (90.0, "1 min 30 s"),
            (120.0, "2 min"),
        ] {
            assert_eq!(length(seconds), text);
        }
    }
}
