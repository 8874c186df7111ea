//! How large what a run leaves behind may be: it goes through artifact stores and into comments.

use loadgate::baseline::{self, Job, RING, store};
use loadgate::record::RunRecord;
use loadgate::report;

use crate::large::{Judged, record};

#[test]
fn a_large_result_and_its_reports_are_small_and_lose_nothing() {
    let json = record(20, 600).to_json();
    assert!(json.len() <= 2_000_000, "result.json: {}", json.len());
    let read = RunRecord::from_json("result.json", &json).unwrap();
    assert_eq!(read.to_json(), json, "nothing is lost");
    let judged = Judged::of(read);
    let story = judged.story();
    let page = report::html(&story);
    assert!(page.len() <= 1_500_000, "report.html: {}", page.len());
    for name in &judged.record.requests {
        assert!(page.contains(name.as_str()), "{name}");
    }
    let summary = report::summary(&[story]);
    assert!(summary.len() <= 60_000, "summary.md: {}", summary.len());
    for block in ["Phases side by side of", "Over time of", "Cold starts of"] {
        assert!(summary.contains(block), "{block}");
    }
}

#[test]
fn the_page_of_a_small_run_is_small() {
    let judged = Judged::of(record(4, 60));
    let page = report::html(&judged.story());
    assert!(page.len() <= 200_000, "report.html: {}", page.len());
}

#[test]
fn a_full_ring_of_twenty_names_takes_at_most_a_hundred_kilobytes() {
    let run = record(20, 600);
    let job = Job::of(&run, false);
    let ring = (0..RING).fold(None, |ring, day| {
        let mut job = job.clone();
        job.id = format!("20261128{day:03}-1");
        job.commit = Some(format!("8d10e7f{day:033}"));
        Some(baseline::add(ring, &run.scenario, job))
    });
    let ring = ring.unwrap();
    let text = store::to_json(&ring);
    assert!(text.len() <= 100_000, "{}", text.len());
    assert_eq!(store::parse("baseline.json", &text).unwrap(), ring);
    let lines = text
        .lines()
        .filter(|line| line.contains("GET /catalog/items/7\""));
    // In each job, and in the newest once for all five phases and once for each.
    assert_eq!(lines.count(), RING + 6, "a line for each name");
}
