//! What the run showed of itself: sentences that stand unfolded, and the tables behind them, folded away.

use super::details::{known_cells, latency_rows, latency_table, titled};
use super::full_sentence;
use crate::measurement::Arm;
use crate::report::markdown::syntax::{Align, details, html_code, markdown, name, table};
use crate::report::text::numbers::{self, NONE, count, latency, number, share};
use crate::report::text::untrusted_load;
use crate::report::view::{Figures, LATENCIES, LatencyRow, PhaseFigures, PreviousFigures, View};
use crate::report::wording::{concurrency, figures_name, showed};
use crate::verdict::{Measure, PhaseChange};

const P95: Measure = Measure::Metric(crate::metric::Metric::P95);

/// The sentences.
pub(super) fn shown(view: &View) -> String {
    let insights = showed(view);
    if insights.is_empty() {
        return String::new();
    }
    let lines = insights.into_iter();
    let lines = lines.map(|insight| format!("- {}\n", full_sentence(insight)));
    format!("**What it showed:**\n\n{}", lines.collect::<String>())
}

/// The tables, the most useful first.
pub(super) fn folded(view: &View) -> Vec<String> {
    let phases = view.phases();
    let past = view.previous();
    let own = || phases.iter().filter(|phase| phase.arm == Arm::Target);
    let several = own().count() > 1;
    let mut blocks = Vec::new();
    blocks.extend((!phases.is_empty()).then(|| phase_table(view, &past)));
    blocks.extend(cold_table(view));
    blocks.extend(time_table(view));
    if several {
        blocks.extend(own().map(|phase| by_phase(view, phase, &past)));
    }
    blocks
}

/// Columns of words first, then of numbers.
fn heads<'h>(words: &[&'h str], numbers: &[&'h str]) -> Vec<(&'h str, Align)> {
    let words = words.iter().map(|head| (*head, Align::Left));
    words
        .chain(numbers.iter().map(|head| (*head, Align::Right)))
        .collect()
}

fn phase_table(view: &View, past: &PreviousFigures) -> String {
    let changes = &view.insights().phases;
    let than = changes
        .first()
        .map(|change| name(&view.record.phases[change.reference].name));
    let against = than.map(|than| format!("against {than} [95 %]"));
    let mut numbers = [
        &["requests/s", "error rate"][..],
        &LATENCIES,
        &["in flight"],
    ]
    .concat();
    numbers.extend(against.as_deref());
    let rows: Vec<Vec<String>> = view
        .phases()
        .iter()
        .flat_map(|of| {
            let change = changes.iter().find(|change| change.phase == of.phase);
            let mut own = vec![phase_cells(of)];
            if against.is_some() {
                own[0].push(change_cell(of, change));
            }
            if let (PreviousFigures::Job { .. }, Some(known)) =
                (past, past.in_phase(None, &of.name))
            {
                let row = format!("{} ({})", name(&of.name), past.name());
                let mut cells = vec![row, String::new()];
                cells.extend(known_cells(&known));
                cells.push(number(known.in_flight));
                cells.resize(own[0].len(), NONE.to_owned());
                own.push(cells);
            }
            own
        })
        .collect();
    let mut told = table(&heads(&["phase", "load"], &numbers), &rows);
    if let Some(concurrency) = concurrency(view.phases()) {
        told += &format!("\n{}\n", full_sentence(concurrency));
    }
    details(&titled(view, "Phases side by side"), &told)
}

fn phase_cells(of: &PhaseFigures) -> Vec<String> {
    let figures = &of.figures;
    let phase = name(&of.name);
    let mut cells = vec![
        match of.arm {
            Arm::Target => phase,
            Arm::Base => format!("{phase} (base)"),
        },
        markdown(&untrusted_load(&of.load)),
    ];
    cells.extend(known_cells(&LatencyRow::from(figures)));
    cells.push(number(of.in_flight()));
    cells
}

/// The change with its interval, of the deployment under test alone.
fn change_cell(of: &PhaseFigures, change: Option<&PhaseChange>) -> String {
    match (of.arm, change) {
        (Arm::Target, Some(change)) => format!(
            "{} {}",
            change.metric.label(),
            numbers::change_with_interval(P95, &change.change)
        ),
        (Arm::Target | Arm::Base, _) => NONE.to_owned(),
    }
}

/// Cold starts by name, where there are any.
fn cold_table(view: &View) -> Option<String> {
    view.cold_starts().filter(|cold| !cold.cold.is_empty())?;
    let numbers = [
        "cold starts",
        "share",
        "cold P50",
        "cold P95",
        "cold max",
        "warm P50",
        "warm P95",
        "warm P99",
        "P95 of all",
        "P99 of all",
    ];
    let rows: Vec<Vec<String>> = view
        .figures()
        .iter()
        .filter(|figures| figures.requests > 0)
        .map(cold_cells)
        .collect();
    let told = table(&heads(&["request"], &numbers), &rows);
    Some(details(&titled(view, "Cold starts"), &told))
}

fn cold_cells(figures: &Figures) -> Vec<String> {
    let (all, cold) = (&figures.latencies, &figures.cold);
    let warm = all.without(cold);
    let answers = figures.requests.saturating_sub(figures.failures).max(1);
    vec![
        markdown(&figures_name(figures)),
        count(cold.count()),
        share(cold.count() as f64 / answers as f64),
        latency(cold.quantile(0.5)),
        latency(cold.quantile(0.95)),
        latency(cold.max()),
        latency(warm.quantile(0.5)),
        latency(warm.quantile(0.95)),
        latency(warm.quantile(0.99)),
        latency(all.quantile(0.95)),
        latency(all.quantile(0.99)),
    ]
}

/// The run over time, with its phases marked.
fn time_table(view: &View) -> Option<String> {
    let (stretches, more) = view.time_buckets();
    if stretches.len() < 2 {
        return None;
    }
    let mut phase = None;
    let rows: Vec<Vec<String>> = stretches
        .iter()
        .map(|stretch| {
            // A phase is marked where it begins.
            let begins = phase.replace(&stretch.phase) != Some(&stretch.phase);
            let figures = &stretch.figures;
            vec![
                if begins {
                    name(&stretch.phase)
                } else {
                    String::new()
                },
                format!("{} s", numbers::start(stretch.start_s)),
                count(u64::from(stretch.users)),
                number(figures.per_second()),
                number(figures.failures_per_second()),
                latency(figures.latencies.quantile(0.5)),
                latency(figures.latencies.quantile(0.95)),
                latency(figures.latencies.quantile(0.99)),
            ]
        })
        .collect();
    let numbers = [
        "from",
        "users",
        "requests/s",
        "errors/s",
        "P50",
        "P95",
        "P99",
    ];
    let mut told = table(&heads(&["phase"], &numbers), &rows);
    if *more > 0 {
        told += &format!("\n{}.\n", numbers::counted(*more as u64, "more row"));
    }
    Some(details(&titled(view, "Over time"), &told))
}

/// Each name of a phase, with what it was before right below it.
fn by_phase(view: &View, phase: &PhaseFigures, past: &PreviousFigures) -> String {
    let mut rows = vec![phase.figures.clone()];
    let names = phase.names(view);
    // With one name, all of them are that one.
    if names.len() > 1 {
        rows.extend(names);
    } else {
        rows = names;
    }
    let title = format!("Latency in {}", html_code(&phase.name));
    let rows = latency_rows(&rows, past, |request| past.in_phase(request, &phase.name));
    details(&titled(view, &title), &latency_table(&rows))
}
