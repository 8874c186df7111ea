//! Where time went by: silences begin with who waits and end with who is served.

use super::super::{Arm, LatencyHistogram};
use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Slices of 64 s, so that a moment lasts a second; one flow for each class and request.
fn slices(flows: &[&[(u32, u32, u64, u64)]]) -> Vec<Slice> {
    let slice = |(index, flows): (usize, &&[(u32, u32, u64, u64)])| Slice {
        phase: 0,
        pass: 0,
        arm: Arm::Target,
        pair: None,
        start: SECOND * 64 * u32::try_from(index).unwrap(),
        length: SECOND * 64,
        late: LatencyHistogram::new(),
        cells: Vec::new(),
        flows: flows
            .iter()
            .map(|(class, request, succeeded, waited)| Flow {
                class: *class,
                request: *request,
                succeeded: *succeeded,
                waited: *waited,
                ..Flow::default()
            })
            .collect(),
    };
    flows.iter().enumerate().map(slice).collect()
}

/// Class, request, first and last second and whole length of each silence, by slice.
type Found = (Option<usize>, Option<usize>, u64, u64, u64);

fn found(slices: &[Slice]) -> Vec<Vec<Found>> {
    let slices: Vec<&Slice> = slices.iter().collect();
    let seen = |silence: &Silence| {
        let seconds = [silence.from, silence.to, silence.whole].map(|time| time.as_secs());
        (
            silence.class,
            silence.request,
            seconds[0],
            seconds[1],
            seconds[2],
        )
    };
    let of_slice = |all: &Vec<Silence>| all.iter().map(seen).collect();
    silences(&slices).iter().map(of_slice).collect()
}

/// The moments from the first to before the last.
fn moments(from: u32, to: u32) -> u64 {
    (from..to).fold(0, |bits, moment| bits | 1 << moment)
}

#[test]
fn a_silence_lasts_from_the_first_wait_to_the_next_success() {
    let slices = slices(&[&[(0, 0, moments(0, 10) | moments(30, 40), moments(9, 31))]]);
    let expected = |request| (None, request, 10, 30, 20);
    assert_eq!(found(&slices), [vec![expected(None), expected(Some(0))]]);
}

#[test]
fn time_in_which_nobody_waits_is_no_silence() {
    let slices = slices(&[&[(0, 0, 1 | 1 << 63, 0)], &[(0, 0, 0, 0)]]);
    assert_eq!(found(&slices), [vec![], vec![]]);
}

#[test]
fn between_two_failures_nothing_was_served() {
    let slices = slices(&[&[(0, 0, 1, 1 << 10 | 1 << 40)]]);
    assert_eq!(found(&slices)[0][0], (None, None, 10, 41, 31));
}

#[test]
fn a_silence_goes_on_from_slice_to_slice() {
    let slices = slices(&[
        &[(0, 0, moments(0, 54), moments(54, 64))],
        &[(0, 0, 0, u64::MAX)],
        &[(0, 0, moments(6, 64), moments(0, 7))],
    ]);
    let overall: Vec<Found> = found(&slices).iter().map(|of| of[0]).collect();
    let expected = [(54, 64), (0, 64), (0, 6)].map(|(from, to)| (None, None, from, to, 80));
    assert_eq!(overall, expected);
}

#[test]
fn one_of_two_classes_is_silent_by_itself() {
    let slices = slices(&[&[(0, 0, u64::MAX, 0), (1, 0, 1, moments(1, 64))]]);
    assert_eq!(found(&slices), [[(Some(1), Some(0), 1, 64, 63)]]);
}

#[test]
fn what_goes_on_while_the_load_pauses_counts() {
    let flow: &[_] = &[(0, 0, u64::MAX >> 1, 1 << 63)];
    let mut slices = slices(&[flow; 2]);
    slices[0].flows[0].end_after(SECOND * 9, false);
    slices[1].flows[0].end_after(SECOND * 9, false);
    slices[1].flows[0].end_after(SECOND * 4, true);
    assert_eq!(found(&slices)[0][0], (None, None, 63, 64, 10));
    assert_eq!(found(&slices)[1][0], (None, None, 63, 64, 5));
}

#[test]
fn moments_cover_a_slice() {
    let moments = SliceInstants::new(SECOND);
    assert_eq!(moments.index(Duration::ZERO), 0);
    assert_eq!(moments.index(SECOND), 63);
    assert_eq!(moments.between(Duration::ZERO, SECOND), u64::MAX);
    assert_eq!(moments.between(SECOND / 2, SECOND / 2), 1 << 32);
}

#[test]
fn cores_are_merged() {
    let (mut mine, mut other) = (Flow::default(), Flow::default());
    mine.complete(SECOND * 2);
    mine.complete(SECOND * 3);
    other.complete(SECOND);
    other.end_after(SECOND, true);
    mine.end_after(SECOND * 5, false);
    mine.merge(&other);
    assert_eq!((mine.completed, mine.first), (3, Some(SECOND)));
    assert_eq!((mine.after, mine.recovered), (SECOND * 5, Some(SECOND)));
}
