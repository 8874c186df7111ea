//! How it reads that nobody was served.

use super::Medium;
use super::line::subject_name;
use crate::measurement::Arm;
use crate::report::text::numbers::{self, counted};
use crate::thresholds::Subject;
use crate::verdict::{Check, Outage};

/// Why requests count as unavailable: `no request succeeded for 18 s of 20 s, though one was in flight`.
pub(crate) fn outage(line: &Check, outage: &Outage, medium: Medium) -> String {
    match outage {
        Outage::Silent {
            seconds,
            of_s,
            class,
        } => silent(*seconds, *of_s, class.as_deref(), medium),
        Outage::Failed => format!("{} failed", all(line.requests)),
        Outage::Unsent { expected } => format!(
            "none was sent, and about {} were to be expected",
            numbers::count(numbers::whole(*expected))
        ),
    }
}

/// The same as the end of a sentence about the verdict: "the target was unavailable for 18 s of 20 s".
pub(super) fn headline(line: &Check, outage: &Outage, medium: Medium) -> String {
    let phase = line.phase.as_ref();
    let phase = phase.map_or_else(String::new, |phase| {
        format!(" in {}", medium.untrusted(phase))
    });
    let who = match &line.subject {
        Subject::Overall => "the target".to_owned(),
        subject @ Subject::Request(_) => subject_name(subject, medium),
    };
    match outage {
        Outage::Silent {
            seconds,
            of_s,
            class,
        } => format!(
            "{who}{} was unavailable{phase} for {}",
            of_class(class.as_deref(), medium),
            time(*seconds, *of_s)
        ),
        Outage::Failed if line.subject == Subject::Overall => {
            format!("every request{phase} failed")
        }
        Outage::Failed => format!("every request of {who}{phase} failed"),
        Outage::Unsent { .. } => format!("{who} was never sent"),
    }
}

/// A silence of one deployment as a caution.
pub(super) fn short_silence(
    arm: Arm,
    subject: &Subject,
    class: Option<&str>,
    (seconds, of_s): (f64, f64),
    medium: Medium,
) -> String {
    let of_base = match arm {
        Arm::Target => "",
        Arm::Base => " of the base",
    };
    let who = match subject {
        Subject::Overall if arm == Arm::Base => "the base: ".to_owned(),
        Subject::Overall => String::new(),
        subject @ Subject::Request(_) => format!("{}{of_base}: ", subject_name(subject, medium)),
    };
    format!(
        "{who}{}: percentiles weigh requests and hardly show such a wait",
        silent(seconds, of_s, class, medium)
    )
}

fn silent(seconds: f64, of_s: f64, class: Option<&str>, medium: Medium) -> String {
    format!(
        "no request{} succeeded for {}, though one was in flight",
        of_class(class, medium),
        time(seconds, of_s)
    )
}

fn time(seconds: f64, of_s: f64) -> String {
    format!("{} of {}", numbers::length(seconds), numbers::length(of_s))
}

fn of_class(class: Option<&str>, medium: Medium) -> String {
    class.map_or_else(String::new, |class| {
        format!(" of the user class {}", medium.untrusted(class))
    })
}

fn all(requests: u64) -> String {
    match requests {
        2 => "both requests".to_owned(),
        requests => format!("all {}", counted(requests, "request")),
    }
}
