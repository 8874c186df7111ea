//! What a request costs apart from the system: reading its answer, rendering it, counting it, scheduling it.
//!
//! `cargo bench --bench hot`
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark whose input is broken should fail loudly"
)]

#[path = "../tests/large.rs"]
mod large;

use std::fmt::Write as _;
use std::slice::from_ref;
use std::time::Duration;

use divan::{Bencher, black_box};
use loadgate::load::http::h1::{LastHead, Reader};
use loadgate::load::http::{Expected, render_into};
use loadgate::load::schedule::Schedule;
use loadgate::load::timetable::Timetable;
use loadgate::measurement::LatencyHistogram;
use loadgate::record::RunRecord;
use loadgate::report::{self, Colour};
use loadgate::scenario::{self, Format, Table};

fn main() {
    divan::main();
}

/// What an API Gateway answers to a catalogue's list: ten headers and 1.2 kB of JSON.
fn answer() -> Vec<u8> {
    let body = "x".repeat(1200);
    let headers = [
        ("date", "Tue, 24 Nov 2026 10:42:00 GMT"),
        ("content-type", "application/json"),
        ("connection", "keep-alive"),
        ("x-amzn-requestid", "5f0c1f3e-7a0b-4f53-9a3e-6f1f0f7ad1c2"),
        ("x-amz-apigw-id", "Wv1T6E1VIAMF0dQ="),
        (
            "x-amzn-trace-id",
            "Root=1-6564a3c8-2f9a4b7e1d0c5a6b7c8d9e0f",
        ),
        ("cache-control", "no-store"),
        ("vary", "Accept-Encoding"),
        ("x-cold-start", "false"),
        ("content-length", "1200"),
    ];
    let lines = headers.map(|(name, value)| format!("{name}: {value}\r\n"));
    format!("HTTP/1.1 200 OK\r\n{}\r\n{body}", lines.concat()).into_bytes()
}

#[divan::bench]
fn an_answer_is_read(bencher: Bencher) {
    let wanted = ["x-cold-start".parse().unwrap()];
    let expected = Expected {
        headers: &wanted,
        ..Expected::default()
    };
    read(bencher, expected);
}

#[divan::bench]
fn an_answer_with_the_head_of_the_one_before_is_read(bencher: Bencher) {
    read(bencher, Expected::default());
}

fn read(bencher: Bencher, expected: Expected<'_>) {
    let (answer, mut last) = (answer(), LastHead::default());
    bencher.bench_local(|| {
        let mut reader = Reader::new(expected);
        black_box(reader.feed(black_box(&answer), &mut last)).unwrap();
        reader.take_answer()
    });
}

#[divan::bench]
fn a_request_is_rendered(bencher: Bencher) {
    let headers = [
        ("User-Agent", "loadgate/0.1.0"),
        ("Accept", "application/json"),
        ("X-Session-Id", "5f0c1f3e-7a0b-4f53-9a3e-6f1f0f7ad1c2"),
        (
            "Authorization",
            "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
        ),
    ];
    let mut bytes = Vec::new();
    bencher.bench_local(|| {
        let target = black_box("/prod/catalog/items?category=electronics&limit=20");
        render_into(&mut bytes, "GET", "api.example.com", target, &headers, None).unwrap();
        black_box(bytes.len())
    });
}

#[divan::bench]
fn a_latency_is_counted(bencher: Bencher) {
    let mut latencies = LatencyHistogram::new();
    let mut micros = 1000;
    bencher.bench_local(|| {
        micros = micros * 7 % 99_991;
        latencies.record(black_box(Duration::from_micros(micros)));
    });
}

#[divan::bench]
fn ten_thousand_latencies_are_packed(bencher: Bencher) {
    bencher
        .with_inputs(|| {
            let mut latencies = LatencyHistogram::new();
            for n in 0..10_000_u64 {
                latencies.record(Duration::from_micros(20_000 + n * 7919 % 30_000));
            }
            latencies
        })
        .bench_local_values(|mut latencies| {
            latencies.compact();
            latencies
        });
}

#[divan::bench(args = ["even", "poisson"])]
fn ten_thousand_arrivals_are_scheduled(bencher: Bencher, spacing: &str) {
    let text = format!(
        "name: x\nuser_classes: [{{ name: a, tasks: [{{ steps: [{{ get: / }}] }}] }}]\nload: [{{ phase: a, arrivals: 1000/s..3000/s, for: 5s, spacing: {spacing} }}]\n"
    );
    let scenario = scenario::parse("scenario.yml", &text, &scenario::Inputs::default()).unwrap();
    let table = Timetable::new(&scenario.load);
    bencher.bench(|| Schedule::new(&table, &[1], 7).count());
}

/// A row is taken once for each pass of a user: of a million rows it must cost what it costs of ten.
#[divan::bench(args = [10, 1_000_000])]
fn a_row_of_data_is_taken(bencher: Bencher, rows: usize) {
    let mut text = String::from("email,number\n");
    for row in 0..rows {
        let _ = writeln!(text, "user_{row:07}@example.com,{}", row * 7919 % 1000);
    }
    let table = Table::read(Format::Csv, text.as_bytes()).unwrap();
    let mut index = 0;
    bencher.bench_local(|| {
        // A step that is far from the last one, as a random draw's is.
        index = (index + 379_721) % rows;
        table.row(black_box(index))
    });
}

/// Twenty names, five phases, ten minutes.
fn large_result() -> String {
    large::record(20, 600).to_json()
}

#[divan::bench]
fn a_large_result_is_read(bencher: Bencher) {
    let json = large_result();
    bencher.bench(|| RunRecord::from_json("result.json", black_box(&json)).unwrap());
}

#[divan::bench]
fn a_large_result_is_read_and_its_page_is_drawn(bencher: Bencher) {
    let json = large_result();
    let judged = large::Judged::of(RunRecord::from_json("result.json", &json).unwrap());
    bencher.bench(|| {
        let record = RunRecord::from_json("result.json", black_box(&json)).unwrap();
        report::html(&report::View::new(report::ReportInput {
            record: &record,
            ..judged.input()
        }))
    });
}

#[divan::bench]
fn a_large_result_is_read_and_judged_and_every_report_is_told(bencher: Bencher) {
    let json = large_result();
    bencher.bench(|| {
        let record = RunRecord::from_json("result.json", black_box(&json)).unwrap();
        let judged = large::Judged::of(record);
        let view = judged.view();
        [
            report::junit(from_ref(&view)),
            report::summary(from_ref(&view)),
            report::html(&view),
            report::metrics(&view),
            report::gated(from_ref(&view)),
            report::performance(&view),
            report::terminal(&view, 80, Colour::Never),
        ]
    });
}
