//! Redirects that were not followed, and requests that had to be sent again.

use crate::measurement::Arm;
use crate::report::text::{Text, capped, count, counted, text, untrusted};
use crate::verdict::UnfollowedRedirects;

/// Names that are listed; with more of them the first speak for all.
const NAMES: usize = 3;

/// What to do about redirects that were not followed.
const FOLLOW: &str = "set `redirects: 5` in the step or in `defaults`, use the final address as the target, or write `expect: { status: 302 }` to measure the redirect itself";

/// What to do about responses that lead elsewhere and do not say where.
const NOWHERE: &str = "find out why the service sends no address to follow, or write such as `expect: { status: 304 }` to measure these responses";

/// What to do about responses that were not followed.
pub(super) fn follow(names: &[UnfollowedRedirects]) -> &'static str {
    if names.iter().any(|name| name.address.is_some()) {
        FOLLOW
    } else {
        NOWHERE
    }
}

/// The names whose responses redirect, each with how many and where to.
pub(super) fn unfollowed(names: &[UnfollowedRedirects]) -> Text {
    let one = |name: &UnfollowedRedirects| {
        let arm = match name.arm {
            Arm::Target => "",
            Arm::Base => " by the base",
        };
        let responses = counted(name.responses, "response");
        let responses = match name.redirects {
            all if all == name.responses => format!("all {responses}"),
            some => format!("{} of {responses}", count(some)),
        };
        let request = untrusted(&name.request);
        text!("{} to {}{} were {}", responses, request, arm, leading(name))
    };
    text!("redirects were not followed: {}", listed(names, one))
}

/// The names whose requests failed because their redirect led too far, each with how many and where to.
pub(super) fn strayed(names: &[UnfollowedRedirects]) -> Text {
    let listed = listed(names, |name| {
        let (requests, to) = (counted(name.redirects, "request"), leading(name));
        let request = untrusted(&name.request);
        text!("{} to {} ended with {}", requests, request, to)
    });
    text!(
        "{}; each counts as a failure. Redirects are followed only within the target's origin, and at most `redirects` times. Use the final address as the target, or raise `redirects`",
        listed
    )
}

fn listed(names: &[UnfollowedRedirects], one: impl Fn(&UnfollowedRedirects) -> Text) -> Text {
    let likewise = |more| match more {
        1 => text!("1 more name likewise"),
        more => text!("{} more names likewise", more),
    };
    let listed = capped(names.iter().map(one).collect(), NAMES, likewise);
    Text::join(listed, "; ")
}

/// The status that redirects, and where it leads.
fn leading(name: &UnfollowedRedirects) -> Text {
    let to = match (name.address.as_deref(), name.status) {
        (Some(address), _) => text!(" to {}", untrusted(address)),
        (None, Some(301 | 302 | 303 | 307 | 308)) => text!(" without a Location"),
        (None, _) => Text::default(),
    };
    let status = name.status;
    let status = status.map_or_else(|| "a redirect".to_owned(), |status| status.to_string());
    text!("{}{}", status, to)
}

/// That requests had to be sent again.
pub(super) fn resent(resent: u64, most: Option<&(String, u64)>) -> Text {
    let whose = match most {
        Some((name, count)) if *count == resent => text!(" ({})", untrusted(name)),
        Some((name, own)) => text!(" ({} of them {})", count(*own), untrusted(name)),
        None => Text::default(),
    };
    text!(
        "{} got no response on a reused connection and were sent again on a new one{}; each counts as a failure. Look for workers that crash or restart, and for a keep-alive timeout shorter than the users' pauses",
        counted(resent, "request"),
        whose
    )
}
