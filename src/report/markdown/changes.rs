//! What changed beyond noise, as a diff, and how to accept it if it is wanted.

use crate::report::markdown::syntax::{fenced, name};
use crate::report::text::{capped, numbers, one_line};
use crate::report::view::{CheckRow, Status, View};
use unicode_width::UnicodeWidthStr;

use crate::metric::Metric;
use crate::thresholds::Subject;
use crate::units::date;
use crate::verdict::Measure;

/// How long an acceptance is proposed to hold: long enough to be merged and recorded, short enough to be forgotten.
const ACCEPTED_DAYS: i64 = 60;

/// Entries that are proposed; where more regressed, one by one is not how to accept it.
const ENTRIES: usize = 20;

/// Lines of the diff at most; a run in which everything changed needs no longer list.
const DIFF_ROWS: usize = 40;

/// The rows that changed beyond noise, as a diff.
pub(super) fn diff(view: &View) -> String {
    let rows = view.rows();
    if !rows.iter().any(|row| row.estimated().is_some()) {
        return String::new();
    }
    let changed: Vec<&CheckRow> = rows.iter().filter(|row| row.is_changed(view)).collect();
    if changed.is_empty() {
        return "**Changed beyond noise:** nothing.".to_owned();
    }
    let shown = &changed[..changed.len().min(DIFF_ROWS)];
    let more = match changed.len() - shown.len() {
        0 => String::new(),
        more => format!(
            "\n{} changed too.\n",
            numbers::counted(more as u64, "more check")
        ),
    };
    format!(
        "**Changed beyond noise:**\n\n{}{more}",
        fenced("diff", &diff_text(shown))
    )
}

/// A line for each name, and below it what each of its figures was, directly followed by what it is.
fn diff_text(rows: &[&CheckRow]) -> String {
    let mut subjects: Vec<&Subject> = Vec::new();
    for row in rows {
        if !subjects.contains(&&row.line().subject) {
            subjects.push(&row.line().subject);
        }
    }
    let metrics = rows
        .iter()
        .map(|row| row.measure_text().to_string().width());
    let width = metrics.max().unwrap_or(0);
    let mut text = String::new();
    for subject in subjects {
        let of_subject = || rows.iter().filter(|row| row.line().subject == *subject);
        let Some(first) = of_subject().next() else {
            continue;
        };
        text += &format!("  {}\n", first.subject_text());
        for row in of_subject() {
            text += &pair(row, width);
        }
    }
    text
}

/// One figure before and now, as a diff of two lines. Each pair is a diff of its own: over a whole list, all old lines
/// would come first and then all new ones.
fn pair(row: &CheckRow, width: usize) -> String {
    let metric = row.measure_text().to_string();
    let pad = " ".repeat(width.saturating_sub(metric.width()));
    let line = |value| {
        let figure = numbers::value_or_none(row.measure(), value);
        format!("   {metric}{pad}  {figure}\n")
    };
    let (before, now) = (line(row.before()), line(row.now()));
    if before == now {
        return format!(" {now}");
    }
    format!("-{before}+{now}")
}

/// How to accept what regressed, as a piece of thresholds.yml.
pub(super) fn wanted(view: &View) -> String {
    let entries = acceptances(view);
    if entries.is_empty() || view.gate_path.is_none() {
        return String::new();
    }
    let entries = capped(entries, ENTRIES, |more| format!("    # and {more} more\n"));
    let yaml = format!("regression:\n  accepted:\n{}", entries.concat());
    format!(
        "**Intended?** Accept it in {} in this pull request, with the reason:\n\n{}",
        name(view.thresholds_path),
        fenced("yaml", &yaml)
    )
}

/// A regressed name and metric, in whatever phase.
struct Regressed<'a> {
    subject: &'a Subject,
    metric: Metric,
    /// The change that may be as large as this: what an acceptance must reach.
    at_worst: f64,
}

/// One entry per regressed name and metric; overall's of the same metric is covered by them.
fn acceptances(view: &View) -> Vec<String> {
    let regressed = regressed(view.rows());
    let until = until(view);
    regressed
        .iter()
        .filter_map(|one| {
            let named = |one: &Regressed| *one.subject != Subject::Overall;
            let of_metric = || regressed.iter().filter(|other| other.metric == one.metric);
            let request = match one.subject {
                Subject::Overall if of_metric().any(named) => return None,
                Subject::Overall => "overall".to_owned(),
                // Thresholds take no such name.
                Subject::Request(name) if name.chars().any(char::is_control) => return None,
                Subject::Request(name) => yaml_string(name),
            };
            // An acceptance of a name also takes overall's tolerance, so it must reach as far.
            let reach = of_metric()
                .filter(|other| !named(other))
                .map(|other| other.at_worst)
                .fold(one.at_worst, f64::max);
            let metric = one.metric;
            let up_to = up_to(Measure::Metric(metric), reach);
            let replaced = replaced(view, one);
            Some(format!(
                "    - {{ request: {request}, metric: {metric}, up_to: {up_to}, until: {until}, reason: \"…\" }}{replaced}\n"
            ))
        })
        .collect()
}

/// What regressed, each name and metric once: an acceptance holds for all phases.
fn regressed<'a>(rows: &[CheckRow<'a>]) -> Vec<Regressed<'a>> {
    let mut all: Vec<Regressed> = Vec::new();
    // What added up since the anchor is accepted by a new anchor.
    let newest = rows.iter().filter(|row| !row.is_drift());
    for (line, check) in newest.filter_map(|row| row.change) {
        let (Measure::Metric(metric), Some(change), Status::Failed) =
            (line.measure, check.change, Status::new(line))
        else {
            continue;
        };
        // A rate is tested mirrored: what is accepted of it is how much more there was before.
        let at_worst = if numbers::more_is_better(line.measure) {
            1.0 / (1.0 + change.lower).max(f64::EPSILON) - 1.0
        } else {
            change.upper
        };
        let subject = &line.subject;
        let known = all
            .iter_mut()
            .find(|known| known.subject == subject && known.metric == metric);
        match known {
            Some(known) => known.at_worst = known.at_worst.max(at_worst),
            None => all.push(Regressed {
                subject,
                metric,
                at_worst,
            }),
        }
    }
    all
}

/// Which line of the file an entry takes the place of: one that ended, or that did not reach far enough.
fn replaced(view: &View, one: &Regressed) -> String {
    let mut accepted = view.thresholds.regression.accepted.iter();
    let same = accepted.find(|old| old.subject == *one.subject && old.metric == one.metric);
    same.map_or_else(String::new, |old| {
        format!("  # in place of line {}", old.line)
    })
}

fn until(view: &View) -> jiff::civil::Date {
    let day = date(view.record.run.started);
    let later = jiff::Span::new().try_days(ACCEPTED_DAYS);
    later
        .and_then(|span| day.checked_add(span))
        .unwrap_or(jiff::civil::Date::MAX)
}

/// The upper end of the interval, rounded up to five percent; for shares to a tenth of a point.
fn up_to(measure: Measure, upper: f64) -> String {
    let percent = upper.abs() * 100.0;
    if numbers::is_share(measure) {
        return format!("{:.1}%", ((percent * 10.0).ceil() / 10.0).max(0.1));
    }
    format!("{:.0}%", ((percent / 5.0).ceil() * 5.0).max(5.0))
}

/// A YAML string in double quotes: what would break a line or cannot be printed is escaped.
fn yaml_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        let printable = one_line(c.encode_utf8(&mut [0; 4])) == c.to_string();
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            _ if printable && c != '\u{a0}' => quoted.push(c),
            _ => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acceptance_reaches_over_the_interval() {
        let p95 = Measure::Metric(Metric::P95);
        let errors = Measure::Metric(Metric::ErrorRate);
        for (measure, upper, text) in [
            (p95, 0.321, "35%"),
            (p95, 0.01, "5%"),
            (errors, 0.0234, "2.4%"),
            (errors, 0.0, "0.1%"),
        ] {
            assert_eq!(up_to(measure, upper), text);
        }
    }

    #[test]
    fn any_name_is_a_yaml_string() {
        for name in [
            "GET /a: b # c",
            "a\"b\\c",
            "two\nlines\u{1b}",
            "目录",
            "\u{202e}",
            " @team",
        ] {
            let yaml = format!("name: {}\n", yaml_string(name));
            let read: std::collections::BTreeMap<String, String> =
                serde_saphyr::from_str(&yaml).unwrap();
            assert_eq!(read["name"], name);
        }
    }
}
