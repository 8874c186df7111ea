//! load-performance.json: k6's legacy summary shape, which GitLab's load performance widget reads.
//!
//! The widget reads `http_reqs.rate`, `http_req_waiting` at P90 and P95, in milliseconds, and `checks`; the rest is there
//! for other readers of k6 summaries. A figure that was not measured is left out, since the widget would show a zero.

use serde_json::{Map, Value, json};

use crate::measurement::{Arm, LatencyHistogram};
use crate::report::view::View;
use crate::units::six_digits;

/// The figures of one gate in k6's legacy summary shape.
pub fn performance(view: &View) -> String {
    let figures = view.overall();
    let mut metrics = Map::new();
    let sent = figures.sent();
    let per_second = figures.per_second().unwrap_or_default();
    metrics.insert(
        "http_reqs".to_owned(),
        json!({ "count": sent, "rate": six_digits(per_second) }),
    );
    for (name, latencies) in [
        ("http_req_duration", &figures.latencies),
        ("http_req_waiting", &first_bytes(view)),
    ] {
        if let Some(trend) = trend(latencies) {
            metrics.insert(name.to_owned(), trend);
        }
    }
    if figures.requests > 0 {
        let passes = figures.successes();
        metrics.insert(
            "checks".to_owned(),
            json!({
                "passes": passes,
                "fails": figures.failures,
                "value": six_digits(passes as f64 / figures.requests as f64),
            }),
        );
    }
    format!("{:#}\n", json!({ "metrics": metrics }))
}

/// From the request's last byte to the answer's first, over the measured phases of the deployment under test.
fn first_bytes(view: &View) -> LatencyHistogram {
    let mut waiting = LatencyHistogram::new();
    for parts in view.aggregates().parts(None, None, Arm::Target) {
        waiting.merge(&parts.first_byte);
    }
    waiting
}

/// A trend in milliseconds; none where nothing was measured.
fn trend(latencies: &LatencyHistogram) -> Option<Value> {
    let millis = |seconds: f64| six_digits(seconds * 1e3);
    let quantile = |q| latencies.quantile(q).map(millis);
    Some(json!({
        "avg": millis(latencies.mean()?),
        "min": quantile(0.0)?,
        "med": quantile(0.5)?,
        "max": millis(latencies.max()?),
        "p(90)": quantile(0.9)?,
        "p(95)": quantile(0.95)?,
        "p(99)": quantile(0.99)?,
    }))
}
