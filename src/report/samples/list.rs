//! Every story by its name, each judged once.

use std::sync::LazyLock;

use super::*;

/// Every story, by its name.
pub(in crate::report) fn all() -> &'static [(&'static str, Sample)] {
    static ALL: LazyLock<Vec<(&str, Sample)>> = LazyLock::new(|| {
        vec![
            ("passed", passed()),
            ("failed", failed()),
            ("regressed", regressed("")),
            ("inconclusive", inconclusive().judged()),
            ("inconclusive strictly", inconclusive().strictly().judged()),
            ("provisional", provisional()),
            ("duet passed", duet_passed()),
            ("duet failed", duet_failed("")),
            ("no baseline", no_baseline()),
            ("baseline required", baseline_required()),
            ("scenario differs", scenario_differs()),
            ("no job matches", no_job_matches()),
            ("generator late", generator_late()),
            ("late slice", late_slice()),
            ("generator busy", generator_busy()),
            ("generator short", generator_short()),
            ("no sockets", no_sockets()),
            ("unreachable", unreachable()),
            ("interrupted", interrupted()),
            ("no requests", no_requests()),
            ("too few for a limit", too_few_for_a_limit()),
            ("too few since late", too_few_since_late()),
            ("too few for regression", too_few_for_regression()),
            ("base silent", base_silent()),
            ("drifted", drifted()),
            ("observed", observed()),
            ("observed invalid", observed_invalid()),
            ("warned", warned()),
            ("accepted", accepted()),
            ("acceptance expired", acceptance_expired()),
            ("acceptance unneeded", acceptance_unneeded()),
            ("aborted", aborted()),
            ("much faster", much_faster()),
            ("insecure", insecure_on_another_machine()),
            ("few errors", few_errors()),
            ("more errors", more_errors("")),
            ("below floors", below_floors()),
            ("names come and go", names_come_and_go()),
            ("phases", phases()),
            ("rate lost", rate_lost("")),
            ("cold starts", cold_starts()),
            ("guide", guide()),
            ("no cold start", no_cold_start()),
            ("several candidates", several_candidates()),
            ("thirty names", many_names(30, 1)),
            ("hostile", saying(TEXTS[0])),
        ]
    });
    &ALL
}

/// The story of this name.
pub(in crate::report) fn story(name: &str) -> &'static Sample {
    let mut all = all().iter();
    let found = all.find(|(own, _)| *own == name);
    &found.unwrap_or_else(|| panic!("no story '{name}'")).1
}
