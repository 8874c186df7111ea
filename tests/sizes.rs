//! How large what a run leaves behind may be: it goes through artifact stores and into comments.

use std::fmt::Write as _;
use std::slice::from_ref;

use loadgate::baseline::{self, Job, RING, store};
use loadgate::record::RunRecord;
use loadgate::report;
use loadgate::scenario::{Format, Table};

use crate::large::{Judged, record};
#[cfg(target_os = "linux")]
use crate::support::{Server, eventually, gate, load_slot};

#[test]
fn a_large_result_and_its_reports_are_small_and_lose_nothing() {
    let json = record(20, 600).to_json();
    assert!(json.len() <= 2_000_000, "result.json: {}", json.len());
    let read = RunRecord::from_json("result.json", &json).unwrap();
    assert_eq!(read.to_json(), json, "nothing is lost");
    let judged = Judged::of(read);
    let view = judged.view();
    let page = report::html(&view);
    assert!(page.len() <= 1_500_000, "report.html: {}", page.len());
    for name in &judged.record.requests {
        assert!(page.contains(name.as_str()), "{name}");
    }
    let summary = report::summary(from_ref(&view));
    assert!(summary.len() <= 60_000, "summary.md: {}", summary.len());
    for block in ["Phases side by side of", "Over time of", "Cold starts of"] {
        assert!(summary.contains(block), "{block}");
    }
}

#[test]
fn the_page_of_a_small_run_is_small() {
    let judged = Judged::of(record(4, 60));
    let page = report::html(&judged.view());
    assert!(page.len() <= 200_000, "report.html: {}", page.len());
}

#[test]
fn a_full_ring_of_twenty_names_takes_at_most_100_kb() {
    let run = record(20, 600);
    let job = Job::from_record(&run, false);
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

/// A CSV file of so many accounts.
fn accounts(rows: usize) -> String {
    let mut text = String::from("email,number\n");
    for row in 0..rows {
        writeln!(text, "loadtest_user_{row:07}@example.com,{row}").unwrap();
    }
    text
}

#[test]
fn a_row_of_a_million_takes_as_much_work_as_one_of_ten() {
    let work = |rows: usize| {
        let table = Table::read(Format::Csv, accounts(rows).as_bytes()).unwrap();
        let counted = allocation_counter::measure(|| {
            for row in [0, rows / 2, rows - 1] {
                assert!(table.row(row)["email"].is_string());
            }
        });
        // The number in the last rows has more digits.
        let digits = [0, rows / 2, rows - 1].map(|row| row.to_string().len() as u64);
        let bytes = counted.bytes_total - digits.iter().sum::<u64>();
        (counted.count_total, bytes, counted.bytes_current)
    };
    assert_eq!(work(10), work(1_000_000));
}

#[test]
#[cfg(target_os = "linux")]
fn a_million_rows_cost_at_most_a_hundred_megabytes() {
    let gate = gate("").with_scenario(
        "name: sample\ndata: { accounts: accounts.csv }\nuser_classes: [{ name: a, wait: 50ms, tasks: [{ steps: [{ get: '/{{ accounts.email }}', name: get }] }] }]\n\
         load: [{ phase: warm, users: 4, for: 1s }]\n",
    );
    gate.write("accounts.csv", &accounts(1_000_000));
    let server = Server::fast();
    let _slot = load_slot();
    let mut run = gate.start(&server.url());
    // By then the rows are read, and some of them are sent.
    eventually("requests arrive", || server.received().len() > 20);
    let status = std::fs::read_to_string(format!("/proc/{}/status", run.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.unwrap().trim().trim_end_matches(" kB");
    let peak: u64 = peak.parse().unwrap();
    assert!(peak <= 100_000, "{peak} kB");
    run.wait().unwrap();
    let received = server.received();
    assert!(
        received
            .iter()
            .any(|it| it.path == "/loadtest_user_0000007%40example.com"
                || it.path == "/loadtest_user_0000007@example.com")
    );
}
