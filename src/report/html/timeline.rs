//! The run in the course of its time: users, requests, latency and errors, with the phases marked and both arms of a duet.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::arm_name;
use super::plot::{self, Axis, Form, HEIGHT, Key, Marker, Numbers, Plot, Series, TOP};
use super::scale::{Scale, Spread, extent};
use super::words::clock;
use crate::measurement::Arm;
use crate::record::{PhaseRecord, RunRecord, median};
use crate::report::text::{count, counted, numbers, one_line, shorten, untrusted};
use crate::report::view::{By, Point, TimeSeries, View};
use crate::units::{Latency, six_digits};

/// Points that a line has at most: a longer run is told by the worst of some seconds each.
const MOST_POINTS: usize = 600;

/// Units that a letter of a phase's name takes.
const LETTER: f64 = 7.6;

/// Phases whose planned load is told.
const PLANNED: usize = 6;

/// The percentiles of a point: name, look on the target and on the base, and marker.
const QUANTILES: [(&str, [&str; 2], Marker); 3] = [
    ("P50", ["p50", "p50 hollow base-arm"], Marker::Square),
    ("P95", ["p95", "p95 hollow base-arm"], Marker::Circle),
    ("P99", ["p99", "p99 hollow base-arm"], Marker::Triangle),
];

/// A stretch of a run in one phase.
struct Stretch {
    phase: usize,
    from: f64,
    to: f64,
}

/// All that the plots of a timeline share.
pub(super) struct Timeline<'a> {
    record: &'a RunRecord,
    series: TimeSeries,
    stretches: Vec<Stretch>,
    x: Scale,
}

impl<'a> Timeline<'a> {
    /// The timeline of a gate; none if nothing was sent.
    pub(super) fn new(view: &View<'a>) -> Option<Self> {
        let record = view.record;
        if record.timeline.is_empty() {
            return None;
        }
        let series = view.time_series_of(MOST_POINTS);
        Some(Self {
            record,
            x: Scale::new(Spread::Linear, 0.0, series.length).across(),
            series,
            stretches: stretches(record),
        })
    }

    /// What it is called, and how much is in it.
    pub(super) fn title(&self) -> (&'static str, String) {
        let points = counted(self.series.points.len() as u64, self.point());
        match self.series.by {
            By::Slice => ("Slice by slice", points),
            By::Seconds(1) => ("Second by second", points),
            By::Seconds(width) => ("Second by second", format!("{points} of {width} seconds")),
        }
    }

    fn point(&self) -> &'static str {
        match self.series.by {
            By::Slice => "slice",
            By::Seconds(1) => "second",
            By::Seconds(_) => "point",
        }
    }

    fn points(&self) -> std::slice::Iter<'_, Point> {
        self.series.points.iter()
    }

    fn is_duet(&self) -> bool {
        self.record.base.is_some()
    }

    /// Whether one arm of a duet is loaded at a time.
    fn has_turns(&self) -> bool {
        self.is_duet() && !self.record.is_mixed()
    }

    pub(super) fn plots(&self) -> [Plot; 4] {
        [self.latency(), self.rate(), self.users(), self.errors()]
    }

    pub(super) fn latency(&self) -> Plot {
        let values = || self.points().flat_map(|point| point.quantiles).flatten();
        let scale = Scale::around(values()).upward();
        let arms = [Arm::Target, Arm::Base].into_iter().enumerate();
        let arms = arms.filter(|(_, arm)| *arm == Arm::Target || self.is_duet());
        let series = arms.flat_map(|(side, arm)| {
            let quantiles = QUANTILES.iter().enumerate();
            quantiles.map(move |(index, (name, looks, marker))| {
                let of_arm = self.is_duet().then(|| format!(", {}", arm_name(arm)));
                let name = format!("{name}{}", of_arm.unwrap_or_default());
                let runs = self.runs(|point| {
                    let of_arm = point.arm(self.record) == Some(arm);
                    point.quantiles[index].filter(|_| of_arm)
                });
                Series::line(name, looks[side], *marker, runs)
            })
        });
        let numbers = self.numbers(&["P50", "P95", "P99"], |point| {
            point.quantiles.map(numbers::latency).to_vec()
        });
        let y = Axis::latency("latency", scale, 5, values());
        let series = series.collect();
        self.plot(
            "latency",
            html! { "Latency" },
            self.see_latency(),
            y,
            series,
            numbers,
        )
    }

    fn see_latency(&self) -> Markup {
        let p95 = |arm: Arm| {
            let points = self.points();
            let points = points.filter(move |point| point.arm(self.record) == Some(arm));
            points.filter_map(|point| Some((point, point.quantiles[1]?)))
        };
        let middle = |arm| {
            let values: Vec<f64> = p95(arm).map(|(_, value)| value).collect();
            Latency(median(&values))
        };
        let worst = p95(Arm::Target).max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((worst, highest)) = worst else {
            return html! { "No request got a response." };
        };
        let (point, when) = (self.point(), self.when(worst));
        let is_shared = |point: &Point| point.place.is_some_and(|place| place.arm.is_none());
        html! {
            @if self.is_duet() && p95(Arm::Base).next().is_some() {
                "P95 of the median " (point) ": " (middle(Arm::Target)) " on the target, " (middle(Arm::Base))
                " on the base. The target's was highest at " (when) ": " (Latency(highest)) "."
            } @else {
                "P95 was " (middle(Arm::Target)) " in the median " (point) ", and highest at " (when) ": " (Latency(highest)) "."
            }
            @if self.points().any(is_shared) { " Seconds in which both were loaded are left out." }
        }
    }

    fn users(&self) -> Plot {
        let users = |point: &Point| f64::from(point.users);
        let most = self.points().map(|point| point.users).max().unwrap_or(0);
        let mut phases: Vec<usize> = self.stretches.iter().map(|part| part.phase).collect();
        phases.dedup();
        let phases = phases.iter().take(PLANNED);
        let phases = phases.filter_map(|phase| self.record.phases.get(*phase));
        let planned = phases.map(|phase| {
            let load = shorten(&one_line(&phase.load), 40);
            format!("{} {load}", untrusted(&phase.name))
        });
        let planned: Vec<String> = planned.collect();
        let see = html! {
            "At most " (counted(u64::from(most), "user")) " at a time. Planned: " (planned.join(", ")) "."
        };
        let numbers = self.numbers(&["users"], |point| vec![count(u64::from(point.users))]);
        let runs = self.runs(|point| Some(users(point)));
        let series = Series::line("users", "users", Marker::Circle, runs);
        let y = self.number_axis("users present", users);
        self.plot("users", html! { "Users" }, see, y, vec![series], numbers)
    }

    fn rate(&self) -> Plot {
        let phase = |point: &&Point| self.phase_of(point);
        let points = self.points();
        let measured = points.filter(|it| phase(it).is_some_and(PhaseRecord::is_measured_load));
        let rates: Vec<f64> = measured.map(Point::per_second).collect();
        let see = html! {
            @if let Some((low, high)) = extent(rates.iter().copied()) {
                "In measured phases " (numbers::rate(median(&rates))) " in the median, between " (numbers::rate(low)) " and "
                (numbers::rate(high)) "."
            } @else { "No measured phase had users or arrivals." }
            @if let Some(last) = self.last() { (last) }
        };
        let numbers = self.numbers(&["requests/s"], |point| {
            vec![number_text(point.per_second())]
        });
        let runs = self.runs(|point| Some(point.per_second()));
        let series = Series::line("requests/s", "rate", Marker::Circle, runs);
        let y = self.number_axis("responses and failures per second", Point::per_second);
        let title = "Requests per second";
        self.plot("rate", html! { (title) }, see, y, vec![series], numbers)
    }

    fn errors(&self) -> Plot {
        let runs = self.runs(|point| Some(point.errors_per_second()));
        let series = Series {
            form: Form::Bars,
            ..Series::line("errors/s", "errors", Marker::Cross, runs)
        };
        let numbers = self.numbers(&["errors"], |point| vec![count(point.errors)]);
        let y = self.number_axis("failures per second", Point::errors_per_second);
        let (title, see) = ("Errors per second", self.see_errors());
        self.plot("errors", html! { (title) }, see, y, vec![series], numbers)
    }

    fn see_errors(&self) -> Markup {
        let all: u64 = self.points().map(|point| point.errors).sum();
        let worst = self.points().max_by_key(|point| point.errors);
        let Some(worst) = worst.filter(|worst| worst.errors > 0) else {
            return html! { "No request failed." };
        };
        let failing = self.points().filter(|point| point.errors > 0).count();
        html! {
            (counted(all, "request")) " failed, in " (count(failing as u64)) " of "
            (counted(self.points().count() as u64, self.point())) "; most at " (self.when(worst)) ": "
            (count(worst.errors)) "." @if let Some(last) = self.last() { (last) }
        }
    }

    /// The points of a series, broken where it has none: a point of the other arm breaks it only if every point is a
    /// second, since slices alternate.
    fn runs(&self, y: impl Fn(&Point) -> Option<f64>) -> Vec<Vec<(f64, f64)>> {
        let mut runs: Vec<Vec<(f64, f64)>> = Vec::new();
        let mut is_open = false;
        for point in self.points() {
            let Some(y) = y(point) else {
                is_open &= self.series.by == By::Slice;
                continue;
            };
            let place = (point.middle(), y);
            match runs.last_mut().filter(|_| is_open) {
                Some(run) => run.push(place),
                None => runs.push(vec![place]),
            }
            is_open = true;
        }
        runs
    }

    /// An upward axis of numbers from zero.
    fn number_axis(&self, title: &str, value: fn(&Point) -> f64) -> Axis {
        let scale = Scale::from_zero(self.points().map(value)).upward();
        Axis::new(title, scale, 4, number_text)
    }

    /// A plot over the time of the run.
    pub(super) fn plot(
        &self,
        id: &str,
        title: Markup,
        see: Markup,
        y: Axis,
        series: Vec<Series>,
        numbers: Numbers,
    ) -> Plot {
        let mut keys = Vec::new();
        if self.stretches.len() > 1 {
            keys.push(Key::area("every other phase", "phase"));
        }
        if self.has_turns() {
            keys.push(Key::area("turn of the target", "turn own"));
            keys.push(Key::area("turn of the base", "turn"));
        }
        let point = match self.series.by {
            By::Slice => "slice".to_owned(),
            By::Seconds(1) => "second".to_owned(),
            By::Seconds(width) => format!("{width} seconds"),
        };
        Plot {
            under: self.under(),
            series,
            keys,
            ..Plot::new(id, title, see, (self.axis(&point), y), numbers)
        }
    }

    /// The axis of time, by such points.
    pub(super) fn axis(&self, point: &str) -> Axis {
        let title = format!("time since the start of the load, by {point}");
        Axis::new(title, self.x, 6, clock)
    }

    /// The part of a time that lies in the run; none if nothing of it does.
    pub(super) fn within(&self, from: f64, to: f64) -> Option<(f64, f64)> {
        let (from, to) = (from.max(0.0), to.min(self.series.length));
        (from < to).then_some((from, to))
    }

    /// The names of the phases that ran in a time.
    pub(super) fn phases_between(&self, from: f64, to: f64) -> String {
        let stretches = self.stretches.iter();
        let own = stretches.filter(|stretch| stretch.from < to && stretch.to > from);
        // A phase may be repeated.
        let indices: BTreeSet<usize> = own.map(|stretch| stretch.phase).collect();
        let phases = indices
            .into_iter()
            .filter_map(|phase| self.record.phases.get(phase));
        let names: Vec<String> = phases
            .map(|phase| untrusted(&phase.name).to_string())
            .collect();
        names.join(", ")
    }

    /// The phases, and in a duet whose turn it is.
    fn under(&self) -> Markup {
        let bottom = plot::bottom(HEIGHT);
        let slices = self.record.slices.iter().filter(|_| self.has_turns());
        html! {
            @for (index, stretch) in self.stretches.iter().enumerate() {
                @let (from, to) = (self.x.at(stretch.from), self.x.at(stretch.to));
                @if index % 2 == 1 { (plot::area((from, to), (TOP - 12.0, bottom), "phase")) }
                @if let Some(label) = self.label(stretch, to - from) {
                    text.phase-name.minor x=(plot::Unit(from + 3.0)) y=(TOP - 2.0) { (label) }
                }
            }
            @for slice in slices {
                @let (from, to) = (self.x.at(slice.start_s), self.x.at(slice.start_s + slice.length_s));
                (plot::area((from, to), (bottom + 1.0, bottom + 4.0), if slice.arm == Arm::Target { "turn own" } else { "turn" }))
            }
        }
    }

    /// The name of a phase, as far as there is room for it.
    fn label(&self, stretch: &Stretch, width: f64) -> Option<String> {
        let columns = numbers::whole((width / LETTER - 1.5).max(0.0));
        let columns = usize::try_from(columns).unwrap_or(0);
        let phase = self.record.phases.get(stretch.phase)?;
        (columns >= 4 && self.stretches.len() > 1).then(|| shorten(&one_line(&phase.name), columns))
    }

    fn phase_of(&self, point: &Point) -> Option<&PhaseRecord> {
        self.record.phases.get(point.place?.phase)
    }

    /// When a point was, in words: `3:12, in burst`.
    fn when(&self, point: &Point) -> String {
        let phase = self.phase_of(point);
        let phase = phase.map(|phase| format!(", in {}", untrusted(&phase.name)));
        clock(point.from) + &phase.unwrap_or_default()
    }

    /// What the last point stands for, if that is no whole second.
    fn last(&self) -> Option<String> {
        let By::Seconds(width) = self.series.by else {
            return None;
        };
        let (length, whole) = (self.series.points.last()?.length, width as f64);
        let is_whole = (length - whole).abs() < 0.005 || (length.fract() == 0.0 && length < whole);
        (!is_whole).then(|| format!(" The last point stands for {}.", numbers::length(length)))
    }

    /// The numbers of a plot: when, in which phase, and what the plot is of.
    fn numbers(&self, heads: &[&'static str], cells: impl Fn(&Point) -> Vec<String>) -> Numbers {
        let arm = self.is_duet().then_some("arm");
        let heads = heads.iter().copied();
        let heads = ["time", "phase"].into_iter().chain(arm).chain(heads);
        let rows = self.points().map(|point| {
            let phase = self.phase_of(point);
            let phase = phase.map(|phase| untrusted(&phase.name).to_string());
            let arm = point.place.map(|place| place.arm.map_or("both", arm_name));
            let mut row = vec![clock(point.from), numbers::or_none(phase)];
            if self.is_duet() {
                row.push(arm.unwrap_or(numbers::NONE).to_owned());
            }
            row.extend(cells(point));
            (Some(point.middle()), row)
        });
        Numbers::new(heads, rows)
    }
}

/// A number of users or events, as an axis or a table shows it.
pub(super) fn number_text(value: f64) -> String {
    if value >= 100.0 {
        return count(numbers::whole(value));
    }
    six_digits((value * 100.0).round() / 100.0).to_string()
}

/// The phases as they were run: slices of one phase and pass that follow each other.
fn stretches(record: &RunRecord) -> Vec<Stretch> {
    let slices = &record.slices;
    let passes = slices.chunk_by(|a, b| (a.phase, a.pass) == (b.phase, b.pass));
    let stretches = passes.filter_map(|slices| {
        let (first, last) = (slices.first()?, slices.last()?);
        Some(Stretch {
            phase: first.phase,
            from: first.start_s,
            to: last.start_s + last.length_s,
        })
    });
    stretches.collect()
}
