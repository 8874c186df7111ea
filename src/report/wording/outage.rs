//! How it reads that nobody was served.

use super::line::{in_phase, subject_name};
use crate::measurement::Arm;
use crate::report::text::{Text, counted, numbers, text, untrusted};
use crate::thresholds::Subject;
use crate::verdict::{Check, Outage};

/// Why requests count as unavailable: `no request succeeded for 18 s of 20 s, although one was in flight`.
pub(super) fn outage(line: &Check, outage: &Outage) -> Text {
    match outage {
        Outage::Silent {
            seconds,
            of_s,
            class,
        } => silent(*seconds, *of_s, class.as_deref()),
        Outage::Failed if line.requests == 2 => text!("both requests failed"),
        Outage::Failed => text!("all {} failed", counted(line.requests, "request")),
        Outage::Unsent { expected } => text!(
            "none was sent; about {} were expected",
            numbers::count(numbers::whole(*expected))
        ),
    }
}

/// The same as the end of a sentence about the verdict: "the target was unavailable for 18 s of 20 s".
pub(super) fn headline(line: &Check, outage: &Outage) -> Text {
    let phase = in_phase(line);
    let who = match &line.subject {
        Subject::Overall => text!("the target"),
        subject @ Subject::Request(_) => subject_name(subject),
    };
    match outage {
        Outage::Silent {
            seconds,
            of_s,
            class,
        } => text!(
            "{}{} was unavailable{} for {}",
            who,
            of_class(class.as_deref()),
            phase,
            time(*seconds, *of_s)
        ),
        Outage::Failed if line.subject == Subject::Overall => {
            text!("every request{} failed", phase)
        }
        Outage::Failed => text!("every request of {}{} failed", who, phase),
        Outage::Unsent { .. } => text!("{} was never sent", who),
    }
}

/// A silence of one deployment as a caution.
pub(super) fn short_silence(
    arm: Arm,
    subject: &Subject,
    class: Option<&str>,
    (seconds, of_s): (f64, f64),
) -> Text {
    let who = match (subject, arm) {
        (Subject::Overall, Arm::Base) => text!("the base: "),
        (Subject::Overall, Arm::Target) => Text::default(),
        (Subject::Request(_), Arm::Base) => text!("{} of the base: ", subject_name(subject)),
        (Subject::Request(_), Arm::Target) => text!("{}: ", subject_name(subject)),
    };
    text!(
        "{}{}; percentiles count requests, so they barely show this",
        who,
        silent(seconds, of_s, class)
    )
}

fn silent(seconds: f64, of_s: f64, class: Option<&str>) -> Text {
    text!(
        "no request{} succeeded for {}, although one was in flight",
        of_class(class),
        time(seconds, of_s)
    )
}

fn time(seconds: f64, of_s: f64) -> String {
    format!("{} of {}", numbers::length(seconds), numbers::length(of_s))
}

fn of_class(class: Option<&str>) -> Text {
    let text = class.map(|class| text!(" of the user class {}", untrusted(class)));
    text.into()
}
