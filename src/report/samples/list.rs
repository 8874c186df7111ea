//! Every story by its name, each judged once.

use std::sync::LazyLock;

use super::*;
use crate::measurement::{Arm, Scheduling, UnreachableCause};

/// The stories up to this one are those that all rules of style are held against.
const LAST_USUAL: &str = "hostile";

/// The stories that all rules of style are held against. The others are held against golden files and what is safe.
pub(in crate::report) fn usual() -> &'static [(&'static str, Sample)] {
    let last = all().iter().position(|(name, _)| *name == LAST_USUAL);
    &all()[..=last.unwrap()]
}

/// Every story, by its name.
#[expect(clippy::too_many_lines, reason = "a list")]
pub(in crate::report) fn all() -> &'static [(&'static str, Sample)] {
    static ALL: LazyLock<Vec<(&str, Sample)>> = LazyLock::new(|| {
        let lost = |arm| unreachable_since(arm, UnreachableCause::PlainHttp);
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
            ("budget_spent", budget_spent()),
            ("much faster", much_faster()),
            ("insecure", insecure_on_another_machine()),
            ("reference", on_a_slow_runner()),
            ("other machine", on_another_machine()),
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
            ("redirected", redirected()),
            ("mostly redirected", mostly_redirected()),
            ("strayed", strayed()),
            ("resent", resent()),
            ("counted by older rules", other_counting(false)),
            ("baseline counted by older rules", other_counting(true)),
            ("late jobs", late_jobs()),
            ("real time", other_scheduling(Scheduling::RealTime)),
            (
                "partly real time",
                other_scheduling(Scheduling::PartlyRealTime),
            ),
            ("proxy responses", proxy_responses()),
            ("noisy", noisy()),
            ("too few to compare", too_few_to_compare()),
            ("noisy duet", noisy_duet()),
            ("mixed duet", mixed_duet()),
            ("throttled duet", throttled_duet()),
            ("too few pairs", too_few_pairs()),
            ("duet late", duet_late()),
            ("duet whole", duet_whole()),
            ("duet far", duet_far()),
            ("long waits", long_waits()),
            ("overloaded", overloaded()),
            ("other rate", other_rate()),
            ("burst of errors", burst_of_errors()),
            ("more cold starts", more_cold_starts()),
            ("failures of every kind", failures_of_every_kind()),
            ("compared", compared()),
            ("compared alike", compared_alike()),
            ("becoming baseline", becoming_baseline()),
            ("hearsay", hearsay()),
            ("again", again()),
            ("proposed", proposed()),
            ("observed passed", observed_passed()),
            ("several candidates failed", several_candidates_failed()),
            ("silent target", silent_target()),
            ("silent names", silent_names()),
            ("short silence", short_silence()),
            ("availability kept", availability_kept()),
            ("silent base", silent_base()),
            ("silent name of base", silent_name_of_base()),
            ("base unreachable", lost(Arm::Base)),
            ("silent between", silent_between()),
            ("beside AWS", beside_aws()),
            ("denied by AWS", denied_by_aws()),
            ("others on AWS", others_on_aws()),
            ("everything", everything()),
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
