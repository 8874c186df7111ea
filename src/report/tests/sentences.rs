//! The sentences: what happened, why, and what to do next.

use super::wording::headline;
use super::*;

/// The log with its lines joined, so that a sentence can be looked for.
fn log(name: &str) -> String {
    let log = terminal(&story(name).story(), 400, Colour::Never);
    log.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_row_that_failed_by_its_change_is_not_explained_by_a_limit_that_holds() {
    let sample = story("regressed").story();
    for text in [terminal(&sample, 80, Colour::Never), summary(&[sample])] {
        assert!(!text.contains("took longer"), "{text}");
    }
    assert!(log("regressed").contains("limit 120 ms holds"));
    let both = log("failed");
    assert!(
        both.contains(
            "limit 120 ms broken: 1,260 of 4,800 requests took longer or failed, 5 % may;"
        )
    );
}

#[test]
fn a_change_that_is_too_small_to_matter_says_what_would_matter() {
    let latencies = summary(&[story("below floors").story()]);
    assert!(latencies.contains("the change of 725 µs is below the floor of 2 ms"));
    assert!(latencies.contains("the change of 3.62 ms is below the floor of 10 ms"));
    let errors = log("few errors");
    assert!(errors.contains("too small to matter: a failure takes 5 errors and 0.1 pp more"));
    assert!(
        !log("passed").contains("floor"),
        "where the change is noise, no floor decided"
    );
}

#[test]
fn what_got_slower_and_is_tolerated_is_said_with_how_much() {
    let sample = samples::duet_tolerated();
    let told = sample.story();
    let wanted =
        "nothing slower by more than is tolerated, but P95 GET /orders is worse by +27.6 % [";
    let headline = headline(&told).to_string();
    assert!(headline.contains(wanted), "{headline}");
    assert!(
        headline.contains("], and 60 % is tolerated; "),
        "{headline}"
    );
    for columns in [60, 80] {
        let log = terminal(&told, columns, Colour::Never);
        let words = log.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(wanted), "{log}");
        assert!(!log.contains('…'), "{log}");
    }
}

#[test]
fn a_message_keeps_both_its_ends_and_what_is_of_ordinary_length_is_whole() {
    let words = |count: usize| {
        (0..count)
            .map(|n| format!("word-{n}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    // 480 columns are as many as a message gets.
    let whole = words(80)[..480].to_owned();
    for message in [words(30), whole] {
        let log = terminal(&unreachable_saying(&message).story(), 80, Colour::Never);
        let told = log.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(&format!("({message})")), "{log}");
    }
    let endless = unreachable_saying(&words(200));
    for columns in [60, 80] {
        let told = terminal(&endless.story(), columns, Colour::Never);
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        let (_, message) = told.split_once("did not answer (").unwrap();
        let (message, _) = message.split_once(')').unwrap();
        let ends = (
            message.starts_with("word-0 word-1 "),
            message.ends_with(" word-199"),
        );
        assert_eq!(ends, (true, true), "{told}");
        let is_cut = message.contains('…') && message.chars().count() <= 480;
        assert!(is_cut, "{told}");
    }
}

#[test]
fn whatever_is_not_passed_says_what_to_do_next() {
    for (name, next) in [
        (
            "failed",
            "The broken limit is written in thresholds/shop/thresholds.yml line 4.",
        ),
        (
            "regressed",
            "Wanted? Accept it in thresholds/shop/thresholds.yml, as summary.md says.",
        ),
        (
            "inconclusive",
            "To tell whether it got worse, run it again; if that does not help, record more jobs",
        ),
        (
            "inconclusive",
            "To tell whether a limit holds, run longer or with more users: it is too close to call.",
        ),
        ("aborted", "Mend the errors first, then run it again."),
        (
            "no baseline",
            "there is no baseline; record a first run with `loadgate record thresholds/shop RESULT`",
        ),
        (
            "scenario differs",
            "begin a new baseline with `loadgate record thresholds/shop RESULT --restart`",
        ),
        (
            "no job matches",
            "record runs in these circumstances with `loadgate record",
        ),
        (
            "baseline required",
            "To mend it: record a first run with `loadgate record",
        ),
        (
            "generator late",
            "To mend it: give it a machine with more free cores, or send less.",
        ),
        (
            "unreachable",
            "To mend it: start it or correct its address; --wait 60s gives it time to come up.",
        ),
        (
            "interrupted",
            "To mend it: run it again; what was measured is in result.json, marked partial.",
        ),
        (
            "no requests",
            "To mend it: give every measured phase in scenario.yml users or arrivals, and see that the conditions",
        ),
        (
            "too few for a limit",
            "To mend it: run longer or with more users, or remove the limit",
        ),
        (
            "too few since late",
            "To mend it: give the generator a machine with more free cores, or send less.",
        ),
        (
            "too few for regression",
            "To mend it: run longer or with more users, or take the metric out of",
        ),
        (
            "base silent",
            "To mend it: start it or correct the address after --against.",
        ),
        (
            "acceptance expired",
            "ended on 2026-04-30: remove it, or agree on a later date",
        ),
        ("much faster", "make sure that it still does its work"),
        (
            "no cold start",
            "send bursts of more users after idle gaps, and mark them in the response",
        ),
    ] {
        let log = log(name);
        assert!(log.contains(next), "{name}: {log}");
    }
}

#[test]
fn an_acceptance_in_force_is_told_in_every_report() {
    let sample = story("accepted").story();
    for text in [
        log("accepted"),
        summary(from_ref(&sample)),
        junit(from_ref(&sample)),
    ] {
        assert!(
            text.contains("accepted up to 60 % until 2027-01-31 ("),
            "{text}"
        );
    }
}

#[test]
fn what_was_measured_has_three_digits_and_what_was_promised_those_it_was_written_with() {
    let log = log("more errors");
    for text in [
        "GET /user/profile 2,400 200 0.50 19.9 19.9 28.0 29.0 29.8 30.0 30.0",
        "error rate overall 0.33 → 5.17 %",
        "limit 5 % inconclusive",
        "7,200 requests in 12 s",
    ] {
        assert!(log.contains(text), "{text}: {log}");
    }
}

#[test]
fn every_verdict_says_what_happened() {
    let told: Vec<String> = usual()
        .iter()
        .filter(|(name, _)| *name != "hostile")
        .map(|(name, sample)| format!("{name}: {}", headline(&sample.story())))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    passed: Performance gate shop passed: nothing slower; +23 % or more on any gated line would have been caught
    failed: Performance gate shop failed: GET /orders is slower: P95 58.3 → 141 ms (+141 %), limit 120 ms broken; 1 more check failed
    regressed: Performance gate shop failed: GET /orders is slower: P95 58.3 → 84.0 ms (+44.0 %); 1 more check failed
    inconclusive: Performance gate shop is INCONCLUSIVE, which is no pass and does not block: cannot tell whether P95 overall got worse, the change lies in [-16.4 %, +117 %]; 1 more check is inconclusive
    inconclusive strictly: Performance gate shop is INCONCLUSIVE, which --strict fails: cannot tell whether P95 overall got worse, the change lies in [-16.4 %, +117 %]; 1 more check is inconclusive
    provisional: Performance gate shop passed (provisional: 2 baseline jobs, 5 make a history): nothing slower; +43 % or more on any gated line would have been caught
    duet passed: Performance gate shop passed: nothing slower; +12 % or more on any gated line would have been caught
    duet failed: Performance gate shop failed: GET /orders is slower: P95 58.0 → 73.9 ms (+27.6 %); 1 more check failed
    no baseline: Performance gate shop passed: all 3 limits hold, and nothing was compared, since there is no baseline
    baseline required: Performance gate shop could NOT BE JUDGED: something to compare with is required (missing_baseline: fail), and there is no baseline
    scenario differs: Performance gate shop passed: all 3 limits hold, and nothing was compared, since the scenario is not the baseline's
    no job matches: Performance gate shop passed: all 3 limits hold, and nothing was compared, since no job of the baseline ran in the same circumstances (label region: not set there, 'eu-west-1' here)
    generator late: Performance gate shop could NOT BE JUDGED: the generator itself fell behind in 5 of 12 slices: up to 62.0 ms late at P99, 6.02 ms allowed
    late slice: Performance gate shop passed: nothing slower; +23 % or more on any gated line would have been caught
    generator busy: Performance gate shop could NOT BE JUDGED: a core of the generator was busy 97.0 % of the time, 90 % allowed: it measured its own delay
    generator short: Performance gate shop could NOT BE JUDGED: the generator started 94.2 % of the arrivals in time, 99 % needed
    no sockets: Performance gate shop could NOT BE JUDGED: the generator's machine had no file or port left for 36 requests
    unreachable: Performance gate shop could NOT BE JUDGED: the target https://api.example.com/prod did not answer (Connection refused (os error 111))
    interrupted: Performance gate shop was interrupted and NOT JUDGED: SIGINT cut the run short after 4.2 s
    no requests: Performance gate shop could NOT BE JUDGED: a measured phase sent no request
    too few for a limit: Performance gate shop could NOT BE JUDGED: the limit on P95 GET /report has too little to go by (12 requests, 52 needed)
    too few since late: Performance gate shop could NOT BE JUDGED: the limit on P95 GET /report has too little to go by (49 requests, 52 needed): the generator was late in 1 of 12 slices, without which latencies are judged
    too few for regression: Performance gate shop could NOT BE JUDGED: P95 overall is gated and has too little to go by (360 requests, 2,000 needed)
    base silent: Performance gate shop could NOT BE JUDGED: the base https://main.example.com/prod never answered
    drifted: Performance gate shop failed: GET /orders is slower since the anchor: P95 58.0 → 87.0 ms (+50.1 %); 1 more check failed
    observed: Observed only, nothing fails. Performance gate shop would have failed: GET /orders is slower: P95 58.3 → 141 ms (+141 %), limit 120 ms broken; 1 more check would have failed
    observed invalid: Observed only, nothing fails. Performance gate shop could NOT BE JUDGED: something to compare with is required (missing_baseline: fail), and there is no baseline
    warned: Performance gate shop passed: nothing slower; +23 % or more on any gated line would have been caught; 1 limit that only warns is broken
    accepted: Performance gate shop passed: nothing slower than was accepted; +91 % or more on any gated line would have been caught
    acceptance expired: Performance gate shop failed: GET /orders is slower: P95 58.3 → 84.0 ms (+44.0 %); 1 more check failed
    acceptance unneeded: Performance gate shop passed: nothing slower than was accepted; +91 % or more on any gated line would have been caught
    aborted: Performance gate shop failed: the run was stopped early, since 1,170 of 1,800 requests had failed (65.0 %, abort.error_rate is 50 %); 3 more checks failed
    much faster: Performance gate shop passed: nothing slower; +23 % or more on any gated line would have been caught
    insecure: Performance gate shop passed: nothing slower; +23 % or more on any gated line would have been caught
    few errors: Performance gate shop passed: nothing worse by more than its floor; +24 % or more on any gated line would have been caught
    more errors: Performance gate shop failed: GET /orders is failing more often: error rate 0.25 → 7.50 % (+7.25 pp); 2 more checks failed
    below floors: Performance gate shop failed: requests overall are slower: P95 6.74 → 10.1 ms (+50.0 %)
    names come and go: Performance gate shop passed: nothing slower; +12 % or more on any gated line would have been caught; 4 checks not judged
    phases: Performance gate shop failed: GET /orders in burst is slower: P95 87.1 → 130 ms (+49.8 %), limit 120 ms broken; 2 more checks failed
    rate lost: Performance gate shop failed: requests overall are served less often: requests/s 600 → 400/s (-33.3 %)
    cold starts: Performance gate shop failed: requests overall in burst are slower: cold P50 401 → 641 ms (+59.6 %); 1 more check failed
    guide: Performance gate shop failed: requests overall are over their limit: error rate 1.83 %, limit 1 %
    no cold start: Performance gate shop is INCONCLUSIVE, which is no pass and does not block: cannot tell whether cold P50 overall keeps its limit of 450 ms, no cold start was seen: no answer has the header x-cold-start; 3 more checks are inconclusive
    several candidates: Performance gate shop passed: nothing slower; +15 % or more on any gated line would have been caught
    thirty names: Performance gate shop failed: GET /catalog/items/29/details is slower: P95 58.0 → 92.8 ms (+60.0 %)
    ");
}
