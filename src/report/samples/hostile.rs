//! Text from outside that wants to be more than text.

use std::sync::LazyLock;

use super::{Sample, everything, gate, unreachable};
use crate::record::{Ended, RunRecord};
use crate::thresholds::Subject;
use crate::verdict::Warning;

/// What a name or a message may be: the first holds a bit of everything.
pub(in crate::report) const TEXTS: [&str; 16] = [
    "a|b `c` <script>alert(1)</script> @everyone\n::error::x ]]> \u{1b}[31m\u{202e}# ##[error]y",
    "",
    " ",
    "|",
    "`",
    "``` \n```",
    "\\",
    "a\\|b\\\\`c",
    "</code></summary></details><img src=x onerror=alert(1)>",
    "[x](javascript:alert(1)) ![y](https://evil.example) @everyone #1 !2 user/repo#3",
    "::error file=a::x",
    "##[error]x ##vso[task.complete result=Failed]",
    "]]><failure/>&amp;\"'",
    "[[ATTACHMENT|/etc/passwd]]",
    "\u{0}\u{1b}]8;;https://evil.example\u{7}\u{7f}\u{85}\u{9b}2J\u{2028}\u{feff}\u{fffe}\r\n\t",
    "$(reboot); 'x' \" # {{ y }} %0A",
];

/// A gate of which everything that comes from outside is this text: names, messages, labels, paths, commits. It is
/// judged with other names first, which decides nothing.
pub(in crate::report) fn saying(text: &str) -> Sample {
    static JUDGED: LazyLock<Sample> = LazyLock::new(everything);
    let mut sample = JUDGED.clone();
    let own = || text.to_owned();
    let rename = |subject: &mut Subject| {
        if *subject == Subject::Request("GET /orders".to_owned()) {
            *subject = Subject::Request(own());
        }
    };
    sample.verdict.gate = own();
    for line in &mut sample.verdict.checks {
        rename(&mut line.subject);
        line.phase = line.phase.as_ref().map(|_| own());
    }
    for caution in &mut sample.verdict.warnings {
        match caution {
            Warning::MissingRequest { request } | Warning::NeverSent { request } => {
                *request = own();
            }
            Warning::RareRequests { requests } => requests.fill(own()),
            Warning::Overloaded { phase, .. } => *phase = own(),
            Warning::Silent { class, .. } => *class = Some(own()),
            Warning::CpuDiffers { baseline, current } => (*baseline, *current) = (own(), own()),
            Warning::TooFewToCompare { phase, .. } => *phase = phase.as_ref().map(|_| own()),
            Warning::LateJobs { id, .. } => *id = own(),
            Warning::BaseMissing { why } | Warning::ReferenceMissing { why } => *why = own(),
            Warning::Unfollowed(names) | Warning::RedirectedAway(names) => {
                for name in names {
                    (name.request, name.address) = (own(), Some(own()));
                }
            }
            Warning::Resent { most, .. } => *most = Some((own(), 1)),
            Warning::MuchFaster { .. }
            | Warning::FailureRulesDiffer { .. }
            | Warning::AcceptanceExpired { .. }
            | Warning::AcceptanceUnneeded { .. }
            | Warning::CannotDetect { .. }
            | Warning::Aborted { .. }
            | Warning::SchedulingDiffers { .. }
            | Warning::NoColdStartHeader
            | Warning::RateDefinitionDiffers
            | Warning::LongWaits { .. }
            | Warning::CertificatesUnchecked
            | Warning::ProxyResponses { .. }
            | Warning::LateSlices { .. }
            | Warning::Noisy => {}
        }
    }
    for limit in &mut sample.thresholds.limits {
        rename(&mut limit.subject);
    }
    for acceptance in &mut sample.thresholds.regression.accepted {
        rename(&mut acceptance.subject);
        acceptance.reason = own();
    }
    say(&mut sample.records[0], text);
    for job in sample.baseline.iter_mut().flat_map(|held| &mut held.jobs) {
        job.commit = Some(own());
        job.labels = sample.records[0].labels.clone();
    }
    sample.gate_path = own();
    sample.thresholds_path = own();
    sample.files = vec![format!("{text}/junit.xml"), format!("{text}/summary.md")];
    sample
}

fn say(record: &mut RunRecord, text: &str) {
    let own = || text.to_owned();
    record.scenario.name = own();
    record.tool = own();
    record.target.url = own();
    record.target.proxy = Some(own());
    record.target.proxy_variable = Some(own());
    record.labels = [(own(), own())].into();
    record.run.commit = Some(own());
    record.run.url = Some(own());
    record.environment.cpu = own();
    record.requests[0] = own();
    record.cold_start = Some(own());
    record.phases[1].name = own();
}

/// A target that gives this as the reason why it does not answer.
pub(in crate::report) fn unreachable_saying(text: &str) -> Sample {
    let mut run = unreachable().records.remove(0);
    run.run.ended = Ended::Unreachable {
        arm: crate::measurement::Arm::Target,
        cause: crate::measurement::UnreachableCause::Unknown,
        why: text.to_owned(),
    };
    gate(run).judged()
}
