//! What is folded away: all checks, latencies by name, errors by kind.

use super::MEDIUM;
use super::blocks::{Block, Need};
use super::gate::row_table;
use crate::measurement::FailureKind;
use crate::report::Story;
use crate::report::figures::{Figures, figures};
use crate::report::markdown::{Align, details, html_code, table};
use crate::report::numbers::{self, count, share};
use crate::report::rows::Row;
use crate::units::Latency;

/// The folded blocks, the most useful first.
pub(super) fn blocks(story: &Story, rows: &[Row]) -> Vec<Block> {
    let figures = figures(story);
    [
        all_checks(story, rows),
        latencies(story, &figures),
        errors(story, &figures),
    ]
    .into_iter()
    .flatten()
    .map(|text| Block::new(Need::Detail, text))
    .collect()
}

fn titled(story: &Story, title: &str) -> String {
    format!("{title} of {}", html_code(story.gate()))
}

fn all_checks(story: &Story, rows: &[Row]) -> Option<String> {
    if rows.is_empty() {
        return None;
    }
    let all: Vec<&Row> = rows.iter().collect();
    let title = titled(story, &format!("All checks ({})", count(rows.len() as u64)));
    Some(details(&title, &row_table(&all)))
}

fn latencies(story: &Story, figures: &[Figures]) -> Option<String> {
    if figures.iter().all(|figures| figures.requests == 0) {
        return None;
    }
    let mut columns = vec![("request", Align::Left)];
    let heads = [
        "requests",
        "requests/s",
        "error rate",
        "average",
        "P50",
        "P90",
        "P95",
        "P99",
        "P99.9",
        "max",
    ];
    columns.extend(heads.map(|head| (head, Align::Right)));
    let rows: Vec<Vec<String>> = figures.iter().map(latency_cells).collect();
    Some(details(
        &titled(story, "Latency by request"),
        &table(&columns, &rows),
    ))
}

fn latency_cells(figures: &Figures) -> Vec<String> {
    let none = || numbers::NONE.to_owned();
    let latency = |seconds: Option<f64>| seconds.map_or_else(none, |s| Latency(s).to_string());
    let latencies = &figures.latencies;
    let mut cells = vec![
        figures.name(MEDIUM),
        count(figures.requests),
        figures
            .per_second()
            .map_or_else(none, crate::units::three_digits),
        figures.error_ratio().map_or_else(none, share),
        latency(latencies.mean()),
    ];
    let quantiles = [0.5, 0.9, 0.95, 0.99, 0.999];
    cells.extend(quantiles.map(|q| latency(latencies.quantile(q))));
    cells.push(latency(latencies.max()));
    cells
}

fn errors(story: &Story, figures: &[Figures]) -> Option<String> {
    let (overall, named) = figures.split_first()?;
    if overall.kinds.is_empty() {
        return None;
    }
    let columns = [
        ("kind", Align::Left),
        ("requests", Align::Right),
        ("share", Align::Right),
        ("where", Align::Left),
    ];
    let rows: Vec<Vec<String>> = overall
        .kinds
        .iter()
        .map(|(kind, failures)| {
            let of = figures_with(named, *kind);
            vec![
                kind_text(*kind),
                count(*failures),
                share(*failures as f64 / overall.requests.max(1) as f64),
                of.join(", "),
            ]
        })
        .collect();
    Some(details(
        &titled(story, "Errors by kind"),
        &table(&columns, &rows),
    ))
}

fn figures_with(named: &[Figures], kind: FailureKind) -> Vec<String> {
    let having = named.iter().filter_map(|figures| {
        let failures = figures.kinds.get(&kind)?;
        Some(format!("{} {}", figures.name(MEDIUM), count(*failures)))
    });
    having.collect()
}

/// A kind of failure, with what it means where the word alone does not say it.
fn kind_text(kind: FailureKind) -> String {
    let meaning = match kind {
        FailureKind::Status(_) => return format!("status {kind}"),
        FailureKind::Timeout => "no whole answer in time",
        FailureKind::Unfinished => "no answer when the run ended",
        FailureKind::Dns => "the host name did not resolve",
        FailureKind::Connect => "no connection",
        FailureKind::Reset => "closed before the answer",
        FailureKind::Tls => "the TLS layer failed",
        FailureKind::Protocol => "the answer is not HTTP",
        FailureKind::Body => "the body is broken",
        FailureKind::Proxy => "the proxy refused",
        FailureKind::NoSocket => "the generator had no file or port left",
        FailureKind::Expectation => "the answer is not what the step expects",
        FailureKind::Unset => "a needed value is unset, nothing was sent",
    };
    format!("{kind}: {meaning}")
}
