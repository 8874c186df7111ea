//! What `init` writes for a project on AWS: steps, the section `aws`, a workflow and a policy.

use super::{Front, Project, Route, Tool};
use crate::init::checkout::Checkout;
use crate::init::openapi::MOST;
use crate::init::texts::{ACTION, CHECKOUT, scalar, task};

/// The workflow. Words in angle brackets are filled in, or begin lines that not every project gets.
const WORKFLOW: &str = include_str!("workflow.yml");
/// The policy, which reads and changes nothing.
const POLICY: &str = include_str!("iam-policy.json");
/// Routes that are listed at most, with those in comments.
const MOST_LISTED: usize = 60;
/// Functions that are named at most: the section `aws` takes no more.
const MOST_FUNCTIONS: usize = 20;

/// The tasks: a step for each GET that needs no values, and the other routes as comments. `others` are for a project that
/// gives no such GET.
pub(in crate::init) fn tasks(project: &Project, others: &str) -> String {
    let unknown = project.parts.unknown.iter();
    let mut tasks: Vec<String> = unknown.map(|text| format!("      # {text}\n")).collect();
    let (mut count, mut steps) = (0, Vec::new());
    for route in project.routes().take(MOST_LISTED) {
        steps.push(match route.reason() {
            None if count == MOST => comment(route, "more would dilute samples"),
            Some(reason) => comment(route, reason),
            None => {
                count += 1;
                step(route)
            }
        });
    }
    if count == 0 {
        tasks.push(others.to_owned());
    }
    tasks.extend(steps);
    let all = project.routes().count();
    let others = project.parts.routes.len() - all;
    for (left_out, whose) in [
        (all.saturating_sub(MOST_LISTED), "more of this API"),
        (others, "of other addresses, which need gates of their own"),
    ] {
        if left_out > 0 {
            tasks.push(format!("      # left out: {left_out} {whose}\n"));
        }
    }
    tasks.concat()
}

fn step(route: &Route) -> String {
    let step = task(&route.path);
    let note = match (route.kind, &*route.method) {
        (Front::FunctionUrl, _) => "  # write the path and method that the function expects",
        (Front::Rest | Front::Http, "ANY") => "  # takes any method: check that GET is one",
        (Front::Rest | Front::Http, _) => "",
    };
    format!("{}{note}\n", step.trim_end())
}

/// A route as a step in a comment, with expressions for the values of its path.
fn comment(route: &Route, reason: &str) -> String {
    let (mut path, mut name) = (route.path.clone(), route.path.clone());
    if !path.contains("${") {
        let whole = path.replace("+}", "}");
        path = whole.replace('{', "{{ ").replace('}', " }}");
        name = whole.replace('{', ":").replace('}', "");
    }
    let method = route.method.replace("ANY", "GET");
    let (key, path) = (method.to_ascii_lowercase(), scalar(&path));
    let name = scalar(&format!("{method} {name}"));
    format!("      # - steps: [{{ {key}: {path}, name: {name} }}]  # {reason}\n")
}

/// The section `aws`: in comments while it needs what only a deployment says.
pub(in crate::init) fn section(project: &Project) -> String {
    let region = project
        .region()
        .unwrap_or("REGION  # or remove it: AWS_REGION is the default");
    let mut lines = vec![format!("aws:\n  region: {region}\n  functions:\n")];
    let names = names(project);
    let mut is_complete = project.region().is_some() && project.parts.unknown.is_empty();
    for (name, alias) in &names {
        let is_part = name.contains('*');
        let note = ["", "  # put the whole name here"][usize::from(is_part)];
        is_complete &= !is_part;
        let name = name.trim_matches(['*', '-']);
        lines.push(format!("    - {name}{alias}{note}\n"));
    }
    let hint = "# see its address: https://ID.execute-api.REGION.amazonaws.com/STAGE";
    let api = match project.front().map(|(kind, _)| kind) {
        Some(Front::Rest) => format!("  api: {{ rest: ID, stage: STAGE }}  {hint}\n"),
        Some(Front::Http) => format!("  api: {{ http: ID }}  {hint}\n"),
        Some(Front::FunctionUrl) => String::new(),
        None => format!(
            "  api: {{ http: ID }}  {hint}; REST: {{ rest: ID, stage: STAGE }}; not for a function URL\n"
        ),
    };
    is_complete &= api.is_empty();
    lines.push(api);
    let lines = lines.concat();
    if is_complete {
        return lines;
    }
    let hint = "# Figures of AWS beside the measurement. After the first deployment, fill in what is missing, keep the functions behind the target, and uncomment.";
    let lines = lines.lines().map(|line| format!("# {line}\n"));
    let lines: Vec<String> = lines.collect();
    format!("{hint}\n{}", lines.concat())
}

/// The names of the functions, with `*` for what the deployment adds, and their aliases.
fn names(project: &Project) -> Vec<(String, String)> {
    let functions = project.parts.functions.iter().take(MOST_FUNCTIONS);
    let names = functions.map(|function| {
        let generated = || format!("*-{}-*", function.id);
        let alias = function.alias.iter().map(|alias| format!(":{alias}"));
        (
            function.name.clone().unwrap_or_else(generated),
            alias.collect(),
        )
    });
    let mut names: Vec<(String, String)> = names.collect();
    if names.is_empty() {
        names.push(("FUNCTION*".to_owned(), String::new()));
    }
    names
}

/// The workflow: deploys the change beside the live version, by a role without stored keys, and compares both.
pub(in crate::init) fn github(project: &Project, checkout: &Checkout) -> String {
    let tool = match project.tool {
        Tool::Sam => "<sam>",
        Tool::Serverless => "<serverless>",
        Tool::Cdk => "<cdk>",
        Tool::Sst => "<sst>",
    };
    let inside = checkout.inside.as_deref();
    let lines = WORKFLOW.lines().filter_map(|line| {
        let line = line.strip_prefix(tool).unwrap_or(line);
        let line = line
            .strip_prefix("<inside>")
            .filter(|_| inside.is_some())
            .unwrap_or(line);
        (!line.starts_with('<')).then(|| format!("{line}\n"))
    });
    let address = match project.front().map(|(kind, _)| kind) {
        Some(Front::Rest | Front::Http) => "execute-api",
        Some(Front::FunctionUrl) => "lambda-url",
        None => "https://",
    };
    let region = project.region();
    let region = region.unwrap_or("${{ vars.AWS_REGION }} # a variable of the repository");
    // What a folder is called may be anything, so it is last.
    [
        ("<checkout>", CHECKOUT),
        ("<action>", ACTION),
        ("<region>", region),
        ("<address>", address),
        ("<stack>", &project.stack),
        ("<folder>", &scalar(inside.unwrap_or_default())),
    ]
    .iter()
    .fold(lines.collect::<Vec<_>>().concat(), |text, (word, value)| {
        text.replace(word, value)
    })
}

/// The job on GitLab, which has the addresses from a job before it.
pub(in crate::init) fn gitlab(remote: &str, gates: &str) -> String {
    format!(
        "# CANDIDATE_URL and LIVE_URL are variables of the project, or of the dotenv report of a job that deploys.\n\
         include:\n\
         \x20 - remote: {remote}\n\
         \x20   inputs: {{ gates: {gates}, target: $CANDIDATE_URL, against: $LIVE_URL, wait: 60s }}\n"
    )
}

/// The policy for the section `aws`.
pub(in crate::init) fn policy(project: &Project) -> String {
    let (mut logs, mut functions) = (Vec::new(), Vec::new());
    for (name, _) in names(project) {
        logs.push(format!(
            "arn:aws:logs:<region>:ACCOUNT:log-group:/aws/lambda/{name}:*"
        ));
        // The end stands for an alias or a version.
        let name = name.trim_end_matches('*');
        functions.push(format!("arn:aws:lambda:<region>:ACCOUNT:function:{name}*"));
    }
    let list =
        |names: &[String]| format!("\n        \"{}\"\n      ", names.join("\",\n        \""));
    POLICY
        .replace("<logs>", &list(&logs))
        .replace("<functions>", &list(&functions))
        .replace("<region>", project.region().unwrap_or("REGION"))
}
