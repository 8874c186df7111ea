//! What changed beyond noise, as a diff, and how to accept it if it is wanted.

use similar::{ChangeTag, TextDiff};

use super::MEDIUM;
use crate::metric::Metric;
use crate::report::Story;
use crate::report::markdown::fenced;
use crate::report::numbers::{self, date};
use crate::report::rows::{Row, Status};
use crate::report::text::one_line;
use crate::report::words::Medium;
use crate::thresholds::Subject;
use crate::verdict::Measure;

/// How long an acceptance is proposed to hold: long enough to be merged and recorded, short enough to be forgotten.
const ACCEPTED_DAYS: i64 = 60;

/// Lines of the diff at most; a run in which everything changed needs no longer list.
const DIFF_ROWS: usize = 40;

/// The rows that changed beyond noise, as a diff of two texts.
pub(super) fn diff(story: &Story, rows: &[Row]) -> String {
    if !rows.iter().any(|row| row.estimated().is_some()) {
        return String::new();
    }
    let changed: Vec<&Row> = rows.iter().filter(|row| row.is_changed(story)).collect();
    if changed.is_empty() {
        return "**Changed beyond noise:** nothing.".to_owned();
    }
    let shown = &changed[..changed.len().min(DIFF_ROWS)];
    let before = figures_text(shown, Row::before);
    let now = figures_text(shown, Row::now);
    let diff = TextDiff::from_lines(&before, &now);
    let mut lines = String::new();
    for change in diff.iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        lines.push(sign);
        lines.push_str(change.value());
    }
    let more = match changed.len() - shown.len() {
        0 => String::new(),
        more => format!(
            "\n{} changed too.\n",
            numbers::counted(more as u64, "more line")
        ),
    };
    format!(
        "**Changed beyond noise:**\n\n{}{more}",
        fenced("diff", &lines)
    )
}

/// A line for each name and one for each of its figures.
fn figures_text<'a>(rows: &[&Row<'a>], value: impl Fn(&Row<'a>) -> Option<f64>) -> String {
    let mut subjects: Vec<&Subject> = Vec::new();
    for row in rows {
        if !subjects.contains(&&row.line().subject) {
            subjects.push(&row.line().subject);
        }
    }
    let metrics = rows
        .iter()
        .map(|row| row.measure_text(Medium::Plain).chars().count());
    let width = metrics.max().unwrap_or(0);
    let mut text = String::new();
    for subject in subjects {
        let own = || rows.iter().filter(|row| row.line().subject == *subject);
        let Some(first) = own().next() else { continue };
        text += &format!(" {}\n", first.subject_text(Medium::Plain));
        for row in own() {
            let metric = row.measure_text(Medium::Plain);
            let figure = numbers::value_or_none(row.measure(), value(row));
            text += &format!("   {metric:<width$}  {figure}\n");
        }
    }
    text
}

/// How to accept what regressed, as a piece of thresholds.yml.
pub(super) fn wanted(story: &Story, rows: &[Row]) -> String {
    let entries = acceptances(story, rows);
    if entries.is_empty() {
        return String::new();
    }
    let yaml = format!("regression:\n  accepted:\n{}", entries.concat());
    format!(
        "**Wanted?** Then say so in {} in this pull request, with the reason:\n\n{}",
        MEDIUM.foreign(story.thresholds_path),
        fenced("yaml", &yaml)
    )
}

/// One entry per regressed name and metric; overall's of the same metric is covered by them.
fn acceptances(story: &Story, rows: &[Row]) -> Vec<String> {
    let regressed: Vec<(&Row, Metric, f64)> = rows
        .iter()
        .filter_map(|row| {
            let (line, check) = row.change?;
            match line.measure {
                Measure::Metric(metric) if Status::of(line) == Status::Failed => {
                    Some((row, metric, check.change?.upper))
                }
                Measure::Metric(_) | Measure::Failures(_) => None,
            }
        })
        .collect();
    let until = until(story);
    regressed
        .iter()
        .filter_map(|(row, metric, upper)| {
            let named = |row: &Row| row.line().subject != Subject::Overall;
            let of_metric = || regressed.iter().filter(|(_, other, _)| other == metric);
            let covered = of_metric().any(|(other, _, _)| named(other));
            let request = match &row.line().subject {
                Subject::Overall if covered => return None,
                Subject::Overall => "overall".to_owned(),
                Subject::Request(name) => yaml_string(name),
            };
            // An acceptance of a name also takes overall's tolerance, so it must reach as far.
            let reach = of_metric()
                .filter(|(other, _, _)| !named(other))
                .map(|(_, _, upper)| *upper)
                .fold(*upper, f64::max);
            Some(format!(
                "    - {{ request: {request}, metric: {metric}, up_to: {}, until: {until}, reason: \"…\" }}\n",
                up_to(row.measure(), reach)
            ))
        })
        .collect()
}

fn until(story: &Story) -> jiff::civil::Date {
    let day = date(story.record.run.started);
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
