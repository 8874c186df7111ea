//! The file as a whole: each section handed to its reader, what concerns them all checked at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::checks::expect;
use super::inputs::Inputs;
use super::misplaced;
use super::steps::{Headers, header_name, headers, redirects, timeout};
use super::template::{Rows, refuse_name};
use super::users::Reader;
use super::variables::Variables;
use super::{
    ColdStart, Data, Error, Expect, HttpVersion, RowOrder, Scenario, environments, identity,
    include, phases,
};
use crate::yaml::{self, Cursor, Document, Keys};

/// `include` is put in place before the sections are read.
const SECTIONS: [&str; 10] = [
    "include",
    "name",
    "target",
    "variables",
    "environments",
    "data",
    "defaults",
    "user_classes",
    "load",
    "cold_start",
];

/// What holds for every request that does not say otherwise.
pub(super) struct Defaults {
    pub(super) timeout: Duration,
    pub(super) redirects: u32,
    pub(super) expect: Expect,
    pub(super) headers: Headers,
    pub(super) http: HttpVersion,
    pub(super) cookies: bool,
}

/// Parses a scenario; `file` is how errors name it.
pub fn parse(file: &str, text: &str, inputs: &Inputs<'_>) -> Result<Scenario, Error> {
    let document = include::expanded(Document::parse(file, text)?, inputs)?;
    let root = document.root().fields(Keys {
        known: &SECTIONS,
        misplaced: misplaced::IN_FILE,
    })?;
    let name = root.require("name")?.name()?.to_owned();
    let target = root.get("target").map(target).transpose()?;
    let written = root.get("variables");
    let chosen = environments::read(root.get("environments"), written, inputs.environment)?;
    let mut variables = Variables::read(written, &chosen.variables, inputs)?;
    let data = root
        .get("data")
        .map_or(Ok(Vec::new()), |section| data(section, &variables, inputs))?;
    variables.rows = Rows::new(
        data.iter()
            .map(|data| (data.name.clone(), Arc::clone(&data.table)))
            .collect(),
    );
    let defaults = defaults(root.get("defaults"), &variables)?;
    let http = defaults.http;
    let mut reader = Reader::new(&variables, defaults, *inputs, &data);
    let user_classes = reader.classes(root.require("user_classes")?)?;
    let requests = reader.into_requests();
    let blocks = phases::read(root.require("load")?, requests.len(), &variables)?;
    let cold_start = root.get("cold_start").map(cold_start).transpose()?;
    let mut scenario = Scenario {
        name,
        target: chosen.target.or(target),
        variables: BTreeMap::new(),
        requests,
        http,
        user_classes,
        load: phases::unroll(&blocks),
        cold_start,
        canonical: String::new(),
        sha256: String::new(),
        secrets: Vec::new(),
        data,
    };
    variables.hide_secrets(&scenario, inputs.set);
    scenario.variables = variables.shown();
    scenario.secrets = variables.secrets(inputs.set);
    scenario.canonical = identity::canonical(&scenario, &blocks, &variables.used());
    scenario.sha256 = identity::sha256(&scenario.canonical);
    Ok(scenario)
}

/// Reads `data`: files of rows by the name that expressions call a row by.
fn data(
    section: &Cursor<'_>,
    variables: &Variables<'_>,
    inputs: &Inputs<'_>,
) -> Result<Vec<Data>, yaml::Error> {
    let mut all = Vec::new();
    for entry in section.entries()? {
        let name = &entry.key.text;
        if let Some(message) = refuse_name(name) {
            return Err(entry.error(message));
        }
        if variables.has(name) {
            return Err(entry.error(format_args!(
                "'{name}' is a variable as well, choose another name"
            )));
        }
        let is_short = !matches!(entry.value.node().value, yaml::Value::Map(_));
        let (table, order) = if is_short {
            (inputs.table(&entry.value)?, RowOrder::default())
        } else {
            let fields = entry.value.fields(Keys::known(&["file", "order"]))?;
            let table = inputs.table(fields.require("file")?)?;
            (table, fields.read_or("order", RowOrder::default(), order)?)
        };
        all.push(Data {
            name: name.clone(),
            order,
            table,
        });
    }
    Ok(all)
}

fn order(cursor: &Cursor<'_>) -> Result<RowOrder, yaml::Error> {
    cursor.one_of(&[
        ("sequential", RowOrder::Sequential),
        ("random", RowOrder::Random),
        ("unique", RowOrder::Unique),
    ])
}

/// Reads the address of a deployment.
pub(super) fn target(cursor: &Cursor<'_>) -> Result<String, yaml::Error> {
    let text = cursor.line_of_text()?;
    let wrong = || {
        cursor.error(format_args!(
            "'{text}' is not a target, write an address such as https://api.example.com, with a path where all steps share one"
        ))
    };
    let url = url::Url::parse(text).map_err(|_| wrong())?;
    let is_base = url.has_host() && url.query().is_none() && url.fragment().is_none();
    if !is_base || !["http", "https"].contains(&url.scheme()) {
        return Err(wrong());
    }
    Ok(text.to_owned())
}

fn defaults(
    section: Option<&Cursor<'_>>,
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
    let Some(section) = section else {
        return Ok(defaults);
    };
    let keys = [
        "timeout",
        "http",
        "headers",
        "expect",
        "redirects",
        "cookies",
    ];
    for entry in section.fields(Keys::known(&keys))?.entries() {
        let value = &entry.value;
        match entry.key.text.as_str() {
            "timeout" => defaults.timeout = timeout(value)?,
            "http" => defaults.http = http(value)?,
            "headers" => defaults.headers = headers(value, variables, &BTreeSet::new())?,
            "expect" => {
                let none = Expect::default();
                defaults.expect = expect(value, &none, variables, &BTreeSet::new())?;
            }
            "redirects" => defaults.redirects = redirects(value)?,
            _ => defaults.cookies = value.boolean()?,
        }
    }
    Ok(defaults)
}

fn http(cursor: &Cursor<'_>) -> Result<HttpVersion, yaml::Error> {
    // Read as text first: a bare 1.1 is a number, whose quotes other readers of the file would miss.
    cursor.text()?;
    cursor.one_of(&[
        ("1.1", HttpVersion::Http11),
        ("2", HttpVersion::Http2),
        ("auto", HttpVersion::Auto),
    ])
}

fn cold_start(cursor: &Cursor<'_>) -> Result<ColdStart, yaml::Error> {
    let fields = cursor.fields(Keys::known(&["header", "equals"]))?;
    let header = fields.require("header")?;
    Ok(ColdStart {
        header: header_name(header.line_of_text()?).map_err(|message| header.error(message))?,
        equals: fields.require("equals")?.line_of_text()?.to_owned(),
    })
}
