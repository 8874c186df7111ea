//! metrics-gated.txt: the gated figures alone, for GitLab's metrics report, where hundreds of rows help nobody.
//!
//! The same rules as in `metrics.txt` hold. A row is a figure that may fail the build; it keeps its labels from run to run.

use super::ReportInput;
use super::openmetrics::escaped;
use super::rows::rows;
use super::text::one_line;
use super::wording::measure_name;
use crate::thresholds::Subject;
use crate::verdict::Enforcement;

/// The gated figures of gates as `OpenMetrics` text: times in seconds, shares from 0 to 1, rates per second.
pub fn gated(stories: &[ReportInput]) -> String {
    let mut text = String::from(
        "# TYPE loadgate_gated gauge\n# HELP loadgate_gated A figure that may fail the build.\n",
    );
    let mut seen = std::collections::BTreeSet::new();
    for story in stories {
        for row in rows(story) {
            let is_gated = row
                .lines()
                .any(|line| line.enforcement == Enforcement::Gated);
            let Some(now) = row.now().filter(|_| is_gated) else {
                continue;
            };
            let line = row.line();
            let request = match &line.subject {
                Subject::Overall => "overall",
                Subject::Request(name) => name,
            };
            let phase = line.phase.as_deref().unwrap_or("all");
            let labels = [
                ("gate", story.gate()),
                ("request", request),
                ("phase", phase),
                ("metric", &measure_name(row.measure())),
            ]
            .map(|(label, value)| {
                let value = escaped(&one_line(value).replace('#', "＃"));
                format!("{label}=\"{value}\"")
            });
            let labels = labels.join(",");
            if seen.insert(labels.clone()) {
                text.push_str(&format!("loadgate_gated{{{labels}}} {now:.6}\n"));
            }
        }
    }
    text + "# EOF\n"
}
