//! The file as a whole: each section is compiled in turn, and rules across sections are checked at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::checks::expect;
use super::headers::{self, HeaderTemplates};
use super::inputs::Inputs;
use super::template::{Rows, refuse_name};
use super::users::Compiler;
use super::variables::Variables;
use super::{
    ColdStart, Data, Error, Expect, HttpVersion, Scenario, collections, environments, identity,
    include, phases, services, source,
};
use crate::yaml::{self, Cursor, FromYaml as _, Map, Node};

/// What holds for every request that does not override it.
pub(super) struct Defaults {
    pub(super) timeout: Duration,
    pub(super) redirects: u32,
    pub(super) expect: Expect,
    pub(super) headers: HeaderTemplates,
    pub(super) http: HttpVersion,
    pub(super) cookies: bool,
}

/// Parses a scenario; `file` is the name that errors use for it.
pub fn parse(file: &str, text: &str, inputs: &Inputs<'_>) -> Result<Scenario, Error> {
    let root = include::expand(Node::parse(file, text)?, inputs)?;
    let source = source::File::from_yaml(&Cursor::root(&root))?;
    debug_assert!(source.include.is_none(), "included files are in place");
    let selected =
        environments::select(source.environments, &source.variables, inputs.environment)?;
    let mut variables = Variables::new(&source.variables, &selected.variables, inputs)?;
    let data = data(&source.data, &variables, inputs)?;
    variables.rows = Rows::new(
        data.iter()
            .map(|data| (data.name.clone(), Arc::clone(&data.table)))
            .collect(),
    );
    let defaults = defaults(source.defaults.as_ref(), &variables)?;
    let http = defaults.http;
    let mut compiler = Compiler::new(&variables, defaults, *inputs, &data);
    let user_classes = compiler.classes(&source.user_classes)?;
    let requests = compiler.requests;
    let aws = source.aws.as_ref();
    let aws = aws.map(|section| services::aws(section, &user_classes));
    let blocks = phases::blocks(&source.load, requests.len(), &variables)?;
    let mut scenario = Scenario {
        name: source.name.0,
        target: selected.target.or(source.target.map(|target| target.0)),
        variables: BTreeMap::new(),
        requests,
        http,
        user_classes,
        load: phases::unroll(&blocks),
        cold_start: source.cold_start.map(|mark| ColdStart {
            header: mark.header.lowercase(),
            equals: mark.equals.0,
        }),
        aws: aws.transpose()?,
        canonical: String::new(),
        sha256: String::new(),
        secrets: Vec::new(),
        derived_secrets: Vec::new(),
        secret_names: BTreeSet::new(),
        data,
    };
    variables.hide_secrets(&scenario, inputs.set);
    scenario.variables = variables.shown();
    scenario.secrets = variables.secrets(inputs.set);
    scenario.derived_secrets = variables.derived_secrets();
    scenario.secret_names = variables.secret_names(&scenario);
    scenario.canonical = identity::canonical(&scenario, &blocks, &variables.used());
    scenario.sha256 = identity::sha256(&scenario.canonical);
    Ok(scenario)
}

/// The JSON Schema of scenario files.
pub fn schema() -> String {
    yaml::document::<source::File<'_>>("loadgate scenario", |file| {
        // An included file may bring what this one lacks.
        let required = std::mem::take(&mut file["required"]);
        file["required"] = serde_json::json!([]);
        file["anyOf"] = serde_json::json!([{ "required": required }, { "required": ["include"] }]);
    })
}

/// Reads the files of rows.
fn data(
    sources: &Map<'_, collections::Data<'_>>,
    variables: &Variables<'_>,
    inputs: &Inputs<'_>,
) -> Result<Vec<Data>, yaml::Error> {
    let data = sources.0.iter().map(|source| {
        let name = source.entry.name();
        refuse_name(name).map_err(|message| source.entry.error(message))?;
        if variables.has(name) {
            return Err(source.entry.error(format_args!(
                "'{name}' is a variable as well; choose another name"
            )));
        }
        Ok(Data {
            name: name.to_owned(),
            order: source.value.order,
            table: inputs.table(&source.value.file)?,
        })
    });
    data.collect()
}

fn defaults(
    source: Option<&source::Defaults<'_>>,
    variables: &Variables<'_>,
) -> Result<Defaults, yaml::Error> {
    let mut defaults = Defaults {
        timeout: Duration::from_secs(30),
        redirects: 0,
        expect: Expect::default(),
        headers: Vec::new(),
        http: HttpVersion::default(),
        cookies: false,
    };
    let Some(source) = source else {
        return Ok(defaults);
    };
    let no_names = BTreeSet::new();
    let names = variables.names(&no_names);
    if let Some(timeout) = &source.timeout {
        defaults.timeout = timeout.0;
    }
    if let Some(section) = &source.expect {
        defaults.expect = expect(section, &Expect::default(), names)?;
    }
    defaults.headers = headers::templates(&source.headers, names)?;
    defaults.redirects = source.redirects.map_or(0, |redirects| redirects.0);
    defaults.http = source.http.unwrap_or_default();
    defaults.cookies = source.cookies.unwrap_or(false);
    Ok(defaults)
}
