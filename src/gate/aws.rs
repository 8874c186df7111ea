//! What AWS says of a run: fetched right after the load, or later for a stored result.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::console::Console;
use super::evaluation;
use super::{Error, program};
use crate::aws::{self, Prices};
use crate::exit::Exit;
use crate::files;
use crate::load::Stop;
use crate::plan::{self, Gate, Plan};
use crate::record::{AwsRecord, Ended, RunRecord, read_sent, write_sent};
use crate::scenario::Aws;
use crate::units::format_duration;

/// How soon a signal ends a wait.
const PAUSE: Duration = Duration::from_millis(100);

/// The requests of a run one by one, beside its result.
pub(super) const REQUESTS: &str = "requests.csv.gz";

/// Adds what AWS says to the record of a run that has just ended, if its scenario names AWS services.
pub(super) fn add(
    plan: &Plan,
    gate: &Gate,
    record: &mut RunRecord,
    stop: &Stop,
    console: &Console,
) {
    let services = gate.scenario.aws.as_ref();
    let Some(services) = services.filter(|services| !services.wait.is_zero()) else {
        return;
    };
    match record.run.ended {
        Ended::Completed | Ended::Aborted { .. } | Ended::BudgetSpent { .. } => {
            fetch(record, services.wait, &plan.prices, stop, console);
        }
        Ended::Interrupted { .. } | Ended::Unreachable { .. } => {}
    }
}

fn fetch(record: &mut RunRecord, wait: Duration, prices: &Prices, stop: &Stop, console: &Console) {
    let Some(AwsRecord { services, .. }) = record.aws.clone() else {
        return;
    };
    console.note(&format!(
        "{}: reading metrics and logs of AWS, for at most {}",
        record.scenario.name,
        format_duration(wait)
    ));
    let fetched = aws::fetch(&aws::Order {
        services: &services,
        record,
        wait,
        prices,
        variable: &|name| std::env::var(name).ok(),
        sleep: &|duration| sleep(duration, stop),
    });
    for why in &fetched.figures.missing {
        console.warn(&format!("loadgate: AWS: {why}"));
    }
    keep(record, services, fetched);
}

/// Adds to a record what was fetched.
fn keep(record: &mut RunRecord, services: Aws, fetched: aws::Fetched) {
    // A header of the target is nearer to the request than a log.
    match (&fetched.cold, &record.cold_start) {
        (_, Some(_)) => {}
        (Some(cold), None) => record.mark_cold_starts(|sent| cold.contains(&sent.id)),
        (None, None) => record.forget_cold_starts(),
    }
    record.aws = Some(AwsRecord {
        services,
        figures: Some(fetched.figures),
    });
}

/// Sleeps unless the run is told to stop.
fn sleep(duration: Duration, stop: &Stop) -> ControlFlow<()> {
    let end = Instant::now() + duration;
    while !stop.is_set() {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return ControlFlow::Continue(());
        }
        thread::sleep(PAUSE.min(left));
    }
    ControlFlow::Break(())
}

/// Writes the requests of a run, if they were kept.
pub(super) fn write_requests(folder: &Path, record: &RunRecord) -> Result<(), Error> {
    if record.sent.is_empty() {
        return Ok(());
    }
    let mut bytes = Vec::new();
    let path = folder.join(REQUESTS);
    write_sent(&record.run, (&record.sent, &record.traces), &mut bytes)
        .and_then(|()| files::write(&path, &bytes))
        .map_err(|source| Error::Write { path, source })
}

/// Fetches what AWS says of a stored result, writes it into the result, and prints it.
pub fn add_to_result(
    path: &Path,
    wait: Duration,
    prices: &Prices,
    console: &Console,
) -> Result<Exit, Error> {
    let mut records = plan::read_results(&[path.to_owned()])?;
    let Some(mut record) = records.pop() else {
        return Ok(Exit::Usage);
    };
    if record.aws.is_none() {
        return Err(Error::NoAwsServices(path.to_owned()));
    }
    let requests = path.with_file_name(REQUESTS);
    if let Ok(file) = File::open(&requests) {
        let name = requests.display().to_string();
        (record.sent, record.traces) = read_sent(&record.run, &name, file)?;
    }
    fetch(&mut record, wait, prices, &Stop::default(), console);
    let figures = record.aws_figures();
    if figures.is_none_or(|figures| figures.join.is_none() && figures.series.is_empty()) {
        return Err(Error::NothingFromAws(path.to_owned()));
    }
    evaluation::write(path, &record.to_json())?;
    console.print(&format!(
        "{} has the figures of AWS now; judge it again with '{} judge GATE {}'",
        path.display(),
        program(),
        path.display()
    ));
    Ok(Exit::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::{Arm, Parts, RequestId, SentRequest};
    use crate::record::samples::{record, traffic};
    use crate::record::{AwsFigures, PartsRecord};
    use crate::scenario::Front;

    #[test]
    fn cold_starts_of_an_earlier_fetch_are_forgotten() {
        let services = Aws {
            ..Aws::behind(Front::FunctionUrl)
        };
        let mut run = record()
            .steady("steady")
            .slices(1, &[traffic("GET /", 5, 20.0)])
            .build();
        run.parts = vec![PartsRecord {
            phase: 0,
            arm: Arm::Target,
            request: 0,
            parts: Parts::default(),
        }];
        let id = RequestId::parse("a").unwrap();
        run.sent = vec![SentRequest {
            id,
            arm: Arm::Target,
            status: 200,
            request: 0,
            slice: 0,
            service_us: 420_000,
            latency_us: 420_000,
            succeeded: true,
        }];
        let cold = |run: &RunRecord| {
            let parts = &run.parts[0].parts;
            let of_slice = run.slices[0].cells[0].cell.cold.count();
            (of_slice, parts.cold.count(), parts.marked)
        };
        for (joined, expected) in [(Some([id].into()), (1, 1, 1)), (None, (0, 0, 0))] {
            let figures = AwsFigures::default();
            let fetched = aws::Fetched {
                figures,
                cold: joined,
            };
            keep(&mut run, services.clone(), fetched);
            assert_eq!(cold(&run), expected);
        }
    }

    #[test]
    fn a_sleep_of_no_time_finds_a_signal() {
        let stop = Stop::default();
        assert!(sleep(Duration::ZERO, &stop).is_continue());
        stop.set(2);
        assert!(sleep(Duration::ZERO, &stop).is_break());
    }
}
