//! The run in the course of its time: users, requests, latency and errors, with the phases marked and both arms of a duet.
//! Here stands what its plots share.

mod plots;

use crate::report::text::numbers::{self, counted};
use crate::report::text::{one_line, shorten, untrusted};
use crate::report::view::{By, Point, TimeSeries, View};
use maud::{Markup, html};

use super::plot::{self, Axis, HEIGHT, Key, LEFT, Numbers, Plot, RIGHT, Series, TOP};
use super::scale::{Scale, Spread};
use super::words::clock;
use crate::measurement::Arm;
use crate::record::{PhaseRecord, RunRecord};
use crate::units::six_digits;

/// Points that a line has at most: a longer run is told by the worst of some seconds each.
const MOST_POINTS: usize = 600;

/// Units that a letter of a phase's name takes.
const LETTER: f64 = 7.6;

/// A stretch of a run in one phase.
struct Stretch {
    phase: usize,
    from: f64,
    to: f64,
}

/// All that the plots of a timeline share.
pub(super) struct Timeline<'a> {
    record: &'a RunRecord,
    course: TimeSeries,
    stretches: Vec<Stretch>,
    x: Scale,
}

impl<'a> Timeline<'a> {
    /// The timeline of a story; none where nothing was sent.
    pub(super) fn new(view: &View<'a>) -> Option<Self> {
        let record = view.record;
        if record.timeline.is_empty() {
            return None;
        }
        let course = view.time_series_of(MOST_POINTS);
        let x = Scale::new(Spread::Linear, 0.0, course.length).between(LEFT, RIGHT);
        Some(Self {
            record,
            course,
            stretches: stretches(record),
            x,
        })
    }

    /// What it is called, and what is in it.
    pub(super) fn title(&self) -> (&'static str, String) {
        let moments = self.course.points.len() as u64;
        match self.course.by {
            By::Slice => ("Slice by slice", counted(moments, "slice")),
            By::Seconds(1) => ("Second by second", counted(moments, "second")),
            By::Seconds(width) => (
                "Second by second",
                format!("{} of {width} seconds", counted(moments, "point")),
            ),
        }
    }

    /// What one point is.
    fn point(&self) -> &'static str {
        match self.course.by {
            By::Slice => "slice",
            By::Seconds(1) => "second",
            By::Seconds(_) => "point",
        }
    }

    fn moments(&self) -> impl Iterator<Item = &Point> + Clone {
        self.course.points.iter()
    }

    fn is_duet(&self) -> bool {
        self.record.base.is_some()
    }

    /// Whether one arm of a duet is loaded at a time.
    fn has_turns(&self) -> bool {
        self.is_duet() && !self.record.is_mixed()
    }

    /// Where a moment lies from left to right: in the middle of its time.
    fn x_of(&self, moment: &Point) -> f64 {
        self.x.at(moment.middle())
    }

    fn x_axis(&self) -> Axis {
        let point = match self.course.by {
            By::Slice => "slice".to_owned(),
            By::Seconds(1) => "second".to_owned(),
            By::Seconds(width) => format!("{width} seconds"),
        };
        Axis {
            title: format!("time since the start of the load, by {point}"),
            ticks: plot::ticks(&self.x, 6, clock),
        }
    }

    /// The points of a series, broken where it has none: a moment of the other arm breaks it only where every moment is a
    /// second, since slices alternate.
    fn runs(&self, y: impl Fn(&Point) -> Option<f64>) -> Vec<Vec<(f64, f64)>> {
        let mut runs: Vec<Vec<(f64, f64)>> = Vec::new();
        let mut is_open = false;
        for moment in self.moments() {
            let Some(y) = y(moment) else {
                is_open &= self.course.by == By::Slice;
                continue;
            };
            let point = (self.x_of(moment), y);
            match runs.last_mut().filter(|_| is_open) {
                Some(run) => run.push(point),
                None => runs.push(vec![point]),
            }
            is_open = true;
        }
        runs
    }

    fn plot(
        &self,
        id: &str,
        title: &str,
        see: Markup,
        y: Axis,
        series: Vec<Series>,
        numbers: Numbers,
    ) -> Plot {
        let key = |name: &str, look| Key {
            name: name.to_owned(),
            look,
            area: true,
        };
        let mut keys = Vec::new();
        if self.stretches.len() > 1 {
            keys.push(key("every other phase", "phase"));
        }
        if self.has_turns() {
            keys.push(key("turn of the target", "turn own"));
            keys.push(key("turn of the base", "turn"));
        }
        Plot {
            id: id.to_owned(),
            title: html! { (title) },
            see,
            height: HEIGHT,
            x: self.x_axis(),
            y,
            under: self.under(),
            series,
            over: html! {},
            keys,
            numbers,
        }
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
        let room = numbers::whole((width / LETTER - 1.5).max(0.0));
        let columns = usize::try_from(room).unwrap_or(0);
        let phase = self.record.phases.get(stretch.phase)?;
        (columns >= 4 && self.stretches.len() > 1).then(|| shorten(&one_line(&phase.name), columns))
    }

    fn phase_of(&self, moment: &Point) -> Option<&PhaseRecord> {
        self.record.phases.get(moment.place?.phase)
    }

    fn measured(&self) -> impl Iterator<Item = &Point> {
        self.moments().filter(|moment| {
            self.phase_of(moment)
                .is_some_and(PhaseRecord::is_measured_load)
        })
    }

    /// Where a moment lies, in words: `3:12, in burst`.
    fn when(&self, moment: &Point) -> String {
        let phase = self.phase_of(moment);
        let phase = phase.map_or_else(String::new, |phase| format!(", in {}", name(&phase.name)));
        format!("{}{phase}", clock(moment.from))
    }

    /// What the last point stands for, where that is no whole second.
    fn last(&self) -> Option<String> {
        let (By::Seconds(width), [.., last]) = (self.course.by, self.course.points.as_slice())
        else {
            return None;
        };
        let (length, whole) = (last.length, width as f64);
        let is_whole = (length - whole).abs() < 0.005 || (length.fract() == 0.0 && length < whole);
        (!is_whole).then(|| format!(" The last point stands for {}.", numbers::length(length)))
    }

    /// The numbers of a plot: when, in which phase, and what the plot is of.
    fn numbers(&self, heads: &[&str], cells: impl Fn(&Point) -> Vec<String>) -> Numbers {
        let arm = self.is_duet().then_some("arm");
        let heads = ["time", "phase"]
            .into_iter()
            .chain(arm)
            .chain(heads.iter().copied());
        let rows = self.moments().map(|moment| {
            let phase = self.phase_of(moment);
            let mut told = vec![
                clock(moment.from),
                phase.map_or_else(|| numbers::NONE.to_owned(), |phase| name(&phase.name)),
            ];
            if self.is_duet() {
                let arm = moment.place.map(|place| place.arm.map_or("both", arm_name));
                told.push(arm.unwrap_or(numbers::NONE).to_owned());
            }
            told.extend(cells(moment));
            (Some(self.x_of(moment)), told)
        });
        Numbers {
            heads: heads.map(str::to_owned).collect(),
            rows: rows.collect(),
        }
    }
}

/// The name of an arm.
pub(super) fn arm_name(arm: Arm) -> &'static str {
    match arm {
        Arm::Target => "target",
        Arm::Base => "base",
    }
}

/// A phase's name as it fits into a sentence.
fn name(name: &str) -> String {
    untrusted(name).to_string()
}

/// A number of users or events, as an axis or a table tells it.
fn numbers_text(value: f64) -> String {
    if value >= 100.0 {
        return numbers::count(numbers::whole(value));
    }
    six_digits((value * 100.0).round() / 100.0).to_string()
}

/// The phases as they were run: slices of one phase and pass that follow each other.
fn stretches(record: &RunRecord) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut pass = 0;
    for slice in &record.slices {
        let to = slice.start_s + slice.length_s;
        match stretches.last_mut() {
            Some(last) if (last.phase, pass) == (slice.phase, slice.pass) => last.to = to,
            _ => stretches.push(Stretch {
                phase: slice.phase,
                from: slice.start_s,
                to,
            }),
        }
        pass = slice.pass;
    }
    stretches
}
