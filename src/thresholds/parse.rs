//! The file as a whole: mode, limits, regression and abort.

use std::time::Duration;

use super::aws::aws_limits;
use super::limits::limits;
use super::regression::regression;
use super::{Abort, Error, Names, Thresholds, misplaced, source};
use crate::yaml::{self, Cursor, FromYaml as _, Keys as _, Misplaced, Node};

/// How much of the load passes before a run may stop, if the file does not say.
const DEFAULT_ABORT_AFTER: Duration = Duration::from_secs(10);

/// Parses thresholds. `file` is the name that errors use for it, and `names` are those of the scenario. An empty text
/// gives the defaults.
pub fn parse(file: &str, text: &str, names: &Names<'_>) -> Result<Thresholds, Error> {
    let document = Node::parse(file, text)?;
    let root = Cursor::root(&document);
    if let Some(limits) = root.entry("limits") {
        refuse_misplaced(&limits.value, names)?;
    }
    let source = source::File::from_yaml(&root)?;
    let aws = source
        .limits
        .as_ref()
        .and_then(|limits| limits.aws.as_ref());
    if let Some(section) = aws.filter(|_| !names.aws) {
        return Err(section.at.error("limits AWS services that the scenario does not name; add `aws: { functions: [NAME] }` to it"));
    }
    let aws = aws
        .map(|section| aws_limits(&section.value))
        .unwrap_or_default();
    let (limits, availability) = limits(source.limits, names)?;
    let mut regression = regression(source.regression.as_ref(), names)?;
    regression.line = root.entry("regression").map(|entry| entry.key.at.line);
    Ok(Thresholds {
        mode: source.mode.unwrap_or_default(),
        limits,
        availability,
        aws,
        regression,
        abort: source.abort.map(|abort| Abort {
            error_rate: abort.error_rate.0,
            after: abort.after.unwrap_or(DEFAULT_ABORT_AFTER),
        }),
    })
}

/// The JSON Schema of thresholds files.
pub fn schema() -> String {
    yaml::document::<source::File<'_>>("loadgate thresholds", |_| {})
}

/// Refuses names of the scenario that stand in `limits` without their section.
fn refuse_misplaced(limits: &Cursor<'_>, names: &Names<'_>) -> Result<(), Error> {
    let requests: Vec<&str> = names.requests.iter().map(String::as_str).collect();
    let phases: Vec<&str> = names.phases.iter().map(|it| it.name.as_str()).collect();
    let names = [
        Misplaced {
            keys: &requests,
            instead: "put it into 'requests': `requests: { KEY: VALUE }`",
        },
        Misplaced {
            keys: &phases,
            instead: "put it into 'phases': `phases: { KEY: VALUE }`",
        },
    ];
    let misplaced = [misplaced::IN_LIMITS, &names].concat();
    limits.check_keys("a map", &source::Limits::keys(), &misplaced)
}
