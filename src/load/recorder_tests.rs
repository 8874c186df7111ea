//! What a recorder promises: every request is counted once, where it was due, whenever it ended.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Instant;

use proptest::prelude::*;

use super::super::http::Response;
use super::*;
use crate::scenario::{Phase, Shape};

const NAMES: usize = 2;
/// Sent, and its parts unknown.
static NOTHING: LazyLock<Exchange> = LazyLock::new(|| Exchange::started(Instant::now()));

fn table() -> Timetable {
    let phase = |index: usize, name: &str, seconds| Phase {
        name: name.into(),
        index,
        pass: 0,
        passes: 1,
        duration: Duration::from_secs(seconds),
        shape: Shape::Users { from: 1, to: 1 },
        measure: true,
    };
    Timetable::new(&[phase(0, "a", 2), phase(1, "b", 3)])
}

fn recorder() -> Recorder {
    let lane = |request| Lane { class: 0, request };
    let lanes: Vec<Lane> = (0..NAMES).map(lane).collect();
    Recorder::new(
        Arc::new(table()),
        (NAMES, &lanes),
        Arc::default(),
        Requests::Summed,
    )
}

fn sample(request: usize, due: u64, done: u64) -> RequestSample<'static> {
    let (due, done) = (Duration::from_millis(due), Duration::from_millis(done));
    RequestSample {
        request,
        lane: request,
        due,
        ended: done,
        done,
        latency: done.saturating_sub(due),
        queue: Duration::ZERO,
        late: Duration::ZERO,
        service: done.saturating_sub(due),
        failure: None,
        start: ColdStartMark::Untracked,
        id: None,
        exchange: Some(&NOTHING),
    }
}

fn finish(recorder: Recorder) -> Measurement {
    let end = Duration::from_secs(6);
    recorder.finish((end, end), vec!["x".into(), "y".into()])
}

#[test]
fn a_request_belongs_to_the_slice_and_phase_in_which_it_was_due() {
    let mut recorder = recorder();
    recorder.record(&sample(0, 1_990, 2_500));
    recorder.record(&sample(1, 2_000, 2_500));
    let measured = finish(recorder);
    let counts: BTreeMap<_, _> = measured
        .slices
        .iter()
        .filter_map(|slice| {
            let count: u64 = slice.cells.iter().map(RequestStats::requests).sum();
            (count > 0).then_some(((slice.phase, slice.start.as_millis()), count))
        })
        .collect();
    assert_eq!(counts, [((0, 1_750), 1), ((1, 2_000), 1)].into());
    let phases: Vec<_> = measured.parts.keys().map(|key| (key.0, key.2)).collect();
    assert_eq!(phases, [(0, 0), (1, 1)]);
}

#[test]
fn seconds_count_by_when_answers_came() {
    let mut recorder = recorder();
    recorder.join(Duration::ZERO);
    recorder.record(&sample(0, 100, 3_500));
    recorder.leave(Duration::from_millis(3_600));
    let seconds = finish(recorder).timeline;
    let found: Vec<_> = seconds
        .iter()
        .map(|second| (second.users, second.requests))
        .collect();
    assert_eq!(
        found,
        [(1, 0), (1, 0), (1, 0), (1, 1), (0, 0), (0, 0), (0, 0)]
    );
}

#[test]
fn what_was_cut_short_is_as_long_as_it_ran() {
    let mut recorder = recorder();
    recorder.record(&sample(0, 0, 100));
    let now = Duration::from_millis(600);
    let measured = recorder.finish((now, now), vec!["x".into(), "y".into()]);
    let lengths: Vec<_> = measured
        .slices
        .iter()
        .map(|slice| slice.length.as_millis())
        .collect();
    assert_eq!(lengths, [250, 250, 100]);
}

#[test]
fn the_parts_of_the_latency_add_up() {
    let mut recorder = recorder();
    recorder.record(&RequestSample {
        queue: Duration::from_millis(20),
        late: Duration::from_millis(1),
        service: Duration::from_millis(79),
        start: ColdStartMark::Cold,
        ..sample(0, 0, 100)
    });
    let mut measured = finish(recorder);
    let parts = measured.parts.remove(&(0, Arm::Target, 0)).unwrap();
    let millis = |latencies: &LatencyHistogram| latencies.quantile(0.5).unwrap() * 1e3;
    let sum = millis(&parts.queue) + millis(&parts.late) + millis(&parts.service);
    assert!((sum - 100.0).abs() < 0.2, "{sum}");
    assert!((millis(&parts.cold) - 100.0).abs() < 0.1);
    assert_eq!(parts.marked, 1);
}

#[test]
fn a_cold_start_counts_in_its_slice_however_late_it_ends() {
    let mut recorder = recorder();
    let cold = |due, done| RequestSample {
        start: ColdStartMark::Cold,
        ..sample(0, due, done)
    };
    recorder.record(&cold(0, 100));
    recorder.record(&cold(10, 900));
    recorder.record(&RequestSample {
        failure: Some(FailureKind::Status(500)),
        ..cold(20, 910)
    });
    recorder.record(&RequestSample {
        start: ColdStartMark::Warm,
        ..sample(0, 30, 920)
    });
    let measured = finish(recorder);
    let cell = &measured.slices[0].cells[0];
    assert_eq!((cell.succeeded.count(), cell.cold.count()), (3, 2));
    let parts = &measured.parts[&(0, Arm::Target, 0)];
    let counts = (parts.marked, parts.cold.count(), parts.warm.count());
    assert_eq!(counts, (4, 3, 1), "a cold failure is among the parts");
}

proptest! {
    // Each case opens and packs dozens of histograms.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_request_is_counted_once_and_where_it_was_due(
        mut requests in prop::collection::vec((0..NAMES, 0u64..5_000, 0u64..4_000, any::<bool>()), 0..200)
    ) {
        // A core records requests as they end.
        requests.sort_by_key(|(_, due, took, _)| due + took);
        let (mut recorder, table) = (recorder(), table());
        let mut expected = vec![vec![RequestStats::default(); NAMES]; table.slices.len()];
        for (request, due, took, failed) in requests {
            let failure = failed.then_some(FailureKind::Status(500));
            let sample = RequestSample { failure, ..sample(request, due, due + took) };
            recorder.record(&sample);
            expected[table.slice_at(sample.due)][request].record(Duration::from_millis(took), failure);
        }
        let measured = finish(recorder);
        prop_assert_eq!(measured.slices.len(), table.slices.len());
        for (slice, expected) in measured.slices.iter().zip(&expected) {
            prop_assert_eq!(&slice.cells, expected);
            prop_assert_eq!(slice.late.count(), expected.iter().map(RequestStats::requests).sum::<u64>());
        }
    }
}

#[test]
fn what_was_never_sent_kept_no_answer_busy() {
    let mut recorder = recorder();
    recorder.record(&sample(0, 100, 150));
    for failure in [FailureKind::Connect, FailureKind::Timeout] {
        recorder.record(&RequestSample {
            failure: Some(failure),
            ..sample(0, 200, 400)
        });
    }
    recorder.record(&RequestSample {
        failure: Some(FailureKind::Unset),
        exchange: None,
        ..sample(0, 300, 300)
    });
    for failure in [FailureKind::Unfinished, FailureKind::Unserved] {
        recorder.record(&RequestSample {
            failure: Some(failure),
            exchange: None,
            ..sample(0, 300, 700)
        });
    }
    let measured = finish(recorder);
    let sent: u64 = measured.parts.values().map(|own| own.service.count()).sum();
    assert_eq!(
        sent, 3,
        "the answer, and two that nobody gave or waited for"
    );
    let cells = measured.slices.iter().flat_map(|slice| &slice.cells);
    assert_eq!(cells.map(RequestStats::requests).sum::<u64>(), 6);
}

#[test]
fn a_response_on_a_kept_connection_counts_in_each_of_its_parts() {
    let ms = Duration::from_millis;
    let spent = |first_byte, body, new_connection: bool| {
        let mut exchange = Exchange::started(Instant::now());
        exchange.times.first_byte = Some(ms(first_byte));
        exchange.times.body = Some(ms(body));
        exchange.times.connect = new_connection.then_some(ms(3));
        exchange.new_connection = new_connection;
        exchange.bytes_in = 10;
        exchange
    };
    let all = [
        spent(47, 0, true),
        spent(50, 0, false),
        spent(50, 0, false),
        spent(40, 10, false),
    ];
    let mut recorder = recorder();
    // The third is due in another phase and is recorded again after its own has ended.
    for (sent, due) in all.iter().zip([0, 100, 1_900, 2_000]) {
        recorder.record(&RequestSample {
            exchange: Some(sent),
            ..sample(0, due, due + 50)
        });
    }
    recorder.record(&RequestSample {
        exchange: Some(&all[1]),
        ..sample(0, 1_950, 2_100)
    });
    let measured = finish(recorder);
    let found = |phase| {
        let parts = &measured.parts[&(phase, Arm::Target, 0)];
        let counts = |latencies: &LatencyHistogram| latencies.counts();
        let all = [
            &parts.service,
            &parts.first_byte,
            &parts.body,
            &parts.opened,
        ];
        (all.map(counts), parts.connections, parts.bytes)
    };
    let micros = |millis: u64| LatencyHistogram::from_counts([(millis * 1_000, 1)]).counts()[0].0;
    let first = (
        [
            vec![(micros(50), 3), (micros(150), 1)],
            vec![(micros(47), 1), (micros(50), 3)],
            vec![(1, 4)],
            vec![(micros(50), 1)],
        ],
        1,
        40,
    );
    assert_eq!(found(0), first);
    let second = (
        [
            vec![(micros(50), 1)],
            vec![(micros(40), 1)],
            vec![(micros(10), 1)],
            vec![],
        ],
        0,
        10,
    );
    assert_eq!(found(1), second);
}

#[test]
fn statuses_resent_requests_and_redirects_are_counted_by_name() {
    let exchange = |status, resent, unfollowed: Option<&str>| {
        let mut answer = Response::default();
        answer.status = status;
        Exchange {
            outcome: Ok(answer),
            resent,
            unfollowed: unfollowed.map(str::to_owned),
            ..Exchange::started(Instant::now())
        }
    };
    let mut recorder = recorder();
    // More distinct statuses than have a place of their own.
    for status in [200, 302, 200, 404, 500, 503, 429, 503, 429, 200] {
        let location = (status == 302).then_some("/login?token=secret");
        let exchange = exchange(status, status == 404, location);
        recorder.record(&RequestSample {
            exchange: Some(&exchange),
            ..sample(0, 100, 150)
        });
    }
    let left = exchange(301, false, Some("https://a.b/"));
    recorder.record(&RequestSample {
        exchange: Some(&left),
        failure: Some(FailureKind::Redirect),
        ..sample(1, 100, 150)
    });
    let mut measured = finish(recorder.clone());
    let of_second = measured.parts[&(0, Arm::Target, 1)].clone();
    assert_eq!(of_second.unfollowed, 0, "it is a failure");
    assert_eq!(of_second.redirect.as_deref(), Some("https://a.b/"));
    measured.merge(finish(recorder));
    let parts = &measured.parts[&(0, Arm::Target, 0)];
    let statuses = [(200, 6), (302, 2), (404, 2), (429, 4), (500, 2), (503, 4)];
    assert_eq!(parts.statuses, BTreeMap::from(statuses));
    assert_eq!((parts.resent, parts.unfollowed), (2, 2));
    assert_eq!(parts.redirect.as_deref(), Some("/login?…"));
}
