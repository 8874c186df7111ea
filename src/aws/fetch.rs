//! Everything that AWS says of a run, read after its load: configuration, logs, metrics, and what they cost.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::account::{Account, FunctionConfiguration, FunctionLimits};
use super::client::{Client, LIMIT, Patience};
use super::cost::{self, Api, Architecture, FunctionUsage, Usage};
use super::error::Error;
use super::insights::LogSums;
use super::join::{
    GATEWAY_STATUSES, Group, Join, LoggedReport, PhaseBounds, Responded, Start, join,
};
use super::logs::{LogReader, access_log_group};
use super::metrics::{Metrics, Window};
use super::outlook::outlook;
use super::prices::{Prices, RegionPrices};
use super::report_line::LogLine;
use super::settling::{Pace, Settled, counts_settled, reports_settled, settle, sums_settled};
use super::subject::Subject;
use super::traced::{slowest, traced};
use super::{Variables, access_log, xray};
use crate::measurement::{Arm, RequestId};
use crate::record::{
    AwsFigures, CostRecord, FunctionRecord, JoinRecord, PhaseReports, ReportsRecord, RunRecord,
    SeriesRecord, SliceReports,
};
use crate::scenario::{Aws, Front, LambdaFunction};
use crate::units::{date, group, six_digits};

/// The time between two looks at a log and at metrics.
const LOOK_AT_LOG: Duration = Duration::from_secs(5);
const LOOK_AT_METRICS: Duration = Duration::from_secs(20);
/// What the last calls may take when the wait is over.
const LAST_CALLS: Duration = Duration::from_secs(5);
/// The part of the wait after which the log is no longer waited for, and the part that one call may take.
const LOG_SHARE: f64 = 0.6;
const CALL_SHARE: f64 = 0.25;
/// Lambda's lines of a run may bear times a little outside of it.
const AROUND: SignedDuration = SignedDuration::from_secs(60);
/// Requests above which the lines are not read one by one: they would fill hundreds of pages.
const MOST_REQUESTS: u64 = 200_000;
/// The share of requests that may be of nobody known: probes before the load, and requests that got no response.
const UNKNOWN: f64 = 0.01;
/// The same as a number, for short runs: each task is tried before the load.
const FEW_UNKNOWN: u64 = 50;
/// The longest function of a list is named, and how much is said of what is missing.
const MOST_MISSING: usize = 20;

/// What is asked for.
pub struct Order<'a> {
    /// The services behind the target.
    pub services: &'a Aws,
    /// The run.
    pub record: &'a RunRecord,
    /// The longest that late figures are waited for.
    pub wait: Duration,
    /// Prices; none where they cannot be read.
    pub prices: &'a Prices,
    /// How environment variables are looked up.
    pub variable: &'a Variables<'a>,
    /// Sleeps; a break ends all waiting.
    pub sleep: &'a dyn Fn(Duration) -> ControlFlow<()>,
}

/// What AWS said.
pub struct Fetched {
    /// The figures.
    pub figures: AwsFigures,
    /// Responses that waited for a cold start; none if requests were not joined with lines.
    pub cold: Option<HashSet<RequestId>>,
}

/// Reads all that can be had. What cannot is named in [`AwsFigures::missing`].
pub fn fetch(order: &Order<'_>) -> Fetched {
    let start = Instant::now();
    let until = start + order.wait;
    let patience = Patience {
        sleep: order.sleep,
        limit: call_limit(order.wait),
        deadline: until + LAST_CALLS,
    };
    let mut figures = AwsFigures::default();
    let client = Client::new(order.services.region.as_deref(), order.variable, patience);
    let client = match client {
        Ok(client) => client,
        Err(error) => {
            figures.missing.push(error.to_string());
            return Fetched {
                figures,
                cold: None,
            };
        }
    };
    client.region().clone_into(&mut figures.region);
    let account = Account::read(&client, order.services);
    let mut missing: Vec<String> = account.refused.iter().map(Error::to_string).collect();
    let mut reader = Reader {
        order,
        client: &client,
        patience,
        logs_until: start + order.wait.mul_f64(LOG_SHARE),
        until,
        account: &account,
        missing: &mut missing,
        shares: BTreeMap::new(),
    };
    let cold = reader.logs(&mut figures);
    reader.metrics(&mut figures);
    reader.traces(&mut figures);
    reader.cost(&mut figures);
    figures.limits = reader.limits(&figures);
    missing.sort();
    missing.dedup();
    missing.truncate(MOST_MISSING);
    figures.missing = missing;
    Fetched { figures, cold }
}

/// How long a call may take: one that hangs leaves time for those after it.
fn call_limit(wait: Duration) -> Duration {
    LIMIT.min(wait.mul_f64(CALL_SHARE)).max(LAST_CALLS)
}

struct Reader<'r, 'c> {
    order: &'r Order<'r>,
    client: &'r Client<'c>,
    patience: Patience<'r>,
    /// When the logs are no longer waited for, and when nothing is.
    logs_until: Instant,
    until: Instant,
    account: &'r Account,
    missing: &'r mut Vec<String>,
    /// What the joined requests to each deployment of a duet used.
    shares: BTreeMap<Arm, Share>,
}

/// What joined requests used: of each function, by its index, lines and billed milliseconds.
#[derive(Default)]
struct Share {
    requests: u64,
    functions: BTreeMap<usize, (u64, u64)>,
}

/// A line of a function's log.
struct Line {
    function: usize,
    timestamp_ms: i64,
    report: super::report_line::ReportLine,
}

/// The index of a function, the function, and what is known of it.
type OwnLog<'r> = (usize, &'r LambdaFunction, Option<&'r FunctionConfiguration>);

impl<'r> Reader<'r, '_> {
    /// The time of the load.
    fn window(&self) -> (Timestamp, Timestamp) {
        let run = &self.order.record.run;
        let length = SignedDuration::try_from_secs_f64(run.duration_s).unwrap_or_default();
        let end = run.started.saturating_add(length);
        (run.started, end.unwrap_or(run.started))
    }

    /// Responses with statuses that fit.
    fn with_status(&self, fits: impl Fn(u16) -> bool) -> u64 {
        let parts = self.order.record.parts.iter();
        let statuses = parts.flat_map(|of| &of.parts.statuses);
        let own = statuses.filter(|(status, _)| fits(**status));
        // A stored result may say anything.
        own.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    fn responses(&self) -> u64 {
        self.with_status(|_| true)
    }

    /// Responses that an invocation certainly stands behind.
    fn expected(&self) -> u64 {
        self.with_status(|status| !GATEWAY_STATUSES.contains(&status))
    }

    /// Notes that a part of what was waited for did not come.
    fn note_incomplete(&mut self, figures: &mut AwsFigures, what: &str) {
        figures.incomplete = true;
        self.missing
            .push(format!("{what} so far; fetch again later"));
    }

    /// Reads the logs of all functions and joins them with our requests. Returns the responses that began cold.
    fn logs(&mut self, figures: &mut AwsFigures) -> Option<HashSet<RequestId>> {
        let functions = &self.order.services.functions;
        figures.functions = functions.iter().map(named).collect();
        if functions.is_empty() {
            return None;
        }
        if self.responses() > MOST_REQUESTS {
            self.sums(figures);
            return None;
        }
        let (lines, access_log) = self.lines(figures)?;
        let names: Vec<String> = functions.iter().map(ToString::to_string).collect();
        let lines: Vec<LoggedReport<'_>> = lines
            .into_iter()
            .map(|line| LoggedReport {
                function: &names[line.function],
                timestamp_ms: line.timestamp_ms,
                report: line.report,
            })
            .collect();
        let (sent, slices) = (self.responded(), self.slices());
        let joined = join(&sent, &lines, &access_log, &slices);
        // Lines are grouped anew for each: percentiles cannot be added up.
        let phase_of = |slice: usize| self.order.record.slices[slice].phase;
        let by_phase = joined.lines().groups(phase_of);
        let (in_one, by_slice) = (
            joined.lines().groups(|_| 0),
            joined.lines().groups(|slice| slice),
        );
        for function in &mut figures.functions {
            let phases = of_function(&by_phase, &function.name).map(|group| PhaseReports {
                phase: group.phase,
                reports: group.reports.clone(),
            });
            function.phases = phases.collect();
            let mut all = of_function(&in_one, &function.name);
            function.reports = all.next().map(|group| group.reports.clone());
            let slices = of_function(&by_slice, &function.name).map(|group| SliceReports {
                slice: group.phase,
                lines: group.reports.lines,
                billed_ms: group.reports.billed_ms,
            });
            function.slices = slices.collect();
        }
        figures.join = Some(joined.record());
        let traces = &self.order.record.traces;
        figures.traced = (!traces.is_empty()).then(|| traced(traces, &sent, &lines, &slices));
        match joined {
            Join::Counts { .. } => None,
            Join::Requests(requests) => {
                self.note_others(figures, requests.foreign as u64);
                for joined in &requests.requests {
                    let share = self.shares.entry(sent[joined.sent].arm).or_default();
                    let function = names.iter().position(|name| name == joined.line.function);
                    let used = share
                        .functions
                        .entry(function.unwrap_or_default())
                        .or_default();
                    share.requests += 1;
                    used.0 += 1;
                    used.1 += joined.line.report.billed_ms.map_or(0, u64::from);
                }
                let cold = requests.requests.iter();
                let cold = cold.filter(|joined| joined.start == Start::ColdFelt);
                Some(cold.map(|joined| sent[joined.sent].id).collect())
            }
        }
    }

    /// Notes requests of others, if there are more than can be our own.
    fn note_others(&self, figures: &mut AwsFigures, unknown: u64) {
        let ours = self.responses() as f64;
        let is_many = unknown as f64 > ours * UNKNOWN && unknown > FEW_UNKNOWN;
        if is_many {
            figures.others = figures.others.max(Some(unknown));
        }
    }

    /// The lines of all functions, and the access log: the gateway's ids of requests with those of their invocations.
    fn lines(
        &mut self,
        figures: &mut AwsFigures,
    ) -> Option<(Vec<Line>, BTreeMap<RequestId, RequestId>)> {
        let (start, end) = self.window();
        let window = (
            start.saturating_sub(AROUND).unwrap_or(start),
            end.saturating_add(AROUND).unwrap_or(end),
        );
        let mut readers = self.readers(window);
        let mut access = self.access_log(window);
        let (mut lines, mut ids) = (Vec::new(), BTreeMap::new());
        let pace = Pace {
            every: LOOK_AT_LOG.min(self.order.wait / 8),
            until: self.logs_until,
            patience: self.patience,
        };
        let mut look = || {
            for (function, reader) in &mut readers {
                let function = *function;
                reader.read(self.client, &mut |message, timestamp_ms| {
                    if let Some(LogLine::Report(report)) = LogLine::parse(message) {
                        lines.push(Line {
                            function,
                            timestamp_ms,
                            report,
                        });
                    }
                })?;
            }
            if let Some((format, reader)) = &mut access {
                reader.read(self.client, &mut |message, _| {
                    ids.extend(
                        format
                            .line(message)
                            .into_iter()
                            .flat_map(|line| pairs(&line)),
                    );
                })?;
            }
            Ok(lines.len() as u64)
        };
        let settled = settle(&pace, self.expected(), &mut look, &reports_settled);
        self.note_lines(figures, settled).then_some((lines, ids))
    }

    /// Notes how many lines came, or why none did. Returns whether any may have come.
    fn note_lines(&mut self, figures: &mut AwsFigures, settled: Result<Settled, Error>) -> bool {
        match settled {
            Ok(Settled::Short { has, of }) => {
                let [has, of] = [has, of].map(|count| group(&count.to_string()));
                let what = format!("the logs have {has} REPORT lines for {of} responses");
                self.note_incomplete(figures, &what);
            }
            Ok(Settled::Complete | Settled::Foreign { .. }) => {}
            Err(error) => {
                self.missing.push(error.to_string());
                return false;
            }
        }
        true
    }

    /// Has the logs of all functions summed up, which joins nothing.
    fn sums(&mut self, figures: &mut AwsFigures) {
        let (start, end) = self.window();
        let window = (start, end.saturating_add(AROUND).unwrap_or(end));
        let of_function = |(index, function, configuration)| {
            (index, LogSums::of_function(function, configuration, window))
        };
        let logs: Vec<(usize, LogSums)> = self.own_logs().into_iter().map(of_function).collect();
        let pace = Pace {
            every: LOOK_AT_METRICS.min(self.order.wait / 4),
            until: Instant::now() + self.order.wait.mul_f64(LOG_SHARE),
            patience: self.patience,
        };
        let patience = Patience {
            deadline: pace.until + LAST_CALLS,
            ..self.patience
        };
        let mut wholes: Vec<ReportsRecord> = Vec::new();
        let mut look = || {
            let sums = logs.iter();
            wholes = sums
                .map(|(_, log)| log.whole(self.client, patience))
                .collect::<Result<_, _>>()?;
            Ok(wholes.iter().map(|own| own.lines).sum())
        };
        let settled = settle(&pace, self.expected(), &mut look, &sums_settled);
        if !self.note_lines(figures, settled) {
            return;
        }
        let slices = self.slices().into_iter();
        let phases = slices.map(|slice| PhaseBounds {
            phase: self.order.record.slices[slice.phase].phase,
            ..slice
        });
        let phases: Vec<PhaseBounds> = phases.collect();
        for ((index, log), whole) in logs.iter().zip(wholes) {
            let record = &mut figures.functions[*index];
            record.reports = (whole.lines > 0).then_some(whole);
            match log.by_phase(self.client, self.patience, &phases) {
                Ok(of_phases) => record.phases = of_phases,
                Err(error) => self.missing.push(error.to_string()),
            }
        }
        let most = group(&MOST_REQUESTS.to_string());
        figures.join = Some(JoinRecord {
            answered: self.expected(),
            joined: 0,
            counts_only: Some(format!(
                "above {most} responses, Logs Insights sums it in steps of 10 s"
            )),
        });
    }

    /// A reader for the log of each function, with its index.
    fn readers(&mut self, window: (Timestamp, Timestamp)) -> Vec<(usize, LogReader)> {
        let logs = self.own_logs().into_iter();
        logs.map(|(index, function, configuration)| {
            let reader = LogReader::of_function(function, configuration, window);
            (index, reader)
        })
        .collect()
    }

    /// Functions with logs of their own, with their index. Aliases of one function share a log: the first has its lines.
    fn own_logs(&mut self) -> Vec<OwnLog<'r>> {
        let functions = &self.order.services.functions;
        let mut logs = Vec::new();
        for (index, (function, limits)) in functions.iter().zip(&self.account.functions).enumerate()
        {
            let twin = functions[..index]
                .iter()
                .find(|own| own.name == function.name);
            if let Some(twin) = twin {
                self.missing.push(format!(
                    "{function} logs where {twin} does, so the lines of both are counted there"
                ));
                continue;
            }
            logs.push((index, function, limits.configuration.as_ref()));
        }
        logs
    }

    /// The access log of the API's stage, if it has one that names invocations.
    fn access_log(
        &mut self,
        window: (Timestamp, Timestamp),
    ) -> Option<(access_log::AccessFormat, LogReader)> {
        let has_stage = matches!(
            self.order.services.front,
            Front::Rest { .. } | Front::Http { .. }
        );
        let stage = self.account.stage.as_ref().filter(|_| has_stage)?;
        let group = stage.access_log_destination.as_deref();
        let group = group.and_then(access_log_group);
        let format = stage.access_log_format.as_deref();
        let (Some(group), Some(format)) = (group, format) else {
            // Traces join a part of the requests without one.
            if !self.order.record.traces.is_empty() {
                return None;
            }
            self.missing.push(
                "the stage has no access log in CloudWatch, so requests cannot be joined with invocations; add one"
                    .to_owned(),
            );
            return None;
        };
        match access_log::AccessFormat::parse(format) {
            Ok(format) => Some((format, LogReader::of_group(group.to_owned(), window))),
            Err(error) => {
                self.missing.push(error.to_string());
                None
            }
        }
    }

    /// Our requests that got a response with an id, each with the index of its slice for a phase.
    fn responded(&self) -> Vec<Responded> {
        let slices = [Arm::Target, Arm::Base].map(|arm| {
            let slices = self.order.record.slices.iter().enumerate();
            let own = slices.filter(|(_, slice)| slice.arm == arm);
            own.map(|(index, _)| index).collect::<Vec<usize>>()
        });
        let sent = self.order.record.sent.iter();
        sent.filter_map(|one| {
            let of_arm = match one.arm {
                Arm::Target => &slices[0],
                Arm::Base => &slices[1],
            };
            Some(Responded {
                id: one.id,
                arm: one.arm,
                phase: *of_arm.get(usize::from(one.slice))?,
                service_us: one.service_us,
                status: one.status,
            })
        })
        .collect()
    }

    /// When slices ran, each as a phase of its own.
    fn slices(&self) -> Vec<PhaseBounds> {
        let start_ms = self.order.record.run.started.as_millisecond();
        #[expect(clippy::cast_possible_truncation, reason = "saturating is right")]
        let at = |seconds: f64| start_ms.saturating_add((seconds * 1e3) as i64);
        let slices = self.order.record.slices.iter().enumerate();
        slices
            .map(|(index, slice)| PhaseBounds {
                phase: index,
                start_ms: at(slice.start_s),
                end_ms: at(slice.start_s + slice.length_s),
            })
            .collect()
    }

    /// What has metrics.
    fn subjects(&self) -> Vec<Subject> {
        let Aws {
            functions,
            front,
            tables,
            databases,
            ..
        } = self.order.services;
        let api = match front {
            Front::FunctionUrl => None,
            Front::Rest { id, stage } => Some(Subject::RestApi {
                name: self.account.rest_name.clone().unwrap_or_else(|| id.clone()),
                stage: stage.clone(),
            }),
            Front::Http { id, stage } => Some(Subject::HttpApi {
                id: id.clone(),
                stage: stage.clone(),
            }),
            Front::LoadBalancer(id) => Some(Subject::LoadBalancer { id: id.clone() }),
        };
        let url = functions.first().filter(|_| *front == Front::FunctionUrl);
        // First what every request of ours reaches: it is waited for.
        api.into_iter()
            .chain(functions.iter().cloned().map(Subject::Function))
            .chain(url.cloned().map(Subject::FunctionUrl))
            .chain((!functions.is_empty()).then_some(Subject::Account))
            .chain(tables.iter().cloned().map(Subject::Table))
            .chain(databases.iter().cloned().map(Subject::Database))
            .collect()
    }

    /// Waits for the metrics and reads them.
    fn metrics(&mut self, figures: &mut AwsFigures) {
        let subjects = self.subjects();
        let (start, end) = self.window();
        let window = Window::around(start, end);
        let pace = Pace {
            every: LOOK_AT_METRICS.min(self.order.wait / 4),
            until: self.until,
            patience: self.patience,
        };
        let mut look = || Metrics::count(self.client, &subjects[..1], window);
        let settled = settle(&pace, self.expected(), &mut look, &counts_settled);
        match settled {
            Ok(Settled::Short { has, of }) => {
                let [has, of] = [has, of].map(|count| group(&count.to_string()));
                self.note_incomplete(figures, &format!("CloudWatch has {has} of {of} requests"));
            }
            Ok(Settled::Foreign { has, .. }) => {
                self.note_others(figures, has.saturating_sub(self.responses()));
            }
            Ok(Settled::Complete) => {}
            Err(error) => {
                self.missing.push(error.to_string());
                return;
            }
        }
        match Metrics::fetch(self.client, &subjects, window) {
            Ok(metrics) => {
                self.note_metrics(figures, &metrics);
                let unknown = figures
                    .functions
                    .iter()
                    .filter(|of| of.invocations.is_none());
                self.missing.extend(unknown.map(|function| {
                    format!(
                        "CloudWatch has no metrics of {} in these minutes; check its name, or remove it if it was not called",
                        function.name
                    )
                }));
            }
            Err(error) => self.missing.push(error.to_string()),
        }
    }

    /// Names the slowest traced requests, and reads what X-Ray recorded of them: once, since it is a nicety.
    fn traces(&mut self, figures: &mut AwsFigures) {
        let RunRecord { traces, sent, .. } = self.order.record;
        if traces.is_empty() {
            return;
        }
        let traced = figures.traced.get_or_insert_default();
        traced.slowest = slowest(traces, sent);
        match xray::read(self.client, &traced.slowest) {
            Ok(Some(parts)) => traced.parts = Some(parts),
            Ok(None) => self.missing.push(
                "X-Ray gives none of the slowest traces; it cannot while Transaction Search is on"
                    .to_owned(),
            ),
            Err(error) => self.missing.push(error.to_string()),
        }
    }

    fn note_metrics(&self, figures: &mut AwsFigures, metrics: &Metrics) {
        for (function, record) in self
            .order
            .services
            .functions
            .iter()
            .zip(&mut figures.functions)
        {
            let subject = Subject::Function(function.clone());
            let sum = |metric| metrics.sum(&subject, metric).map(six_digits);
            let most = |metric, statistic| {
                let series = metrics.find(&subject, metric, statistic)?;
                let values = series.points.iter().map(|(_, value)| *value);
                values.reduce(f64::max).map(six_digits)
            };
            record.invocations = sum("Invocations");
            record.errors = sum("Errors");
            record.throttles = sum("Throttles");
            record.spillover = match function.qualifier {
                Some(_) => sum("ProvisionedConcurrencySpilloverInvocations"),
                // Only an alias or a version can have provisioned concurrency.
                None => record.invocations.map(|_| 0.0),
            };
            record.concurrency = most("ConcurrentExecutions", "Maximum");
            record.duration_p95_ms = most("Duration", "p95");
        }
        let start = self.order.record.run.started.as_second();
        let shown = metrics
            .series
            .iter()
            .filter(|series| !series.points.is_empty());
        figures.series = shown
            .map(|series| SeriesRecord {
                resource: series.subject.to_string(),
                metric: series.metric.to_owned(),
                statistic: series.statistic.to_owned(),
                points: series
                    .points
                    .iter()
                    .map(|(minute, value)| ((minute - start) as f64, six_digits(*value)))
                    .collect(),
            })
            .collect();
    }

    /// What the load ran into.
    fn limits(&self, figures: &AwsFigures) -> Vec<String> {
        let slowest = figures
            .functions
            .iter()
            .filter_map(|function| function.duration_p95_ms);
        let slowest = slowest.reduce(f64::max).map(|millis| millis / 1e3);
        let phases = &self.order.record.phases;
        outlook(
            self.account,
            &self.order.services.front,
            phases,
            (None, slowest),
        )
    }

    /// What a request to one deployment of a duet costs: its own invocation, and its part of what both use.
    fn request_cost(&self, arm: Arm, figures: &AwsFigures, prices: &RegionPrices) -> Option<f64> {
        let responses = self.responses();
        let share = self.shares.get(&arm).filter(|_| self.shares.len() > 1)?;
        let of = |index: usize, used| usage(used, self.account.functions.get(index)?);
        let own = share
            .functions
            .iter()
            .map(|(index, used)| of(*index, *used));
        let is_joined = |index: &usize| {
            self.shares
                .values()
                .any(|share| share.functions.contains_key(index))
        };
        let others = figures.functions.iter().enumerate();
        let others = others.filter(|(index, _)| !is_joined(index));
        let others = others.filter_map(|(index, function)| {
            let reports = function.reports.as_ref()?;
            Some(of(index, (reports.lines, reports.billed_ms)))
        });
        let own = Usage {
            functions: own.collect::<Option<_>>()?,
            api: Api::Free,
            api_requests: 0,
        };
        let both = Usage {
            functions: others.collect::<Option<_>>()?,
            api: Api::of(&self.order.services.front),
            api_requests: responses,
        };
        let each = cost::total(&own, prices).total / share.requests as f64;
        Some(each + cost::total(&both, prices).total / responses as f64)
    }

    /// What the invocations and the API cost.
    fn cost(&mut self, figures: &mut AwsFigures) {
        let functions = figures.functions.iter().zip(&self.account.functions);
        // A function without lines was not called, or its lines are counted at another alias.
        let used: Option<Vec<FunctionUsage>> = functions
            .filter_map(|(record, limits)| Some((record.reports.as_ref()?, limits)))
            .map(|(reports, limits)| usage((reports.lines, reports.billed_ms), limits))
            .collect();
        let Some(functions) = used.filter(|used| !used.is_empty() && !figures.incomplete) else {
            return;
        };
        let is_provisioned = |limits: &FunctionLimits| {
            limits
                .provisioned
                .as_ref()
                .is_some_and(|all| !all.is_empty())
        };
        if self.account.functions.iter().any(is_provisioned) {
            self.missing.push(
                "the cost is not known of a function with provisioned concurrency, which is billed by time".to_owned(),
            );
            return;
        }
        let responses = self.responses();
        let prices = self.order.prices;
        match prices.region(self.client.region()) {
            Ok(of_region) => {
                let usage = Usage {
                    functions,
                    api: Api::of(&self.order.services.front),
                    api_requests: responses,
                };
                let dollars = cost::total(&usage, &of_region);
                let all = dollars.total / responses as f64;
                let [target, base] =
                    [Arm::Target, Arm::Base].map(|arm| self.request_cost(arm, figures, &of_region));
                let million = |dollars: f64| six_digits(dollars * 1e6);
                figures.cost = (responses > 0).then(|| CostRecord {
                    usd: six_digits(dollars.total),
                    // Of a run without a base, all requests are the target's.
                    per_million_usd: million(base.and(target).unwrap_or(all)),
                    base_per_million_usd: base.map(million),
                    duration_usd: Some(six_digits(dollars.duration)),
                    prices_of: prices.as_of().to_string(),
                });
            }
            Err(error) => self.missing.push(error.to_string()),
        }
        let today = date(Timestamp::now());
        self.missing.extend(prices.age_warning(today));
    }
}

/// The lines of one function.
fn of_function<'g>(groups: &'g [Group<'_>], name: &'g str) -> impl Iterator<Item = &'g Group<'g>> {
    groups.iter().filter(move |group| group.function == name)
}

fn named(function: &LambdaFunction) -> FunctionRecord {
    FunctionRecord {
        name: function.to_string(),
        ..FunctionRecord::default()
    }
}

/// The ids of a request that a response may have, each with that of its invocation.
fn pairs(line: &access_log::AccessLine) -> Vec<(RequestId, RequestId)> {
    let Some(invocation) = RequestId::parse(&line.invocation) else {
        return Vec::new();
    };
    let ids = [&line.request, &line.extended].into_iter().flatten();
    ids.filter_map(|id| Some((RequestId::parse(id)?, invocation)))
        .collect()
}

/// What a run used of a function; none of one on Managed Instances, which are billed by the instance.
fn usage((invocations, billed_ms): (u64, u64), limits: &FunctionLimits) -> Option<FunctionUsage> {
    let configuration = limits.configuration.as_ref()?;
    if configuration.is_on_instances {
        return None;
    }
    Some(FunctionUsage {
        architecture: Architecture::of(configuration),
        memory_mb: configuration.memory_mb?,
        invocations,
        billed_ms,
    })
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
