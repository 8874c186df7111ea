//! Latencies held against the crate `hdrhistogram`, and against themselves in every form.

use proptest::prelude::*;

use super::*;

fn recorded(micros: &[u64]) -> LatencyHistogram {
    let mut latencies = LatencyHistogram::new();
    for value in micros {
        latencies.record_micros(*value);
    }
    latencies
}

/// Latencies that often meet in a counter, and from all over the range.
fn latencies() -> impl Strategy<Value = Vec<u64>> {
    let latency = prop_oneof![0u64..40, 20_000u64..21_000, 0u64..700_000_000];
    prop::collection::vec(latency, 0..80)
}

fn dense(micros: &[u64], resolution: Resolution) -> Histogram<u64> {
    let mut histogram = Open::new(resolution).histogram;
    for value in micros {
        histogram
            .record((*value).clamp(LOWEST_US, HIGHEST_US))
            .unwrap();
    }
    histogram
}

fn of_dense(histogram: &Histogram<u64>, resolution: Resolution) -> LatencyHistogram {
    let histogram = histogram.clone();
    LatencyHistogram(Counters::Open(Box::new(Open {
        resolution,
        histogram,
    })))
}

fn read_back(latencies: &LatencyHistogram) -> LatencyHistogram {
    LatencyHistogram::from_bytes(&latencies.to_bytes()).unwrap()
}

#[test]
fn both_resolutions_can_be_made() {
    for resolution in [Resolution::Fine, Resolution::Coarse] {
        assert_eq!(
            Open::new(resolution).histogram.sigfig(),
            resolution.digits()
        );
    }
}

#[test]
fn quantiles_are_exact_to_three_digits() {
    let latencies = recorded(&(1..=1000).map(|k| k * 1000).collect::<Vec<_>>());
    for (q, seconds) in [(0.5, 0.5), (0.95, 0.95), (0.99, 0.99)] {
        let got = latencies.quantile(q).unwrap();
        assert!((got / seconds - 1.0).abs() < 1e-3, "{q}: {got}");
    }
}

#[test]
fn what_is_over_a_limit_is_counted() {
    let latencies = recorded(&[100, 200, 300, 400]);
    for (limit, over) in [(0.0, 4), (0.000_2, 2), (0.000_25, 2), (0.001, 0), (1e9, 0)] {
        assert_eq!(latencies.count_over(limit), over, "{limit}");
    }
}

#[test]
fn a_part_can_be_taken_out() {
    let all = recorded(&[100, 200, 300, 400]);
    assert_eq!(all.without(&recorded(&[100, 400])), recorded(&[200, 300]));
    assert!(all.without(&all).is_empty());
    assert_eq!(all.without(&LatencyHistogram::new()), all);
    assert_eq!(all.without(&recorded(&[700])), all, "it is no part of it");
}

#[test]
fn a_latency_out_of_bounds_counts_at_the_bound() {
    let latencies = recorded(&[0, u64::MAX]);
    assert_eq!(latencies.count(), 2);
    assert!(latencies.max().unwrap() >= 600.0);
}

#[test]
fn equal_latencies_are_recorded_at_once_and_counted_by_value() {
    let mut latencies = recorded(&[5, 5, 900]);
    latencies.record_many(5, 3);
    assert_eq!(latencies, recorded(&[5, 5, 5, 5, 5, 900]));
    assert_eq!(latencies.counts(), [(5, 5), (900, 1)]);
    assert!(LatencyHistogram::new().counts().is_empty());
}

#[test]
fn hostile_text_is_an_error_and_no_panic() {
    for text in [
        "",
        "AAAA",
        "!!!",
        "HISTFAAAAB54nJNpmSzMwMDAxAABzFCaEUoz2X+AsQB5nwTf",
    ] {
        assert!(LatencyHistogram::from_text(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn merging_equals_recording_all(a in prop::collection::vec(0u64..700_000_000, 0..50),
                                    b in prop::collection::vec(0u64..700_000_000, 0..50)) {
        let mut merged = recorded(&a);
        merged.merge(&recorded(&b));
        let all: Vec<u64> = a.into_iter().chain(b).collect();
        prop_assert_eq!(merged, recorded(&all));
    }

    #[test]
    fn a_sum_is_what_merging_gives(
        all in prop::collection::vec((latencies(), any::<bool>(), any::<bool>()), 0..6)
    ) {
        let all: Vec<LatencyHistogram> = all.into_iter().map(|(of, is_coarse, is_packed)| {
            let mut one = recorded(&of);
            if is_coarse {
                one = one.to_coarse();
            }
            if is_packed {
                one.compact();
            }
            one
        }).collect();
        let mut merged = LatencyHistogram::new();
        for one in &all {
            merged.merge(one);
        }
        let sum = LatencyHistogram::sum(&all);
        prop_assert_eq!(sum.count(), merged.count());
        prop_assert_eq!(sum, merged);
    }

    #[test]
    fn merging_is_associative(a in prop::collection::vec(0u64..1_000_000, 0..20),
                              b in prop::collection::vec(0u64..1_000_000, 0..20),
                              c in prop::collection::vec(0u64..1_000_000, 0..20)) {
        let (a, b, c) = (recorded(&a), recorded(&b), recorded(&c));
        let mut left = a.clone();
        left.merge(&b);
        left.merge(&c);
        let mut right = b;
        right.merge(&c);
        let mut whole = a;
        whole.merge(&right);
        prop_assert_eq!(left, whole);
    }

    #[test]
    fn text_is_read_back_as_written(values in prop::collection::vec(0u64..700_000_000, 0..100)) {
        let latencies = recorded(&values);
        prop_assert_eq!(LatencyHistogram::from_text(&latencies.to_text()).unwrap(), latencies);
    }

    #[test]
    fn what_is_compact_reads_and_records_as_before(values in prop::collection::vec(0u64..700_000_000, 0..100)) {
        let open = recorded(&values);
        let mut compact = open.clone();
        let mut emptied = open.clone();
        compact.compact();
        prop_assert_eq!(emptied.take_compact(), open.clone());
        prop_assert!(emptied.is_empty());
        prop_assert_eq!(&compact, &open);
        prop_assert_eq!(compact.count(), open.count());
        prop_assert_eq!(compact.to_text(), open.to_text());
        compact.record_micros(5);
        let mut more = open;
        more.record_micros(5);
        prop_assert_eq!(compact, more);
    }

    #[test]
    fn what_is_read_is_what_hdrhistogram_reads(
        a in latencies(), b in latencies(), is_coarse in any::<bool>(), q in 0.0f64..=1.0, limit in 0u64..700_000_000,
    ) {
        let mut theirs = dense(&a, Resolution::Fine);
        theirs.add(dense(&b, Resolution::Fine)).unwrap();
        let (mut ours, other) = (read_back(&recorded(&a)), read_back(&recorded(&b)));
        ours.merge(&other);
        if is_coarse {
            let fine = std::mem::replace(&mut theirs, dense(&[], Resolution::Coarse));
            for bucket in fine.iter_recorded() {
                theirs.record_n(bucket.value_iterated_to(), bucket.count_at_value()).unwrap();
            }
            ours = ours.to_coarse();
        }
        prop_assert_eq!(ours.count(), theirs.len());
        let counts: Vec<_> = theirs.iter_recorded().map(|at| (at.value_iterated_to(), at.count_at_value())).collect();
        prop_assert_eq!(ours.counts(), counts);
        if theirs.is_empty() {
            prop_assert_eq!((ours.quantile(q), ours.mean(), ours.max()), (None, None, None));
            return Ok(());
        }
        // To the last bit: verdicts are the same on every machine.
        for q in [q, 0.0, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0, 1.5, -0.5, f64::NAN] {
            prop_assert_eq!(ours.quantile(q), Some(theirs.value_at_quantile(q) as f64 / 1e6), "{}", q);
        }
        prop_assert_eq!(ours.mean(), Some(theirs.mean() / 1e6));
        prop_assert_eq!(ours.max(), Some(theirs.max() as f64 / 1e6));
        let over = theirs.len() - theirs.count_between(0, limit.max(1));
        prop_assert_eq!(ours.count_over(limit as f64 / 1e6), if limit == 0 { theirs.len() } else { over });
        let mut both = LatencyHistogram::from_counts(ours.counts());
        both.record_micros(5);
        if !is_coarse {
            ours.record_micros(5);
            prop_assert_eq!(both, ours);
        }
    }

    #[test]
    fn a_part_is_taken_out_as_hdrhistogram_does(a in latencies(), b in latencies(), coarse in any::<[bool; 2]>()) {
        let [resolution, other] = coarse.map(|is| if is { Resolution::Coarse } else { Resolution::Fine });
        let (mut all, part) = (dense(&a, resolution), dense(&b, other));
        let ours = of_dense(&all, resolution).without(&of_dense(&part, other));
        let is_part = all.subtract(&part).is_ok();
        let theirs = if is_part { all } else { dense(&a, resolution) };
        prop_assert_eq!(ours, of_dense(&theirs, resolution));
    }

    #[test]
    fn resolutions_add_up_as_those_of_hdrhistogram_do(a in latencies(), b in latencies(), coarse in any::<[bool; 2]>()) {
        let [resolution, other] = coarse.map(|is| if is { Resolution::Coarse } else { Resolution::Fine });
        let (mut theirs, added) = (dense(&a, resolution), dense(&b, other));
        let mut ours = read_back(&of_dense(&theirs, resolution));
        ours.merge(&read_back(&of_dense(&added, other)));
        let mut opened = of_dense(&theirs, resolution);
        opened.open();
        opened.merge(&of_dense(&added, other));
        if theirs.is_empty() {
            prop_assert_eq!(&ours, &of_dense(&added, other), "of nothing the other is taken as it is");
        } else {
            theirs.add(&added).unwrap();
            prop_assert_eq!(&ours, &of_dense(&theirs, resolution));
        }
        prop_assert_eq!(ours, opened);
    }

    #[test]
    fn weighed_by_time_nothing_is_shorter_than_the_mean(
        millis in prop::collection::vec(1u64..100_000, 1..50)
    ) {
        let mut latencies = LatencyHistogram::new();
        for millis in millis {
            latencies.record(Duration::from_millis(millis));
        }
        let by_time = latencies.time_weighted().unwrap();
        prop_assert!(by_time >= latencies.mean().unwrap() * 0.999);
        prop_assert!(by_time <= latencies.max().unwrap() * 1.001);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = LatencyHistogram::from_bytes(&bytes);
    }
}
