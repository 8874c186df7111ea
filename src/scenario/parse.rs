//! The file as a whole: each section handed to its reader, what concerns them all checked at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::steps::{Headers, expect, header_name, headers, redirects, timeout};
use super::users::Reader;
use super::variables::Variables;
use super::{ColdStart, Error, Expect, HttpVersion, Scenario, identity, phases};
use crate::yaml::{self, Cursor, Document, Keys};

const SECTIONS: Keys<'_> = Keys {
    known: &[
        "name",
        "target",
        "variables",
        "defaults",
        "user_classes",
        "load",
        "cold_start",
    ],
    planned: &["data", "environments", "include", "includes"],
};

/// What holds for every request that does not say otherwise.
pub(super) struct Defaults {
    pub(super) timeout: Duration,
    pub(super) redirects: u32,
    pub(super) expect: Expect,
    pub(super) headers: Headers,
    pub(super) http: HttpVersion,
}

/// Parses a scenario. `file` is how errors name it, `overrides` what `--set` says, and `env` reads the environment.
pub fn parse(
    file: &str,
    text: &str,
    overrides: &BTreeMap<String, String>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Scenario, Error> {
    let document = Document::parse(file, text)?;
    let root = document.root().fields(SECTIONS)?;
    let name = root.require("name")?.line_of_text()?.to_owned();
    let target = root.get("target").map(target).transpose()?;
    let variables = Variables::read(root.get("variables"), overrides, env)?;
    let defaults = defaults(root.get("defaults"), &variables)?;
    let http = defaults.http;
    let mut reader = Reader::new(&variables, defaults);
    let user_classes = reader.classes(root.require("user_classes")?)?;
    let blocks = phases::read(root.require("load")?, &variables)?;
    let cold_start = root.get("cold_start").map(cold_start).transpose()?;
    let mut scenario = Scenario {
        name,
        target,
        variables: variables.shown(),
        requests: reader.into_requests(),
        http,
        user_classes,
        load: phases::unroll(&blocks),
        cold_start,
        canonical: String::new(),
        sha256: String::new(),
        secrets: variables.secrets(),
    };
    scenario.canonical = identity::canonical(&scenario, &blocks, &variables.used());
    scenario.sha256 = identity::sha256(&scenario.canonical);
    Ok(scenario)
}

fn target(cursor: &Cursor<'_>) -> Result<String, yaml::Error> {
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
            "expect" => defaults.expect = expect(value)?,
            "redirects" => defaults.redirects = redirects(value)?,
            _ => refuse_cookies(value)?,
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

/// Cookies are not kept yet; saying so in the file is allowed.
pub(super) fn refuse_cookies(cursor: &Cursor<'_>) -> Result<(), yaml::Error> {
    if cursor.boolean()? {
        return Err(cursor.not_supported("'cookies: true'"));
    }
    Ok(())
}

fn cold_start(cursor: &Cursor<'_>) -> Result<ColdStart, yaml::Error> {
    let fields = cursor.fields(Keys::known(&["header", "equals"]))?;
    let header = fields.require("header")?;
    Ok(ColdStart {
        header: header_name(header.line_of_text()?).map_err(|message| header.error(message))?,
        equals: fields.require("equals")?.line_of_text()?.to_owned(),
    })
}
