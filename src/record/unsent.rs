//! Names that a scenario plans and a run did not send.

use super::{SliceRecord, UnsentRecord};
use crate::measurement::Arm;
use crate::scenario::{Scenario, Step, Task, UserClass};
use crate::units::six_digits;

/// The names without a request to the deployment under test, with how many were to be expected.
///
/// What a task should have sent is known from another task of the class: as many times its requests as the weights say. Of a
/// step with a condition nothing is expected.
pub(super) fn unsent(scenario: &Scenario, slices: &[SliceRecord]) -> Vec<UnsentRecord> {
    let mut sent = vec![0; scenario.requests.len()];
    for slice in slices.iter().filter(|slice| slice.arm == Arm::Target) {
        for cell in &slice.cells {
            sent[cell.request] += cell.requests;
        }
    }
    let is_any = sent.iter().any(|count| *count > 0);
    let names = sent
        .iter()
        .enumerate()
        .filter(|(_, count)| is_any && **count == 0);
    names
        .map(|(request, _)| UnsentRecord {
            request,
            expected: six_digits(expected(scenario, request, &sent)),
        })
        .collect()
}

fn expected(scenario: &Scenario, request: usize, sent: &[u64]) -> f64 {
    let classes = scenario.user_classes.iter();
    let of_class = |class: &UserClass| -> f64 {
        let own = class
            .tasks
            .iter()
            .filter(|task| sends(&task.steps, request));
        let weight: f64 = own.map(|task| f64::from(task.weight)).sum();
        let passes = class
            .tasks
            .iter()
            .filter_map(|task| passes(scenario, task, sent));
        passes
            .map(|per_weight| per_weight * weight)
            .fold(0.0, f64::max)
    };
    classes.map(of_class).fold(0.0, f64::max)
}

/// Whether steps always send a request of a name.
fn sends(steps: &[Step], request: usize) -> bool {
    always(steps).any(|name| name == request)
}

/// Names of the steps that have no condition.
fn always(steps: &[Step]) -> impl Iterator<Item = usize> {
    let steps = steps.iter().filter(|step| step.when.is_none());
    steps.filter_map(|step| step.request().map(|request| request.name))
}

/// Passes through a task for each of its weight, known from a name that nothing else sends.
fn passes(scenario: &Scenario, task: &Task, sent: &[u64]) -> Option<f64> {
    let times = |name: usize| {
        let own = scenario.steps().filter_map(Step::request);
        own.filter(|request| request.name == name).count()
    };
    let own = always(&task.steps).filter(|name| times(*name) == 1);
    let most = own.map(|name| sent[name]).max()?;
    (task.weight > 0).then(|| most as f64 / f64::from(task.weight))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::RequestStats;
    use crate::record::RequestRecord;
    use crate::scenario::{self, Inputs};
    use std::time::Duration;

    const SCENARIO: &str = "
name: a
target: http://127.0.0.1:1
variables: { level: 1 }
user_classes:
  - name: u
    tasks:
      - { weight: 3, steps: [{ get: /often }, { get: /never, name: never }] }
      - { weight: 1, steps: [{ get: /rare }] }
      - { weight: 1, steps: [{ get: /maybe, when: '{{ level > 9 }}' }] }
load: [{ phase: steady, users: 2, for: 10s }]
";

    fn cell(request: usize, requests: u64) -> RequestRecord {
        let mut cell = RequestStats::default();
        (0..requests).for_each(|_| cell.record(Duration::from_millis(1), None));
        RequestRecord::new(request, cell)
    }

    fn slice(cells: Vec<RequestRecord>) -> SliceRecord {
        SliceRecord {
            phase: 0,
            pass: 0,
            arm: Arm::Target,
            pair: None,
            start_s: 0.0,
            length_s: 10.0,
            late_p99_s: 0.0,
            cells,
            silences: None,
        }
    }

    #[test]
    fn what_was_to_be_expected_follows_from_the_weights() {
        let scenario = scenario::parse("scenario.yml", SCENARIO, &Inputs::default()).unwrap();
        let place = |name: &str| scenario.requests.iter().position(|own| own.ends_with(name));
        let often = place("/often").unwrap();
        let found = unsent(&scenario, &[slice(vec![cell(often, 30)])]);
        let found: Vec<_> = found
            .iter()
            .map(|one| (Some(one.request), one.expected))
            .collect();
        assert_eq!(
            found,
            [
                (place("never"), 30.0),
                (place("/rare"), 10.0),
                (place("/maybe"), 0.0)
            ]
        );
        assert_eq!(unsent(&scenario, &[slice(Vec::new())]), []);
    }
}
