//! How noisy a run was, and how much more would let it see what it must.

use super::*;
use crate::measurement::Arm;

/// Twelve pairs whose medians swing by a factor about 100 ms, on either side alike.
fn swinging(factor: f64) -> RunRecord {
    let medians = [100.0, 100.0 * factor, 100.0 / factor, 100.0].into_iter();
    let medians = medians.cycle().take(12);
    let pairs = medians.fold(record().steady("warm"), |run, median| {
        // The other side swings the other way, so that pairs do not cancel it.
        run.pair(&both(median), &both(10_000.0 / median))
    });
    pairs.build()
}

fn enough(verdict: &Verdict) -> Option<SampleSizeAdvice> {
    verdict.warnings.iter().find_map(|caution| {
        let Warning::CannotDetect { advice: enough, .. } = caution else {
            return None;
        };
        *enough
    })
}

#[test]
fn a_duets_noise_is_that_of_its_base() {
    let verdict = judged_alone(&thresholds(), &swinging(1.1));
    let noise = verdict.noise.unwrap();
    assert_eq!((noise.arm, noise.metric), (Arm::Base, Metric::P95));
    assert!((0.05..0.1).contains(&noise.spread), "{noise:?}");
    assert_eq!(noise.usual_spread, None);
}

#[test]
fn a_run_far_noisier_than_the_baseline_is_called_so() {
    let quiet = judged_against(&thresholds(), &shop(100.0), &history(10));
    assert!(!quiet.warnings.contains(&Warning::Noisy));
    let medians = [60.0, 100.0, 160.0].into_iter().cycle().take(12);
    let loud = medians.fold(record().steady("warm"), |run, median| {
        run.slice(&both(median))
    });
    let verdict = judged_against(&thresholds(), &loud.build(), &history(10));
    assert!(
        verdict.warnings.contains(&Warning::Noisy),
        "{:?}",
        verdict.noise
    );
}

#[test]
fn a_noisy_duet_says_how_many_pairs_would_see_enough() {
    let turns = |run: &mut RunRecord| {
        run.duet = Some(crate::record::DuetSettings {
            interleaving: crate::measurement::Interleaving::Turns,
            pairs: 12,
            slice_s: 1.0,
            guard_s: 0.5,
            looks: 1,
            look: None,
            restart_every: None,
        });
    };
    let mut run = swinging(1.15);
    turns(&mut run);
    let Some(SampleSizeAdvice::Pairs { pairs, seconds }) =
        enough(&judged_alone(&thresholds(), &run))
    else {
        panic!("no number of pairs");
    };
    assert!(pairs > 12, "{pairs}");
    assert!((seconds - f64::from(pairs) * 3.0).abs() < 1e-6, "{seconds}");

    let mut quiet = swinging(1.0);
    turns(&mut quiet);
    assert_eq!(enough(&judged_alone(&thresholds(), &quiet)), None);
}

#[test]
fn a_noisy_history_says_how_many_parallel_jobs_would_see_enough() {
    let medians = [88.0, 100.0, 112.0, 94.0, 106.0, 100.0, 90.0, 110.0];
    let jobs: Vec<Job> = medians
        .map(|median| Job::from_record(&shop(median), false))
        .into();
    let verdict = judged_against(&thresholds(), &shop(100.0), &jobs);
    assert!(
        matches!(enough(&verdict), Some(SampleSizeAdvice::ParallelJobs(jobs)) if jobs > 1),
        "{:?}",
        verdict.warnings
    );
}
