//! What the run showed of itself: sentences that stand unfolded, and the tables behind them, folded away.

use super::details::{known_cells, latency_rows, latency_table, titled};
use super::{MEDIUM, full_sentence};
use crate::measurement::Arm;
use crate::report::ReportInput;
use crate::report::answers::{
    LatencyRow, Past, PhaseFigures, cold_starts, over_time, phases, side_by_side,
};
use crate::report::figures::Figures;
use crate::report::markdown::{Align, details, html_code, table};
use crate::report::numbers::{self, NONE, count, latency, number, share};
use crate::report::wording::{concurrency, showed};
use crate::verdict::{Measure, PhaseChange, insights};

const P95: Measure = Measure::Metric(crate::metric::Metric::P95);

/// The sentences.
pub(super) fn shown(story: &ReportInput) -> String {
    let told = showed(story, MEDIUM);
    let lines = told
        .iter()
        .map(|told| format!("- {}\n", full_sentence(told)));
    match told.as_slice() {
        [] => String::new(),
        _ => format!("**What it showed:**\n\n{}", lines.collect::<String>()),
    }
}

/// The tables, the most useful first.
pub(super) fn folded(story: &ReportInput, figures: &[Figures]) -> Vec<String> {
    let phases = phases(story);
    let past = Past::of(story);
    let own = || phases.iter().filter(|phase| phase.arm == Arm::Target);
    let several = own().count() > 1;
    let mut blocks = Vec::new();
    blocks.extend((!phases.is_empty()).then(|| phase_table(story, &phases, &past)));
    blocks.extend(cold_table(story, figures));
    blocks.extend(time_table(story));
    if several {
        blocks.extend(own().map(|phase| by_phase(story, phase, &past)));
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

fn phase_table(story: &ReportInput, phases: &[PhaseFigures], past: &Past) -> String {
    let changes = insights(story.record, &story.thresholds.regression).phases;
    let than = changes
        .first()
        .map(|change| MEDIUM.untrusted(&story.record.phases[change.reference].name));
    let against = than.map(|than| format!("against {than} [95 %]"));
    let mut numbers = vec![
        "requests/s",
        "error rate",
        "average",
        "P50",
        "P90",
        "P95",
        "P99",
        "P99.9",
        "max",
        "in flight",
    ];
    numbers.extend(against.as_deref());
    let rows: Vec<Vec<String>> = phases
        .iter()
        .flat_map(|of| {
            let change = changes.iter().find(|change| change.phase == of.phase);
            let mut own = vec![phase_cells(of)];
            if against.is_some() {
                own[0].push(change_cell(of, change));
            }
            if let (Past::Job(..), Some(known)) = (past, past.in_phase(None, &of.name)) {
                let name = format!("{} ({})", MEDIUM.untrusted(&of.name), past.called());
                let mut cells = vec![name, String::new()];
                cells.extend(known_cells(&known));
                cells.push(number(known.in_flight));
                cells.resize(own[0].len(), NONE.to_owned());
                own.push(cells);
            }
            own
        })
        .collect();
    let mut told = table(&heads(&["phase", "load"], &numbers), &rows);
    if let Some(concurrency) = concurrency(phases, MEDIUM) {
        told += &format!("\n{}\n", full_sentence(&concurrency));
    }
    details(&titled(story, "Phases side by side"), &told)
}

fn phase_cells(of: &PhaseFigures) -> Vec<String> {
    let figures = &of.figures;
    let name = MEDIUM.untrusted(&of.name);
    let mut cells = vec![
        match of.arm {
            Arm::Target => name,
            Arm::Base => format!("{name} (base)"),
        },
        MEDIUM.untrusted_load(&of.load),
    ];
    cells.extend(known_cells(&LatencyRow::from(figures)));
    cells.push(number(of.in_flight()));
    cells
}

/// The change with its interval, of the deployment under test alone.
fn change_cell(of: &PhaseFigures, change: Option<&PhaseChange>) -> String {
    match (of.arm, change) {
        (Arm::Target, Some(change)) => format!(
            "{} {} {}",
            change.metric.label(),
            numbers::change(P95, change.change.estimate),
            numbers::interval(P95, &change.change)
        ),
        (Arm::Target | Arm::Base, _) => NONE.to_owned(),
    }
}

/// Cold starts by name, where there are any.
fn cold_table(story: &ReportInput, figures: &[Figures]) -> Option<String> {
    cold_starts(story).filter(|cold| !cold.cold.is_empty())?;
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
    let rows: Vec<Vec<String>> = figures
        .iter()
        .filter(|figures| figures.requests > 0)
        .map(cold_cells)
        .collect();
    let told = table(&heads(&["request"], &numbers), &rows);
    Some(details(&titled(story, "Cold starts"), &told))
}

fn cold_cells(figures: &Figures) -> Vec<String> {
    let (all, cold) = (&figures.latencies, &figures.cold);
    let warm = all.without(cold);
    let answers = figures.requests.saturating_sub(figures.failures).max(1);
    vec![
        figures.name(MEDIUM),
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
fn time_table(story: &ReportInput) -> Option<String> {
    let (stretches, more) = over_time(story.record);
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
            let errors = (figures.seconds > 0.0).then(|| figures.failures as f64 / figures.seconds);
            vec![
                if begins {
                    MEDIUM.untrusted(&stretch.phase)
                } else {
                    String::new()
                },
                format!("{} s", numbers::start(stretch.start_s)),
                count(u64::from(stretch.users)),
                number(figures.per_second()),
                number(errors),
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
    if more > 0 {
        told += &format!("\n{}.\n", numbers::counted(more as u64, "more row"));
    }
    Some(details(&titled(story, "Over time"), &told))
}

/// Each name of a phase, with what it was before right below it.
fn by_phase(story: &ReportInput, phase: &PhaseFigures, past: &Past) -> String {
    let mut rows = vec![phase.figures.clone()];
    let names = side_by_side(story, phase);
    // With one name, all of them are that one.
    if names.len() > 1 {
        rows.extend(names);
    } else {
        rows = names;
    }
    let title = format!("Latency in {}", html_code(&phase.name));
    let rows = latency_rows(&rows, past, |request| past.in_phase(request, &phase.name));
    details(&titled(story, &title), &latency_table(&rows))
}
