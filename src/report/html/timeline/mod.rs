//! The run second by second: users, requests, latency and errors, with the phases marked and both arms of a duet.

use maud::{Markup, html};

use super::plot::{self, Axis, Form, HEIGHT, Key, LEFT, Marker, Numbers, Plot, RIGHT, Series, TOP};
use super::scale::{Scale, Spread, around, from_zero};
use super::words::{clock, millis_unit};
use crate::measurement::Arm;
use crate::record::{RunRecord, SecondRecord};
use crate::report::Story;
use crate::report::numbers::{self, count, counted};
use crate::report::text::{one_line, shorten};
use crate::report::words::Medium;
use crate::units::{Latency, six_digits};

/// Points that a line has at most: a longer run is told by the worst of some seconds each.
const MOST_POINTS: usize = 600;

/// Units that a letter of a phase's name takes.
const LETTER: f64 = 7.6;

/// One point of the timeline: a second, or the worst of some.
struct Moment {
    /// Start in seconds.
    from: f64,
    /// Where it lies among the phases.
    place: Option<Place>,
    users: u32,
    per_second: f64,
    errors: u64,
    /// P50, P95 and P99 in seconds.
    quantiles: [Option<f64>; 3],
}

/// A phase and the arm that is loaded.
#[derive(Clone, Copy, PartialEq)]
struct Place {
    phase: usize,
    arm: Arm,
}

/// A stretch of a run in one phase.
struct Stretch {
    phase: usize,
    from: f64,
    to: f64,
}

/// All that the plots of a timeline share.
pub(super) struct Timeline<'a> {
    record: &'a RunRecord,
    moments: Vec<Moment>,
    stretches: Vec<Stretch>,
    /// Seconds in one point.
    width: usize,
    x: Scale,
}

const QUANTILES: [(&str, &str, Marker); 3] = [
    ("P50", "p50", Marker::Square),
    ("P95", "p95", Marker::Circle),
    ("P99", "p99", Marker::Triangle),
];

impl<'a> Timeline<'a> {
    /// The timeline of a story; none where nothing was sent.
    pub(super) fn of(story: &Story<'a>) -> Option<Self> {
        let record = story.record;
        let seconds = &record.timeline;
        if seconds.is_empty() {
            return None;
        }
        let width = seconds.len().div_ceil(MOST_POINTS);
        let chunks = seconds.chunks(width).enumerate();
        let moments = chunks
            .map(|(index, chunk)| moment(record, index * width, chunk))
            .collect();
        let x = Scale::new(Spread::Linear, 0.0, seconds.len() as f64).between(LEFT, RIGHT);
        Some(Self {
            record,
            moments,
            stretches: stretches(record),
            width,
            x,
        })
    }

    fn is_duet(&self) -> bool {
        self.record.base.is_some()
    }

    /// Where a moment lies from left to right: in the middle of its time.
    fn x_of(&self, moment: &Moment) -> f64 {
        self.x.at(moment.from + self.width as f64 / 2.0)
    }

    fn x_axis(&self) -> Axis {
        let title = if self.width == 1 {
            "time since the start of the load, by second".to_owned()
        } else {
            format!(
                "time since the start of the load, by {} seconds",
                self.width
            )
        };
        Axis {
            title,
            ticks: plot::ticks(&self.x, 6, clock),
        }
    }

    /// Latency.
    pub(super) fn latency(&self, id: &str) -> Plot {
        let values = self.moments.iter().flat_map(|moment| moment.quantiles);
        let (scale, spread) = around(values.flatten());
        let y = scale.between(plot::bottom(HEIGHT), TOP);
        let unit = millis_unit(
            self.moments
                .iter()
                .flat_map(|moment| moment.quantiles)
                .flatten(),
        );
        let title = match spread {
            Spread::Log => format!("latency, {} (logarithmic)", unit.name),
            Spread::Linear | Spread::Percentile => format!("latency, {}", unit.name),
        };
        let arms: &[Arm] = if self.is_duet() {
            &[Arm::Target, Arm::Base]
        } else {
            &[Arm::Target]
        };
        let series = arms.iter().flat_map(|arm| {
            QUANTILES
                .iter()
                .enumerate()
                .map(move |(index, kind)| (*arm, index, kind))
        });
        let series = series
            .map(|(arm, index, (name, look, marker))| Series {
                name: match arm {
                    Arm::Target if self.is_duet() => format!("{name}, target"),
                    Arm::Target => (*name).to_owned(),
                    Arm::Base => format!("{name}, base"),
                },
                look: match (arm, *look) {
                    (Arm::Target, look) => look,
                    (Arm::Base, "p50") => "p50 hollow base-arm",
                    (Arm::Base, "p95") => "p95 hollow base-arm",
                    (Arm::Base, _) => "p99 hollow base-arm",
                },
                marker: *marker,
                form: Form::Line,
                runs: self.runs(|moment| {
                    let own = moment.arm(self.is_duet()) == Some(arm);
                    moment.quantiles[index]
                        .filter(|_| own)
                        .map(|value| y.at(value))
                }),
            })
            .collect();
        let numbers = self.numbers(&["P50", "P95", "P99"], |moment| {
            moment.quantiles.map(numbers::latency).to_vec()
        });
        self.plot(
            id,
            "Latency",
            self.see_latency(),
            Axis {
                title,
                ticks: plot::ticks(&y, 5, unit.text()),
            },
            series,
            numbers,
        )
    }

    /// Users.
    pub(super) fn users(&self, id: &str) -> Plot {
        let y = from_zero(self.moments.iter().map(|moment| f64::from(moment.users)));
        let y = y.between(plot::bottom(HEIGHT), TOP);
        let most = self.moments.iter().map(|moment| moment.users).max();
        let most = counted(u64::from(most.unwrap_or(0)), "user");
        let loads = self.stretches.iter().map(|stretch| stretch.phase);
        let mut loads: Vec<usize> = loads.collect();
        loads.dedup();
        let planned: Vec<String> = loads
            .iter()
            .take(6)
            .filter_map(|phase| self.record.phases.get(*phase))
            .map(|phase| {
                format!(
                    "{} {}",
                    name(&phase.name),
                    shorten(&one_line(&phase.load), 40)
                )
            })
            .collect();
        let see = html! { "At most " (most) " at a time. Planned: " (planned.join(", ")) "." };
        let series = vec![self.line("users", "users", |moment| {
            Some(y.at(f64::from(moment.users)))
        })];
        let ticks = plot::ticks(&y, 4, numbers_text);
        let numbers = self.numbers(&["users"], |moment| vec![count(u64::from(moment.users))]);
        self.plot(
            id,
            "Users",
            see,
            Axis {
                title: "users present".to_owned(),
                ticks,
            },
            series,
            numbers,
        )
    }

    /// Requests per second.
    pub(super) fn rate(&self, id: &str) -> Plot {
        let y = from_zero(self.moments.iter().map(|moment| moment.per_second));
        let y = y.between(plot::bottom(HEIGHT), TOP);
        let rates: Vec<f64> = self.measured().map(|moment| moment.per_second).collect();
        let (low, high) = ends(&rates);
        let see = html! {
            "In measured phases " (numbers::rate(crate::record::median(&rates)))
            " in the median, between " (numbers::rate(low)) " and " (numbers::rate(high)) "."
        };
        let series = vec![self.line("requests/s", "rate", |moment| Some(y.at(moment.per_second)))];
        let ticks = plot::ticks(&y, 4, numbers_text);
        let numbers = self.numbers(&["requests/s"], |moment| {
            vec![numbers_text(moment.per_second)]
        });
        self.plot(
            id,
            "Requests per second",
            see,
            Axis {
                title: "answers and failures per second".to_owned(),
                ticks,
            },
            series,
            numbers,
        )
    }

    /// Errors per second.
    pub(super) fn errors(&self, id: &str) -> Plot {
        let per_second = |moment: &Moment| moment.errors as f64 / self.width as f64;
        let y = from_zero(self.moments.iter().map(per_second)).between(plot::bottom(HEIGHT), TOP);
        let series = vec![Series {
            name: "errors/s".to_owned(),
            look: "errors",
            marker: Marker::Cross,
            form: Form::Bars,
            runs: self.runs(|moment| Some(y.at(per_second(moment)))),
        }];
        let ticks = plot::ticks(&y, 4, numbers_text);
        let numbers = self.numbers(&["errors"], |moment| vec![count(moment.errors)]);
        self.plot(
            id,
            "Errors per second",
            self.see_errors(),
            Axis {
                title: "failures per second".to_owned(),
                ticks,
            },
            series,
            numbers,
        )
    }

    fn line(&self, name: &str, look: &'static str, y: impl Fn(&Moment) -> Option<f64>) -> Series {
        Series {
            name: name.to_owned(),
            look,
            marker: Marker::Circle,
            form: Form::Line,
            runs: self.runs(y),
        }
    }

    /// The points of a series, broken where it has none.
    fn runs(&self, y: impl Fn(&Moment) -> Option<f64>) -> Vec<Vec<(f64, f64)>> {
        let mut runs: Vec<Vec<(f64, f64)>> = Vec::new();
        let mut is_open = false;
        for moment in &self.moments {
            let Some(y) = y(moment) else {
                is_open = false;
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
        let mut keys = vec![Key {
            name: "every other phase".to_owned(),
            look: "phase",
            area: true,
        }];
        if self.is_duet() {
            let key = |name: &str, look| Key {
                name: name.to_owned(),
                look,
                area: true,
            };
            keys.push(key("turn of the target", "turn own"));
            keys.push(key("turn of the base", "turn"));
        }
        if self.stretches.len() < 2 {
            keys.remove(0);
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
        let slices = self.record.slices.iter().filter(|_| self.is_duet());
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

    fn measured(&self) -> impl Iterator<Item = &Moment> {
        self.moments.iter().filter(|moment| {
            let phase = moment
                .place
                .and_then(|place| self.record.phases.get(place.phase));
            phase.is_some_and(|phase| phase.measured && !phase.idle)
        })
    }

    /// Where a moment lies, in words: `3:12, in burst`.
    fn when(&self, moment: &Moment) -> String {
        let phase = moment
            .place
            .and_then(|place| self.record.phases.get(place.phase));
        let phase = phase.map_or_else(String::new, |phase| format!(", in {}", name(&phase.name)));
        format!("{}{phase}", clock(moment.from))
    }

    fn see_latency(&self) -> Markup {
        let p95 = |arm: Arm| {
            let of = self.moments.iter();
            let own = of.filter(move |moment| moment.arm(self.is_duet()) == Some(arm));
            own.filter_map(|moment| Some((moment, moment.quantiles[1]?)))
        };
        let median = |arm| {
            let values: Vec<f64> = p95(arm).map(|(_, value)| value).collect();
            crate::record::median(&values)
        };
        let worst = p95(Arm::Target).max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((moment, worst)) = worst else {
            return html! { "No request got an answer." };
        };
        if self.is_duet() && p95(Arm::Base).next().is_some() {
            let (target, base) = (Latency(median(Arm::Target)), Latency(median(Arm::Base)));
            return html! {
                "P95 of the median second: " (target) " on the target, " (base) " on the base. The target's was highest at "
                (self.when(moment)) ": " (Latency(worst)) "."
            };
        }
        html! {
            "P95 was " (Latency(median(Arm::Target))) " in the median second, and highest at " (self.when(moment)) ": "
            (Latency(worst)) "."
        }
    }

    fn see_errors(&self) -> Markup {
        let all: u64 = self.moments.iter().map(|moment| moment.errors).sum();
        let worst = self.moments.iter().max_by_key(|moment| moment.errors);
        let Some(worst) = worst.filter(|worst| worst.errors > 0) else {
            return html! { "No request failed." };
        };
        let with = self
            .moments
            .iter()
            .filter(|moment| moment.errors > 0)
            .count();
        let points = if self.width == 1 { "seconds" } else { "points" };
        html! {
            (counted(all, "request")) " failed, in " (count(with as u64)) " of the " (count(self.moments.len() as u64))
            " " (points) "; most at " (self.when(worst)) ": " (count(worst.errors)) "."
        }
    }

    /// The numbers of a plot: when, in which phase, and what the plot is of.
    fn numbers(&self, heads: &[&str], cells: impl Fn(&Moment) -> Vec<String>) -> Numbers {
        let arm = self.is_duet().then_some("arm");
        let heads = ["time", "phase"]
            .into_iter()
            .chain(arm)
            .chain(heads.iter().copied());
        let rows = self.moments.iter().map(|moment| {
            let place = moment.place;
            let phase = place.and_then(|place| self.record.phases.get(place.phase));
            let mut told = vec![
                clock(moment.from),
                phase.map_or_else(|| numbers::NONE.to_owned(), |phase| name(&phase.name)),
            ];
            if self.is_duet() {
                told.push(
                    place
                        .map_or(numbers::NONE, |place| arm_name(place.arm))
                        .to_owned(),
                );
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
    Medium::Plain.foreign(name)
}

/// A number of users or events, as an axis or a table tells it.
fn numbers_text(value: f64) -> String {
    if value >= 100.0 {
        return count(numbers::whole(value));
    }
    six_digits((value * 100.0).round() / 100.0).to_string()
}

fn ends(values: &[f64]) -> (f64, f64) {
    let low = values.iter().copied().fold(f64::MAX, f64::min);
    let high = values.iter().copied().fold(0.0, f64::max);
    (low.min(high), high)
}

impl Moment {
    /// The arm whose latencies it holds.
    fn arm(&self, is_duet: bool) -> Option<Arm> {
        if is_duet {
            return self.place.map(|place| place.arm);
        }
        Some(Arm::Target)
    }
}

fn moment(record: &RunRecord, from: usize, seconds: &[SecondRecord]) -> Moment {
    let worst = |of: fn(&SecondRecord) -> Option<f64>| {
        let millis = seconds.iter().filter_map(of);
        millis.reduce(f64::max).map(|millis| millis / 1e3)
    };
    let requests: u64 = seconds.iter().map(|second| second.requests).sum();
    let from = from as f64;
    Moment {
        from,
        place: place(record, from + seconds.len() as f64 / 2.0),
        users: seconds.iter().map(|second| second.users).max().unwrap_or(0),
        per_second: requests as f64 / seconds.len() as f64,
        errors: seconds.iter().map(|second| second.errors).sum(),
        quantiles: [
            worst(|second| second.p50_ms),
            worst(|second| second.p95_ms),
            worst(|second| second.p99_ms),
        ],
    }
}

/// The slice that an instant lies in.
fn place(record: &RunRecord, at: f64) -> Option<Place> {
    let after = record.slices.partition_point(|slice| slice.start_s <= at);
    let slice = record.slices[..after].last()?;
    (at < slice.start_s + slice.length_s).then_some(Place {
        phase: slice.phase,
        arm: slice.arm,
    })
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
