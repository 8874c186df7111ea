//! What projects on AWS get, and that no file of theirs is believed too much.

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::{Error, init};
use super::{find, serverless, template};
use crate::scenario::{self, Inputs, Scenario};

const FILES: [&str; 3] = [
    "thresholds/api/scenario.yml",
    "thresholds/api/iam-policy.json",
    ".github/workflows/performance.yml",
];

/// A folder `shop` with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    for (file, text) in files {
        let path = home.path().join("shop").join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    home
}

/// A project of the tests' own.
fn project(name: &str) -> TempDir {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/init/projects");
    let home = folder(&[]);
    copy(&from.join(name), &home.path().join("shop"));
    home
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }
}

struct Written {
    message: String,
    scenario: String,
    policy: Value,
    workflow: Value,
}

fn written(home: &TempDir) -> Written {
    let root = home.path().join("shop");
    let message = init(&root, None, "loadgate").unwrap();
    let [scenario, policy, workflow] =
        FILES.map(|file| std::fs::read_to_string(root.join(file)).unwrap());
    Written {
        message,
        scenario,
        policy: serde_json::from_str(&policy).unwrap(),
        workflow: serde_saphyr::from_str(&workflow).unwrap(),
    }
}

fn parsed(text: &str) -> Scenario {
    let env = |_: &str| None;
    let inputs = Inputs {
        env: &env,
        ..Inputs::default()
    };
    scenario::parse("scenario.yml", text, &inputs).unwrap()
}

/// The section, also if it is a comment.
fn section(scenario: &str) -> Value {
    let lines = scenario
        .lines()
        .map(|line| line.strip_prefix("# ").unwrap_or(line));
    let lines = lines.skip_while(|line| *line != "aws:").skip(1);
    let lines: Vec<&str> = lines.take_while(|line| line.starts_with(' ')).collect();
    serde_saphyr::from_str(&lines.join("\n")).unwrap()
}

#[test]
fn gets_without_values_become_steps() {
    for (name, requests, comments) in [
        ("sam", &["GET /items", "GET /health"][..], 4),
        ("sam-json", &["GET /carts", "GET /"], 1),
        ("serverless", &["GET /orders", "GET /status"], 3),
        ("serverless-url", &["GET /"], 0),
        ("cdk", &["GET /search"], 0),
        ("sst", &["GET /"], 0),
    ] {
        let scenario = written(&project(name)).scenario;
        assert_eq!(parsed(&scenario).requests, requests, "{name}");
        assert_eq!(
            scenario.matches("# - steps").count(),
            comments,
            "{scenario}"
        );
    }
}

#[test]
fn steps_in_comments_are_valid_with_their_values() {
    for name in ["sam", "sam-json", "serverless"] {
        let scenario = written(&project(name)).scenario;
        let lines = scenario.lines().map(|line| {
            let is_computed = line.contains("its path is computed");
            let whole = line.replacen("# - steps", "- steps", usize::from(!is_computed));
            whole + "\n"
        });
        let text: String = lines.collect();
        let text = format!("variables: {{ id: a, itemId: a, proxy: a }}\n{text}");
        assert!(parsed(&text).requests.len() > 2, "{text}");
    }
}

#[test]
fn what_is_not_known_is_a_comment_at_its_line() {
    for (name, part) in [
        (
            "sam",
            "get: \"/${Stage}/health\", name: \"GET /${Stage}/health\" }]  # its path is",
        ),
        (
            "sam",
            "get: /health, name: GET /health }]  # takes any method",
        ),
        (
            "sam",
            "post: /items, name: \"POST /items\" }]  # may change data",
        ),
        ("sam", "# left out: 1 of other addresses"),
        ("sam-json", "# CloudFormation makes resources by a function"),
        (
            "serverless",
            "# functions and events of other files were not read",
        ),
        (
            "serverless",
            "name: \"GET /orders/:id\" }]  # give each value in 'variables'",
        ),
        (
            "serverless-url",
            "# write the path and method that the function expects",
        ),
        ("cdk", "# left out: 4 of other addresses"),
        ("sst", "# sst.config.ts is a program"),
    ] {
        let scenario = written(&project(name)).scenario;
        assert!(scenario.contains(part), "{part}\n{scenario}");
    }
    let scenario = written(&folder(&[("cdk.json", "{}")])).scenario;
    assert!(
        scenario.contains("run 'cdk synth' before init"),
        "{scenario}"
    );
}

#[test]
fn the_section_names_functions_and_their_api() {
    for (name, region, functions, api) in [
        (
            "sam",
            "REGION",
            json!(["ListItems:live", "shop-health:current", "Search:live"]),
            json!({ "rest": "ID", "stage": "STAGE" }),
        ),
        (
            "sam-json",
            "REGION",
            json!(["Carts"]),
            json!({ "http": "ID" }),
        ),
        (
            "serverless",
            "eu-central-1",
            json!(["orders-candidate-list", "orders-status"]),
            json!({ "rest": "ID", "stage": "STAGE" }),
        ),
        (
            "serverless-url",
            "us-east-1",
            json!(["thumbnails-candidate-resize"]),
            Value::Null,
        ),
        (
            "cdk",
            "REGION",
            json!(["SearchFn", "ListFn8A1B2C3D:live", "shop-authorizer"]),
            json!({ "http": "ID" }),
        ),
        (
            "sst",
            "REGION",
            json!(["FUNCTION"]),
            json!({ "http": "ID" }),
        ),
    ] {
        let section = section(&written(&project(name)).scenario);
        assert_eq!(section["region"], region, "{name}");
        assert_eq!(section["functions"], functions, "{name}");
        assert_eq!(section["api"], api, "{name}");
    }
}

#[test]
fn the_policy_reads_what_the_section_names() {
    let policy = written(&project("serverless")).policy;
    let statements = policy["Statement"].as_array().unwrap();
    for statement in statements {
        let actions = [&statement["Action"]];
        let actions = statement["Action"]
            .as_array()
            .map_or(actions.to_vec(), |list| list.iter().collect());
        for action in actions {
            let (_, call) = action.as_str().unwrap().split_once(':').unwrap();
            let reads = ["Get", "List", "Filter", "GET"];
            assert!(reads.iter().any(|start| call.starts_with(start)), "{call}");
        }
    }
    assert_eq!(
        statements[1]["Resource"][0],
        "arn:aws:logs:eu-central-1:ACCOUNT:log-group:/aws/lambda/orders-candidate-list:*"
    );
    assert_eq!(
        statements[2]["Resource"][1],
        "arn:aws:lambda:eu-central-1:ACCOUNT:function:orders-status*"
    );
    let policy = written(&project("cdk")).policy;
    let function = &policy["Statement"][2]["Resource"][0];
    assert_eq!(
        function,
        "arn:aws:lambda:REGION:ACCOUNT:function:*-SearchFn-*"
    );
}

#[test]
fn the_workflow_deploys_a_candidate_and_compares_it() {
    for (name, command, address) in [
        (
            "sam",
            "sam deploy --stack-name shop-candidate ",
            "'execute-api'",
        ),
        (
            "serverless",
            "npx serverless deploy --stage candidate",
            "orders-candidate ",
        ),
        ("serverless-url", "npx serverless deploy", "'lambda-url'"),
        ("cdk", "npx cdk deploy --all --app cdk.out", "jq -r"),
        (
            "sst",
            "npx sst deploy --stage candidate",
            ".sst/outputs.json",
        ),
    ] {
        let workflow = written(&project(name)).workflow;
        assert_eq!(
            workflow["jobs"]["performance"]["permissions"],
            json!({ "contents": "read", "id-token": "write", "pull-requests": "write" })
        );
        let steps = workflow["jobs"]["performance"]["steps"].as_array().unwrap();
        let [checkout, build, role, deploy, gate] = &steps[..] else {
            panic!("{steps:?}");
        };
        assert_eq!(checkout["with"]["persist-credentials"], false);
        assert!(build.get("run").is_some());
        assert_eq!(role["with"]["role-to-assume"], "${{ vars.AWS_ROLE_ARN }}");
        let run = deploy["run"].as_str().unwrap();
        assert!(run.contains(command) && run.contains(address), "{run}");
        assert!(!run.contains('<'), "{run}");
        assert_eq!(gate["with"]["target"], "${{ steps.candidate.outputs.url }}");
        assert_eq!(gate["with"]["against"], "${{ vars.LIVE_URL }}");
    }
    let known = written(&project("serverless")).workflow;
    let role = &known["jobs"]["performance"]["steps"][2]["with"];
    assert_eq!(role["aws-region"], "eu-central-1");
}

#[test]
fn no_file_is_written_over_and_none_by_half() {
    for file in FILES {
        let home = project("sam");
        let root = home.path().join("shop");
        let path = root.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "mine").unwrap();
        let error = init(&root, None, "loadgate").unwrap_err();
        assert!(matches!(error, Error::There(_)), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        let there = FILES.iter().filter(|file| root.join(file).exists());
        assert_eq!(there.count(), 1);
    }
}

#[test]
fn files_of_others_are_not_taken() {
    let google = "service: a\nprovider: { name: google }\nfunctions: {}\n";
    for (file, text) in [
        (
            "template.yaml",
            "Resources: { A: { Type: AWS::SQS::Queue } }",
        ),
        ("template.yml", "just: a template"),
        ("serverless.yml", google),
        ("serverless.json", "[]"),
    ] {
        let home = folder(&[(file, text)]);
        let (found, unused) = find(&home.path().join("shop"));
        assert!(found.is_none() && unused.is_empty(), "{file}: {unused:?}");
    }
}

#[test]
fn a_hostile_file_is_named_and_not_used() {
    let deep = "[".repeat(100_000);
    let cycle = "Transform: &a\n  b: *a\n";
    let home = folder(&[
        ("template.yaml", &deep),
        ("serverless.yml", cycle),
        ("cdk.json", ""),
    ]);
    let root = home.path().join("shop");
    std::fs::write(home.path().join("outside.json"), "{}").unwrap();
    std::fs::create_dir(root.join("cdk.out")).unwrap();
    let long = std::fs::File::create(root.join("template.yml")).unwrap();
    long.set_len((16 << 20) + 1).unwrap();
    #[cfg(unix)]
    {
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, root.join(name)).unwrap();
        link("/dev/zero", "template.json");
        link("../../outside.json", "cdk.out/Out.template.json");
        let made = std::process::Command::new("mkfifo")
            .arg(root.join("serverless.yaml"))
            .status();
        assert!(made.unwrap().success());
    }
    let message = written(&home).message;
    for (file, part) in [
        ("template.yaml", "it is not valid YAML"),
        ("template.yml", "larger than 16 MB"),
        ("serverless.yml", "it is not valid YAML"),
        ("template.json", "leads out of the repository"),
        ("serverless.yaml", "it is not a file"),
        ("cdk.out/Out.template.json", "leads out of the repository"),
    ] {
        let mut lines = message.lines();
        let line = lines.find(|line| line.starts_with(&format!("{file} was not used")));
        let is_here = cfg!(unix) || file.ends_with("yml") || file == "template.yaml";
        assert!(
            !is_here || line.is_some_and(|line| line.contains(part)),
            "{message}"
        );
    }
}

#[test]
fn many_routes_are_listed_in_part() {
    let event = |n: usize| json!({ "httpApi": format!("GET /items/{n}") });
    let events: Vec<Value> = (0..20_000).map(event).collect();
    let service =
        json!({ "service": "a", "provider": "aws", "functions": { "f": { "events": events } } });
    let home = folder(&[("serverless.json", &service.to_string())]);
    let written = written(&home);
    assert_eq!(parsed(&written.scenario).requests.len(), 8);
    assert!(written.scenario.lines().count() < 90);
    assert!(
        written
            .scenario
            .contains("# left out: 19940 more of this API")
    );
}

#[test]
fn odd_shapes_are_read_without_a_panic() {
    for text in [
        "{}",
        r#"{ "Resources": [] }"#,
        r#"{ "Resources": { "A": 1, "B": { "Type": 2, "Properties": [] } } }"#,
        r#"{ "Resources": { "A": { "Type": "AWS::Serverless::Function", "Properties": { "Events": { "E": { "Type": "Api", "Properties": { "Path": { "Fn::Sub": [] }, "Method": [] } } } } } } }"#,
        r#"{ "service": {}, "provider": { "name": "aws", "region": {} }, "functions": [[], 1, "x", { "f": null, "g": { "events": [[], "s", { "http": [] }] } }] }"#,
    ] {
        let value: Value = serde_json::from_str(text).unwrap();
        template::read(&value);
        serverless::read(&value);
    }
}

fn odd() -> impl Strategy<Value = String> {
    let known = [
        "GET", "any", "/a b", "/{id}", "/x\n- y", "a: #b", "${A}", "$default", "<folder>", "\"'",
    ];
    prop_oneof![
        proptest::sample::select(known.to_vec()).prop_map(str::to_owned),
        any::<String>()
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_a_project_says_its_files_are_valid(
        ids in prop::collection::vec(odd(), 1..4),
        paths in prop::collection::vec(odd(), 1..4),
        [name, region, method] in [odd(), odd(), odd()],
        is_sam: bool,
    ) {
        let (mut functions, mut resources) = (json!({}), json!({}));
        for id in &ids {
            let event = |path: &String| json!({ "httpApi": { "path": path, "method": method } });
            let events: Vec<Value> = paths.iter().map(event).collect();
            functions[id] = json!({ "name": name, "url": true, "events": events });
            let event = |path: &String| {
                let own = json!({ "Path": path, "Method": method, "ApiId": { "Ref": name } });
                (path.clone(), json!({ "Type": "HttpApi", "Properties": own }))
            };
            let events: serde_json::Map<_, _> = paths.iter().map(event).collect();
            let own = json!({ "FunctionName": name, "AutoPublishAlias": region, "Events": events });
            resources[id] = json!({ "Type": "AWS::Serverless::Function", "Properties": own });
        }
        let provider = json!({ "name": "aws", "region": region });
        let service = json!({ "service": name, "provider": provider, "functions": functions });
        let sam = json!({ "Transform": "AWS::Serverless-2016-10-31", "Resources": resources });
        let home = if is_sam {
            folder(&[("template.json", &sam.to_string())])
        } else {
            folder(&[("serverless.json", &service.to_string())])
        };
        let written = written(&home);
        parsed(&written.scenario);
        section(&written.scenario);
        prop_assert_eq!(written.policy["Statement"].as_array().map(Vec::len), Some(4));
        let steps = &written.workflow["jobs"]["performance"]["steps"];
        prop_assert_eq!(steps.as_array().map(Vec::len), Some(5));
    }
}
