//! A plot: a heading, what to see in it, a drawing with axes, a legend, and the numbers behind it as a table.
//!
//! The drawing is SVG of our own: it takes its colours from the page's style, so that it follows light and dark, and
//! its lines and markers differ in form as well. The table is its text alternative; the script reads the values under
//! the pointer from it.

use maud::{Markup, Render, html};

use super::scale::Scale;
use super::words;

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

/// One plot with all that belongs to it.
pub(super) struct Plot {
    /// What it is called in the page, unique there.
    pub(super) id: String,
    /// Its heading.
    pub(super) title: Markup,
    /// What to see in it.
    pub(super) see: Markup,
    /// Its height in units.
    pub(super) height: f64,
    /// The axis from left to right.
    pub(super) x: Axis,
    /// The axis from bottom to top.
    pub(super) y: Axis,
    /// Drawn below the series, such as phases and tolerances.
    pub(super) under: Markup,
    /// What was measured.
    pub(super) series: Vec<Series>,
    /// Drawn above the series, such as intervals.
    pub(super) over: Markup,
    /// Further lines of the legend: what `under` and `over` show.
    pub(super) keys: Vec<Key>,
    /// The numbers behind it.
    pub(super) numbers: Numbers,
}

/// One axis: what it shows, and its marks with their words.
pub(super) struct Axis {
    pub(super) title: String,
    pub(super) ticks: Vec<(f64, String)>,
}

/// What was measured, under one name.
pub(super) struct Series {
    pub(super) name: String,
    /// Class that gives colour and dashes.
    pub(super) look: &'static str,
    pub(super) marker: Marker,
    /// Whether its points are joined.
    pub(super) form: Form,
    /// Runs of points, in units; between runs nothing was measured.
    pub(super) runs: Vec<Vec<(f64, f64)>>,
}

/// How points are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As a line, with markers where there are few.
    Line,
    /// As points alone.
    Points,
    /// As bars from the bottom.
    Bars,
}

/// The form of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    Diamond,
    Triangle,
    Down,
    Cross,
}

/// A line of the legend for what is no series.
pub(super) struct Key {
    pub(super) name: String,
    pub(super) look: &'static str,
    /// Whether it is an area.
    pub(super) area: bool,
}

/// The numbers behind a plot.
#[derive(Default)]
pub(super) struct Numbers {
    pub(super) heads: Vec<String>,
    /// Rows, each with its place on the x axis where it has one.
    pub(super) rows: Vec<(Option<f64>, Vec<String>)>,
}

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

/// Marks of an axis at its scale's round values.
pub(super) fn ticks(
    scale: &Scale,
    about: u32,
    words: impl Fn(f64) -> String,
) -> Vec<(f64, String)> {
    let values = scale.ticks(about);
    values
        .into_iter()
        .map(|value| (scale.at(value), words(value)))
        .collect()
}

/// The bottom of a drawing's axes.
pub(super) fn bottom(height: f64) -> f64 {
    height - BELOW
}

/// An upright line.
pub(super) fn upright(x: f64, from: f64, to: f64, look: &str) -> Markup {
    html! { line class=(look) x1=(Unit(x)) x2=(Unit(x)) y1=(Unit(from)) y2=(Unit(to)) {} }
}

/// A level line from one axis to the other side.
pub(super) fn level(y: f64, look: &str) -> Markup {
    html! { line class=(look) x1=(Unit(LEFT)) x2=(Unit(RIGHT)) y1=(Unit(y)) y2=(Unit(y)) {} }
}

/// A rectangle between two corners.
pub(super) fn area(x: (f64, f64), y: (f64, f64), look: &str) -> Markup {
    let (left, right) = (x.0.min(x.1), x.0.max(x.1));
    let (top, bottom) = (y.0.min(y.1), y.0.max(y.1));
    html! {
        rect class=(look) x=(Unit(left)) y=(Unit(top)) width=(Unit(right - left)) height=(Unit(bottom - top)) {}
    }
}

/// An interval as an upright bar with caps.
pub(super) fn whisker(x: f64, from: f64, to: f64, look: &str) -> Markup {
    let path = format!(
        "M{x:.1} {from:.1}V{to:.1}M{0:.1} {from:.1}h8M{0:.1} {to:.1}h8",
        x - 4.0
    );
    html! { path class=(look) d=(path) {} }
}

impl Marker {
    /// Its outline around a point.
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

impl Series {
    fn points(&self) -> usize {
        self.runs.iter().map(Vec::len).sum()
    }

    fn is_marked(&self) -> bool {
        self.form == Form::Points || (self.form == Form::Line && self.points() <= MARKED)
    }

    fn draw(&self, index: usize, bottom: f64) -> Markup {
        let class = format!("series {}", self.look);
        html! {
            g class=(class) data-series=(index) {
                @match self.form {
                    Form::Line => @for run in &self.runs { polyline points=(places(run)) {} }
                    Form::Bars => path class="bars" d=(self.bars(bottom)) {},
                    Form::Points => {}
                }
                @if self.is_marked() { path class="marks" d=(self.marks()) {} }
            }
        }
    }

    fn marks(&self) -> String {
        let points = self.runs.iter().flatten();
        points.map(|point| self.marker.outline(*point)).collect()
    }

    /// Bars up to each point, the empty ones too small to be seen but there to be counted.
    fn bars(&self, bottom: f64) -> String {
        let points = self.runs.iter().flatten();
        let bar = |(x, y): &(f64, f64)| format!("M{x:.1} {bottom:.1}V{y:.1}");
        points.map(bar).collect()
    }

    /// How it looks, for the legend.
    fn swatch(&self) -> Markup {
        let class = format!("swatch series {}", self.look);
        html! {
            svg class=(class) viewBox="0 0 26 12" width="26" height="12" aria-hidden="true" {
                @match self.form {
                    Form::Line => polyline points="1 6 25 6" {},
                    Form::Bars => path class="bars" d="M7 11V7M13 11V1M19 11V4" {},
                    Form::Points => {}
                }
                @if self.is_marked() { path class="marks" d=(self.marker.outline((13.0, 6.0))) {} }
            }
        }
    }
}

impl Key {
    fn swatch(&self) -> Markup {
        html! {
            svg class="swatch" viewBox="0 0 26 12" width="26" height="12" aria-hidden="true" {
                @if self.area {
                    rect class=(self.look) x="1" y="1" width="24" height="10" {}
                } @else {
                    line class=(self.look) x1="1" x2="25" y1="6" y2="6" {}
                }
            }
        }
    }
}

fn places(run: &[(f64, f64)]) -> String {
    let mut text = String::with_capacity(run.len() * 12);
    for (x, y) in run {
        if !text.is_empty() {
            text.push(' ');
        }
        Unit(*x).render_to(&mut text);
        text.push(' ');
        Unit(*y).render_to(&mut text);
    }
    text
}

impl Plot {
    /// The whole figure.
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
                (self.numbers.draw(&heading))
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
                @for (index, series) in self.series.iter().enumerate() { (series.draw(index, bottom)) }
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
    fn draw(&self, heading: &str) -> Markup {
        html! {
            details.numbers {
                summary { "The numbers" }
                .scroll tabindex="0" role="group" aria-labelledby=(heading) {
                    table aria-labelledby=(heading) {
                        thead { tr { @for head in &self.heads { th scope="col" { (head) } } } }
                        tbody {
                            @for (x, cells) in &self.rows {
                                tr data-x=[x.map(|x| format!("{x:.1}"))] {
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
            let series = Series {
                name: "P95".to_owned(),
                look: "p95",
                marker,
                form: Form::Points,
                runs: vec![vec![(1.0, 2.0), (3.0, 4.0)], vec![(5.0, 6.0)]],
            };
            assert_eq!(series.marks().matches('M').count(), 3);
            assert_eq!(series.bars(9.0).matches('M').count(), 3);
        }
    }
}
