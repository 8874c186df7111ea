//! What is read from lines of Lambda's log, and what is not taken for one.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::subsequence;

use super::*;

/// Stands for `ID` in a message.
const ID: &str = "24ad1c5e-0b6f-4d0e-9f57-3f1f6f2c8a11";

/// Messages and what is read from them. `-` is nothing; a success is not mentioned.
const LINES: &[(&str, &str)] = &[
    // Text: warm and cold, with every field and with few.
    ("REPORT RequestId: ID\tDuration: 1.00 ms", "report 1"),
    ("REPORT RequestId: ID\tDuration: 0 ms\t", "report 0"),
    (
        "REPORT RequestId: ID\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB\t",
        "report 12.34 billed=13 memory=128 used=64",
    ),
    (
        "REPORT RequestId: ID\tDuration: 12.34 ms\tBilled Duration: 513 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB\tInit Duration: 500.10 ms\t",
        "report 12.34 billed=513 memory=128 used=64 init=500.1",
    ),
    (
        "REPORT RequestId: ID\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB\t\n",
        "report 12.34 billed=13 memory=128 used=64",
    ),
    (
        "REPORT RequestId: ID\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB\r\n",
        "report 12.34 billed=13 memory=128 used=64",
    ),
    // Text: order and unknown fields.
    (
        "REPORT RequestId: ID\tMax Memory Used: 64 MB\tInit Duration: 5 ms\tBilled Duration: 13 ms\tDuration: 12.34 ms\tMemory Size: 128 MB",
        "report 12.34 billed=13 memory=128 used=64 init=5",
    ),
    (
        "REPORT RequestId: ID\tColour: blue\tDuration: 12.34 ms\tDisk Used: 3 MB\tBilled Duration: 13 ms\t",
        "report 12.34 billed=13",
    ),
    (
        "REPORT RequestId: ID\tnothing\tDuration: 2 ms\t: \t\t",
        "report 2",
    ),
    ("REPORT RequestId: ID\t Duration: 2 ms \t", "report 2"),
    (
        "REPORT RequestId: ID\tDuration: 2 ms\tBilled Duration: many ms",
        "report 2",
    ),
    (
        "REPORT RequestId: ID\tDuration: 2 ms\tBilled Duration: 3 s",
        "report 2",
    ),
    (
        "REPORT RequestId: ID\tDuration: 2 ms\tBilled Duration: 99999999999 ms",
        "report 2",
    ),
    (
        "REPORT RequestId: ID\tDuration: 2 ms\tMemory Size: -128 MB",
        "report 2",
    ),
    (
        "REPORT RequestId: ID\tDuration: 2 ms\tInit Duration: NaN ms",
        "report 2",
    ),
    // Text: snapshots.
    (
        "REPORT RequestId: ID\tDuration: 127.10 ms\tBilled Duration: 154 ms\tMemory Size: 2048 MB\tMax Memory Used: 212 MB\tRestore Duration: 325.93 ms\tBilled Restore Duration: 26 ms\t",
        "report 127.1 billed=154 memory=2048 used=212 restore=325.93 billed_restore=26",
    ),
    (
        "REPORT RequestId: ID\tDuration: 127.10 ms\tBilled Duration: 154 ms\tMemory Size: 2048 MB\tMax Memory Used: 212 MB\tRestore Duration: 325.93 ms\tBilled Restore Duration: 26 ms\t\nXRAY TraceId: 1-66d978e5-000000000000000000000001\tSegmentId: 29c3000000000001\tSampled: true\t",
        "report 127.1 billed=154 memory=2048 used=212 restore=325.93 billed_restore=26 trace=1-66d978e5-000000000000000000000001",
    ),
    (
        "REPORT RequestId: ID\tDuration: 5 ms\tRestore Duration: 80 ms\t",
        "report 5 restore=80",
    ),
    // Text: how it ended.
    (
        "REPORT RequestId: ID\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 1024 MB\tMax Memory Used: 64 MB\tStatus: timeout",
        "report 3000 billed=3000 memory=1024 used=64 timeout",
    ),
    (
        "REPORT RequestId: ID\tDuration: 3000.00 ms\tStatus: timeout\t\nXRAY TraceId: 1-66d978e5-000000000000000000000002\tSegmentId: 1\tSampled: true\t",
        "report 3000 timeout trace=1-66d978e5-000000000000000000000002",
    ),
    (
        "REPORT RequestId: ID\tDuration: 7.5 ms\tBilled Duration: 8 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB\tStatus: error\tError Type: Runtime.ExitError",
        "report 7.5 billed=8 memory=128 used=64 error=Runtime.ExitError",
    ),
    (
        "REPORT RequestId: ID\tDuration: 7.5 ms\tStatus: error",
        "report 7.5 error=-",
    ),
    (
        "REPORT RequestId: ID\tDuration: 7.5 ms\tStatus: success",
        "report 7.5",
    ),
    (
        "REPORT RequestId: ID\tDuration: 7.5 ms\tError Type: Sandbox.Timedout\tStatus: timeout",
        "report 7.5 timeout=Sandbox.Timedout",
    ),
    // Text: X-Ray.
    (
        "REPORT RequestId: ID\tDuration: 2 ms\t\nXRAY TraceId: 1-66d978e5-000000000000000000000003\tSegmentId: 1\tSampled: false\t",
        "report 2 trace=1-66d978e5-000000000000000000000003",
    ),
    (
        "REPORT RequestId: ID\tDuration: 2 ms\t\n\nXRAY TraceId: 1-66d978e5-000000000000000000000004",
        "report 2 trace=1-66d978e5-000000000000000000000004",
    ),
    (
        "REPORT RequestId: ID\tDuration: 2 ms\t\nXRAY TraceId: \tSampled: true",
        "report 2",
    ),
    (
        "REPORT RequestId: ID\tDuration: 2 ms\t\nXRAY SegmentId: 1",
        "report 2",
    ),
    (
        "REPORT RequestId: ID\tDuration: 2 ms\tXRAY TraceId: 1-2-3",
        "report 2",
    ),
    // Text: short ids.
    ("REPORT RequestId: abc\tDuration: 2 ms", "report 2 id=abc"),
    (
        "REPORT RequestId: ALt0lgP-IAMEZPA=\tDuration: 2 ms",
        "report 2 id=ALt0lgP-IAMEZPA=",
    ),
    // Text: not a line of an invocation.
    ("REPORT RequestId: ID", "-"),
    ("REPORT RequestId: ID\t", "-"),
    ("REPORT RequestId: ID\tBilled Duration: 3 ms", "-"),
    ("REPORT RequestId: ID\tDuration: 2 s", "-"),
    ("REPORT RequestId: ID\tDuration: two ms", "-"),
    ("REPORT RequestId: ID\tDuration: inf ms", "-"),
    ("REPORT RequestId: ID\tDuration: -1 ms", "-"),
    ("REPORT RequestId: ID\tDuration: 1e300 ms", "-"),
    (
        "REPORT RequestId: ID Duration: 2 ms Billed Duration: 3 ms Memory Size: 128 MB",
        "-",
    ),
    (
        "REPORT RequestId: ID    Duration: 2 ms    Billed Duration: 3 ms",
        "-",
    ),
    ("REPORT RequestId: \tDuration: 2 ms", "-"),
    ("REPORT RequestId: not an id\tDuration: 2 ms", "-"),
    ("REPORT RequestId: ID\n\tDuration: 2 ms", "-"),
    (" REPORT RequestId: ID\tDuration: 2 ms", "-"),
    ("report requestid: ID\tDuration: 2 ms", "-"),
    ("START RequestId: ID Version: $LATEST\n", "-"),
    ("END RequestId: ID\n", "-"),
    (
        "2026-11-24T10:00:00.000Z\tID\tINFO\tREPORT RequestId: ID\tDuration: 2 ms",
        "-",
    ),
    ("RESTORE_REPORT Restore Duration: 321.05 ms", "-"),
    ("ID Task timed out after 3.00 seconds", "-"),
    ("", "-"),
    ("\t\n\t", "-"),
    ("✓ 日本語 \u{0}\u{feff}", "-"),
    // Initialisations apart from an invocation.
    (
        "INIT_REPORT Init Duration: 9999.79 ms\tPhase: init\tStatus: timeout\t",
        "init 9999.79 Init timeout",
    ),
    (
        "INIT_REPORT Init Duration: 6.75 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError",
        "init 6.75 Invoke error=Runtime.ExitError",
    ),
    (
        "INIT_REPORT Init Duration: 6.75 ms\tPhase: init",
        "init 6.75 Init",
    ),
    ("INIT_REPORT Init Duration: 6.75 ms\tPhase: later", "-"),
    ("INIT_REPORT Init Duration: 6.75 ms", "-"),
    ("INIT_REPORT Phase: init\tStatus: timeout", "-"),
    ("INIT_REPORT ", "-"),
    // JSON.
    (
        r#"{"time":"2026-10-08T09:00:00.000Z","type":"platform.report","record":{"requestId":"ID","metrics":{"durationMs":3923.569,"billedDurationMs":4069,"memorySizeMB":256,"maxMemoryUsedMB":118,"initDurationMs":145.399},"status":"success"}}"#,
        "report 3923.569 billed=4069 memory=256 used=118 init=145.399",
    ),
    (
        r#"{"record":{"status":"success","metrics":{"maxMemoryUsedMB":64,"durationMs":2,"billedDurationMs":2,"memorySizeMB":128},"requestId":"ID"},"type":"platform.report"}"#,
        "report 2 billed=2 memory=128 used=64",
    ),
    (
        "{\n  \"type\": \"platform.report\",\n  \"record\": {\"requestId\": \"ID\", \"metrics\": {\"durationMs\": 2.5}}\n}\n",
        "report 2.5",
    ),
    (
        r#"{"type":"platform.report","record":{"requestId":"ID","metrics":{"durationMs":127.1,"billedDurationMs":154,"restoreDurationMs":325.93,"billedRestoreDurationMs":26},"status":"success"}}"#,
        "report 127.1 billed=154 restore=325.93 billed_restore=26",
    ),
    (
        r#"{"type":"platform.report","record":{"requestId":"ID","metrics":{"durationMs":3000,"billedDurationMs":3000},"status":"timeout"}}"#,
        "report 3000 billed=3000 timeout",
    ),
    (
        r#"{"type":"platform.report","record":{"requestId":"ID","metrics":{"durationMs":7.5},"status":"error","errorType":"Runtime.ExitError"}}"#,
        "report 7.5 error=Runtime.ExitError",
    ),
    (
        r#"{"type":"platform.report","record":{"requestId":"ID","metrics":{"durationMs":2},"tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-66d978e5-000000000000000000000005;Parent=29c3000000000001;Sampled=1"}}}"#,
        "report 2 trace=1-66d978e5-000000000000000000000005",
    ),
    (
        r#"{"type":"platform.report","record":{"requestId":"ID","metrics":{"durationMs":2},"tracing":{"value":"1-66d978e5-000000000000000000000006"}}}"#,
        "report 2 trace=1-66d978e5-000000000000000000000006",
    ),
    // JSON of Managed Instances: nothing about billing or memory.
    (
        r#"{"type":"platform.report","record":{"requestId":"ID","metrics":{"durationMs":41.2},"spans":[{"name":"responseLatency","durationMs":2}],"status":"success"}}"#,
        "report 41.2",
    ),
    (
        r#"{"type":"platform.report","record":{"requestId":"ID","metrics":{"durationMs":2,"billedDurationMs":"3","memorySizeMB":null,"maxMemoryUsedMB":-1,"initDurationMs":[1]},"status":7}}"#,
        "report 2",
    ),
    // JSON that is not a line of an invocation.
    (
        r#"{"type":"platform.report","record":{"requestId":"ID","metrics":{"billedDurationMs":3}}}"#,
        "-",
    ),
    (
        r#"{"type":"platform.report","record":{"metrics":{"durationMs":3}}}"#,
        "-",
    ),
    (
        r#"{"type":"platform.report","record":{"requestId":7,"metrics":{"durationMs":3}}}"#,
        "-",
    ),
    (
        r#"{"type":"platform.report","record":{"requestId":"ID","metrics":7}}"#,
        "-",
    ),
    (r#"{"type":"platform.report","record":[]}"#, "-"),
    (r#"{"type":"platform.report"}"#, "-"),
    (
        r#"{"type":"platform.report","record":{"requestId":"ID","metrics":{"durationMs":3}}"#,
        "-",
    ),
    (
        r#"{"type":"platform.start","record":{"requestId":"ID","version":"$LATEST"}}"#,
        "-",
    ),
    (
        r#"{"message":"platform.report","record":{"requestId":"ID","metrics":{"durationMs":3}},"of":"platform.report"}"#,
        "-",
    ),
    (r#"["platform.report"]"#, "-"),
    (r#""platform.report""#, "-"),
];

fn shown(line: Option<LogLine>) -> String {
    match line {
        None => "-".to_owned(),
        Some(LogLine::Report(line)) => shown_report(&line),
        Some(LogLine::InitReport(InitReport {
            init_ms,
            phase,
            status,
            error_type,
        })) => {
            format!(
                "init {init_ms} {phase:?}{}",
                shown_status(status, error_type.as_deref())
            )
        }
    }
}

fn shown_report(line: &ReportLine) -> String {
    let numbers = [
        ("billed", line.billed_ms.map(f64::from)),
        ("memory", line.memory_mb.map(f64::from)),
        ("used", line.max_memory_mb.map(f64::from)),
        ("init", line.init_ms),
        ("restore", line.restore_ms),
        ("billed_restore", line.billed_restore_ms.map(f64::from)),
    ];
    let known = numbers
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    let numbers: Vec<String> = known
        .map(|(name, value)| format!(" {name}={value}"))
        .collect();
    let status = shown_status(line.status, line.error_type.as_deref());
    let trace = line
        .trace_root
        .as_ref()
        .map(|root| format!(" trace={root}"));
    let is_ours = line.request_id == RequestId::parse(ID).unwrap();
    let id = (!is_ours).then(|| format!(" id={}", line.request_id));
    let (trace, id) = (trace.unwrap_or_default(), id.unwrap_or_default());
    let numbers = numbers.concat();
    format!("report {}{numbers}{status}{trace}{id}", line.duration_ms)
}

fn shown_status(status: Status, error_type: Option<&str>) -> String {
    match (status, error_type) {
        (Status::Success, None) => String::new(),
        (Status::Success, Some(kind)) => format!(" success={kind}"),
        (Status::Timeout, None) => " timeout".to_owned(),
        (Status::Timeout, Some(kind)) => format!(" timeout={kind}"),
        (Status::Error, kind) => format!(" error={}", kind.unwrap_or("-")),
    }
}

#[test]
fn each_line_is_read_field_by_field() {
    assert!(LINES.len() >= 60);
    for (message, expected) in LINES {
        let message = message.replace("ID", ID);
        assert_eq!(shown(LogLine::parse(&message)), *expected, "{message:?}");
    }
}

#[test]
fn a_line_of_one_mebibyte_is_read_and_no_longer_one() {
    let text = format!("REPORT RequestId: {ID}\tDuration: 2 ms\tPadding: ");
    let filled = |bytes: usize| text.clone() + &"x".repeat(bytes - text.len());
    assert_eq!(shown(LogLine::parse(&filled(LONGEST_MESSAGE))), "report 2");
    assert_eq!(LogLine::parse(&filled(LONGEST_MESSAGE + 1)), None);
    let tabs = text.clone() + &"\t".repeat(LONGEST_MESSAGE - text.len());
    assert_eq!(shown(LogLine::parse(&tabs)), "report 2");
    assert_eq!(LogLine::parse(&"\"platform.report\"[".repeat(50_000)), None);
}

/// Figures that AWS logged: billed milliseconds, and the times that they are made of.
///
/// Restore durations from the second line on are made up: only their billed part is known, and only that is billed.
const BILLED: [(u32, &str); 7] = [
    (
        154,
        "Duration: 127.10 ms\tRestore Duration: 325.93 ms\tBilled Restore Duration: 26 ms",
    ),
    (
        610,
        "Duration: 306.34 ms\tRestore Duration: 902.51 ms\tBilled Restore Duration: 303 ms",
    ),
    (
        2_521,
        "Duration: 2338.66 ms\tRestore Duration: 741.08 ms\tBilled Restore Duration: 182 ms",
    ),
    (
        278,
        "Duration: 159.87 ms\tRestore Duration: 530.44 ms\tBilled Restore Duration: 118 ms",
    ),
    (31_964, "Duration: 31414.74 ms\tInit Duration: 548.72 ms"),
    (139_711, "Duration: 138999.20 ms\tInit Duration: 711.04 ms"),
    (76_999, "Duration: 76358.00 ms\tInit Duration: 640.46 ms"),
];

#[test]
fn billed_milliseconds_are_those_that_aws_logged() {
    let json = LINES
        .iter()
        .find(|(message, _)| message.contains("3923.569"));
    let json = json.unwrap().0.replace("ID", ID);
    let text = BILLED.map(|(billed, times)| {
        let memory = "Memory Size: 2048 MB\tMax Memory Used: 212 MB";
        (
            billed,
            format!("REPORT RequestId: {ID}\tBilled Duration: {billed} ms\t{memory}\t{times}\t"),
        )
    });
    for (billed, message) in text.into_iter().chain([(4_069, json)]) {
        let Some(LogLine::Report(line)) = LogLine::parse(&message) else {
            panic!("{message}");
        };
        assert_eq!(line.billed_ms, Some(billed), "{message}");
        let ran = (line.duration_ms + line.init_ms.unwrap_or_default()).ceil();
        let sum = ran + f64::from(line.billed_restore_ms.unwrap_or_default());
        assert!((sum - f64::from(billed)).abs() < 1e-9, "{message}");
    }
}

#[test]
fn a_restore_starts_an_environment_like_an_init() {
    let startup = |text: &str| {
        let message = format!("REPORT RequestId: {ID}\tDuration: 2 ms\t{text}");
        let Some(LogLine::Report(line)) = LogLine::parse(&message) else {
            panic!("{message}");
        };
        (line.startup_ms(), line.total_ms().to_string())
    };
    assert_eq!(startup(""), (None, "2".to_owned()));
    assert_eq!(startup("Init Duration: 5 ms"), (Some(5.0), "7".to_owned()));
    assert_eq!(
        startup("Restore Duration: 8 ms"),
        (Some(8.0), "10".to_owned())
    );
}

/// Milliseconds with two decimals.
fn milliseconds() -> impl Strategy<Value = f64> {
    (0..100_000_000_u32).prop_map(|hundredths| f64::from(hundredths) / 100.0)
}

fn status() -> impl Strategy<Value = (Status, Option<String>)> {
    prop_oneof![
        Just((Status::Success, None)),
        Just((Status::Timeout, None)),
        option::of("[A-Z][A-Za-z.]{0,20}").prop_map(|kind| (Status::Error, kind)),
    ]
}

fn report() -> impl Strategy<Value = (ReportLine, String)> {
    let id = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";
    let whole = || option::of(any::<u32>());
    let trace = option::of("1-[0-9a-f]{8}-[0-9a-f]{24}");
    let times = (
        milliseconds(),
        option::of(milliseconds()),
        option::of(milliseconds()),
    );
    let wholes = (whole(), whole(), whole(), whole());
    (id, times, wholes, status(), trace).prop_map(|(id, times, wholes, status, trace_root)| {
        let report = ReportLine {
            request_id: RequestId::parse(&id).unwrap(),
            duration_ms: times.0,
            billed_ms: wholes.0,
            memory_mb: wholes.1,
            max_memory_mb: wholes.2,
            init_ms: times.1,
            restore_ms: times.2,
            billed_restore_ms: wholes.3,
            status: status.0,
            error_type: status.1,
            trace_root,
        };
        (report, id)
    })
}

/// Names in text and in JSON, and values.
fn numbers(line: &ReportLine) -> Vec<(&'static str, &'static str, String)> {
    let whole = |value: Option<u32>| value.map(|value| value.to_string());
    let time = |value: Option<f64>| value.map(|value| format!("{value:.2}"));
    let fields = [
        ("Duration ms", "durationMs", time(Some(line.duration_ms))),
        (
            "Billed Duration ms",
            "billedDurationMs",
            whole(line.billed_ms),
        ),
        ("Memory Size MB", "memorySizeMB", whole(line.memory_mb)),
        (
            "Max Memory Used MB",
            "maxMemoryUsedMB",
            whole(line.max_memory_mb),
        ),
        ("Init Duration ms", "initDurationMs", time(line.init_ms)),
        (
            "Restore Duration ms",
            "restoreDurationMs",
            time(line.restore_ms),
        ),
        (
            "Billed Restore Duration ms",
            "billedRestoreDurationMs",
            whole(line.billed_restore_ms),
        ),
    ];
    let known = fields
        .into_iter()
        .filter_map(|(text, json, value)| Some((text, json, value?)));
    known.collect()
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Success => "success",
        Status::Timeout => "timeout",
        Status::Error => "error",
    }
}

fn as_text(line: &ReportLine, id: &str, unknown: &[&str], seed: u64) -> String {
    let mut fields: Vec<String> = numbers(line)
        .into_iter()
        .filter_map(|(name, _, value)| {
            let (name, unit) = name.rsplit_once(' ')?;
            Some(format!("{name}: {value} {unit}"))
        })
        .collect();
    if line.status != Status::Success {
        fields.push(format!("Status: {}", word(line.status)));
    }
    fields.extend(
        line.error_type
            .as_ref()
            .map(|kind| format!("Error Type: {kind}")),
    );
    fields.extend(unknown.iter().map(|&field| field.to_owned()));
    let turn = usize::try_from(seed % fields.len() as u64).unwrap();
    fields.rotate_left(turn);
    let trace = line.trace_root.as_ref();
    let trace = trace.map(|root| format!("\nXRAY TraceId: {root}\tSegmentId: 1\tSampled: true\t"));
    format!(
        "REPORT RequestId: {id}\t{}\t{}",
        fields.join("\t"),
        trace.unwrap_or_default()
    )
}

fn as_json(line: &ReportLine, id: &str) -> String {
    let numbers = numbers(line).into_iter();
    let metrics: Vec<String> = numbers
        .map(|(_, name, value)| format!("{name:?}:{value}"))
        .collect();
    let mut record = vec![
        format!(r#""requestId":"{id}""#),
        format!(r#""metrics":{{{}}}"#, metrics.join(",")),
        format!(r#""status":"{}""#, word(line.status)),
    ];
    record.extend(
        line.error_type
            .as_ref()
            .map(|kind| format!(r#""errorType":"{kind}""#)),
    );
    let trace = line.trace_root.as_ref();
    record.extend(trace.map(|root| format!(r#""tracing":{{"value":"Root={root};Sampled=1"}}"#)));
    format!(
        r#"{{"type":"platform.report","record":{{{}}}}}"#,
        record.join(",")
    )
}

proptest! {
    #[test]
    fn no_message_panics(message in any::<String>()) {
        let _ = LogLine::parse(&message);
    }

    #[test]
    fn nothing_after_a_known_start_panics(
        start in prop_oneof![
            Just("REPORT RequestId: "),
            Just("REPORT RequestId: x\tDuration: "),
            Just("REPORT RequestId: x\tDuration: 1 ms\t"),
            Just("INIT_REPORT "),
            Just("{\"type\":\"platform.report\",\"record\":"),
        ],
        rest in "(\\PC|\t|\n|: | ms){0,60}",
    ) {
        let _ = LogLine::parse(&format!("{start}{rest}"));
    }

    #[test]
    fn a_line_of_random_fields_is_read_back(
        (line, id) in report(),
        unknown in subsequence(vec!["Colour: blue", "Disk: 3 MB", "junk", ""], 0..=4),
        seed: u64,
    ) {
        let text = as_text(&line, &id, &unknown, seed);
        prop_assert_eq!(LogLine::parse(&text), Some(LogLine::Report(line.clone())), "{}", text);
        let json = as_json(&line, &id);
        prop_assert_eq!(LogLine::parse(&json), Some(LogLine::Report(line)), "{}", json);
    }
}
