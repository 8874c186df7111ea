//! Limits of an account against a planned load: what would throttle, cut off or hide requests.
//!
//! Pure: the figures were read before. A figure that could not be read warns of nothing.

use super::limit_warning::{FunctionProblem, LimitWarning, ThrottleScope};

/// Environments that Lambda adds to a function in ten seconds.
pub(super) const NEW_ENVIRONMENTS: f64 = 1_000.0;
/// Requests per second that Lambda adds to a function in ten seconds.
pub(super) const NEW_RATE: f64 = 10_000.0;
/// The step of both, in seconds.
pub(super) const SCALING_STEP_S: f64 = 10.0;

/// Limits that were read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Limits {
    /// Concurrency of the account.
    pub(super) account_concurrency: Option<u32>,
    /// The part of it that no function has reserved.
    pub(super) unreserved_concurrency: Option<u32>,
    /// Functions behind the target.
    pub(super) functions: Vec<FunctionLimits>,
    /// API Gateway, if it stands before them.
    pub(super) gateway: Option<GatewayLimits>,
}

/// Limits of one function.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FunctionLimits {
    /// Its name.
    pub(super) name: String,
    /// Concurrency that is reserved for it, and its ceiling; 0 turns it off.
    pub(super) reserved: Option<u32>,
    /// Provisioned concurrency, if it has any.
    pub(super) provisioned: Option<ProvisionedConcurrency>,
    /// Timeout in seconds.
    pub(super) timeout_s: Option<u32>,
    /// `State`, such as `Active`.
    pub(super) state: Option<String>,
    /// `LastUpdateStatus`, such as `Successful`.
    pub(super) last_update: Option<String>,
    /// `SystemLogLevel` of its logging, such as `INFO`.
    pub(super) system_log_level: Option<String>,
}

/// Environments that are kept ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProvisionedConcurrency {
    /// How many.
    pub(super) environments: u32,
    /// `Status`, such as `READY`.
    pub(super) status: String,
}

/// Limits of API Gateway.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GatewayLimits {
    /// Its kind.
    pub(super) kind: GatewayKind,
    /// Of the account in this region.
    pub(super) account: Option<Throttle>,
    /// Of the stage.
    pub(super) stage: Option<Throttle>,
}

/// Kind of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GatewayKind {
    /// A REST API.
    Rest,
    /// An HTTP API.
    Http,
}

/// A throttle of API Gateway.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Throttle {
    /// Requests per second.
    pub(super) rate: f64,
    /// Requests that may come at once.
    pub(super) burst: u32,
}

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
    /// How many.
    pub(super) requests: f64,
    /// Within how many seconds.
    pub(super) seconds: f64,
}

/// Compares limits with a plan. A limit that suffices is not mentioned.
pub(super) fn warnings(limits: &Limits, plan: &PlannedLoad) -> Vec<LimitWarning> {
    let mut found = Vec::new();
    for function in &limits.functions {
        let problems = function.deployment().chain(function.capacity(plan));
        found.extend(problems.map(|problem| LimitWarning::Function {
            name: function.name.clone(),
            problem,
        }));
    }
    found.extend(limits.account_warning(plan));
    let burst = plan
        .burst
        .filter(|burst| burst.rate() > NEW_RATE * burst.scaling_steps());
    found.extend(burst.map(LimitWarning::BurstRate));
    if let Some(gateway) = &limits.gateway {
        found.extend(gateway.warnings(plan));
    }
    found
}

impl PlannedLoad {
    /// The most requests at once, if more than a limit: users, or by Little's law the rate times the duration.
    fn peak_above(&self, limit: u32) -> Option<f64> {
        let open = self.peak_rate.zip(self.duration_p95_s);
        let open = open.map(|(rate, duration_s)| (rate * duration_s).ceil());
        let closed = self.peak_users.map(f64::from);
        let peak = open.into_iter().chain(closed).reduce(f64::max);
        peak.filter(|peak| *peak > f64::from(limit))
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

impl FunctionLimits {
    /// A function that is off, not up to date, or silent.
    fn deployment(&self) -> impl Iterator<Item = FunctionProblem> {
        let unlike =
            |value: Option<&String>, good: &str| value.filter(|value| *value != good).cloned();
        let provisioned = self
            .provisioned
            .as_ref()
            .map(|provisioned| &provisioned.status);
        let is_silent = self.system_log_level.as_deref() == Some("WARN");
        let found = [
            (self.reserved == Some(0)).then_some(FunctionProblem::Off),
            unlike(self.state.as_ref(), "Active").map(FunctionProblem::NotActive),
            unlike(self.last_update.as_ref(), "Successful").map(FunctionProblem::NotUpdated),
            unlike(provisioned, "READY").map(FunctionProblem::ProvisionedNotReady),
            is_silent.then_some(FunctionProblem::ReportsHidden),
        ];
        found.into_iter().flatten()
    }

    /// What the function's concurrency and timeout do to the plan.
    fn capacity(&self, plan: &PlannedLoad) -> impl Iterator<Item = FunctionProblem> {
        let above = |limit: u32| Some((plan.peak_above(limit)?, limit));
        let kept = self
            .provisioned
            .as_ref()
            .map(|provisioned| provisioned.environments);
        let reserved = self
            .reserved
            .filter(|reserved| *reserved > 0)
            .and_then(above);
        let burst = plan.burst.and_then(|burst| {
            let needed = burst.environments(plan) - f64::from(kept.unwrap_or_default());
            let is_too_steep = needed > NEW_ENVIRONMENTS * burst.scaling_steps();
            is_too_steep.then_some(FunctionProblem::Burst { burst, needed })
        });
        let timeout = self.timeout_s.zip(plan.step_timeout_s);
        let timeout = timeout.filter(|(timeout_s, step_s)| *step_s > f64::from(*timeout_s));
        let found = [
            reserved.map(|(peak, reserved)| FunctionProblem::Reserved { peak, reserved }),
            kept.and_then(above)
                .map(|(peak, kept)| FunctionProblem::Provisioned { peak, kept }),
            burst,
            timeout.map(|(timeout_s, step_s)| FunctionProblem::Timeout { step_s, timeout_s }),
        ];
        found.into_iter().flatten()
    }
}

impl Limits {
    /// Functions without reserved concurrency share what is unreserved; the others have the account's.
    fn account_warning(&self, plan: &PlannedLoad) -> Option<LimitWarning> {
        let is_shared = self
            .functions
            .iter()
            .any(|function| function.reserved.is_none());
        let unreserved = self.unreserved_concurrency.filter(|_| is_shared);
        let available = unreserved
            .into_iter()
            .chain(self.account_concurrency)
            .min()?;
        let peak = plan.peak_above(available)?;
        Some(LimitWarning::Account { peak, available })
    }
}

impl GatewayKind {
    /// How long it waits for a function, in seconds.
    pub(super) fn timeout_s(self) -> f64 {
        match self {
            Self::Rest => 29.0,
            Self::Http => 30.0,
        }
    }
}

impl GatewayLimits {
    fn warnings(&self, plan: &PlannedLoad) -> Vec<LimitWarning> {
        let mut found = Vec::new();
        let scopes = [
            (self.stage, ThrottleScope::Stage),
            (self.account, ThrottleScope::Account),
        ];
        for (throttle, scope) in scopes {
            let Some(Throttle {
                rate: limit,
                burst: at_once,
            }) = throttle
            else {
                continue;
            };
            let rate = plan.peak_rate.filter(|rate| *rate > limit);
            found.extend(rate.map(|rate| LimitWarning::GatewayRate { rate, limit, scope }));
            // The burst passes at once, and the rate besides.
            let passes = |burst: &Burst| f64::from(at_once) + limit * burst.seconds;
            let burst = plan.burst.filter(|burst| burst.requests > passes(burst));
            let warning = |burst| LimitWarning::GatewayBurst {
                burst,
                limit: at_once,
                scope,
            };
            found.extend(burst.map(warning));
        }
        let kind = self.kind;
        let step_s = plan
            .step_timeout_s
            .filter(|step_s| *step_s > kind.timeout_s());
        found.extend(step_s.map(|step_s| LimitWarning::GatewayTimeout { kind, step_s }));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything suffices for what [`plan`] asks.
    fn limits() -> Limits {
        let throttle = Some(Throttle {
            rate: 1_000.0,
            burst: 2_000,
        });
        Limits {
            account_concurrency: Some(1_000),
            unreserved_concurrency: Some(900),
            functions: vec![function()],
            gateway: Some(GatewayLimits {
                kind: GatewayKind::Rest,
                account: throttle,
                stage: throttle,
            }),
        }
    }

    fn function() -> FunctionLimits {
        FunctionLimits {
            name: "orders".to_owned(),
            timeout_s: Some(15),
            state: Some("Active".to_owned()),
            last_update: Some("Successful".to_owned()),
            system_log_level: Some("INFO".to_owned()),
            ..FunctionLimits::default()
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
        warnings(limits, plan)
            .iter()
            .map(LimitWarning::to_string)
            .collect()
    }

    fn provision(limits: &mut Limits, environments: u32, status: &str) {
        limits.functions[0].provisioned = Some(ProvisionedConcurrency {
            environments,
            status: status.to_owned(),
        });
    }

    type Change = fn(&mut Limits, &mut PlannedLoad);

    /// What is changed, and all that is said then.
    const CASES: &[(Change, &[&str])] = &[
        (|_, _| {}, &[]),
        (
            |limits, _| limits.functions[0].reserved = Some(0),
            &[
                "`orders` has reserved concurrency 0, which turns it off; every request is throttled",
            ],
        ),
        (
            |limits, _| limits.functions[0].reserved = Some(100),
            &[
                "`orders` has 100 reserved for 500 requests at once; at the peak about 80 % are throttled",
            ],
        ),
        (|limits, _| limits.functions[0].reserved = Some(500), &[]),
        (
            |limits, _| limits.unreserved_concurrency = Some(400),
            &[
                "the account has concurrency 400 left for 500 requests at once; at the peak about 20 % are throttled",
            ],
        ),
        (
            |limits, _| {
                limits.unreserved_concurrency = Some(10);
                limits.functions[0].reserved = Some(600);
            },
            &[],
        ),
        (
            |limits, _| {
                limits.account_concurrency = Some(10);
                limits.unreserved_concurrency = None;
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
                limits.gateway = None;
            },
            &[
                "a burst of 40000 requests in 2 s is too steep; Lambda adds 10000 requests/s in 10 s",
            ],
        ),
        (
            |limits, plan| {
                plan.burst = None;
                let stage = Some(Throttle {
                    rate: 50.0,
                    burst: 10,
                });
                limits.gateway = limits
                    .gateway
                    .map(|gateway| GatewayLimits { stage, ..gateway });
            },
            &[
                "API Gateway passes 50 of 200 requests/s by the throttle of the stage; the rest gets 429",
            ],
        ),
        (
            |limits, _| {
                let account = Some(Throttle {
                    rate: 250.0,
                    burst: 100,
                });
                limits.gateway = limits
                    .gateway
                    .map(|gateway| GatewayLimits { account, ..gateway });
            },
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
                limits.functions[0].timeout_s = Some(60);
                let kind = GatewayKind::Http;
                limits.gateway = limits
                    .gateway
                    .map(|gateway| GatewayLimits { kind, ..gateway });
            },
            &[],
        ),
        (
            |limits, _| limits.functions[0].state = Some("Pending".to_owned()),
            &["`orders` is Pending and not Active; deploy it, or wait until it is"],
        ),
        (
            |limits, _| limits.functions[0].last_update = Some("InProgress".to_owned()),
            &["the last update of `orders` is InProgress; the load may meet the version before it"],
        ),
        (
            |limits, _| limits.functions[0].system_log_level = Some("WARN".to_owned()),
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
        let unread = Limits {
            functions: vec![FunctionLimits::default()],
            ..Limits::default()
        };
        let mut plan = plan();
        assert_eq!(warnings(&unread, &plan), []);
        plan = PlannedLoad::default();
        assert_eq!(warnings(&limits(), &plan), []);
    }
}
