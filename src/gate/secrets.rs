//! What no report of a run may repeat, and how it is hidden in text that targets, servers and programs wrote.

use serde_json::Value;

use crate::plan::{Gate, Plan};
use crate::redact::{
    may_name_secret, names_secret, redact, without_credentials, without_tokens, without_user_info,
};
use crate::scenario::{Auth, Data, Scenario, Step, Template};

/// Rows of data that are looked through for secrets.
const ROWS: usize = 10_000;

/// Everything secret that is known before the load: from the environment, the arguments and the scenario.
pub(super) fn known(plan: &Plan, gate: &Gate) -> Vec<String> {
    let base = gate.against.iter().map(|against| &against.scenario);
    let scenarios = std::iter::once(&gate.scenario).chain(base);
    let mut secrets: Vec<String> = scenarios.flat_map(of_scenario).collect();
    secrets.extend(plan.withheld.values().iter().cloned());
    let given = plan
        .secrets
        .iter()
        .filter(|(name, _)| may_name_secret(name));
    secrets.extend(given.map(|(_, value)| value.clone()));
    secrets.sort();
    secrets.dedup();
    secrets
}

/// A message that may repeat foreign text, without what is secret.
pub(super) fn hidden(text: &str, plan: &Plan, gate: &Gate) -> String {
    without_tokens(&without_user_info(&redact(text, &all(plan, gate))))
}

/// Foreign text without what is secret, and without what it calls so itself. Known values come first: what the text calls a
/// secret may end in the middle of one.
pub(super) fn hidden_in_log(text: &str, plan: &Plan, gate: &Gate) -> String {
    without_credentials(&redact(text, &all(plan, gate)))
}

/// All values that are hidden in foreign text.
fn all(plan: &Plan, gate: &Gate) -> Vec<String> {
    let base = gate.against.iter().map(|against| &against.scenario);
    let scenarios = std::iter::once(&gate.scenario).chain(base);
    let mut secrets = known(plan, gate);
    // Untrusted text may lose a word, whatever its name.
    secrets.extend(plan.secrets.iter().map(|(_, value)| value.clone()));
    secrets.extend(scenarios.flat_map(|scenario| scenario.data.iter().flat_map(of_data)));
    secrets
}

fn of_scenario(scenario: &Scenario) -> Vec<String> {
    let mut secrets = scenario.secrets.clone();
    secrets.extend_from_slice(&scenario.derived_secrets);
    for class in &scenario.user_classes {
        for auth in &class.auth {
            secrets.extend(of_auth(auth).into_iter().filter_map(constant));
        }
        secrets.extend(class.steps().flat_map(of_step));
    }
    secrets
}

fn of_auth(auth: &Auth) -> Vec<&Template> {
    match auth {
        Auth::Bearer(token) => vec![token],
        Auth::Basic { password, .. } => vec![password],
        Auth::ApiKey { value, .. } => vec![value],
        Auth::AwsSigV4(own) => [&own.secret_key]
            .into_iter()
            .chain(&own.session_token)
            .collect(),
    }
}

/// Values of headers and parameters that are named like secrets, and tokens behind their scheme.
fn of_step(step: &Step) -> Vec<String> {
    let Some(request) = step.request() else {
        return Vec::new();
    };
    let pairs = request.headers.iter().chain(&request.query);
    let named = pairs.filter(|(name, _)| names_secret(name));
    let values = named.filter_map(|(_, value)| constant(value));
    values
        .flat_map(|value| {
            let token = value.rsplit(' ').next().map(str::to_owned);
            token.into_iter().chain([value])
        })
        .collect()
}

fn constant(template: &Template) -> Option<String> {
    template.constant().map(str::to_owned)
}

/// Cells of columns that are named like secrets.
fn of_data(data: &Data) -> Vec<String> {
    let columns: Vec<&str> = data
        .table
        .columns()
        .filter(|name| names_secret(name))
        .collect();
    if columns.is_empty() {
        return Vec::new();
    }
    let rows = (0..data.table.rows().min(ROWS)).map(|index| data.table.row(index));
    rows.flat_map(|row| {
        let cells = columns.iter().filter_map(|name| row.get(name));
        let texts = cells.filter_map(|cell| match cell {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        });
        texts.collect::<Vec<_>>()
    })
    .collect()
}
