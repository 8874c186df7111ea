//! A plot: a heading, what to see in it, a drawing with axes, a legend, and the numbers behind it as a table.
//!
//! The drawing is SVG of our own: it takes its colours from the page's style, so that it follows light and dark, and
//! its lines and markers differ in form as well. The table is its text alternative; the script reads the values under
//! the pointer from it.

use maud::{Markup, Render, html};

use super::scale::{Scale, Spread};
use super::words::{self, LatencyUnit};

/// The drawing's size, in its own units; the page scales it to the room there is.
pub(super) const WIDTH: f64 = 600.0;
pub(super) const HEIGHT: f64 = 280.0;

/// Where the axes lie.
pub(super) const LEFT: f64 = 62.0;
pub(super) const RIGHT: f64 = WIDTH - 14.0;
pub(super) const TOP: f64 = 34.0;
const BELOW: f64 = 50.0;

/// Nearer to the right edge than this, words are set to it.
const EDGE: f64 = 24.0;

/// A line of more points has no markers: they would hide it.
const MARKED: usize = 60;

pub(super) struct Plot {
    /// Its name in the page, unique there.
    pub(super) id: String,
    pub(super) title: Markup,
    pub(super) see: Markup,
    pub(super) height: f64,
    pub(super) x: Axis,
    pub(super) y: Axis,
    /// Drawn below the series, such as phases and tolerances.
    pub(super) under: Markup,
    pub(super) series: Vec<Series>,
    /// Drawn above the series, such as intervals.
    pub(super) over: Markup,
    /// Further lines of the legend: what `under` and `over` show.
    pub(super) keys: Vec<Key>,
    pub(super) numbers: Numbers,
}

/// One axis: what it shows, and its marks with their words.
pub(super) struct Axis {
    pub(super) title: String,
    pub(super) scale: Scale,
    /// Places with their words.
    pub(super) ticks: Vec<(f64, String)>,
}

/// Measured values under one name.
pub(super) struct Series {
    pub(super) name: String,
    /// Class that gives colour and dashes.
    pub(super) look: &'static str,
    pub(super) marker: Marker,
    pub(super) form: Form,
    /// Runs of points by the values of both axes; between runs nothing was measured.
    pub(super) runs: Vec<Vec<(f64, f64)>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As a line, with markers where there are few.
    Line,
    Points,
    /// As bars from the bottom.
    Bars,
    /// As a line for each run, such as the outline of a wide bar.
    Outlines,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    Diamond,
    Triangle,
    Down,
    Cross,
}

/// A line of the legend for something other than a series.
pub(super) struct Key {
    name: String,
    look: &'static str,
    is_area: bool,
}

pub(super) struct Numbers {
    heads: Vec<String>,
    rows: Vec<NumbersRow>,
}

/// Cells, with their value on the x axis if they have one.
pub(super) type NumbersRow = (Option<f64>, Vec<String>);

/// A number in units, to a tenth.
#[derive(Clone, Copy)]
pub(super) struct Unit(pub(super) f64);

impl Render for Unit {
    fn render_to(&self, text: &mut String) {
        let tenths = (self.0 * 10.0).round() / 10.0;
        // A zero has no sign.
        text.push_str(&format!("{}", tenths + 0.0));
    }
}

/// The bottom of a drawing's axes.
pub(super) fn bottom(height: f64) -> f64 {
    height - BELOW
}

pub(super) fn upright(x: f64, from: f64, to: f64, look: &str) -> Markup {
    html! { line class=(look) x1=(Unit(x)) x2=(Unit(x)) y1=(Unit(from)) y2=(Unit(to)) {} }
}

fn level(y: f64, look: &str) -> Markup {
    html! { line class=(look) x1=(Unit(LEFT)) x2=(Unit(RIGHT)) y1=(Unit(y)) y2=(Unit(y)) {} }
}

pub(super) fn area(x: (f64, f64), y: (f64, f64), look: &str) -> Markup {
    let (left, right) = (x.0.min(x.1), x.0.max(x.1));
    let (top, bottom) = (y.0.min(y.1), y.0.max(y.1));
    html! {
        rect class=(look) x=(Unit(left)) y=(Unit(top)) width=(Unit(right - left)) height=(Unit(bottom - top)) {}
    }
}

/// An interval as an upright bar with caps, by places.
pub(super) fn whisker(x: f64, from: f64, to: f64, look: &str) -> Markup {
    let left = x - 4.0;
    let path = format!("M{x:.1} {from:.1}V{to:.1}M{left:.1} {from:.1}h8M{left:.1} {to:.1}h8");
    html! { path class=(look) d=(path) {} }
}

impl Marker {
    pub(super) fn outline(self, (x, y): (f64, f64)) -> String {
        match self {
            Self::Circle => format!("M{:.1} {y:.1}a3 3 0 1 0 6 0a3 3 0 1 0-6 0", x - 3.0),
            Self::Square => format!("M{:.1} {:.1}h5v5h-5z", x - 2.5, y - 2.5),
            Self::Diamond => format!("M{x:.1} {:.1}l4 4l-4 4l-4-4z", y - 4.0),
            Self::Triangle => format!("M{x:.1} {:.1}l4 7h-8z", y - 4.0),
            Self::Down => format!("M{x:.1} {:.1}l4-7h-8z", y + 4.0),
            Self::Cross => format!("M{:.1} {:.1}l6 6m0-6l-6 6", x - 3.0, y - 3.0),
        }
    }
}

impl Scale {
    /// The same from left to right.
    #[must_use]
    pub(super) fn across(self) -> Self {
        self.between(LEFT, RIGHT)
    }

    /// The same from bottom to top.
    #[must_use]
    pub(super) fn upward(self) -> Self {
        self.between(bottom(HEIGHT), TOP)
    }

    /// A level line at a value of an upward scale.
    pub(super) fn level(&self, value: f64, look: &str) -> Markup {
        level(self.at(value), look)
    }

    /// An area between two values of an upward scale.
    pub(super) fn area(&self, (from, to): (f64, f64), look: &str) -> Markup {
        area((LEFT, RIGHT), (self.at(from), self.at(to)), look)
    }
}

impl Axis {
    /// An axis with about so many marks at round values.
    pub(super) fn new(
        title: impl Into<String>,
        scale: Scale,
        marks: u32,
        words: impl Fn(f64) -> String,
    ) -> Self {
        let values = scale.ticks(marks).into_iter();
        Self {
            title: title.into(),
            scale,
            ticks: values
                .map(|value| (scale.at(value), words(value)))
                .collect(),
        }
    }

    /// An axis of latencies in seconds, told in the unit that suits all of these.
    pub(super) fn latency(
        title: &str,
        scale: Scale,
        marks: u32,
        seconds: impl Iterator<Item = f64>,
    ) -> Self {
        let unit = LatencyUnit::new(seconds);
        let is_log = scale.is_logarithmic();
        let spread = if is_log { " (logarithmic)" } else { "" };
        let title = format!("{title}, {}{spread}", unit.name);
        Self::new(title, scale, marks, |seconds| unit.text(seconds))
    }

    /// An axis without marks, whose values are the places of rows.
    pub(super) fn rows(height: f64) -> Self {
        Self {
            title: String::new(),
            scale: Scale::new(Spread::Linear, 0.0, height).between(0.0, height),
            ticks: Vec::new(),
        }
    }
}

impl Key {
    pub(super) fn line(name: impl Into<String>, look: &'static str) -> Self {
        Self {
            name: name.into(),
            look,
            is_area: false,
        }
    }

    pub(super) fn area(name: impl Into<String>, look: &'static str) -> Self {
        Self {
            is_area: true,
            ..Self::line(name, look)
        }
    }

    fn swatch(&self) -> Markup {
        let drawn = html! {
            @if self.is_area { rect class=(self.look) x="1" y="1" width="24" height="10" {} }
            @else { line class=(self.look) x1="1" x2="25" y1="6" y2="6" {} }
        };
        swatch("swatch", &drawn)
    }
}

impl Numbers {
    pub(super) fn new<H: Into<String>>(
        heads: impl IntoIterator<Item = H>,
        rows: impl IntoIterator<Item = NumbersRow>,
    ) -> Self {
        Self {
            heads: heads.into_iter().map(Into::into).collect(),
            rows: rows.into_iter().collect(),
        }
    }
}

impl Series {
    pub(super) fn line(
        name: impl Into<String>,
        look: &'static str,
        marker: Marker,
        runs: Vec<Vec<(f64, f64)>>,
    ) -> Self {
        Self {
            name: name.into(),
            look,
            marker,
            form: Form::Line,
            runs,
        }
    }

    pub(super) fn points(
        name: impl Into<String>,
        look: &'static str,
        marker: Marker,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        Self {
            form: Form::Points,
            ..Self::line(name, look, marker, vec![points.into_iter().collect()])
        }
    }

    fn is_marked(&self) -> bool {
        let points: usize = self.runs.iter().map(Vec::len).sum();
        self.form == Form::Points || (self.form == Form::Line && points <= MARKED)
    }

    fn draw(&self, index: usize, plot: &Plot) -> Markup {
        let class = format!("series {}", self.look);
        let place = |(x, y): &(f64, f64)| (plot.x.scale.at(*x), plot.y.scale.at(*y));
        let runs = self.runs.iter().map(|run| run.iter().map(place).collect());
        let runs: Vec<Vec<(f64, f64)>> = runs.collect();
        let points = || runs.iter().flatten();
        let bottom = bottom(plot.height);
        // The empty ones are too small to be seen, and there to be counted.
        let bar = |(x, y): &(f64, f64)| format!("M{x:.1} {bottom:.1}V{y:.1}");
        html! {
            g class=(class) data-series=(index) {
                @match self.form {
                    Form::Line | Form::Outlines => @for run in &runs { polyline points=(places(run)) {} }
                    Form::Bars => path class="bars" d=(points().map(bar).collect::<String>()) {},
                    Form::Points => {}
                }
                @if self.is_marked() {
                    path class="marks" d=(points().map(|point| self.marker.outline(*point)).collect::<String>()) {}
                }
            }
        }
    }

    fn swatch(&self) -> Markup {
        let drawn = html! {
            @match self.form {
                Form::Line => polyline points="1 6 25 6" {},
                Form::Outlines => polyline points="2 12 2 2 24 2 24 12" {},
                Form::Bars => path class="bars" d="M7 11V7M13 11V1M19 11V4" {},
                Form::Points => {}
            }
            @if self.is_marked() { path class="marks" d=(self.marker.outline((13.0, 6.0))) {} }
        };
        swatch(&format!("swatch series {}", self.look), &drawn)
    }
}

/// A small drawing beside a line of the legend.
fn swatch(class: &str, drawn: &Markup) -> Markup {
    html! { svg class=(class) viewBox="0 0 26 12" width="26" height="12" aria-hidden="true" { (drawn) } }
}

fn places(run: &[(f64, f64)]) -> String {
    let mut text = String::with_capacity(run.len() * 12);
    for value in run.iter().flat_map(|(x, y)| [*x, *y]) {
        if !text.is_empty() {
            text.push(' ');
        }
        Unit(value).render_to(&mut text);
    }
    text
}

impl Plot {
    /// A plot of the usual height, with nothing drawn yet.
    pub(super) fn new(
        id: impl Into<String>,
        title: Markup,
        see: Markup,
        (x, y): (Axis, Axis),
        numbers: Numbers,
    ) -> Self {
        Self {
            id: id.into(),
            title,
            see,
            height: HEIGHT,
            x,
            y,
            under: html! {},
            series: Vec::new(),
            over: html! {},
            keys: Vec::new(),
            numbers,
        }
    }

    pub(super) fn draw(&self) -> Markup {
        let (heading, caption) = (format!("{}-h", self.id), format!("{}-c", self.id));
        let probed = self.numbers.rows.iter().any(|(x, _)| x.is_some());
        html! {
            figure.plot id=(self.id) data-probe[probed] {
                figcaption {
                    h3 id=(heading) { (self.title) }
                    p.see id=(caption) { (words::caption(&self.see)) }
                }
                @if self.series.len() + self.keys.len() > 1 { (self.legend()) }
                .frame { (self.drawing(&heading, &caption)) }
                (self.numbers.draw(&heading, &self.x.scale))
            }
        }
    }

    fn legend(&self) -> Markup {
        html! {
            ul.legend {
                @for (index, series) in self.series.iter().enumerate() {
                    li data-series=(index) { (series.swatch()) (series.name) }
                }
                @for key in &self.keys { li { (key.swatch()) (key.name) } }
            }
        }
    }

    fn drawing(&self, heading: &str, caption: &str) -> Markup {
        let bottom = bottom(self.height);
        let size = format!("0 0 {WIDTH} {}", self.height);
        html! {
            svg viewBox=(size) role="img" aria-labelledby=(heading) aria-describedby=(caption) {
                @for (y, _) in &self.y.ticks { (level(*y, "grid")) }
                (self.under)
                line.axis x1=(LEFT) x2=(RIGHT) y1=(Unit(bottom)) y2=(Unit(bottom)) {}
                @for (index, series) in self.series.iter().enumerate() { (series.draw(index, self)) }
                (self.over)
                @for (y, words) in &self.y.ticks {
                    text.tick.end x=(Unit(LEFT - 6.0)) y=(Unit(y + 4.0)) { (words) }
                }
                @for (index, (x, words)) in self.x.ticks.iter().enumerate() {
                    (upright(*x, bottom, bottom + 4.0, "axis"))
                    (tick(index, *x, bottom + 18.0, words))
                }
                text.title x="4" y="16" { (self.y.title) }
                text.title.end x=(RIGHT) y=(Unit(bottom + 40.0)) { (self.x.title) }
            }
        }
    }
}

/// The words of a mark on the x axis; those near the right edge end there, so that nothing is cut.
fn tick(index: usize, x: f64, y: f64, words: &str) -> Markup {
    let minor = if index % 2 == 1 { " minor" } else { "" };
    let (x, side) = if x > RIGHT - EDGE {
        (WIDTH - 2.0, "end")
    } else {
        (x, "middle")
    };
    html! { text class=(format!("tick {side} below{minor}")) x=(Unit(x)) y=(Unit(y)) { (words) } }
}

impl Numbers {
    fn draw(&self, heading: &str, scale: &Scale) -> Markup {
        html! {
            details.numbers {
                summary { "The numbers" }
                .scroll tabindex="0" role="group" aria-labelledby=(heading) {
                    table aria-labelledby=(heading) {
                        thead { tr { @for head in &self.heads { th scope="col" { (head) } } } }
                        tbody {
                            @for (x, cells) in &self.rows {
                                tr data-x=[x.map(|x| format!("{:.1}", scale.at(x)))] {
                                    @for (index, cell) in cells.iter().enumerate() {
                                        @if index == 0 { th scope="row" { (cell) } } @else { td { (words::together(cell)) } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_short_and_whole() {
        assert_eq!(places(&[(1.0, 2.25), (-0.01, 300.04)]), "1 2.3 0 300");
    }

    #[test]
    fn every_point_has_its_marker_and_every_second_its_bar() {
        for marker in [
            Marker::Circle,
            Marker::Square,
            Marker::Diamond,
            Marker::Triangle,
            Marker::Down,
            Marker::Cross,
        ] {
            let runs = vec![vec![(1.0, 2.0), (3.0, 4.0)], vec![(5.0, 6.0)]];
            let mut series = Series::line("P95", "p95", marker, runs);
            let axes = || (Axis::rows(10.0), Axis::rows(10.0));
            let numbers = Numbers::new([""], []);
            let plot = Plot::new("", html! {}, html! {}, axes(), numbers);
            for form in [Form::Points, Form::Bars] {
                series.form = form;
                assert_eq!(series.draw(0, &plot).0.matches('M').count(), 3, "{form:?}");
            }
        }
    }
}
