//! Limits of an account against a planned load: what would throttle, cut off or hide requests.
//!
//! Pure: the figures were read before. A figure that could not be read warns of nothing.

use super::account::{Account, ApiKind, FunctionLimits, Throttle};
use super::limit_warning::{FunctionProblem, LimitWarning, ThrottleScope};

/// Environments that Lambda adds to a function in ten seconds.
pub(super) const NEW_ENVIRONMENTS: f64 = 1_000.0;
/// Requests per second that Lambda adds to a function in ten seconds.
pub(super) const NEW_RATE: f64 = 10_000.0;
/// The step of both, in seconds.
pub(super) const SCALING_STEP_S: f64 = 10.0;

/// What is planned.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct PlannedLoad {
    /// The most users at once, of closed phases.
    pub(super) peak_users: Option<u32>,
    /// The highest rate in requests per second, of open phases.
    pub(super) peak_rate: Option<f64>,
    /// P95 of the duration of an invocation in seconds, of an earlier run.
    pub(super) duration_p95_s: Option<f64>,
    /// P95 of the init in seconds, of an earlier run.
    pub(super) init_p95_s: Option<f64>,
    /// The longest timeout of a step, in seconds.
    pub(super) step_timeout_s: Option<f64>,
    /// The steepest burst.
    pub(super) burst: Option<Burst>,
}

/// Requests that come within a short time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Burst {
    pub(super) requests: f64,
    /// Within how many seconds.
    pub(super) seconds: f64,
}

/// Compares limits with a plan; `api` is what stands before the functions. A limit that suffices is not mentioned.
pub(super) fn warnings(
    account: &Account,
    api: Option<ApiKind>,
    plan: &PlannedLoad,
) -> Vec<LimitWarning> {
    let mut found = Vec::new();
    for function in &account.functions {
        let problems = deployment(function).chain(capacity(function, plan));
        found.extend(problems.map(|problem| LimitWarning::Function {
            name: function.function.to_string(),
            problem,
        }));
    }
    found.extend(account_warning(account, plan));
    let burst = plan
        .burst
        .filter(|burst| burst.rate() > NEW_RATE * burst.scaling_steps());
    found.extend(burst.map(LimitWarning::BurstRate));
    if let Some(api) = api {
        found.extend(gateway_warnings(account, api, plan));
    }
    found
}

impl PlannedLoad {
    /// The most requests at once, if more than a limit: users, or by Little's law the rate times the duration.
    fn peak_above(&self, limit: u64) -> Option<f64> {
        let open = self.peak_rate.zip(self.duration_p95_s);
        let open = open.map(|(rate, duration_s)| (rate * duration_s).ceil());
        let closed = self.peak_users.map(f64::from);
        let peak = open.into_iter().chain(closed).reduce(f64::max);
        peak.filter(|peak| *peak > limit as f64)
    }
}

impl Burst {
    fn rate(self) -> f64 {
        self.requests / self.seconds
    }

    /// How often Lambda adds to a function until the burst is over: at once, and after each full step.
    fn scaling_steps(self) -> f64 {
        (self.seconds / SCALING_STEP_S).floor() + 1.0
    }

    /// Environments that it needs if none is warm. Each is busy for init and duration; to the end if unknown.
    fn environments(self, plan: &PlannedLoad) -> f64 {
        let busy_s = plan
            .duration_p95_s
            .zip(plan.init_p95_s)
            .map(|(run, init)| run + init);
        let at_once = busy_s.map_or(self.requests, |busy_s| self.rate() * busy_s);
        at_once.min(self.requests).ceil()
    }
}

/// Why a function is off, not up to date, or silent.
fn deployment(function: &FunctionLimits) -> impl Iterator<Item = FunctionProblem> {
    let configuration = function.configuration.clone().unwrap_or_default();
    let unlike = |value: Option<String>, good: &str| value.filter(|value| *value != good);
    let ready = function.kept_ready();
    let ready = ready.map(|own| own.status.clone().unwrap_or_default());
    let is_silent = configuration.system_log_level.as_deref() == Some("WARN");
    let found = [
        (function.reserved == Some(0)).then_some(FunctionProblem::Off),
        unlike(configuration.state, "Active").map(FunctionProblem::NotActive),
        unlike(configuration.last_update_status, "Successful").map(FunctionProblem::NotUpdated),
        unlike(ready, "READY").map(FunctionProblem::ProvisionedNotReady),
        is_silent.then_some(FunctionProblem::ReportsHidden),
    ];
    found.into_iter().flatten()
}

/// What the function's concurrency and timeout do to the plan.
fn capacity(
    function: &FunctionLimits,
    plan: &PlannedLoad,
) -> impl Iterator<Item = FunctionProblem> {
    let above = |limit: u64| Some((plan.peak_above(limit)?, limit));
    let kept = function.kept_ready();
    let kept = kept.map(|own| own.requested.unwrap_or_default());
    let reserved = function.reserved.filter(|reserved| *reserved > 0);
    let burst = plan.burst.and_then(|burst| {
        let needed = burst.environments(plan) - kept.unwrap_or_default() as f64;
        let is_too_steep = needed > NEW_ENVIRONMENTS * burst.scaling_steps();
        is_too_steep.then_some(FunctionProblem::Burst { burst, needed })
    });
    let timeout = function
        .configuration
        .as_ref()
        .and_then(|own| own.timeout_s);
    let timeout = timeout.zip(plan.step_timeout_s);
    let timeout = timeout.filter(|(timeout_s, step_s)| *step_s > *timeout_s as f64);
    let found = [
        reserved
            .and_then(above)
            .map(|(peak, reserved)| FunctionProblem::Reserved { peak, reserved }),
        kept.and_then(above)
            .map(|(peak, kept)| FunctionProblem::Provisioned { peak, kept }),
        burst,
        timeout.map(|(timeout_s, step_s)| FunctionProblem::Timeout { step_s, timeout_s }),
    ];
    found.into_iter().flatten()
}

/// Functions without reserved concurrency share what is unreserved; the others have the account's.
fn account_warning(account: &Account, plan: &PlannedLoad) -> Option<LimitWarning> {
    let mut functions = account.functions.iter();
    let is_shared = functions.any(|function| function.reserved.is_none());
    let concurrency = account.concurrency?;
    let unreserved = concurrency.unreserved.filter(|_| is_shared);
    let available = unreserved.into_iter().chain(concurrency.all).min()?;
    let peak = plan.peak_above(available)?;
    Some(LimitWarning::Account { peak, available })
}

impl ApiKind {
    /// How long it waits for a function, in seconds.
    pub(super) fn timeout_s(self) -> f64 {
        match self {
            Self::Rest => 29.0,
            Self::Http => 30.0,
        }
    }
}

fn gateway_warnings(account: &Account, api: ApiKind, plan: &PlannedLoad) -> Vec<LimitWarning> {
    let mut found = Vec::new();
    let stage = account.stage.as_ref().and_then(|stage| stage.throttle);
    let scopes = [
        (stage, ThrottleScope::Stage),
        (account.gateway, ThrottleScope::Account),
    ];
    for (throttle, scope) in scopes {
        let Some(Throttle {
            rate: Some(limit),
            burst: Some(at_once),
        }) = throttle
        else {
            continue;
        };
        let rate = plan.peak_rate.filter(|rate| *rate > limit);
        found.extend(rate.map(|rate| LimitWarning::GatewayRate { rate, limit, scope }));
        // The burst passes at once, and the rate besides.
        let passes = |burst: &Burst| at_once + limit * burst.seconds;
        let burst = plan.burst.filter(|burst| burst.requests > passes(burst));
        let warning = |burst| LimitWarning::GatewayBurst {
            burst,
            limit: at_once,
            scope,
        };
        found.extend(burst.map(warning));
    }
    let step_s = plan.step_timeout_s;
    let step_s = step_s.filter(|step_s| *step_s > api.timeout_s());
    found.extend(step_s.map(|step_s| LimitWarning::GatewayTimeout { api, step_s }));
    found
}

#[cfg(test)]
mod tests {
    use super::super::account::{Concurrency, FunctionConfiguration, Provisioned, Stage};
    use super::*;
    use crate::scenario::LambdaFunction;

    struct Limits {
        account: Account,
        api: Option<ApiKind>,
    }

    impl Limits {
        fn function(&mut self) -> &mut FunctionLimits {
            &mut self.account.functions[0]
        }

        fn configuration(&mut self) -> &mut FunctionConfiguration {
            self.function().configuration.as_mut().unwrap()
        }
    }

    fn throttle(rate: f64, burst: f64) -> Throttle {
        Throttle {
            rate: Some(rate),
            burst: Some(burst),
        }
    }

    /// Everything suffices for what [`plan`] asks.
    fn limits() -> Limits {
        let account = Account {
            concurrency: Some(Concurrency {
                all: Some(1_000),
                unreserved: Some(900),
            }),
            functions: vec![function(Some(configuration()))],
            gateway: Some(throttle(1_000.0, 2_000.0)),
            stage: Some(Stage {
                throttle: Some(throttle(1_000.0, 2_000.0)),
                ..Stage::default()
            }),
            rest_name: None,
            refused: Vec::new(),
        };
        Limits {
            account,
            api: Some(ApiKind::Rest),
        }
    }

    fn function(configuration: Option<FunctionConfiguration>) -> FunctionLimits {
        FunctionLimits {
            function: LambdaFunction::parse("orders").unwrap(),
            reserved: None,
            provisioned: None,
            configuration,
        }
    }

    fn configuration() -> FunctionConfiguration {
        FunctionConfiguration {
            timeout_s: Some(15),
            state: Some("Active".to_owned()),
            last_update_status: Some("Successful".to_owned()),
            system_log_level: Some("INFO".to_owned()),
            ..FunctionConfiguration::default()
        }
    }

    fn plan() -> PlannedLoad {
        PlannedLoad {
            peak_users: Some(500),
            peak_rate: Some(200.0),
            duration_p95_s: Some(0.1),
            init_p95_s: Some(0.9),
            step_timeout_s: Some(10.0),
            burst: Some(Burst {
                requests: 1_000.0,
                seconds: 2.0,
            }),
        }
    }

    fn sentences(limits: &Limits, plan: &PlannedLoad) -> Vec<String> {
        warnings(&limits.account, limits.api, plan)
            .iter()
            .map(LimitWarning::to_string)
            .collect()
    }

    fn concurrency(limits: &mut Limits, all: u64, unreserved: Option<u64>) {
        limits.account.concurrency = Some(Concurrency {
            all: Some(all),
            unreserved,
        });
    }

    fn provision(limits: &mut Limits, environments: u64, status: &str) {
        limits.function().provisioned = Some(vec![Provisioned {
            qualifier: None,
            requested: Some(environments),
            status: Some(status.to_owned()),
        }]);
    }

    type Change = fn(&mut Limits, &mut PlannedLoad);

    /// What is changed, and all that is said then.
    const CASES: &[(Change, &[&str])] = &[
        (|_, _| {}, &[]),
        (
            |limits, _| limits.function().reserved = Some(0),
            &[
                "`orders` has reserved concurrency 0, which turns it off; every request is throttled",
            ],
        ),
        (
            |limits, _| limits.function().reserved = Some(100),
            &[
                "`orders` has 100 reserved for 500 requests at once; at the peak about 80 % are throttled",
            ],
        ),
        (|limits, _| limits.function().reserved = Some(500), &[]),
        (
            |limits, _| concurrency(limits, 1_000, Some(400)),
            &[
                "the account has concurrency 400 left for 500 requests at once; at the peak about 20 % are throttled",
            ],
        ),
        (
            |limits, _| {
                concurrency(limits, 1_000, Some(10));
                limits.function().reserved = Some(600);
            },
            &[],
        ),
        (
            |limits, _| {
                concurrency(limits, 10, None);
            },
            &[
                "the account has concurrency 10 left for 500 requests at once; at the peak about 98 % are throttled",
            ],
        ),
        (
            |_, plan| {
                plan.peak_users = None;
                plan.peak_rate = Some(1_000.0);
                plan.duration_p95_s = Some(1.2);
            },
            &[
                "the account has concurrency 900 left for 1200 requests at once; at the peak about 25 % are throttled",
            ],
        ),
        (
            |limits, _| provision(limits, 100, "READY"),
            &[
                "`orders` has 100 provisioned for 500 requests at once; at the peak about 80 % are started on demand",
            ],
        ),
        (
            |limits, _| provision(limits, 500, "IN_PROGRESS"),
            &[
                "provisioned concurrency of `orders` is IN_PROGRESS and not READY; requests may start cold",
            ],
        ),
        (
            |_, plan| {
                plan.burst = Some(Burst {
                    requests: 3_000.0,
                    seconds: 2.0,
                });
                plan.init_p95_s = None;
            },
            &[
                "a burst of 3000 requests in 2 s may start 3000 environments of `orders`; Lambda adds 1000 in 10 s",
            ],
        ),
        (
            |limits, plan| {
                plan.burst = Some(Burst {
                    requests: 3_000.0,
                    seconds: 2.0,
                });
                provision(limits, 500, "READY");
            },
            &[],
        ),
        (
            |limits, plan| {
                plan.burst = Some(Burst {
                    requests: 40_000.0,
                    seconds: 2.0,
                });
                plan.init_p95_s = Some(0.0);
                plan.duration_p95_s = Some(0.01);
                limits.api = None;
            },
            &[
                "a burst of 40000 requests in 2 s is too steep; Lambda adds 10000 requests/s in 10 s",
            ],
        ),
        (
            |limits, plan| {
                plan.burst = None;
                limits.account.stage.as_mut().unwrap().throttle = Some(throttle(50.0, 10.0));
            },
            &[
                "API Gateway passes 50 of 200 requests/s by the throttle of the stage; the rest gets 429",
            ],
        ),
        (
            |limits, _| limits.account.gateway = Some(throttle(250.0, 100.0)),
            &[
                "a burst of 1000 requests in 2 s exceeds the account's API Gateway burst of 100; the rest gets 429",
            ],
        ),
        (
            |_, plan| plan.step_timeout_s = Some(29.5),
            &[
                "a step waits 29.5 s, but `orders` is ended after 15 s; slower requests fail then",
                "a step waits 29.5 s, but a REST API gives up after 29 s; slower requests fail then",
            ],
        ),
        (
            |limits, plan| {
                plan.step_timeout_s = Some(30.0);
                limits.configuration().timeout_s = Some(60);
                limits.api = Some(ApiKind::Http);
            },
            &[],
        ),
        (
            |limits, _| limits.configuration().state = Some("Pending".to_owned()),
            &["`orders` is Pending and not Active; deploy it, or wait until it is"],
        ),
        (
            |limits, _| limits.configuration().last_update_status = Some("InProgress".to_owned()),
            &["the last update of `orders` is InProgress; the load may meet the version before it"],
        ),
        (
            |limits, _| limits.configuration().system_log_level = Some("WARN".to_owned()),
            &["`orders` logs no REPORT line of a success at system log level WARN; set it to INFO"],
        ),
    ];

    #[test]
    fn each_configuration_has_its_sentence() {
        for (index, (change, expected)) in CASES.iter().enumerate() {
            let (mut limits, mut plan) = (limits(), plan());
            change(&mut limits, &mut plan);
            assert_eq!(&sentences(&limits, &plan), expected, "case {index}");
        }
    }

    #[test]
    fn sentences_have_twenty_words_at_most() {
        for (_, expected) in CASES {
            for sentence in *expected {
                assert!(sentence.split_whitespace().count() <= 20, "{sentence}");
            }
        }
    }

    #[test]
    fn what_was_not_read_warns_of_nothing() {
        let account = Account {
            concurrency: None,
            functions: vec![function(None)],
            gateway: None,
            stage: None,
            ..limits().account
        };
        let unread = Limits { account, api: None };
        assert!(sentences(&unread, &plan()).is_empty());
        assert!(sentences(&limits(), &PlannedLoad::default()).is_empty());
    }
}
