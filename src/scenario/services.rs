//! The section `aws`: from its keys to the services that they name.

use std::time::Duration;

use super::aws::{Aws, Front, LambdaFunction};
use super::fields::TraceShare;
use super::{Step, UserClass, headers, source};
use crate::units::Share;
use crate::yaml::{Error, Line, Located, OneOrMany};

/// How long late metrics and logs are waited for, if the file does not say.
const DEFAULT_WAIT: Duration = Duration::from_mins(3);
/// The longest `wait`. CloudWatch has nearly everything after a few minutes.
const LONGEST_WAIT: Duration = Duration::from_mins(15);
/// The most functions, tables or databases: all of their metrics fit into one call.
const MOST: usize = 20;

/// The header that asks X-Ray to record a request.
const TRACE: &str = "X-Amzn-Trace-Id";

/// Compiles the section; the classes are those of the scenario.
pub(super) fn aws(
    section: &Located<'_, source::Aws<'_>>,
    classes: &[UserClass],
) -> Result<Aws, Error> {
    let Located { at, value } = section;
    let functions: Vec<LambdaFunction> = each(value.functions.as_ref())?
        .map(|name| {
            LambdaFunction::parse(&name.value.0).ok_or_else(|| {
                name.at.error(format_args!(
                    "'{}' is not a function; write its name, NAME:ALIAS or its ARN",
                    name.value
                ))
            })
        })
        .collect::<Result<_, _>>()?;
    let front = match &value.api {
        Some(api) => front(api)?,
        None => Front::FunctionUrl,
    };
    let trace = value.trace.as_ref();
    let trace = trace.map(|share| trace_share(share, &front, classes));
    let names = |names| Ok(each(names)?.map(|name| name.value.0.clone()).collect());
    let aws = Aws {
        region: value.region.as_ref().map(|region| region.0.clone()),
        functions,
        front,
        tables: names(value.tables.as_ref())?,
        databases: names(value.databases.as_ref())?,
        on_limits: value.limits.unwrap_or_default(),
        budget: value.budget,
        wait: value.wait.as_ref().map_or(DEFAULT_WAIT, |wait| wait.value),
        trace: trace.transpose()?.filter(|share| share.fraction() > 0.0),
    };
    if let Some(wait) = value.wait.as_ref().filter(|wait| wait.value > LONGEST_WAIT) {
        return Err(wait
            .at
            .error("is longer than 15m; AWS has nearly all figures after 3m"));
    }
    if aws.functions.is_empty() && value.api.is_none() {
        return Err(
            at.error("names nothing; add `functions: [NAME]` or `api: { rest: ID, stage: NAME }`")
        );
    }
    Ok(aws)
}

/// The share of requests that are traced, if all of them can be.
fn trace_share(
    section: &Located<'_, TraceShare>,
    front: &Front,
    classes: &[UserClass],
) -> Result<Share, Error> {
    let steps = classes.iter().flat_map(|class| {
        let tasks = class.tasks.iter().flat_map(|task| &task.steps);
        class.on_start.iter().chain(tasks)
    });
    let mut requests = steps.filter_map(Step::request);
    if matches!(front, Front::Http { .. } | Front::LoadBalancer(_)) {
        return Err(section.at.error(
            "needs a REST API or a function's URL; behind others no REPORT line names the trace of a request",
        ));
    }
    if requests.any(|request| headers::has(&request.headers, TRACE)) {
        return Err(section.at.error(format_args!(
            "sends the header {TRACE}, which requests set already; remove one of them"
        )));
    }
    Ok(section.value.0)
}

type Names<'d> = OneOrMany<Located<'d, Line>>;

/// The names of a list.
fn each<'s, 'd>(
    names: Option<&'s Names<'d>>,
) -> Result<impl Iterator<Item = &'s Located<'d, Line>>, Error> {
    let names = names.map(|names| &names.0[..]).unwrap_or_default();
    match names.get(MOST) {
        Some(name) => Err(name
            .at
            .error(format_args!("is one too many; the most are {MOST}"))),
        None => Ok(names.iter()),
    }
}

fn front(section: &Located<'_, source::Api>) -> Result<Front, Error> {
    let Located { at, value } = section;
    let stage = |default: Option<&str>| match (&value.stage, default) {
        (Some(stage), _) => Ok(stage.0.clone()),
        (None, Some(default)) => Ok(default.to_owned()),
        (None, None) => {
            Err(at.error("has no 'stage'; add the stage of the REST API, such as prod"))
        }
    };
    match (&value.rest, &value.http, &value.alb) {
        (Some(id), None, None) => Ok(Front::Rest {
            id: id.0.clone(),
            stage: stage(None)?,
        }),
        (None, Some(id), None) => Ok(Front::Http {
            id: id.0.clone(),
            stage: stage(Some("$default"))?,
        }),
        (None, None, Some(name)) if value.stage.is_none() => {
            Ok(Front::LoadBalancer(name.0.clone()))
        }
        (None, None, Some(_)) => {
            Err(at.error("has a 'stage', which a load balancer does not have; remove it"))
        }
        (None, None, None) => Err(at.error(
            "needs one of rest, http and alb; without 'api' the target is a function's URL",
        )),
        _ => Err(at.error("is of two kinds; keep one of rest, http and alb")),
    }
}
