//! What started programs inherit of the environment. They may be a pull request's own, so that they get no credential, and
//! nothing by which they could speak to the CI platform or to later steps of the job.

use std::collections::BTreeSet;
use std::ffi::OsString;

use crate::redact::{self, names_credential};

/// What the platforms' files, sockets and addresses are named by; tokens are known by their names.
const WITHHELD: [&str; 18] = [
    "BASH_ENV",
    "CI_JOB_JWT",
    "CI_JOB_JWT_V1",
    "CI_JOB_JWT_V2",
    "CI_REPOSITORY_URL",
    "GH_HOST",
    "GITHUB_ENV",
    "GITHUB_OUTPUT",
    "GITHUB_PATH",
    "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY",
    "GIT_ASKPASS",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "SSH_ASKPASS",
    // What Git's bash on Windows is told for loadgate's own arguments.
    "MSYS2_ARG_CONV_EXCL",
    "MSYS2_ENV_CONV_EXCL",
    "SYSTEM_ACCESSTOKEN",
];
/// Beginnings of names of the same.
const WITHHELD_FROM: [&str; 6] = [
    "ACTIONS_",
    "GIT_CONFIG_KEY_",
    "GIT_CONFIG_VALUE_",
    "INPUT_",
    "LOADGATE_",
    "STATE_",
];
/// The variable whose value is the header of a baseline's address.
const HEADER: &str = "LOADGATE_BASELINE_HEADER";
/// What the action tells the command that serves.
const PASSED: [&str; 2] = ["LOADGATE_HEAD_CHECKOUT", "LOADGATE_BASE_CHECKOUT"];
/// What hardly any program runs without, whatever else its value stands in.
const NEEDED: [&str; 14] = [
    "COMSPEC",
    "HOME",
    "LANG",
    "LOGNAME",
    "PATH",
    "PATHEXT",
    "PWD",
    "SHELL",
    "SYSTEMROOT",
    "TEMP",
    "TERM",
    "TMP",
    "TMPDIR",
    "USER",
];
/// The shortest value that is a credential wherever it stands, in characters: shorter ones stand in others by chance.
const TELLING: usize = 8;

/// The variables of this process's environment that started programs do not inherit.
#[derive(Clone, Debug, Default)]
pub struct DeniedVariables {
    names: Vec<OsString>,
    values: Vec<String>,
}

impl DeniedVariables {
    /// Decides what is withheld: credentials by their name, what holds one of those, and what is as secret as `secrets`;
    /// never what `passed` names.
    pub fn new(
        variables: impl Iterator<Item = (OsString, OsString)>,
        secrets: &[String],
        passed: &[String],
    ) -> Self {
        let secrets: BTreeSet<&str> = secrets.iter().map(String::as_str).collect();
        let variables: Vec<(OsString, String, String)> = variables
            .map(|(name, value)| {
                let known = name.to_string_lossy().to_ascii_uppercase();
                let value = value.to_string_lossy().into_owned();
                (name, known, value)
            })
            .collect();
        let is_passed = |name: &OsString| passed.iter().any(|own| name == own.as_str());
        let (credentials, others): (Vec<_>, Vec<_>) = variables
            .into_iter()
            .partition(|(_, known, _)| is_credential(known));
        let values: Vec<String> = credentials
            .iter()
            .filter(|(_, known, _)| names_credential(known) || known == HEADER)
            // Of a header, what stands behind its name and its scheme is secret by itself.
            .flat_map(|(_, _, value)| [Some(value.as_str()), value.split_whitespace().next_back()])
            .flatten()
            .filter(|value| value.chars().count() >= TELLING)
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let holds = |value: &String| {
            // In Base64 as well, as in the `auths` of a registry.
            secrets.contains(value.as_str()) || redact::holds(value, &values)
        };
        let holding = others
            .into_iter()
            .filter(|(_, known, value)| !NEEDED.contains(&known.as_str()) && holds(value));
        let names = credentials
            .iter()
            .cloned()
            .chain(holding)
            .map(|(name, _, _)| name);
        Self {
            names: names.filter(|name| !is_passed(name)).collect(),
            values,
        }
    }

    /// The names.
    pub fn names(&self) -> &[OsString] {
        &self.names
    }

    /// The values of credentials that are long enough to be known again, which no text may repeat; also of those that are
    /// passed on.
    pub fn values(&self) -> &[String] {
        &self.values
    }
}

/// Whether a variable of this name, in capitals, is a credential or leads to the platform.
fn is_credential(name: &str) -> bool {
    if PASSED.contains(&name) || NEEDED.contains(&name) {
        return false;
    }
    WITHHELD.contains(&name)
        || WITHHELD_FROM.iter().any(|own| name.starts_with(own))
        || names_credential(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn withheld(variables: &[(&str, &str)], secrets: &[&str], passed: &[&str]) -> Vec<String> {
        let owned =
            |texts: &[&str]| -> Vec<String> { texts.iter().map(|&own| own.into()).collect() };
        let variables = variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let withheld = DeniedVariables::new(variables, &owned(secrets), &owned(passed));
        let mut names: Vec<String> = withheld
            .names()
            .iter()
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn credentials_and_ways_to_the_platform_are_withheld() {
        for name in [
            "LOADGATE_BASELINE_HEADER",
            "LOADGATE_TOKEN",
            "LOADGATE_SET",
            "GH_TOKEN",
            "GITHUB_TOKEN",
            "GITLAB_TOKEN",
            "CI_JOB_TOKEN",
            "CI_JOB_JWT_V2",
            "CI_REGISTRY_PASSWORD",
            "CI_REPOSITORY_URL",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "ACTIONS_RUNTIME_URL",
            "GITHUB_ENV",
            "GITHUB_PATH",
            "GITHUB_OUTPUT",
            "GITHUB_STATE",
            "GITHUB_STEP_SUMMARY",
            "GIT_TOKEN",
            "GIT_CONFIG_COUNT",
            "GIT_CONFIG_VALUE_1",
            "INPUT_GITHUB-TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "NPM_TOKEN",
            "github_token",
            "GH_PAT",
            "SSH_PRIVATE_KEY",
            "BASH_ENV",
        ] {
            assert_eq!(withheld(&[(name, "value")], &[], &[]), [name]);
        }
    }

    #[test]
    fn what_programs_need_is_inherited() {
        let variables = [
            ("PATH", "/bin"),
            ("HOME", "/home/me"),
            ("JAVA_HOME", "/opt/java"),
            ("DATABASE_URL", "postgres://me:pw@db"),
            ("SENTRY_DSN", "https://abc@sentry"),
            ("WEBHOOK_URL", "https://hooks/abc"),
            ("GITHUB_SHA", "1234567890"),
            ("CI", "true"),
            ("LOADGATE_HEAD_CHECKOUT", "/checkout/head"),
            ("https_proxy", "http://p:1"),
        ];
        assert!(withheld(&variables, &[], &[]).is_empty());
    }

    #[test]
    fn what_holds_a_credential_or_is_secret_is_withheld_as_well() {
        let variables = [
            ("GH_TOKEN", "ghs_0123456789"),
            ("REMOTE", "https://x:ghs_0123456789@github.com"),
            ("DOCKER", "{\"auth\": \"eDpnaHNfMDEyMzQ1Njc4OQ==\"}"),
            ("PIN", "12"),
            ("PORT", "8012"),
            ("USERS_FILE_ACCOUNT", "hunter2"),
            ("HOME", "hunter2"),
            ("PATH", "/ghs_0123456789/bin"),
        ];
        assert_eq!(
            withheld(&variables, &["hunter2"], &[]),
            ["DOCKER", "GH_TOKEN", "PIN", "REMOTE", "USERS_FILE_ACCOUNT"]
        );
    }

    #[test]
    fn what_is_named_is_passed_on() {
        let variables = [("JWT_SECRET", "s3cretvalue"), ("GH_TOKEN", "t")];
        assert_eq!(withheld(&variables, &[], &["JWT_SECRET"]), ["GH_TOKEN"]);
        let passed = DeniedVariables::new(
            [("JWT_SECRET".into(), "s3cretvalue".into())].into_iter(),
            &[],
            &["JWT_SECRET".to_owned()],
        );
        assert_eq!(passed.values(), ["s3cretvalue"], "and hidden all the same");
    }
}
