//! junit.xml, for everything that shows test results. The only file that knows the crate `junit-report`.
//!
//! One suite per gate and one case per check, named without measured values, so that a name means the same in every
//! run. The crate writes what it is given, so all text is made harmless here: no control characters, no line breaks in
//! attributes, no `]]>`, no attachment of GitLab's, and whole seconds, since sums of fractions do not keep to three
//! decimals.
//!
//! In `mode: observe` nothing may turn a build red: what would have failed or been an error is skipped and says so.

use junit_report::{Duration, OffsetDateTime, Report, TestCase, TestResult, TestSuite};

use crate::report::text::{Distinct, Text, numbers, one_line, whole_seconds};
use crate::report::view::{Status, View};
use crate::report::wording::{
    caught, caution, compared, generator, headline, invalidities, measure_name, promise, proxies,
    sentence, shown_warnings, stopped_early,
};
use crate::verdict::{Check, CheckKind, Enforcement, InvalidReason, Outcome, Reference};

/// The last second whose year has four digits, which is all that the timestamp's format can write.
const LAST_SECOND: i64 = 253_402_300_799;

/// What a case came to. The types are namespaced: GitLab takes a bare `type="date"` for a conversion.
enum CaseOutcome {
    Passed,
    Skipped(&'static str),
    Failure(&'static str),
    Error(&'static str),
}

/// Some gates as one JUnit document.
///
/// # Panics
///
/// Never: the document is written to memory.
pub fn junit(views: &[View]) -> String {
    let mut report = Report::new();
    let mut gates = Distinct::default();
    let suites = views.iter().map(|view| {
        let gate = gates.name(harmless(view.gate()));
        suite(view, &gate)
    });
    report.add_testsuites(suites);
    let mut xml = Vec::new();
    #[expect(
        clippy::expect_used,
        reason = "the sink is memory, which takes every byte"
    )]
    report.write_xml(&mut xml).expect("memory takes every byte");
    String::from_utf8_lossy(&xml).into_owned() + "\n"
}

fn suite(view: &View, gate: &str) -> TestSuite {
    let class = format!("loadgate.{gate}");
    let mut suite = TestSuite::new(&format!("loadgate: {gate}"));
    suite.package.clone_from(&class);
    let second = view.record.run.started.as_second().clamp(0, LAST_SECOND);
    suite.timestamp =
        OffsetDateTime::from_unix_timestamp(second).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let mut names = Distinct::default();
    let mut add = |name: String, case: TestCase| {
        suite.add_testcase(TestCase {
            name: names.name(name),
            classname: Some(class.clone()),
            ..case
        });
    };
    add("run: valid".to_owned(), run_case(view));
    for (index, line) in view.verdict.checks.iter().enumerate() {
        let more = figures(view, line);
        if view.is_abort(line) {
            let message = stopped_early(view).map_or_else(|| headline(view), Text::from);
            let message = message.capitalized().to_string();
            // It is no limit like others: it says nothing of a whole run.
            let outcome = CaseOutcome::Failure("loadgate.abort");
            let case = case(view, outcome, &message, &more);
            add("run: not stopped early".to_owned(), case);
        } else if is_check(line) {
            let message = sentence(view, line).to_string();
            let outcome = line_outcome(view, index, line);
            add(case_name(line), case(view, outcome, &message, &more));
        }
    }
    suite
}

/// Whether a line may fail, or would, could it be judged: what is only listed is no check.
fn is_check(line: &Check) -> bool {
    line.enforcement != Enforcement::Reported || Status::new(line) == Status::NotJudged
}

/// Whether the run could be judged at all; it carries the length of the run.
fn run_case(view: &View) -> TestCase {
    let reasons = invalidities(view).into_iter();
    let reasons = reasons.map(|reason| format!("{}.", reason.sentences()));
    let reasons: Vec<String> = reasons.collect();
    let is_invalid = view.verdict.outcome == Outcome::Invalid || !reasons.is_empty();
    let (outcome, message) = if is_invalid {
        let first = reasons.first().cloned();
        let message = first.unwrap_or_else(|| headline(view).to_string());
        (CaseOutcome::Error("loadgate.invalid"), message)
    } else {
        let (label, mut sentences) = compared(view);
        sentences.push(generator(view).into());
        sentences.extend(proxies(view));
        let message = format!("{label}: {}", Text::join(sentences, "; "));
        (CaseOutcome::Passed, message)
    };
    let notes = shown_warnings(view).map(|shown| caution(view, shown).capitalized().to_string());
    let more: Vec<String> = reasons.into_iter().skip(1).chain(notes).collect();
    let more = more.join("\n");
    let seconds = i64::try_from(whole_seconds(view.record.run.duration_s)).unwrap_or_default();
    TestCase {
        time: Duration::seconds(seconds),
        ..case(view, outcome, &message, &more)
    }
}

/// A name that says what is checked and holds no measured value. It is never shortened, so that it stays what it is.
fn case_name(line: &Check) -> String {
    let subject = line.subject.name().map_or("overall".to_owned(), harmless);
    let phase = line.phase.as_deref();
    let phase = phase.map(|phase| format!(" in {}", harmless(phase)));
    let phase = phase.unwrap_or_default();
    let check = match &line.kind {
        CheckKind::Change(check) if check.reference == Reference::Anchor => "drift",
        CheckKind::Change(_) => "regression",
        CheckKind::Limit(_) if line.enforcement == Enforcement::Warned => "limit that warns",
        CheckKind::Limit(_) => "limit",
    };
    format!("{subject}{phase}: {} {check}", measure_name(line.measure))
}

fn line_outcome(view: &View, index: usize, line: &Check) -> CaseOutcome {
    let named_invalid = view.verdict.invalid.iter().any(|why| {
        matches!(
            why,
            InvalidReason::TooFewForLimit { check } | InvalidReason::TooFewForRegression { check }
                if *check == index
        )
    });
    match Status::new(line) {
        Status::Failed => CaseOutcome::Failure(match &line.kind {
            CheckKind::Limit(_) => "loadgate.limit",
            CheckKind::Change(check) if check.reference == Reference::Anchor => "loadgate.drift",
            CheckKind::Change(_) => "loadgate.regression",
        }),
        _ if named_invalid => CaseOutcome::Error("loadgate.too_few"),
        Status::Inconclusive if view.strict && line.enforcement == Enforcement::Gated => {
            CaseOutcome::Error("loadgate.inconclusive")
        }
        Status::Inconclusive => CaseOutcome::Skipped("loadgate.inconclusive"),
        Status::NotJudged if line.is_not_compared() => {
            CaseOutcome::Skipped("loadgate.no_comparison")
        }
        Status::NotJudged | Status::Reported => CaseOutcome::Skipped("loadgate.not_judged"),
        Status::Warned | Status::Worse | Status::Passed => CaseOutcome::Passed,
    }
}

/// A case without its name. The message is also the body's first line, since GitLab shows the body and others the
/// attribute.
fn case(view: &View, outcome: CaseOutcome, message: &str, more: &str) -> TestCase {
    let would_be = match outcome {
        CaseOutcome::Failure(_) => Some("a failure"),
        CaseOutcome::Error(_) => Some("an error"),
        CaseOutcome::Passed | CaseOutcome::Skipped(_) => None,
    };
    let (outcome, text) = match would_be.filter(|_| view.verdict.observed) {
        Some(what) => (
            CaseOutcome::Skipped("loadgate.observed"),
            format!("Observed only, would have been {what}: {message}"),
        ),
        None => (outcome, message.to_owned()),
    };
    let body = body(&text, more);
    let (message, cause) = (harmless(&text), Some(body.clone()));
    let mut built = TestCase::success("", Duration::ZERO);
    match outcome {
        CaseOutcome::Passed => built.set_system_out(&body),
        CaseOutcome::Skipped(type_) => {
            built.result = TestResult::SkippedWithCause {
                type_: type_.to_owned(),
                message,
                cause,
            };
        }
        CaseOutcome::Failure(type_) => {
            built.result = TestResult::Failure {
                type_: type_.to_owned(),
                message,
                cause,
            };
        }
        CaseOutcome::Error(type_) => {
            built.result = TestResult::Error {
                type_: type_.to_owned(),
                message,
                cause,
            };
        }
    }
    built
}

/// One line that breaks out of nothing: `]]>` would end a CDATA section, and GitLab would look for an attached file.
fn harmless(text: &str) -> String {
    let line = one_line(text).replace("]]>", "]] >");
    line.replace("[[ATTACHMENT|", "[[ATTACHMENT |")
}

/// A body of several lines, each of them harmless.
fn body(message: &str, more: &str) -> String {
    let lines = std::iter::once(message).chain(more.lines());
    let lines: Vec<String> = lines.map(harmless).collect();
    lines.join("\n").trim_end().to_owned()
}

fn figures(view: &View, line: &Check) -> String {
    let value = |value| numbers::value_or_none(line.measure, value);
    let now = ("now", value(line.current));
    let (mut rows, written) = match &line.kind {
        CheckKind::Limit(limit) => (vec![now, ("limit", promise(line, limit))], limit.line),
        CheckKind::Change(check) => {
            let mut rows = vec![("before", value(check.before)), now];
            if let Some(change) = check.change {
                let change = numbers::change_with_interval(line.measure, &change);
                rows.push(("change [95 %]", change));
                rows.push(("tolerance", numbers::allowed(line.measure, check.tolerance)));
            }
            rows.extend(caught(line, check).map(|caught| ("would have caught", caught)));
            (rows, view.thresholds.regression.line)
        }
    };
    rows.push(("requests", numbers::count(line.requests)));
    let path = one_line(view.thresholds_path);
    rows.push((
        "rule from",
        match written {
            Some(line) => format!("{path}:{line}"),
            None if view.is_abort(line) => format!("{path}, abort"),
            None => format!("loadgate's default ({path} does not set it)"),
        },
    ));
    let rows = rows.iter();
    let rows = rows.map(|(what, figure)| format!("{what:<18} {figure}"));
    format!("\n{}", rows.collect::<Vec<_>>().join("\n"))
}
