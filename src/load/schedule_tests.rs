//! What a schedule promises: the right count, in order, without drift.

use proptest::prelude::*;

use super::*;
use crate::scenario::Phase;

fn load(shapes: &[(Shape, u64)]) -> Timetable {
    let phases: Vec<_> = shapes
        .iter()
        .enumerate()
        .map(|(index, (shape, millis))| Phase {
            name: format!("p{index}"),
            index,
            pass: 0,
            passes: 1,
            duration: Duration::from_millis(*millis),
            shape: *shape,
            measure: true,
        })
        .collect();
    Timetable::new(&phases)
}

fn users(from: u32, to: u32) -> Shape {
    Shape::Users { from, to }
}

fn arrivals(from: f64, to: f64, spacing: Spacing) -> Shape {
    Shape::Arrivals {
        from,
        to,
        spacing,
        max_users: 10,
    }
}

fn stays(table: &Timetable, weights: &[u32]) -> Vec<UserSession> {
    Schedule::new(table, weights, 1)
        .filter_map(|(_, start)| match start {
            LoadEvent::Join(stay) => Some(stay),
            LoadEvent::Window(_) | LoadEvent::Arrive(_) => None,
        })
        .collect()
}

fn dues(table: &Timetable, seed: u64) -> Vec<Duration> {
    Schedule::new(table, &[1], seed)
        .filter_map(|(_, start)| match start {
            LoadEvent::Arrive(arrival) => Some(arrival.due),
            LoadEvent::Window(_) | LoadEvent::Join(_) => None,
        })
        .collect()
}

fn present(stays: &[UserSession], at: Duration) -> usize {
    stays
        .iter()
        .filter(|stay| stay.join <= at && at < stay.leave)
        .count()
}

#[test]
fn a_ramp_of_users_follows_its_line() {
    let table = load(&[
        (users(0, 20), 10_000),
        (users(20, 20), 5_000),
        (users(20, 0), 10_000),
    ]);
    let stays = stays(&table, &[1]);
    assert_eq!(stays.len(), 20);
    for (millis, count) in [
        (0, 0),
        (300, 1),
        (5_010, 10),
        (10_000, 20),
        (14_999, 20),
        (20_010, 10),
        (24_999, 0),
    ] {
        let got = present(&stays, Duration::from_millis(millis));
        assert_eq!(got, count, "at {millis} ms");
    }
}

#[test]
fn users_stay_across_phases_and_a_later_phase_makes_new_ones() {
    let table = load(&[
        (users(2, 2), 1_000),
        (users(3, 3), 1_000),
        (users(0, 0), 1_000),
        (users(1, 1), 1_000),
    ]);
    let secs = Duration::from_secs;
    let found: Vec<_> = stays(&table, &[1])
        .iter()
        .map(|stay| (stay.user, stay.join, stay.leave))
        .collect();
    assert_eq!(
        found,
        [
            (0, secs(0), secs(2)),
            (1, secs(0), secs(2)),
            (2, secs(1), secs(2)),
            (3, secs(3), secs(4))
        ]
    );
}

#[test]
fn users_leave_where_arrivals_begin() {
    let table = load(&[
        (users(2, 2), 1_000),
        (arrivals(5.0, 5.0, Spacing::Even), 1_000),
        (users(2, 2), 1_000),
    ]);
    let stays = stays(&table, &[1]);
    assert_eq!(stays.len(), 4);
    assert_eq!(present(&stays, Duration::from_millis(1_500)), 0);
}

#[test]
fn classes_share_the_users_by_weight() {
    let table = load(&[(users(8, 8), 1_000)]);
    let classes: Vec<_> = stays(&table, &[3, 1])
        .iter()
        .map(|stay| stay.class)
        .collect();
    assert_eq!(classes.iter().filter(|class| **class == 1).count(), 2);
}

#[test]
fn even_arrivals_are_exact_to_the_end_of_an_hour() {
    let table = load(&[(arrivals(1_000.0, 1_000.0, Spacing::Even), 3_600_000)]);
    let dues = dues(&table, 1);
    assert_eq!(dues.len(), 3_600_000);
    let last = dues[3_599_999].as_secs_f64();
    assert!((last - 3_599.999_5).abs() < 1e-6, "{last}");
}

#[test]
fn a_poisson_process_has_its_rate_and_its_spread() {
    let table = load(&[(arrivals(1_000.0, 1_000.0, Spacing::Poisson), 20_000)]);
    let dues = dues(&table, 7);
    // Five standard deviations of a Poisson count of mean 20,000.
    assert!((19_290..=20_710).contains(&dues.len()), "{}", dues.len());
    let long = dues
        .windows(2)
        .filter(|pair| pair[1].saturating_sub(pair[0]) > Duration::from_millis(1))
        .count();
    let share = long as f64 / dues.len() as f64;
    assert!((share - (-1.0_f64).exp()).abs() < 0.02, "{share}");
}

#[test]
fn idle_phases_and_rates_of_zero_yield_nothing() {
    let table = load(&[
        (users(0, 0), 1_000),
        (arrivals(0.0, 0.0, Spacing::Even), 1_000),
    ]);
    assert!(stays(&table, &[1]).is_empty() && dues(&table, 1).is_empty());
    assert_eq!(
        Schedule::new(&table, &[1], 1).count(),
        2,
        "the windows themselves"
    );
}

fn any_shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        (0u32..50, 0u32..50).prop_map(|(from, to)| users(from, to)),
        (0.0f64..300.0, 0.0f64..300.0, any::<bool>()).prop_map(|(from, to, even)| {
            arrivals(
                from,
                to,
                if even {
                    Spacing::Even
                } else {
                    Spacing::Poisson
                },
            )
        }),
    ]
}

proptest! {
    #[test]
    fn starts_come_in_order_and_inside_their_window(shapes in prop::collection::vec((any_shape(), 1u64..5_000), 1..5), seed: u64) {
        let table = load(&shapes);
        let (mut last, mut window) = (Duration::ZERO, 0);
        for (at, start) in Schedule::new(&table, &[2, 1], seed) {
            prop_assert!(at >= last);
            last = at;
            if let LoadEvent::Window(index) = start {
                window = index;
            }
            prop_assert!(table.windows[window].start <= at && at < table.windows[window].end);
        }
    }

    #[test]
    fn even_arrivals_have_the_count_of_the_integrated_rate(from in 0.0f64..500.0, to in 0.0f64..500.0, millis in 1u64..20_000) {
        let table = load(&[(arrivals(from, to, Spacing::Even), millis)]);
        let planned = f64::midpoint(from, to) * (millis as f64 / 1e3);
        let count = dues(&table, 1).len() as f64;
        prop_assert!((count - planned).abs() <= 0.5 + 1e-6, "{} of {}", count, planned);
    }

    #[test]
    fn the_number_of_users_is_that_of_the_line(ramps in prop::collection::vec((0u32..50, 0u32..50, 100u64..5_000), 1..5), share in 0.0f64..1.0) {
        let shapes: Vec<_> = ramps.iter().map(|(from, to, millis)| (users(*from, *to), *millis)).collect();
        let table = load(&shapes);
        let stays = stays(&table, &[1]);
        for (window, (from, to, _)) in table.windows.iter().zip(&ramps) {
            let at = window.start + window.length().mul_f64(share * 0.999);
            let line = f64::from(*from) + (f64::from(*to) - f64::from(*from)) * share * 0.999;
            let count = present(&stays, at) as f64;
            prop_assert!((count - line).abs() <= 0.5 + 1e-3, "{} users where the line has {}", count, line);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_schedule(seed: u64) {
        let table = load(&[(arrivals(50.0, 100.0, Spacing::Poisson), 2_000)]);
        prop_assert_eq!(dues(&table, seed), dues(&table, seed));
    }
}
