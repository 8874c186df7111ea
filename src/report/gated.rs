//! metrics-gated.txt: the gated figures alone, for GitLab's metrics report, where hundreds of rows help nobody.
//!
//! The same rules as in `metrics.txt` hold. A row is a figure that may fail the build; it keeps its labels from run to run.

use crate::report::openmetrics::Family;
use crate::report::text::one_line;
use crate::report::view::View;
use crate::report::wording::measure_name;
use crate::thresholds::Subject;
use crate::verdict::Enforcement;

/// The family of `metrics-gated.txt`.
pub const GATED: Family = Family {
    name: "loadgate_gated",
    kind: "gauge",
    unit: "",
    labels: &["gate", "request", "phase", "metric"],
    help: "A figure that may fail the build.",
};

/// The gated figures of gates as `OpenMetrics` text: times in seconds, shares from 0 to 1, rates per second.
pub fn gated(views: &[View]) -> String {
    let mut text = String::new();
    GATED.head(&mut text);
    let mut seen = std::collections::BTreeSet::new();
    for view in views {
        for row in view.rows() {
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
            let labels = [view.gate(), request, phase, &measure_name(row.measure())]
                .map(|value| one_line(value).replace('#', "＃"));
            if seen.insert(labels.clone()) {
                let labels = labels.each_ref().map(String::as_str);
                GATED.sample(&mut text, &labels, &format!("{now:.6}"));
            }
        }
    }
    text + "# EOF\n"
}
