//! Units as people write and read them: durations, shares, rates, and numbers of six significant digits.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

/// The longest duration that a file may name: a week. Longer is a slip of the pen, not a load test.
const LONGEST: Duration = Duration::from_hours(24 * 7);

/// Text that is not the unit it should be; the message says what would be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnitError(String);

/// Says of a number below zero what is wrong with it, since its form is not.
fn not_negative(text: &str) -> Result<(), UnitError> {
    let rest = text.trim().strip_prefix('-').unwrap_or_default();
    if rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Err(UnitError(format!("'{text}' is below 0; use 0 or more")));
    }
    Ok(())
}

/// Reads a duration: a number and one of `us`, `ms`, `s`, `m`, `h`, such as `800ms` or `1.5s`.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let wrong = || {
        UnitError(format!(
            "'{text}' is not a duration; write a number with its unit, such as 800ms, 2s or 5m"
        ))
    };
    not_negative(text)?;
    let (number, unit) = split_unit(text).ok_or_else(wrong)?;
    let seconds = match unit {
        "us" | "µs" => number / 1e6,
        "ms" => number / 1e3,
        "s" => number,
        "m" | "min" => number * 60.0,
        "h" => number * 3600.0,
        _ => return Err(wrong()),
    };
    let duration = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
    if duration > LONGEST {
        return Err(UnitError(format!("'{text}' is longer than a week")));
    }
    Ok(duration)
}

/// The day of an instant in UTC, the same everywhere.
pub fn date(instant: Timestamp) -> Date {
    Offset::UTC.to_datetime(instant).date()
}

/// An amount of dollars, shown as `$4.12`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Dollars(pub f64);

impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}", three_digits(self.0))
    }
}

/// A share of requests, from 0 to 1; written as `1%` or `0.01`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// One percent.
    pub const ONE_PERCENT: Self = Self(0.01);
    /// Ten percent.
    pub const TEN_PERCENT: Self = Self(0.1);

    /// A share from a fraction.
    pub fn new(fraction: f64) -> Result<Self, UnitError> {
        if (0.0..=1.0).contains(&fraction) {
            Ok(Self(fraction))
        } else {
            Err(UnitError(format!(
                "{}% is not a share of requests; use 0% to 100%",
                significant(fraction * 100.0)
            )))
        }
    }

    /// The share as a fraction.
    pub fn fraction(self) -> f64 {
        self.0
    }
}

impl FromStr for Share {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        Self::new(parse_percent(text)?)
    }
}

/// Reads a percentage such as `5%` as a fraction. A bare number is refused: 5 could mean 5 % or 500 %.
pub fn parse_percent(text: &str) -> Result<f64, UnitError> {
    let wrong = || {
        UnitError(format!(
            "'{text}' is not a percentage; write it with its sign, such as 5%"
        ))
    };
    not_negative(text)?;
    match split_unit(text).ok_or_else(wrong)? {
        (number, "%") => Ok(number / 100.0),
        _ => Err(wrong()),
    }
}

/// Reads a rate such as `200/s` or `30/m` in events per second.
pub fn parse_rate(text: &str) -> Result<f64, UnitError> {
    let wrong = || {
        UnitError(format!(
            "'{text}' is not a rate; write it such as 200/s or 30/m"
        ))
    };
    not_negative(text)?;
    match split_unit(text).ok_or_else(wrong)? {
        (number, "/s") => Ok(number),
        (number, "/m" | "/min") => Ok(number / 60.0),
        (number, "/h") => Ok(number / 3600.0),
        _ => Err(wrong()),
    }
}

/// Splits `12.5ms` into 12.5 and `ms`; none where there is no finite number of zero or more.
fn split_unit(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let number: f64 = text[..end].parse().ok()?;
    Some((number, text[end..].trim_start()))
}

/// Rounds to six significant digits, the precision of everything that the verdict puts out.
///
/// The rounding goes through decimal text, which Rust specifies exactly, so it is the same on every machine.
pub fn six_digits(value: f64) -> f64 {
    rounded(value, 6)
}

/// Rounds to so many significant digits, at least one.
pub fn rounded(value: f64, digits: usize) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let decimals = digits.saturating_sub(1);
    format!("{value:.decimals$e}").parse().unwrap_or(value)
}

/// A number of at most three significant digits for people, such as `182`, `18.2` or `0.03`.
pub fn significant(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return value.to_string();
    }
    let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
    let text = format!("{rounded}");
    if rounded.abs() < 100.0 || rounded.fract() != 0.0 {
        return text;
    }
    group(&format!("{value:.0}"))
}

/// A number of three significant digits with the zeros at its end, such as `182`, `49.0` or `1.00`: for what was measured,
/// where a zero says as much as any other digit.
pub fn three_digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return significant(value);
    }
    let rounded = format!("{value:.2e}");
    let exponent = rounded.split_once('e').map(|(_, exponent)| exponent);
    let Some(exponent) = exponent.and_then(|text| text.parse::<i32>().ok()) else {
        return significant(value);
    };
    match usize::try_from(2 - exponent) {
        Ok(decimals @ 1..) => format!("{value:.decimals$}"),
        Ok(0) | Err(_) => group(&format!("{value:.0}")),
    }
}

/// Groups the digits of a whole number by thousands: `12345` becomes `12,345`.
pub fn group(digits: &str) -> String {
    let (sign, digits) = digits
        .strip_prefix('-')
        .map_or(("", digits), |rest| ("-", rest));
    let mut grouped = String::from(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A measured latency in seconds, shown in the unit that people would choose and with three digits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latency(pub f64);

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0;
        // The unit is chosen after rounding, so that 999.9 ms reads 1.00 s and not 1,000 ms.
        let rounded: f64 = format!("{seconds:.2e}").parse().unwrap_or(seconds);
        let (scaled, unit) = match rounded.abs() {
            r if r >= 1.0 => (seconds, "s"),
            r if r >= 1e-3 => (seconds * 1e3, "ms"),
            0.0 => (0.0, "ms"),
            _ => (seconds * 1e6, "µs"),
        };
        write!(f, "{} {unit}", three_digits(scaled))
    }
}

/// A duration as a person writes it: `800 ms`, `2 s`, `1 min 30 s`.
pub fn format_duration(duration: Duration) -> String {
    let millis = duration.as_secs_f64() * 1e3;
    if millis < 1e3 && millis > 0.0 {
        return format!("{} ms", significant(millis));
    }
    let seconds = duration.as_secs();
    if duration.subsec_nanos() != 0 && seconds < 60 {
        return format!("{} s", significant(duration.as_secs_f64()));
    }
    whole_seconds(seconds)
}

/// Whole seconds in the units of a clock: `34 s`, `1 min 30 s`, `2 h 5 min`.
pub fn whole_seconds(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_unit() {
        for (text, millis) in [
            ("800ms", 800.0),
            ("2s", 2e3),
            ("1.5s", 1.5e3),
            ("500us", 0.5),
            ("5m", 3e5),
            ("0s", 0.0),
        ] {
            let read = parse_duration(text).unwrap();
            assert!((read.as_secs_f64() * 1e3 - millis).abs() < 1e-9, "{text}");
        }
    }

    #[test]
    fn a_duration_without_a_unit_or_below_zero_is_refused() {
        for text in [
            "", "5", "-1s", "ms", "1x", "1e9999s", "NaNs", "infs", "999999h", "1.2.3s",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shares_need_their_sign_and_their_bounds() {
        assert!((("1%").parse::<Share>().unwrap().fraction() - 0.01).abs() < 1e-12);
        for text in ["1", "101%", "-1%", "x%", "%"] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
    }

    #[test]
    fn rates_are_per_second() {
        for (text, rate) in [("200/s", 200.0), ("30/m", 0.5), ("7200/h", 2.0)] {
            assert!((parse_rate(text).unwrap() - rate).abs() < 1e-12, "{text}");
        }
        assert!(parse_rate("200").is_err());
    }

    #[test]
    fn latencies_are_told_in_the_unit_people_would_choose() {
        for (seconds, text) in [
            (0.182_4, "182 ms"),
            (0.999_9, "1.00 s"),
            (0.049, "49.0 ms"),
            (1.234, "1.23 s"),
            (0.002_04, "2.04 ms"),
            (0.000_037_2, "37.2 µs"),
            (0.0, "0 ms"),
            (1234.6, "1,235 s"),
        ] {
            assert_eq!(Latency(seconds).to_string(), text);
        }
    }

    #[test]
    fn measured_numbers_have_three_digits_whatever_they_are() {
        for (value, text) in [
            (182.4, "182"),
            (49.0, "49.0"),
            (1.0, "1.00"),
            (9.999, "10.0"),
            (0.5, "0.500"),
            (0.000_123_4, "0.000123"),
            (-30.04, "-30.0"),
            (999.6, "1,000"),
            (12_345.6, "12,346"),
            (0.0, "0"),
        ] {
            assert_eq!(three_digits(value), text);
        }
    }

    #[test]
    fn six_digits_are_kept() {
        assert!((six_digits(1.234_567_89) - 1.234_57).abs() < 1e-12);
        assert!((six_digits(-0.000_123_456_789) + 0.000_123_457).abs() < 1e-15);
        assert!((six_digits(0.0)).abs() < 1e-300);
    }

    #[test]
    fn durations_are_written_as_a_person_would() {
        for (millis, text) in [
            (800, "800 ms"),
            (2_000, "2 s"),
            (1_500, "1.5 s"),
            (90_000, "1 min 30 s"),
            (3_600_000, "1 h"),
        ] {
            assert_eq!(format_duration(Duration::from_millis(millis)), text);
        }
    }
}
