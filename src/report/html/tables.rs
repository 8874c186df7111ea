//! What was measured, in tables that can be sorted: by request, by phase, errors by kind.

use crate::report::text::numbers::{count, share};
use crate::report::text::untrusted;
use crate::report::view::{Aggregates, LATENCIES, LatencyRow, Responses, View};
use crate::report::wording::failure_kind;
use maud::{Markup, html};

use super::checks::number;
use super::code;
use super::timeline::arm_name;
use crate::measurement::Arm;
use crate::units::{Latency, three_digits};

/// The heads of what [`figures`] gives.
fn heads() -> Vec<&'static str> {
    [
        &["requests", "requests/s", "errors", "error rate"][..],
        &LATENCIES,
    ]
    .concat()
}

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

fn figures(known: &LatencyRow) -> Markup {
    let latency = |seconds: Option<f64>| number(seconds, seconds.map(|s| Latency(s).to_string()));
    html! {
        (number(Some(known.requests as f64), Some(count(known.requests))))
        (number(known.per_second, known.per_second.map(three_digits)))
        (number(Some(known.failures as f64), Some(count(known.failures))))
        (number(known.error_ratio(), known.error_ratio().map(share)))
        @for seconds in known.latencies() { (latency(seconds)) }
    }
}

/// Arms that were loaded.
fn arms(pools: &Aggregates) -> Vec<Arm> {
    let mut arms = vec![Arm::Target];
    if pools.measured(None, Arm::Base).requests > 0 {
        arms.push(Arm::Base);
    }
    arms
}

fn of_arm(arm: Arm, arms: &[Arm]) -> Markup {
    html! { @if arms.len() > 1 { ", " (arm_name(arm)) } }
}

/// Latency and errors by request.
pub(super) fn by_request(view: &View) -> Markup {
    let (pools, past) = (view.aggregates(), view.previous().of_job());
    let arms = arms(pools);
    let names = std::iter::once(None).chain((0..pools.names.len()).map(Some));
    let rows: Vec<Markup> = names
        .flat_map(|request| arms.iter().map(move |arm| (request, *arm)))
        .map(|(request, arm)| (request, arm, pools.measured(request, arm)))
        .filter(|(_, _, pool)| pool.requests > 0)
        .map(|(request, arm, pool)| {
            let name = request.map(|index| pools.names[index]);
            html! {
                tr {
                    th scope="row" { (named(name)) (of_arm(arm, &arms)) }
                    (figures(&LatencyRow::from(&pool)))
                }
                @if let Some(before) = past.measured(name) {
                    tr { th scope="row" { (named(name)) ", " (past.name()) } (figures(&before)) }
                }
            }
        })
        .collect();
    table(
        "By request, over the measured phases",
        &["request"],
        &heads(),
        &rows,
    )
}

fn named(request: Option<&str>) -> Markup {
    html! { @match request { Some(name) => (code(name)), None => "overall" } }
}

/// Latency and errors by request name and phase, where there are several of both.
pub(super) fn by_request_and_phase(view: &View) -> Option<Markup> {
    let (pools, past) = (view.aggregates(), view.previous().of_job());
    let arms = arms(pools);
    let phases = || (0..pools.phases.len()).filter(|phase| pools.is_measured(*phase));
    if pools.names.len() < 2 || phases().count() < 2 {
        return None;
    }
    let mut rows = Vec::new();
    for (request, name) in pools.names.iter().enumerate() {
        for phase in phases() {
            let label = &pools.phases[phase].name;
            for arm in arms.iter().copied() {
                let pool = pools.in_phase(Some(request), arm, phase);
                if pool.requests > 0 {
                    rows.push(html! {
                        tr {
                            th scope="row" { (code(name)) (of_arm(arm, &arms)) }
                            td.words { (code(label)) }
                            (figures(&LatencyRow::from(&pool)))
                        }
                    });
                }
            }
            if let Some(before) = past.in_phase(Some(name), label) {
                rows.push(html! {
                    tr {
                        th scope="row" { (code(name)) ", " (past.name()) }
                        td.words { (code(label)) }
                        (figures(&before))
                    }
                });
            }
        }
    }
    let label = "By request and phase";
    Some(table(label, &["request", "phase"], &heads(), &rows))
}

/// Latency and errors by phase.
pub(super) fn by_phase(view: &View) -> Markup {
    let (pools, past) = (view.aggregates(), view.previous().of_job());
    let arms = arms(pools);
    let phases = pools.phases.iter().enumerate();
    let rows: Vec<Markup> = phases
        .flat_map(|(index, phase)| arms.iter().map(move |arm| (index, phase, *arm)))
        .map(|(index, phase, arm)| {
            let pool = pools.in_phase(None, arm, index);
            let starts = pools.starts(None, Some(index), arm);
            let cold = starts.share();
            html! {
                tr {
                    th scope="row" {
                        (code(&phase.name)) (of_arm(arm, &arms))
                        @if !phase.measured { " (not measured)" }
                        @if phase.passes > 1 { ", " (phase.passes) " passes" }
                    }
                    td.words { (untrusted(&phase.load)) }
                    (figures(&LatencyRow::from(&pool)))
                    (number(cold, cold.map(share)))
                }
                @if arm == Arm::Target && let Some(before) = past.in_phase(None, &phase.name) {
                    tr {
                        th scope="row" { (code(&phase.name)) ", " (past.name()) }
                        td.words {}
                        (figures(&before))
                        (number(None, None))
                    }
                }
            }
        })
        .collect();
    let heads: Vec<&str> = heads().into_iter().chain(["cold"]).collect();
    table("By phase, all requests", &["phase", "load"], &heads, &rows)
}

/// The responses of each name by status; none if the run does not know them.
pub(super) fn statuses(view: &View) -> Option<Markup> {
    let names = view.aggregates().names.iter().enumerate();
    let rows = names.filter_map(|(index, name)| {
        let responses = Responses::new(view, Some(index), None);
        let any = !responses.statuses.is_empty();
        any.then(|| {
            html! {
                tr {
                    th scope="row" { (code(name)) }
                    td.words { (responses.listed()) }
                    (number(Some(responses.resent as f64), Some(count(responses.resent))))
                }
            }
        })
    });
    let rows: Vec<Markup> = rows.collect();
    (!rows.is_empty()).then(|| {
        table(
            "Responses by status, over the measured phases",
            &["request", "responses"],
            &["sent again"],
            &rows,
        )
    })
}

/// Errors by kind; none where nothing failed.
pub(super) fn errors(view: &View) -> Option<Markup> {
    let before = view.totals_before();
    let (overall, named) = view.figures().split_first()?;
    if overall.kinds.is_empty() {
        return None;
    }
    let of = overall.requests.max(1) as f64;
    let rows: Vec<Markup> = overall
        .kinds
        .iter()
        .map(|(kind, failures)| {
            let having = named.iter().filter_map(|figures| {
                let name = figures.request.as_deref()?;
                Some((name, *figures.kinds.get(kind)?))
            });
            html! {
                tr {
                    th scope="row" { (failure_kind(*kind)) }
                    td.words {
                        @for (place, (name, failures)) in having.enumerate() {
                            @if place > 0 { ", " } (code(name)) " " (count(failures))
                        }
                    }
                    (number(Some(*failures as f64), Some(count(*failures))))
                    (number(Some(*failures as f64 / of), Some(share(*failures as f64 / of))))
                    @if let Some(before) = before {
                        @let share_before = before.share(*kind);
                        (number(Some(share_before), Some(share(share_before))))
                    }
                }
            }
        })
        .collect();
    Some(table(
        "Errors by kind, over the measured phases",
        &["kind", "where"],
        &["requests", "share", "before"][..if before.is_some() { 3 } else { 2 }],
        &rows,
    ))
}
