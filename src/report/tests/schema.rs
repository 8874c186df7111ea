//! What `junit-10.xsd` of Jenkins' xUnit plugin says of a JUnit document, and that its counts add up.

use super::xml::{Element, read};

/// What the schema allows of one element: attributes, those of them that it requires, and children.
struct Rule {
    element: &'static str,
    attributes: &'static [&'static str],
    required: &'static [&'static str],
    children: &'static [&'static str],
}

const RULES: [Rule; 8] = [
    Rule {
        element: "testsuites",
        attributes: &["name", "time", "tests", "failures", "errors"],
        required: &[],
        children: &["testsuite"],
    },
    Rule {
        element: "testsuite",
        attributes: &[
            "name",
            "tests",
            "failures",
            "errors",
            "group",
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
            "version",
        ],
        required: &["name", "tests", "failures", "errors"],
        children: &[
            "testsuite",
            "properties",
            "testcase",
            "system-out",
            "system-err",
        ],
    },
    Rule {
        element: "testcase",
        attributes: &["name", "time", "classname", "group"],
        required: &["name"],
        children: &["skipped", "error", "failure", "system-out", "system-err"],
    },
    outcome("failure"),
    outcome("error"),
    outcome("skipped"),
    text("system-out"),
    text("system-err"),
];

const fn outcome(element: &'static str) -> Rule {
    Rule {
        element,
        attributes: &["type", "message"],
        required: &[],
        children: &[],
    }
}

const fn text(element: &'static str) -> Rule {
    Rule {
        element,
        attributes: &[],
        required: &[],
        children: &[],
    }
}

/// Everything in which a document is not what `junit-10.xsd` asks for, or does not add up.
pub(super) fn faults(root: &Element) -> Vec<String> {
    let mut faults = Vec::new();
    if root.name != "testsuites" {
        faults.push(format!("the root is {}", root.name));
    }
    hold(root, &mut faults);
    for suite in root.all("testsuite") {
        for (attribute, element) in [
            ("tests", "testcase"),
            ("failures", "failure"),
            ("errors", "error"),
        ] {
            let written = suite.attribute(attribute);
            let counted = suite.count(element).to_string();
            if written != Some(counted.as_str()) {
                faults.push(format!(
                    "{attribute} is {written:?}, and there are {counted}"
                ));
            }
        }
    }
    faults
}

fn hold(element: &Element, faults: &mut Vec<String>) {
    let name = &element.name;
    let Some(rule) = RULES.iter().find(|rule| rule.element == name) else {
        faults.push(format!("no element is called {name}"));
        return;
    };
    for (attribute, value) in &element.attributes {
        if !rule.attributes.contains(&attribute.as_str()) {
            faults.push(format!("{name} has no attribute {attribute}"));
        }
        if name.starts_with("testsuite") && attribute == "time" && !is_time(value) {
            faults.push(format!("{value} is no time of a suite"));
        }
    }
    for required in rule.required {
        if element.attribute(required).is_none() {
            faults.push(format!("{name} needs {required}"));
        }
    }
    // Only what has no element inside may have text.
    if !rule.children.is_empty() && !element.text.trim().is_empty() {
        faults.push(format!("{name} holds text: {}", element.text));
    }
    for child in &element.children {
        if !rule.children.contains(&child.name.as_str()) {
            faults.push(format!("{name} holds {}", child.name));
        }
        hold(child, faults);
    }
}

/// `SUREFIRE_TIME`: digits, and at most three decimals.
fn is_time(text: &str) -> bool {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    !whole.is_empty() && digits(whole) && digits(decimals) && decimals.len() <= 3
}

#[test]
fn the_rules_see_what_the_schema_forbids() {
    for (xml, fault) in [
        ("<testsuite/>", "the root is testsuite"),
        (
            "<testsuites skipped='1'/>",
            "testsuites has no attribute skipped",
        ),
        (
            "<testsuites><testsuite name='a' tests='0' errors='0'/></testsuites>",
            "testsuite needs failures",
        ),
        (
            "<testsuites time='1.1179999'/>",
            "1.1179999 is no time of a suite",
        ),
        (
            "<testsuites><testcase name='a'/></testsuites>",
            "testsuites holds testcase",
        ),
        (
            "<testsuites><testsuite name='a' tests='2' errors='0' failures='0'><testcase name='a'/></testsuite></testsuites>",
            "tests is Some(\"2\"), and there are 1",
        ),
    ] {
        let faults = faults(&read(xml).unwrap());
        assert!(faults.iter().any(|own| own == fault), "{xml}: {faults:?}");
    }
}
