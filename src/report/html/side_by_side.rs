//! The page of results that differ in one label: their figures in a table, and P95 against cost.

use maud::{Markup, html};

use super::page::{icon, page};
use super::plot::{Axis, Key, Marker, Numbers, Plot, RIGHT, Series, Unit, whisker};
use super::scale::{Scale, Spread, extent};
use super::{tables, words};
use crate::report::input::SideBySide;
use crate::report::tables::{COST, side_by_side};
use crate::report::text::{numbers, one_line, shorten, text, untrusted};
use crate::report::view::Tone;
use crate::report::wording::{MARK, MARK_MEANS, steps, variant_notes};
use crate::verdict::{Figure, Variant};

/// Columns of a point's word at most.
const LONGEST: usize = 16;
/// Nearer to the right edge than this, the word of a point is on its left.
const EDGE: f64 = 90.0;

/// The page.
pub fn side_by_side_html(view: &SideBySide) -> String {
    let (gate, label) = (untrusted(view.gate), untrusted(view.label));
    let plot = plot(view);
    let title = html! { (gate) " by " (label) " – loadgate" };
    let class = if plot.is_some() { "why" } else { "why alone" };
    let steps = steps(view);
    let body = html! {
        header {
            h1 { (words::text(&text!("{} by {}", gate, label))) }
            p.meta { (numbers::counted(view.variants.len() as u64, "result")) " of one scenario" }
        }
        main id="main" tabindex="-1" {
            section class=(class) aria-labelledby="why" {
                div {
                    h2 id="why" { "Step by step" }
                    ul {
                        @for step in &steps { li { (words::sentence(step.clone())) } }
                        @if steps.is_empty() { li { "No difference is sure." } }
                    }
                }
                @if let Some(plot) = &plot { (plot.draw()) }
            }
            section.gated aria-labelledby="figures" {
                h2 id="figures" { "Figures" }
                (tables::draw(&side_by_side(view)))
            }
            section aria-labelledby="notes" {
                h2 id="notes" { "Notes" }
                ul { @for note in variant_notes(view) { li { (words::sentence(note)) } } }
            }
        }
        footer { "This page loads nothing from a server." }
    };
    page(
        &title,
        &icon(Tone::Good, MARK),
        "Skip to the figures",
        &body,
    )
}

/// P95 against cost of what can be compared; none of fewer than two results.
fn plot(view: &SideBySide) -> Option<Plot> {
    let sound = view.variants.iter().filter(|it| it.is_sound());
    let places = sound.filter_map(|it| Some((it, it.cost?, it.p95?)));
    let places: Vec<(&Variant, Figure, Figure)> = places.collect();
    if places.len() < 2 {
        return None;
    }
    let costs = || places.iter().flat_map(|(_, cost, _)| ends(cost));
    let latencies = || places.iter().flat_map(|(.., p95)| ends(p95));
    let dollars = |value: f64| numbers::promised(COST, value);
    let (x, y) = (around(costs()).across(), around(latencies()).upward());
    let points = places.iter().map(|place| point(place, (&x, &y)));
    let (intervals, words): (Vec<Markup>, Vec<Markup>) = points.unzip();
    let series = |name: &str, look, marker, is_marked: bool| {
        let own = places.iter();
        let own = own.filter(|(it, ..)| (it.is_beaten == Some(false)) == is_marked);
        let points: Vec<_> = own.map(|(_, cost, p95)| (cost.value, p95.value)).collect();
        (!points.is_empty()).then(|| Series::points(name, look, marker, points))
    };
    let series = [
        series(MARK_MEANS, "now", Marker::Diamond, true),
        series("others", "base", Marker::Circle, false),
    ];
    let rows = places.iter().map(|(variant, cost, p95)| {
        let [cost_text, p95_text] = [(COST, cost), (numbers::P95, p95)]
            .map(|(measure, it)| numbers::value_in(measure, it.value, it.interval()));
        let label = untrusted(&variant.label).to_string();
        (Some(cost.value), vec![label, cost_text, p95_text])
    });
    let label = untrusted(view.label).to_string();
    let numbers = Numbers::new([&*label, "cost", "P95"], rows);
    Some(Plot {
        under: html! { @for interval in &intervals { (interval) } },
        series: series.into_iter().flatten().collect(),
        over: html! { @for word in &words { (word) } },
        keys: vec![Key::line("95 % interval", "interval")],
        ..Plot::new(
            "cost",
            html! { "P95 against cost" },
            html! { "Lower is faster, further left is cheaper." },
            (
                Axis::new("cost per million requests", x, 5, dollars),
                Axis::latency("P95", y, 5, latencies()),
            ),
            numbers,
        )
    })
}

/// The ends of its interval, or the value alone.
fn ends(figure: &Figure) -> [f64; 2] {
    let (lower, upper) = figure.interval().unwrap_or((figure.value, figure.value));
    [lower, upper]
}

/// A scale around values with some room, which need not begin at zero: places are compared, and no lengths.
fn around(values: impl Iterator<Item = f64>) -> Scale {
    let (low, high) = extent(values).unwrap_or((0.0, 1.0));
    let room = 0.12 * (high - low).max(0.1 * high);
    Scale::new(Spread::Linear, (low - room).max(0.0), high + room)
}

/// The intervals of one result, and its value of the label.
fn point(
    (variant, cost, p95): &(&Variant, Figure, Figure),
    (x, y): (&Scale, &Scale),
) -> (Markup, Markup) {
    let (at, level) = (x.at(cost.value), y.at(p95.value));
    let [left, right] = ends(cost).map(|value| x.at(value));
    let [low, high] = ends(p95).map(|value| y.at(value));
    let top = level - 4.0;
    let across =
        format!("M{left:.1} {level:.1}H{right:.1}M{left:.1} {top:.1}v8M{right:.1} {top:.1}v8");
    let is_right = at > RIGHT - EDGE;
    let (class, shift) = if is_right {
        ("title end", -8.0)
    } else {
        ("title", 8.0)
    };
    let word = shorten(&one_line(&variant.label), LONGEST);
    (
        html! { path.interval d=(across) {} (whisker(at, low, high, "interval")) },
        html! { text class=(class) x=(Unit(at + shift)) y=(Unit(level - 9.0)) { (word) } },
    )
}
