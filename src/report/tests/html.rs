//! The page: whole, harmless, small, and with the points that were measured.

use super::*;
use crate::measurement::{Arm, Parts};
use crate::record::samples::{record, traffic};
use crate::record::{AwsRecord, PartsRecord, RunRecord, SecondRecord};

/// Elements that have no end.
const VOID: [&str; 4] = ["meta", "link", "br", "wbr"];

/// The tags of a page in their order, with their attributes; checks that every one that begins ends, in order, and that
/// nothing is quoted loosely. Style and script are skipped.
fn tags(page: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = page
        .strip_prefix("<!DOCTYPE html>")
        .expect("a document type");
    while let Some(start) = rest.find('<') {
        assert!(!rest[..start].contains('>'), "{:?}", &rest[..start]);
        let end = start + tag_end(&rest[start..]);
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric()), "{name:?}");
        found.push((name.to_owned(), attributes.to_owned()));
        if ["style", "script"].contains(&name) {
            rest = &rest[rest.find(&format!("</{name}>")).unwrap()..];
        }
        if !VOID.contains(&name) {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty(), "{open:?}");
    found
}

/// Where a tag ends: at the first `>` outside quotes.
fn tag_end(tag: &str) -> usize {
    let mut quoted = false;
    let end = tag.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == '>' && !quoted
    });
    end.expect("a tag ends").0
}

fn assert_harmless(page: &str) {
    for (name, attributes) in tags(page) {
        let own = [
            "html",
            "head",
            "meta",
            "title",
            "link",
            "style",
            "body",
            "a",
            "header",
            "span",
            "h1",
            "h2",
            "h3",
            "p",
            "code",
            "wbr",
            "main",
            "section",
            "div",
            "ul",
            "li",
            "b",
            "figure",
            "figcaption",
            "svg",
            "line",
            "rect",
            "text",
            "g",
            "polyline",
            "polygon",
            "path",
            "details",
            "summary",
            "table",
            "caption",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "dl",
            "dt",
            "dd",
            "pre",
            "footer",
            "script",
        ];
        assert!(own.contains(&name.as_str()), "{name}");
        for attribute in attributes.split('"').step_by(2) {
            let attribute = attribute.trim().trim_end_matches('=');
            assert!(
                !attribute.starts_with("on") && attribute != "style" && attribute != "src",
                "{attribute}"
            );
        }
    }
    let control = |c: &char| c.is_control() && *c != '\n';
    assert_eq!(page.chars().find(control), None);
    assert!(!page.contains(['\u{202e}', '\u{200f}', '\u{feff}']));
}

#[test]
fn every_story_is_a_whole_page_without_anything_foreign_in_it() {
    for (name, sample) in all() {
        let page = html(&sample.story());
        assert_harmless(&page);
        let head = page.find("<h1>").unwrap();
        let order = ["id=\"why\"", "id=\"gated\"", "class=\"fold\"", "<footer>"];
        let places: Vec<usize> = order.iter().filter_map(|part| page.find(part)).collect();
        assert!(head < places[0] && places.is_sorted(), "{name}");
        // A run that never began has nothing to fold away but its circumstances.
        assert_eq!(places.len(), order.len(), "{name}");
    }
}

#[test]
fn no_text_becomes_markup() {
    let endless = endless();
    for text in TEXTS
        .into_iter()
        .chain([endless.as_str(), "\u{202e}evil\u{200f}", "أمر <b>"])
    {
        assert_harmless(&html(&saying(text).story()));
        assert_harmless(&html(&unreachable_saying(text).story()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_name_and_message_stays_text(text in texts()) {
        assert_harmless(&html(&saying(&text).story()));
        assert_harmless(&html(&unreachable_saying(&text).story()));
    }
}

#[test]
fn the_policy_names_the_style_and_script_that_stand_there() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let page = html(&story("failed").story());
    for (element, directive) in [("style", "style-src"), ("script", "script-src")] {
        let (_, after) = page.split_once(&format!("<{element}>")).unwrap();
        let (text, _) = after.split_once(&format!("</{element}>")).unwrap();
        let digest = sha2::Sha256::digest(text.as_bytes());
        let hash = base64::engine::general_purpose::STANDARD.encode(digest);
        assert!(
            page.contains(&format!("{directive} &#39;sha256-{hash}&#39;"))
                || page.contains(&format!("{directive} 'sha256-{hash}'")),
            "{element}"
        );
    }
    assert!(page.contains("default-src"));
}

/// The figure of this name.
fn figure<'p>(page: &'p str, id: &str) -> &'p str {
    let (_, after) = page
        .split_once(&format!("<figure class=\"plot\" id=\"{id}\""))
        .unwrap_or_else(|| panic!("no plot {id}"));
    after.split_once("</figure>").unwrap().0
}

/// The points that the series of a figure have, in order.
fn points(figure: &str) -> Vec<usize> {
    let drawn = figure.split_once("class=\"frame\"").unwrap().1;
    let groups = drawn.split("<g class=\"series").skip(1);
    groups
        .map(|group| {
            let group = group.split_once("</g>").unwrap().0;
            let lines = group.split("points=\"").skip(1);
            let line: usize = lines
                .map(|line| line.split('"').next().unwrap().split(' ').count() / 2)
                .sum();
            let marks = group.split("d=\"").skip(1);
            let marks: usize = marks
                .map(|path| path.split('"').next().unwrap().matches('M').count())
                .sum();
            line.max(marks)
        })
        .collect()
}

#[test]
fn the_history_has_a_point_for_each_job_and_one_for_the_run() {
    let page = html(&story("failed").story());
    assert_eq!(points(figure(&page, "decision")), [10, 1]);
    assert!(figure(&page, "decision").contains("none of them as bad"));
}

#[test]
fn the_pairs_of_a_duet_are_points() {
    let sample = samples::duet_whole();
    let page = html(&sample.story());
    let decision = figure(&page, "decision");
    assert_eq!(points(decision).iter().sum::<usize>(), 12);
    assert!(
        decision.contains("of the target lies above the base in 12 of 12 pairs"),
        "{decision}"
    );
}

/// Slices of each phase: few, since they are added up anyway.
const SLICES: u32 = 4;

/// A run of so many names, phases and seconds, with all that a record can hold.
fn large(names: u32, phases: u32, seconds: u32) -> RunRecord {
    let all: Vec<_> = (0..names)
        .map(|name| {
            traffic(
                format!("GET /catalog/items/{name}/details"),
                210,
                20.0 + f64::from(name),
            )
        })
        .collect();
    let run = (0..phases).fold(record(), |run, phase| {
        run.steady(&format!("phase-{phase}")).slices(SLICES, &all)
    });
    let length = f64::from(seconds) / f64::from(phases * SLICES);
    run.with(|run| {
        for (index, slice) in run.slices.iter_mut().enumerate() {
            (slice.start_s, slice.length_s) = (index as f64 * length, length);
        }
        let second = |k: u32| SecondRecord {
            users: 40 + k % 7,
            requests: 1000 + u64::from(k % 50),
            errors: u64::from(k.is_multiple_of(11)),
            kinds: std::collections::BTreeMap::new(),
            p50_ms: Some(f64::from(20 + k % 5)),
            p95_ms: Some(f64::from(40 + k % 9)),
            p99_ms: Some(f64::from(70 + k % 31)),
        };
        run.timeline = (0..seconds).map(second).collect();
        let mut parts = Parts::default();
        for k in 1..200 {
            for of in [&mut parts.service, &mut parts.first_byte, &mut parts.warm] {
                of.record_micros(20_000 + k * 100);
            }
        }
        parts.cold.record_micros(400_000);
        for phase in 0..phases {
            for request in 0..names {
                run.parts.push(PartsRecord {
                    phase: phase as usize,
                    arm: Arm::Target,
                    request: request as usize,
                    parts: parts.clone(),
                });
            }
        }
    })
    .build()
}

#[test]
fn a_page_is_small_and_has_every_second() {
    for (names, phases, seconds, most) in [(20, 5, 600, 1_500_000), (2, 1, 60, 200_000)] {
        let run = large(names, phases, seconds);
        let before = samples::recorded((0..5).map(|_| run.clone()));
        let sample = samples::gate(run).after(&before).judged_whole();
        let page = html(&sample.story());
        assert!(page.len() <= most, "{} bytes for {names} names", page.len());
        assert_harmless(&page);
        let seconds = seconds as usize;
        assert_eq!(points(figure(&page, "latency")), [seconds; 3]);
        for id in ["users", "rate", "errors"] {
            assert_eq!(points(figure(&page, id)), [seconds], "{id}");
        }
        let concurrency: usize = points(figure(&page, "concurrency")).iter().sum();
        assert_eq!(concurrency, seconds);
        for name in 0..names {
            assert_eq!(
                points(figure(&page, &format!("distribution-{name}"))).len(),
                2
            );
        }
    }
}

#[test]
fn a_run_of_hours_has_no_more_points_than_can_be_seen() {
    let sample = samples::gate(large(1, 1, 7200)).judged_whole();
    let page = html(&sample.story());
    assert_eq!(points(figure(&page, "latency")), [600; 3]);
    assert!(page.contains("by 12 seconds"));
}

#[test]
fn figures_are_beside_earlier_ones_by_name_phase_and_kind() {
    for (name, past) in [("more errors", ", before"), ("duet failed", ", base")] {
        let page = html(&story(name).story());
        assert!(page.contains(past), "{name}");
    }
    let page = html(&story("more errors").story());
    let errors = &page[page.find("<caption>Errors by kind").unwrap()..];
    let errors = &errors[..errors.find("</table>").unwrap()];
    assert!(errors.contains("<th scope=\"col\">before</th>"), "{errors}");
    let page = html(&story("guide").story());
    let tables: Vec<&str> = page.split("<caption>Latency in ").skip(1).collect();
    assert_eq!(tables.len(), 4, "a table for each phase");
    let (in_phase, _) = tables[0].split_once("</table>").unwrap();
    for head in ["requests/s", "error rate", "average", "P90", "P99.9", "max"] {
        assert!(
            in_phase.contains(&format!("<th scope=\"col\">{head}</th>")),
            "{head}"
        );
    }
    // Both together and each of two names, and the heads.
    assert_eq!(in_phase.matches("<tr>").count(), 4, "{in_phase}");
}

#[test]
fn behind_every_plot_stand_its_numbers() {
    let duet = samples::duet_whole();
    let small = samples::gate(large(3, 2, 40));
    let run = large(3, 2, 40);
    let before = samples::recorded((0..5).map(|_| run.clone()));
    let compared = samples::gate(run).after(&before).judged_whole();
    let others = [
        ("duet", &duet),
        ("small", &small.judged_whole()),
        ("compared", &compared),
    ]
    .map(|(name, sample)| (name, html(&sample.story())));
    let all = all()
        .iter()
        .map(|(name, sample)| (*name, html(&sample.story())));
    let mut tables = 0;
    for (name, page) in all.chain(others) {
        for figure in page.split("<figure class=\"plot\"").skip(1) {
            let figure = figure.split_once("</figure>").unwrap().0;
            let (_, body) = figure.split_once("<tbody>").unwrap();
            assert!(body.starts_with("<tr"), "{name}: {figure}");
            tables += 1;
        }
    }
    assert!(tables > 60, "{tables}");
}

#[test]
fn a_name_without_a_judged_percentile_says_how_it_changed() {
    // Rare enough that nothing of it is judged, and often enough for a curve.
    let run = |millis: f64| {
        let all = [
            traffic("GET /often", 2100, 40.0),
            traffic("GET /rare", 8, millis),
        ];
        record().steady("warm").slices(4, &all).build()
    };
    let before = samples::recorded((0..5).map(|_| run(20.0)));
    let sample = samples::gate(run(30.0)).after(&before).judged_whole();
    let page = html(&sample.story());
    let change = figure(&page, "change-1");
    assert!(change.contains("No percentile was judged"), "{change}");
    assert!(
        change.contains("<th scope=\"row\">P50</th><td>+"),
        "{change}"
    );
    assert!(!change.contains("class=\"band\""), "{change}");
    assert_eq!(points(change).len(), 1);
}

#[test]
fn the_last_part_of_a_second_is_not_a_fall_as_the_caption_says() {
    let mut run = large(2, 1, 30);
    run.run.duration_s = 30.02;
    let mut last = run.timeline[29].clone();
    (last.requests, last.users) = (20, 0);
    run.timeline.push(last);
    let page = html(&samples::gate(run).judged_whole().story());
    for id in ["rate", "users", "errors"] {
        assert_eq!(points(figure(&page, id)), [30], "{id}");
    }
    let rate = figure(&page, "rate");
    assert!(
        rate.contains("The last point stands for 1.02\u{a0}s."),
        "{rate}"
    );
    let last = rate.rsplit("<tr ").next().unwrap();
    let requests = last
        .rsplit("<td>")
        .next()
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    let requests: f64 = requests.replace(',', "").parse().unwrap();
    assert!((900.0..1100.0).contains(&requests), "{last}");
}

#[test]
fn short_turns_of_a_duet_are_shown_slice_by_slice() {
    let second = SecondRecord {
        users: 20,
        requests: 1000,
        errors: 0,
        kinds: std::collections::BTreeMap::new(),
        p50_ms: Some(20.0),
        p95_ms: Some(40.0),
        p99_ms: Some(60.0),
    };
    let mut short = samples::duet_whole();
    let run = &mut short.records[0];
    let last = run.slices.last().unwrap();
    run.run.duration_s = last.start_s + last.length_s;
    run.timeline = vec![second.clone(); 24];
    let page = html(&short.story());
    // Twelve pairs, of which each slice has three quantiles.
    assert_eq!(points(figure(&page, "latency")), [12; 6]);
    assert_eq!(points(figure(&page, "rate")), [24]);
    assert!(page.contains("Slice by slice"));
    let latency = figure(&page, "latency");
    assert!(latency.contains("P95 of the median slice: "), "{latency}");

    let mut long = samples::duet_whole();
    let run = &mut long.records[0];
    let mut at = 0.0;
    for slice in &mut run.slices {
        (slice.start_s, slice.length_s) = (at, 5.0);
        at += 5.3;
    }
    run.run.duration_s = at;
    run.timeline = vec![second; 128];
    let page = html(&long.story());
    assert!(page.contains("Second by second"));
    let latency = figure(&page, "latency");
    let each = points(latency);
    assert!(
        latency.contains("Seconds in which both were loaded are left out."),
        "{latency}"
    );
    let both = latency.matches("<td>both</td>").count();
    assert!((10..30).contains(&both), "{both}");
    assert_eq!(
        each.iter().sum::<usize>(),
        3 * (figure(&page, "rate").matches("<tr ").count() - both)
    );
}

#[test]
fn minutes_of_cloudwatch_are_bars_on_the_axis_of_the_run() {
    let mut run = large(1, 2, 90);
    let mut figures = samples::aws_figures();
    // Of the run are the minutes from 12 s before it on and from 48 s on; a phase ends after 45 s.
    figures.series[0]
        .points
        .extend([(-72.0, 9.0), (108.0, 9.0)]);
    figures.series[1].points = vec![(-12.0, 0.0), (48.0, 0.0)];
    run.aws = Some(AwsRecord {
        services: samples::aws_services(),
        figures: Some(figures),
    });
    let page = html(&samples::gate(run).judged_whole().story());
    assert_harmless(&page);
    let latency = figure(&page, "cloudwatch-0");
    assert_eq!(points(latency), [8], "two bars of four corners");
    assert!(latency.contains("44.1\u{a0}ms, in the minute that covers 0\u{a0}s to 48\u{a0}s"));
    for (time, phases) in [
        ("0 s to 48 s", "phase-0, phase-1"),
        ("48 s to 1:30", "phase-1"),
    ] {
        let row = format!("<th scope=\"row\">{time}</th><td>{phases}</td>");
        assert!(latency.contains(&row), "{latency}");
    }
    assert!(
        figure(&page, "cloudwatch-1").contains("Duration of"),
        "what was zero is left out"
    );
    assert!(!page.contains("id=\"cloudwatch-3\""));
}
