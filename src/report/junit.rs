//! junit.xml, for everything that shows test results. The only file that knows the crate `junit-report`.
//!
//! One suite per gate and one case per check, named without measured values, so that a name means the same in every
//! run. The crate writes what it is given, so all text is made harmless here: no control characters, no line breaks in
//! attributes, no `]]>`, no attachment of GitLab's, and whole seconds, since sums of fractions do not keep to three
//! decimals.
//!
//! In `mode: observe` nothing may turn a build red: what would have failed or been an error is skipped and says so.

use junit_report::{Duration, OffsetDateTime, Report, TestCase, TestResult, TestSuite};

use crate::report::text::numbers::{self, whole_seconds};
use crate::report::text::{Distinct, Text, one_line};
use crate::report::view::{Status, View, is_not_compared};
use crate::report::wording::{
    caught, caution, compared, generator, headline, invalidities, measure_name, promise, proxies,
    sentence, stopped_early, told_cautions,
};
use crate::thresholds::Subject;
use crate::verdict::{
    ChangeCheck, Check, CheckKind, Enforcement, InvalidReason, LimitCheck, Outcome, Reference,
};

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
        if view.is_abort(line) {
            add("run: not stopped early".to_owned(), abort_case(view, line));
        } else if is_check(line) {
            add(case_name(line), line_case(view, index, line));
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
    let reasons: Vec<String> = reasons
        .map(|reason| format!("{}.", reason.sentences()))
        .collect();
    let result = match (view.verdict.outcome, reasons.is_empty()) {
        (Outcome::Passed | Outcome::Failed | Outcome::Inconclusive, true) => CaseOutcome::Passed,
        (Outcome::Passed | Outcome::Failed | Outcome::Inconclusive, false)
        | (Outcome::Invalid, _) => CaseOutcome::Error("loadgate.invalid"),
    };
    let message = match (&result, reasons.first()) {
        (CaseOutcome::Passed, _) => {
            let (label, mut told) = compared(view);
            told.push(generator(view).into());
            told.extend(proxies(view));
            format!("{label}: {}", Text::join(told, "; "))
        }
        (_, Some(first)) => first.clone(),
        (_, None) => headline(view).to_string(),
    };
    let notes = told_cautions(view).map(|told| caution(view, told).capitalized().to_string());
    let more: Vec<String> = reasons.into_iter().skip(1).chain(notes).collect();
    let more = more.join("\n");
    let seconds = i64::try_from(whole_seconds(view.record.run.duration_s)).unwrap_or_default();
    TestCase {
        time: Duration::seconds(seconds),
        ..case(view, &result, &message, &more)
    }
}

/// That the run was stopped early, which is no limit like others: it says nothing of a whole run.
fn abort_case(view: &View, line: &Check) -> TestCase {
    let message = stopped_early(view)
        .map_or_else(|| headline(view), Text::from)
        .capitalized()
        .to_string();
    let more = figures(view, line);
    case(
        view,
        &CaseOutcome::Failure("loadgate.abort"),
        &message,
        &more,
    )
}

/// A name that says what is checked and holds no measured value. It is never shortened, so that it stays what it is.
fn case_name(line: &Check) -> String {
    let subject = match &line.subject {
        Subject::Overall => "overall".to_owned(),
        Subject::Request(name) => harmless(name),
    };
    let phase = match &line.phase {
        Some(phase) => format!(" in {}", harmless(phase)),
        None => String::new(),
    };
    let check = match (&line.kind, line.enforcement) {
        (
            CheckKind::Change(ChangeCheck {
                reference: Reference::Anchor,
                ..
            }),
            _,
        ) => "drift",
        (CheckKind::Change(_), _) => "regression",
        (CheckKind::Limit(_), Enforcement::Warned) => "limit that warns",
        (CheckKind::Limit(_), Enforcement::Gated | Enforcement::Reported) => "limit",
    };
    format!("{subject}{phase}: {} {check}", measure_name(line.measure))
}

fn line_case(view: &View, index: usize, line: &Check) -> TestCase {
    let message = sentence(view, line).to_string();
    case(
        view,
        &line_result(view, index, line),
        &message,
        &figures(view, line),
    )
}

fn line_result(view: &View, index: usize, line: &Check) -> CaseOutcome {
    let named_invalid = view.verdict.invalid.iter().any(|why| {
        matches!(
            why,
            InvalidReason::TooFewForLimit { check } | InvalidReason::TooFewForRegression { check }
                if *check == index
        )
    });
    match Status::new(line) {
        Status::Failed => CaseOutcome::Failure(match line.kind {
            CheckKind::Limit(_) => "loadgate.limit",
            CheckKind::Change(ChangeCheck {
                reference: Reference::Anchor,
                ..
            }) => "loadgate.drift",
            CheckKind::Change(_) => "loadgate.regression",
        }),
        _ if named_invalid => CaseOutcome::Error("loadgate.too_few"),
        Status::Inconclusive if view.strict && line.enforcement == Enforcement::Gated => {
            CaseOutcome::Error("loadgate.inconclusive")
        }
        Status::Inconclusive => CaseOutcome::Skipped("loadgate.inconclusive"),
        Status::NotJudged if is_not_compared(line) => {
            CaseOutcome::Skipped("loadgate.no_comparison")
        }
        Status::NotJudged | Status::Reported => CaseOutcome::Skipped("loadgate.not_judged"),
        Status::Warned | Status::Worse | Status::Passed => CaseOutcome::Passed,
    }
}

/// A case without its name. The message is also the body's first line, since GitLab shows the body and others the
/// attribute.
fn case(view: &View, result: &CaseOutcome, message: &str, more: &str) -> TestCase {
    let observed = |what: &str| format!("Observed only, would have been {what}: {message}");
    let (type_, message, is_error) = match result {
        CaseOutcome::Passed => {
            let mut passed = TestCase::success("", Duration::ZERO);
            passed.set_system_out(&body(message, more));
            return passed;
        }
        CaseOutcome::Skipped(type_) => return skipped(type_, message, more),
        CaseOutcome::Failure(_) if view.verdict.observed => {
            return skipped("loadgate.observed", &observed("a failure"), more);
        }
        CaseOutcome::Error(_) if view.verdict.observed => {
            return skipped("loadgate.observed", &observed("an error"), more);
        }
        CaseOutcome::Failure(type_) => (*type_, harmless(message), false),
        CaseOutcome::Error(type_) => (*type_, harmless(message), true),
    };
    let type_ = type_.to_owned();
    let cause = Some(body(&message, more));
    let result = if is_error {
        TestResult::Error {
            type_,
            message,
            cause,
        }
    } else {
        TestResult::Failure {
            type_,
            message,
            cause,
        }
    };
    TestCase {
        result,
        ..TestCase::success("", Duration::ZERO)
    }
}

/// A skipped case with its cause in the attribute and in the body.
fn skipped(type_: &str, message: &str, more: &str) -> TestCase {
    let mut case = TestCase::skipped("");
    case.result = TestResult::SkippedWithCause {
        type_: type_.to_owned(),
        message: harmless(message),
        cause: Some(body(message, more)),
    };
    case
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

/// A line's figures as a small table.
fn figures(view: &View, line: &Check) -> String {
    let (mut rows, written) = match &line.kind {
        CheckKind::Limit(limit) => (limit_figures(line, limit), limit.line),
        CheckKind::Change(check) => (change_figures(line, check), view.thresholds.regression.line),
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
    let rows: Vec<String> = rows
        .into_iter()
        .map(|(what, figure)| format!("{what:<18} {figure}"))
        .collect();
    format!("\n{}", rows.join("\n"))
}

fn limit_figures(line: &Check, limit: &LimitCheck) -> Vec<(&'static str, String)> {
    vec![
        ("now", numbers::value_or_none(line.measure, line.current)),
        ("limit", promise(line, limit)),
    ]
}

fn change_figures(line: &Check, check: &ChangeCheck) -> Vec<(&'static str, String)> {
    let value = |known| numbers::value_or_none(line.measure, known);
    let mut rows = vec![
        ("before", value(check.before)),
        ("now", value(line.current)),
    ];
    if let Some(change) = check.change {
        let estimate = numbers::change(line.measure, change.estimate);
        let interval = numbers::interval(line.measure, &change);
        rows.push(("change [95 %]", format!("{estimate} {interval}")));
        rows.push(("tolerance", numbers::allowed(line.measure, check.tolerance)));
    }
    if let Some(caught) = caught(line, check) {
        rows.push(("would have caught", caught));
    }
    rows
}
