//! The date of `Expires`, by the algorithm of RFC 6265, section 5.1.1. Pure.
//!
//! Servers write dates in many ways, and browsers read all of them by this algorithm. The crates `cookie` (which
//! `cookie_store` uses) and `httpdate` know a few fixed formats instead.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Reads a date; `None` if it has no meaning, and then the attribute does not count.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let mut parts = Parts::default();
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        parts.take(token);
    }
    parts.timestamp()
}

/// Whether a character separates tokens. A colon does not: it is part of a time.
fn is_delimiter(c: char) -> bool {
    matches!(c, '\t' | ' '..='/' | ';'..='@' | '['..='`' | '{'..='~')
}

#[derive(Default)]
struct Parts {
    time: Option<[u8; 3]>,
    day: Option<u16>,
    month: Option<i8>,
    year: Option<u16>,
}

impl Parts {
    /// Each token is the first part that is still missing and that it can be; the name of the day is none of them.
    fn take(&mut self, token: &str) {
        if self.time.is_none()
            && let Some(time) = time(token)
        {
            self.time = Some(time);
        } else if self.day.is_none()
            && let Some(day) = number(token, 1, 2)
        {
            self.day = Some(day);
        } else if self.month.is_none()
            && let Some(month) = month(token)
        {
            self.month = Some(month);
        } else if self.year.is_none() {
            self.year = number(token, 2, 4);
        }
    }

    fn timestamp(self) -> Option<Timestamp> {
        let year = match self.year? {
            year @ 70..=99 => year + 1900,
            year @ 0..=69 => year + 2000,
            year => year,
        };
        let [hour, minute, second] = self.time?.map(|part| i8::try_from(part).ok());
        let date = civil::Date::new(
            i16::try_from(year).ok().filter(|year| *year >= 1601)?,
            self.month?,
            i8::try_from(self.day?).ok()?,
        );
        let time = civil::Time::new(hour?, minute?, second?, 0).ok()?;
        let zoned = TimeZone::UTC.to_timestamp(date.ok()?.to_datetime(time));
        // The last hours of the year 9999 are beyond the clock, and mean "never".
        Some(zoned.unwrap_or(Timestamp::MAX))
    }
}

/// `7:08:09`, with whatever follows it behind a sign that is not a digit.
fn time(token: &str) -> Option<[u8; 3]> {
    let mut fields = token.splitn(3, ':');
    let (hour, minute, second) = (fields.next()?, fields.next()?, fields.next()?);
    let whole = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !whole(hour) || !whole(minute) {
        return None;
    }
    let part = |text: &str| u8::try_from(number(text, 1, 2)?).ok();
    Some([part(hour)?, part(minute)?, part(second)?])
}

/// The number at the start of a token, of so many digits, if no further digit follows.
fn number(token: &str, least: usize, most: usize) -> Option<u16> {
    let digits = token.bytes().take_while(u8::is_ascii_digit).count();
    (least..=most)
        .contains(&digits)
        .then(|| token[..digits].parse().ok())?
}

fn month(token: &str) -> Option<i8> {
    let name = token.get(..3)?.to_ascii_lowercase();
    let place = MONTHS.iter().position(|month| *month == name)?;
    i8::try_from(place + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_date_is_read_in_every_way_that_servers_write_it() {
        for (text, read) in [
            ("Thu, 01 Jan 1970 00:00:01 GMT", "1970-01-01T00:00:01Z"),
            ("Thu, 01-Jan-1970 00:00:01 GMT", "1970-01-01T00:00:01Z"),
            ("Thursday, 01-Jan-70 00:00:01 GMT", "1970-01-01T00:00:01Z"),
            ("Thursday, 01-Jan-1970 00:00:01 GMT", "1970-01-01T00:00:01Z"),
            ("Thu Jan  1 00:00:01 1970", "1970-01-01T00:00:01Z"),
            ("Thu 01 Jan 1970 00:00:01 GMT", "1970-01-01T00:00:01Z"),
            ("01 Jan 1970 00:00:01 GMT", "1970-01-01T00:00:01Z"),
            ("Mon, 01 Jan 1970 00:00:01 GMT", "1970-01-01T00:00:01Z"),
            ("Wed, 21 Oct 2026 07:28:00 GMT", "2026-10-21T07:28:00Z"),
            ("Wed, 21-oct-26 7:28:0", "2026-10-21T07:28:00Z"),
            ("2026 October 21 07:28:00", "2026-10-21T07:28:00Z"),
            ("07:28:00x123 21 OCTOBER 2026 UTC", "2026-10-21T07:28:00Z"),
            ("Wed, 21 Oct 69 07:28:00 GMT", "2069-10-21T07:28:00Z"),
            // The zone is not read, by browsers neither.
            ("Wed, 21 Oct 2026 07:28:00 +0200", "2026-10-21T07:28:00Z"),
            (
                "Fri, 31 Dec 9999 23:59:59 GMT",
                "9999-12-30T22:00:00.999999999Z",
            ),
        ] {
            assert_eq!(parse(text), Some(read.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_lacks_a_part_or_cannot_be_is_not_a_date() {
        for text in [
            "",
            "0",
            "soon",
            "Thu, 01 Jan 1970",
            "00:00:01 GMT",
            "Thu, 32 Jan 2026 00:00:01 GMT",
            "Thu, 31 Feb 2026 00:00:01 GMT",
            "Thu, 01 Jan 1600 00:00:01 GMT",
            "Thu, 01 Jan 2026 24:00:00 GMT",
            "Thu, 01 Jan 2026 00:60:00 GMT",
            "Thu, 01 Jan 2026 00:00:60 GMT",
            "Thu, 01 Jan 20260 00:00:00 GMT",
            "07:28:00.123 21 Oct 2026",
            "Thu, 01 Jan 2026 000:00:00 GMT",
            "Thu, 01 Jän 2026 00:00:00 GMT",
            "1792567680",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
