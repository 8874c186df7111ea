//! One run: load, and the record of what came back.

use jiff::Timestamp;

use super::console::Console;
use super::progress::Line;
use super::{Error, tell};
use crate::load::{self, Order, Origin, Outcome, Stop, Trust};
use crate::plan::{Gate, Plan};
use crate::record::{self, Circumstances, Deployment, Ended, Health, Run, RunRecord};

/// Sends the load of a gate and writes `result.json`.
pub(super) fn measure(
    plan: &Plan,
    gate: &Gate,
    stop: &Stop,
    console: &Console,
) -> Result<RunRecord, Error> {
    let target = gate.target()?;
    let through = target
        .proxy()
        .map(|proxy| format!(" through the proxy {proxy}"));
    console.note(&format!(
        "{}: loading {target}{}",
        gate.scenario.name,
        through.unwrap_or_default()
    ));
    let mut line = Line::new(console.progress, &gate.scenario.load);
    let outcome = load::run(&order(plan, gate, target), &mut |now| line.show(now), stop);
    line.end();
    let record = record(plan, gate, target, outcome?);
    tell::write(&plan.folder(gate).join(tell::RESULT), &record.to_json())?;
    Ok(record)
}

fn order<'a>(plan: &'a Plan, gate: &'a Gate, target: &Origin) -> Order<'a> {
    let trust = match &plan.ca {
        _ if plan.insecure => Trust::Anyone,
        Some(pem) => Trust::SystemAnd(pem.as_bytes()),
        None => Trust::System,
    };
    Order {
        scenario: &gate.scenario,
        target: target.clone(),
        trust,
        seed: gate.seed,
        cores: None,
        abort: gate.thresholds.abort.map(|abort| load::Abort {
            error_rate: abort.error_rate.fraction(),
            after: abort.after,
        }),
        wait: plan.wait,
    }
}

fn record(plan: &Plan, gate: &Gate, target: &Origin, outcome: Outcome) -> RunRecord {
    let started = Timestamp::try_from(outcome.started).unwrap_or(Timestamp::UNIX_EPOCH);
    let ci = plan.ci.clone().unwrap_or_default();
    let run = Run {
        id: if ci.id.is_empty() {
            format!("local-{}", started.as_millisecond())
        } else {
            ci.id
        },
        attempt: ci.attempt,
        commit: ci.commit,
        url: ci.url,
        started,
        duration_s: crate::units::six_digits(outcome.duration.as_secs_f64()),
        seed: gate.seed,
        ended: ended(outcome.ended, &gate.scenario.secrets),
        insecure: plan.insecure,
    };
    let circumstances = Circumstances {
        target: Deployment {
            url: target.to_string(),
            loopback: target.is_loopback(),
            proxy: target.proxy().map(ToString::to_string),
        },
        base: None,
        run,
        labels: plan.labels.clone(),
        environment: plan.environment.clone(),
        health: health(&outcome.health),
    };
    record::build(&gate.scenario, circumstances, outcome.measurement)
}

fn health(health: &load::Health) -> Health {
    let round = crate::units::six_digits;
    Health {
        late_p99_s: round(health.late_p99),
        cpu_share: round(health.cpu_share),
        core_share: health.core_share.map(round),
        steal_share: health.steal_share.map(round),
        achieved: health.achieved.map(round),
        open_files: health.open_files,
    }
}

/// How the run ended; what the target or the system said may hold a secret that was sent.
fn ended(ended: load::Ended, secrets: &[String]) -> Ended {
    match ended {
        load::Ended::Completed => Ended::Completed,
        load::Ended::Interrupted { signal } => Ended::Interrupted { signal },
        load::Ended::Aborted { failures, requests } => Ended::Aborted { failures, requests },
        load::Ended::Unreachable { why } => Ended::Unreachable {
            why: redacted(why, secrets),
        },
    }
}

fn redacted(text: String, secrets: &[String]) -> String {
    let hide = |text: String, secret: &String| text.replace(secret.as_str(), "***");
    secrets
        .iter()
        .filter(|secret| !secret.is_empty())
        .fold(text, hide)
}
