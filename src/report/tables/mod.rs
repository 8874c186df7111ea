//! The tables of what was measured, described once: heads, and rows of values that each format lays out in its own way.

mod aws;
mod side_by_side;

use crate::measurement::Arm;
use crate::metric::Metric;
use crate::report::text::{NONE, Text, numbers, text, untrusted, untrusted_load};
use crate::report::view::{
    Figures, LATENCIES, LatencyRow, PhaseFigures, PreviousFigures, Responses, View,
};
use crate::report::wording::{
    concurrency, failing_names, failure_kind, figures_name, first_seen, missing_figures,
};
use crate::verdict::{EstimatedChange, Figure, Measure};

pub(crate) use aws::aws;
pub(crate) use side_by_side::{COST, FIGURES, FigureColumn, side_by_side};

pub(crate) struct Table {
    pub(crate) title: Text,
    /// The columns, that of the rows' names first.
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
    pub(crate) more_rows: usize,
    /// What to know beside it.
    pub(crate) note: Option<Text>,
}

/// The head of a column, and to which side it is set.
pub(crate) enum Column {
    Words(Text),
    Numbers(Text),
    /// A change with its interval, for which there is not always room.
    Change(Text),
}

pub(crate) struct Row {
    pub(crate) name: Text,
    /// What it is called beside the row above it, which has the figures now.
    pub(crate) before: Option<&'static str>,
    pub(crate) cells: Vec<Cell>,
}

pub(crate) enum Cell {
    Words(Text),
    Count(u64),
    /// A rate, or requests in flight.
    Number(Option<f64>),
    Share(Option<f64>),
    Latency(Option<f64>),
    /// In seconds since the start of the load.
    Start(f64),
    Change(Option<(Metric, EstimatedChange)>),
    /// With its interval.
    Figure(Measure, Option<Figure>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// What a comment or a terminal has room for.
    Brief,
    /// Failures as counts, and the phases that are not measured, as well.
    Full,
}

impl Cell {
    pub(crate) fn text(&self) -> Text {
        match self {
            Self::Words(words) => words.clone(),
            Self::Count(count) => numbers::count(*count).into(),
            Self::Number(value) => numbers::number(*value).into(),
            Self::Share(share) => share.map_or_else(|| NONE.into(), |it| numbers::share(it).into()),
            Self::Latency(seconds) => numbers::latency(*seconds).into(),
            Self::Start(seconds) => text!("{} s", numbers::start(*seconds)),
            Self::Change(None) | Self::Figure(_, None) => NONE.into(),
            Self::Change(Some((metric, change))) => text!(
                "{} {}",
                metric.label(),
                numbers::change_with_interval(numbers::P95, change)
            ),
            Self::Figure(measure, Some(figure)) => {
                numbers::value_in(*measure, figure.value, figure.interval()).into()
            }
        }
    }
}

impl Table {
    fn new(title: impl Into<Text>, words: &[&str], numbers: &[&str]) -> Self {
        let words = words.iter().map(|head| Column::Words((*head).into()));
        let numbers = numbers.iter().map(|head| Column::Numbers((*head).into()));
        Self {
            title: title.into(),
            columns: words.chain(numbers).collect(),
            rows: Vec::new(),
            more_rows: 0,
            note: None,
        }
    }

    /// The same with these rows; none if there are none.
    fn with(self, rows: impl Iterator<Item = Row>) -> Option<Self> {
        let rows: Vec<Row> = rows.collect();
        (!rows.is_empty()).then_some(Self { rows, ..self })
    }
}

impl Row {
    fn new(name: Text, cells: Vec<Cell>) -> Self {
        Self {
            name,
            before: None,
            cells,
        }
    }
}

/// The heads of [`figures`] after the number of requests.
fn figure_heads(detail: Detail) -> Vec<&'static str> {
    let errors: &[&str] = match detail {
        Detail::Brief => &["error rate"],
        Detail::Full => &["errors", "error rate"],
    };
    [&["requests/s"], errors, &LATENCIES].concat()
}

fn figures(row: &LatencyRow, detail: Detail) -> Vec<Cell> {
    let mut cells = vec![Cell::Number(row.per_second)];
    cells.extend((detail == Detail::Full).then_some(Cell::Count(row.failures)));
    cells.push(Cell::Share(row.error_ratio()));
    cells.extend(row.latencies().map(Cell::Latency));
    cells
}

/// A table of names in one phase (all measured ones if none), each with what it was before right below it.
fn by_name(
    view: &View,
    title: Text,
    names: &[Figures],
    phase: Option<&str>,
    detail: Detail,
) -> Table {
    let previous = view.previous();
    let heads = [&["requests"][..], &figure_heads(detail)].concat();
    let row = |name: &Text, before, known: &LatencyRow| {
        let mut cells = vec![Cell::Count(known.requests)];
        cells.extend(figures(known, detail));
        let name = name.clone();
        Row {
            name,
            before,
            cells,
        }
    };
    let rows = names.iter().flat_map(|now| {
        let name = figures_name(now);
        let before = previous.figures(now.request.as_deref(), phase);
        let before = before.map(|before| row(&name, Some(previous.name()), &before));
        [Some(row(&name, None, &LatencyRow::from(now))), before]
    });
    Table {
        rows: rows.flatten().collect(),
        ..Table::new(title, &["request"], &heads)
    }
}

/// All requests together and each name, over the measured phases; none if nothing was measured.
pub(crate) fn by_request(view: &View, detail: Detail) -> Option<Table> {
    let names = view.figures();
    if names.iter().all(|figures| figures.requests == 0) {
        return None;
    }
    Some(Table {
        note: missing_figures(view),
        ..by_name(view, text!("Latency by request"), names, None, detail)
    })
}

/// The measured phases of the deployment under test, if there are several.
fn several_phases<'v>(view: &'v View) -> Vec<&'v PhaseFigures> {
    let phases = view.phases().iter();
    let phases: Vec<_> = phases.filter(|phase| phase.arm == Arm::Target).collect();
    if phases.len() > 1 { phases } else { Vec::new() }
}

/// Each name in each phase, by phase; none if there is one phase only.
pub(crate) fn by_request_in_phases<'v>(
    view: &'v View,
    detail: Detail,
) -> impl Iterator<Item = (&'v PhaseFigures, Table)> {
    several_phases(view).into_iter().map(move |phase| {
        let mut names = phase.names(view);
        // With one name, all of them are that one.
        if names.len() > 1 {
            names.insert(0, phase.figures.clone());
        }
        let title = text!("Latency in {}", untrusted(&phase.name));
        let table = by_name(view, title, &names, Some(&phase.name), detail);
        (phase, table)
    })
}

/// The phases side by side; none if nothing was measured.
pub(crate) fn by_phase(view: &View, detail: Detail) -> Option<Table> {
    let mut heads = figure_heads(detail);
    let mut unmeasured = Vec::new();
    if detail == Detail::Full {
        heads.insert(0, "requests");
        heads.push("cold");
        unmeasured = view.unmeasured_phases();
    }
    heads.push("in flight");
    let mut table = Table::new("Phases side by side", &["phase", "load"], &heads);
    let changes = &view.insights().phases;
    table.columns.extend(changes.first().map(|change| {
        let reference = &view.record.phases[change.reference].name;
        Column::Change(text!("against {} [95 %]", untrusted(reference)))
    }));
    table.note = concurrency(view.phases());
    let mut phases: Vec<&PhaseFigures> = view.phases().iter().chain(&unmeasured).collect();
    phases.sort_by_key(|phase| phase.phase);
    let rows = phases.into_iter().flat_map(|phase| {
        let mut changes = changes.iter();
        let has_changes = changes.len() > 0;
        let change = changes.find(|it| it.phase == phase.phase && phase.arm == Arm::Target);
        let change = change.map(|it| (it.metric, it.change));
        let mut rows = [
            Some(phase_now(view, phase, detail)),
            phase_before(view, phase, detail),
        ];
        for (row, change) in rows.iter_mut().flatten().zip([change, None]) {
            row.cells
                .extend(has_changes.then_some(Cell::Change(change)));
        }
        rows
    });
    table.with(rows.flatten())
}

fn phase_now(view: &View, phase: &PhaseFigures, detail: Detail) -> Row {
    let all = view.aggregates();
    let planned = all.phases[phase.phase];
    let is_full = detail == Detail::Full;
    let passes = (is_full && planned.passes > 1).then(|| text!(", {} passes", planned.passes));
    let unmeasured = (is_full && !planned.measured).then_some(" (not measured)");
    let known = LatencyRow {
        in_flight: phase.in_flight(),
        ..LatencyRow::from(&phase.figures)
    };
    let cold = all.starts(None, Some(phase.phase), phase.arm).share();
    let load = untrusted_load(&phase.load) + passes;
    Row {
        name: untrusted(&phase.name) + unmeasured,
        before: (phase.arm == Arm::Base).then_some("base"),
        cells: phase_cells(load, &known, cold, detail),
    }
}

/// What a phase was in the newest job of the baseline; a base arm has rows of its own.
fn phase_before(view: &View, phase: &PhaseFigures, detail: Detail) -> Option<Row> {
    let previous = view.previous();
    if let PreviousFigures::Base(_) = previous {
        return None;
    }
    let known = previous.figures(None, Some(&phase.name))?;
    Some(Row {
        name: untrusted(&phase.name),
        before: Some(previous.name()),
        cells: phase_cells(Text::default(), &known, None, detail),
    })
}

fn phase_cells(load: Text, known: &LatencyRow, cold: Option<f64>, detail: Detail) -> Vec<Cell> {
    let is_full = detail == Detail::Full;
    let mut cells = vec![Cell::Words(load)];
    cells.extend(is_full.then_some(Cell::Count(known.requests)));
    cells.extend(figures(known, detail));
    cells.extend(is_full.then_some(Cell::Share(cold)));
    cells.push(Cell::Number(known.in_flight));
    cells
}

/// Cold starts by name; none if there are none.
pub(crate) fn cold_starts(view: &View) -> Option<Table> {
    view.cold_starts()
        .as_ref()
        .filter(|_| !view.overall().cold.is_empty())?;
    let counts = ["cold starts", "share"];
    let cold = ["cold P50", "cold P95", "cold max"];
    let warm = ["warm P50", "warm P95", "warm P99"];
    let heads = [&counts[..], &cold, &warm, &["P95 of all", "P99 of all"]].concat();
    let names = view.figures().iter().filter(|name| name.requests > 0);
    let rows = names.map(|name| {
        let (all, cold) = (&name.latencies, &name.cold);
        let warm = all.without(cold);
        let share = Cell::Share(Some(name.cold_share()));
        let mut cells = vec![Cell::Count(cold.count()), share];
        cells.extend([cold.quantile(0.5), cold.quantile(0.95), cold.max()].map(Cell::Latency));
        cells.extend([0.5, 0.95, 0.99].map(|q| Cell::Latency(warm.quantile(q))));
        cells.extend([0.95, 0.99].map(|q| Cell::Latency(all.quantile(q))));
        Row::new(figures_name(name), cells)
    });
    Table::new("Cold starts", &["request"], &heads).with(rows)
}

/// The run in stretches of its phases, each phase marked where it begins; none if there is one stretch only.
pub(crate) fn over_time(view: &View) -> Option<Table> {
    let (buckets, more_rows) = view.time_buckets();
    if buckets.len() < 2 {
        return None;
    }
    let heads = [
        "from",
        "users",
        "requests/s",
        "errors/s",
        "P50",
        "P95",
        "P99",
    ];
    let mut phase = None;
    let rows = buckets.iter().map(|bucket| {
        let begins = phase.replace(&bucket.phase) != Some(&bucket.phase);
        let name = begins.then(|| untrusted(&bucket.phase));
        let figures = &bucket.figures;
        let mut cells = vec![
            Cell::Start(bucket.start_s),
            Cell::Count(u64::from(bucket.users)),
            Cell::Number(figures.per_second()),
            Cell::Number(figures.failures_per_second()),
        ];
        let latency = |q| Cell::Latency(figures.latencies.quantile(q));
        cells.extend([0.5, 0.95, 0.99].map(latency));
        Row::new(name.unwrap_or_default(), cells)
    });
    let table = Table::new("Over time", &["phase"], &heads).with(rows)?;
    Some(Table {
        more_rows: *more_rows,
        ..table
    })
}

/// Errors by kind; none if nothing failed.
pub(crate) fn errors(view: &View) -> Option<Table> {
    let (overall, names) = view.figures().split_first()?;
    let before = view.totals_before().as_ref();
    let mut table = Table::new("Errors by kind", &["kind"], &["requests", "share"]);
    let head = before.map(|_| Column::Numbers("before".into()));
    table.columns.extend(head);
    table
        .columns
        .extend(["where", "first seen"].map(|head| Column::Words(head.into())));
    table.with(overall.kinds.iter().map(|(kind, failures)| {
        let share = *failures as f64 / overall.requests.max(1) as f64;
        let mut cells = vec![Cell::Count(*failures), Cell::Share(Some(share))];
        cells.extend(before.map(|before| Cell::Share(Some(before.share(*kind)))));
        let first = first_seen(view, *kind).unwrap_or_else(|| NONE.into());
        cells.extend([failing_names(names, *kind), first].map(Cell::Words));
        Row::new(failure_kind(*kind).into(), cells)
    }))
}

/// The responses of each name by status; none if the run does not know them.
pub(crate) fn statuses(view: &View, detail: Detail) -> Option<Table> {
    let is_full = detail == Detail::Full;
    let resent: &[&str] = if is_full { &["sent again"] } else { &[] };
    let names = view.figures().iter().enumerate();
    let rows = names.filter_map(|(index, name)| {
        let responses = Responses::new(view, index.checked_sub(1), None);
        if responses.statuses.is_empty() {
            return None;
        }
        let mut cells = vec![Cell::Words(responses.listed().into())];
        cells.extend(is_full.then_some(Cell::Count(responses.resent)));
        Some(Row::new(figures_name(name), cells))
    });
    Table::new("Responses by status", &["request", "responses"], resent).with(rows)
}
