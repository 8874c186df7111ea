//! Time in which nobody is served, names that are never sent, and deployments that do not answer.

use super::shop::{PROMISES, duet, failing, finished, history, second, shop};
use super::*;
use crate::measurement::{Arm, FailureKind, UnreachableCause};
use crate::record::samples::{record, traffic};
use crate::record::{Ended, SilenceRecord, UnsentRecord};

/// Tells of every slice when responses came: in these ones of an arm nobody was served.
fn silent(
    run: &mut RunRecord,
    arm: Arm,
    (class, request): (Option<&str>, Option<usize>),
    slices: std::ops::Range<usize>,
) {
    let whole_s = slices.len() as f64;
    let mut own = 0;
    for slice in &mut run.slices {
        let silences = slice.silences.get_or_insert_default();
        if slice.arm != arm {
            continue;
        }
        if slices.contains(&own) {
            silences.push(SilenceRecord {
                class: class.map(str::to_owned),
                request,
                from_s: 0.0,
                to_s: 1.0,
                after_s: 0.0,
                whole_s,
            });
        }
        own += 1;
    }
}

/// Nobody is served for most of the run.
pub(in crate::report) fn silent_target() -> Sample {
    let mut run = shop(40.0);
    silent(&mut run, Arm::Target, (None, None), 2..12);
    gate(run).after(history()).promising(PROMISES).judged()
}

/// One name is silent for one class of users, one only fails, one is never sent, and a rare one neither.
pub(in crate::report) fn silent_names() -> Sample {
    let [orders, profile] = second(40.0);
    let dead = traffic("GET /stock", 20, 10.0).failing(FailureKind::Status(500), 20);
    let mut run = finished(record().steady("warm").slices(12, &[orders, profile, dead]));
    silent(&mut run, Arm::Target, (Some("buyers"), Some(1)), 2..12);
    for (name, expected) in [("GET /report", 40.0), ("GET /login", 3.0)] {
        run.unsent.push(UnsentRecord {
            request: run.requests.len(),
            expected,
        });
        run.requests.push(name.to_owned());
    }
    gate(run).after(history()).promising(PROMISES).judged()
}

/// One name is silent for too short a time to fail.
pub(in crate::report) fn short_silence() -> Sample {
    let mut run = shop(40.0);
    silent(&mut run, Arm::Target, (Some("buyers"), Some(1)), 2..8);
    gate(run).after(history()).promising(PROMISES).judged()
}

/// A limit on unavailable time that is written and holds.
pub(in crate::report) fn availability_kept() -> Sample {
    let mut run = shop(40.0);
    silent(&mut run, Arm::Target, (None, None), 4..4);
    gate(run)
        .after(history())
        .promising("limits: { overall: { unavailable: 10% } }")
        .judged()
}

fn silent_base_in(whom: (Option<&str>, Option<usize>)) -> Sample {
    let mut run = duet(&second(40.0), &second(40.2)).records.remove(0);
    silent(&mut run, Arm::Base, whom, 2..10);
    gate(run).against("8d10e7f").promising(PROMISES).judged()
}

/// The base of a duet serves nobody for most of the time.
pub(in crate::report) fn silent_base() -> Sample {
    silent_base_in((None, None))
}

/// One name of the base of a duet is silent.
pub(in crate::report) fn silent_name_of_base() -> Sample {
    silent_base_in((None, Some(1)))
}

/// A deployment that cannot be loaded for this reason.
pub(in crate::report) fn unreachable_since(arm: Arm, cause: UnreachableCause) -> Sample {
    let mut run = duet(&failing(FailureKind::Connect, 1), &second(40.0))
        .records
        .remove(0);
    run.slices.clear();
    run.parts.clear();
    run.run.ended = Ended::Unreachable {
        arm,
        cause,
        why: "what the system says of it".to_owned(),
    };
    gate(run).against("8d10e7f").judged()
}
