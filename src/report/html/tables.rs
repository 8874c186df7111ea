//! What was measured, in tables that can be sorted: by request, by phase, errors by kind.

use maud::{Markup, html};

use super::checks::number;
use super::code;
use super::pools::{Pool, Pools};
use super::timeline::arm_name;
use crate::measurement::Arm;
use crate::report::numbers::{count, share};
use crate::report::words::failure_kind;
use crate::units::{Latency, three_digits};

const HEADS: [&str; 11] = [
    "requests",
    "requests/s",
    "errors",
    "error rate",
    "average",
    "P50",
    "P90",
    "P95",
    "P99",
    "P99.9",
    "max",
];

/// A table that can be sorted, in a region that can be scrolled.
fn table(label: &str, words: &[&str], heads: &[&str], rows: &[Markup]) -> Markup {
    html! {
        .scroll tabindex="0" role="group" aria-label=(label) {
            table data-sort {
                caption { (label) }
                thead {
                    tr {
                        @for head in words { th.words scope="col" { (head) } }
                        @for head in heads { th scope="col" { (head) } }
                    }
                }
                tbody { @for row in rows { (row) } }
            }
        }
    }
}

fn figures(pool: &Pool) -> Markup {
    let latencies = pool.cell.latencies();
    let latency = |seconds: Option<f64>| number(seconds, seconds.map(|s| Latency(s).to_string()));
    let (requests, failures) = (pool.cell.requests(), pool.cell.failures());
    html! {
        (number(Some(requests as f64), Some(count(requests))))
        (number(pool.per_second(), pool.per_second().map(three_digits)))
        (number(Some(failures as f64), Some(count(failures))))
        (number(pool.error_ratio(), pool.error_ratio().map(share)))
        (latency(latencies.mean()))
        @for q in [0.5, 0.9, 0.95, 0.99, 0.999] { (latency(latencies.quantile(q))) }
        (latency(latencies.max()))
    }
}

/// Arms that were loaded.
fn arms(pools: &Pools) -> Vec<Arm> {
    let mut arms = vec![Arm::Target];
    if pools.measured(None, Arm::Base).cell.requests() > 0 {
        arms.push(Arm::Base);
    }
    arms
}

fn of_arm(arm: Arm, arms: &[Arm]) -> Markup {
    html! { @if arms.len() > 1 { ", " (arm_name(arm)) } }
}

/// Latency and errors by request.
pub(super) fn by_request(pools: &Pools) -> Markup {
    let arms = arms(pools);
    let names = std::iter::once(None).chain((0..pools.names.len()).map(Some));
    let rows: Vec<Markup> = names
        .flat_map(|request| arms.iter().map(move |arm| (request, *arm)))
        .map(|(request, arm)| (request, arm, pools.measured(request, arm)))
        .filter(|(_, _, pool)| pool.cell.requests() > 0)
        .map(|(request, arm, pool)| {
            html! {
                tr {
                    th scope="row" {
                        @match request { Some(index) => (code(pools.names[index])), None => "overall" }
                        (of_arm(arm, &arms))
                    }
                    (figures(&pool))
                }
            }
        })
        .collect();
    table(
        "By request, over the measured phases",
        &["request"],
        &HEADS,
        &rows,
    )
}

/// Latency and errors by phase.
pub(super) fn by_phase(pools: &Pools) -> Markup {
    let arms = arms(pools);
    let phases = pools.phases.iter().enumerate();
    let rows: Vec<Markup> = phases
        .flat_map(|(index, phase)| arms.iter().map(move |arm| (index, phase, *arm)))
        .map(|(index, phase, arm)| {
            let pool = pools.in_phase(None, arm, index);
            let (cold, warm) = pools.starts(None, Some(index), arm);
            let starts = cold.count() + warm.count();
            let cold = (starts > 0).then(|| cold.count() as f64 / starts as f64);
            html! {
                tr {
                    th scope="row" {
                        (code(&phase.name)) (of_arm(arm, &arms))
                        @if !phase.measured { " (not measured)" }
                        @if phase.passes > 1 { ", " (phase.passes) " passes" }
                    }
                    td.words { (crate::report::words::Medium::Plain.foreign(&phase.load)) }
                    (figures(&pool))
                    (number(cold, cold.map(share)))
                }
            }
        })
        .collect();
    let heads: Vec<&str> = HEADS.into_iter().chain(["cold"]).collect();
    table("By phase, all requests", &["phase", "load"], &heads, &rows)
}

/// Errors by kind; none where nothing failed.
pub(super) fn errors(pools: &Pools) -> Option<Markup> {
    let overall = pools.measured(None, Arm::Target);
    if overall.cell.errors.is_empty() {
        return None;
    }
    let of = overall.cell.requests().max(1) as f64;
    let named: Vec<Pool> = (0..pools.names.len())
        .map(|index| pools.measured(Some(index), Arm::Target))
        .collect();
    let rows: Vec<Markup> = overall
        .cell
        .errors
        .iter()
        .map(|(kind, failures)| {
            let having = named
                .iter()
                .enumerate()
                .filter_map(|(index, pool)| Some((index, *pool.cell.errors.get(kind)?)));
            html! {
                tr {
                    th scope="row" { (failure_kind(*kind)) }
                    td.words {
                        @for (place, (index, failures)) in having.enumerate() {
                            @if place > 0 { ", " } (code(pools.names[index])) " " (count(failures))
                        }
                    }
                    (number(Some(*failures as f64), Some(count(*failures))))
                    (number(Some(*failures as f64 / of), Some(share(*failures as f64 / of))))
                }
            }
        })
        .collect();
    Some(table(
        "Errors by kind, over the measured phases",
        &["kind", "where"],
        &["requests", "share"],
        &rows,
    ))
}
