//! Code of a change that is built and served wants the job's token, or to speak for the job: it gets neither.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::action::{BOT, api, job, ordinary, sh};
use crate::platform::Api;
use crate::runner::{Acted, Job};

/// What is in every token of these tests.
const SECRET: &str = "that-nobody-may-see";

/// Writes what tells of the job in the environment of its process and of its parents' into the file `stolen`.
const THIEF: &str = "#!/bin/sh
(
  PATH=/usr/local/bin:/usr/bin:/bin
  env
  id=$$
  while [ \"$id\" -gt 1 ]; do
    tr '\\0' '\\n' </proc/$id/environ
    id=$(awk '{ print $4 }' /proc/$id/stat)
  done
) 2>/dev/null | grep -a -e that-nobody-may-see -e '^GITHUB_WORKSPACE=' >>STOLEN
";

/// A job with a build, in a copy of the action that the build may write to.
struct Victim {
    job: Job,
    action: tempfile::TempDir,
    api: Api,
}

impl Victim {
    /// Of pull request 7, onto a base in a repository that the job may push to.
    fn new(build: &str) -> Self {
        let api = api();
        let action = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let copied = Command::new("cp")
            .arg("-r")
            .args([root.join("action.yml"), root.join(".github")])
            .arg(action.path())
            .status();
        assert!(copied.unwrap().success());
        let job = job("", ordinary().against(2.0), &api);
        let (stolen, home) = (job.home().join("stolen"), job.home().to_owned());
        job.write(
            "loadgate",
            &format!(
                "#!/bin/sh\nexec {} \"$@\"\n",
                env!("CARGO_BIN_EXE_loadgate")
            ),
        );
        job.write("thief", &THIEF.replace("STOLEN", stolen.to_str().unwrap()));
        job.write("evil/bash", "");
        job.write("build.sh", build);
        sh(
            &job.workspace,
            "chmod +x loadgate thief && for name in bash sh env cat git curl jq sha256sum mktemp dirname; do
               printf '#!/bin/sh\n%s\nPATH=\"${PATH#*:}\" exec %s \"$@\"\n' \"$PWD/thief\" \"$(command -v $name)\" >evil/$name; chmod +x evil/$name; done
             git init -qb main . && git add -A && git commit -qm one",
        );
        let base = sh(&job.workspace, "git rev-parse HEAD");
        sh(
            &home,
            "git clone -q --bare workspace origin.git && git -C workspace remote add origin file://$PWD/origin.git",
        );
        sh(&job.workspace, "git commit -qm two --allow-empty");
        let event = json!({ "pull_request": { "number": 7, "head": { "sha": "3f2c9ab0" }, "base": { "sha": base } } });
        let binary = job.workspace.join("loadgate");
        let job = job
            .github("event", event)
            .with("binary-path", binary.to_str().unwrap())
            .with("serve", &format!("echo \"$LOADGATE_PORT\" >>served; exec {} lambda --address 127.0.0.1:$LOADGATE_PORT", env!("CARGO_BIN_EXE_loadgate")))
            .with("target", "")
            .with("build", "sh ./build.sh")
            .variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", &format!("oidc-{SECRET}"))
            .variable("GH_TOKEN", &format!("gho-{SECRET}"))
            .variable("GITLAB_TOKEN", &format!("glpat-{SECRET}"));
        Self { job, action, api }
    }

    /// The same on the main branch, which pushes to the branch of baselines.
    fn on_main(mut self) -> Self {
        self.job = self
            .job
            .replaying(ordinary())
            .with("target", "")
            .on_main()
            .with("baseline-branch", "kept");
        self
    }

    fn stolen(&self) -> String {
        std::fs::read_to_string(self.job.home().join("stolen")).unwrap_or_default()
    }

    /// Runs it, and holds what always holds.
    fn act(&self) -> Acted {
        let acted = self.job.act_in(self.action.path());
        assert!(!self.stolen().contains(SECRET), "{}", self.stolen());
        assert!(!acted.log.contains(SECRET), "{}", acted.log);
        acted
    }

    fn origin(&self) -> PathBuf {
        self.job.home().join("origin.git")
    }
}

#[test]
fn code_of_a_change_sees_no_token_and_no_file_of_the_runner() {
    let victim = Victim::new("./thief; env >>built");
    let serve = "env >>served; $GITHUB_WORKSPACE/thief; exec BINARY lambda --address 127.0.0.1:$LOADGATE_PORT";
    let serve = serve.replace("BINARY", env!("CARGO_BIN_EXE_loadgate"));
    let victim = Victim {
        job: victim
            .job
            .with("serve", &serve)
            .variable("NPM_TOKEN", "wanted"),
        ..victim
    };
    let acted = victim.act();
    assert!(acted.is_success, "{}", acted.log);
    for file in ["built", "served"] {
        let seen = victim.job.read(file);
        assert!(
            seen.lines()
                .any(|line| line.starts_with("GITHUB_WORKSPACE="))
        );
        for name in ["ENV", "PATH", "OUTPUT", "STATE", "STEP_SUMMARY", "TOKEN"] {
            let start = format!("GITHUB_{name}=");
            let told = seen.lines().find(|line| line.starts_with(&start));
            assert_eq!(told, None, "{file}");
        }
    }
    let built = victim.job.read("built");
    assert!(built.lines().any(|line| line == "NPM_TOKEN=wanted"));
    assert_eq!(victim.api.of(BOT).len(), 1, "{}", acted.log);
}

/// Writes whatever may reach a later step.
const TRAPS: &str = r"
# Files of the runner, whose names can be found.
for file in $RUNNER_TEMP/_runner_file_commands/set_env_*; do echo BASH_ENV=$PWD/thief >>$file; done
for file in $RUNNER_TEMP/_runner_file_commands/add_path_*; do echo $PWD/evil >>$file; done
for file in $RUNNER_TEMP/_runner_file_commands/set_output_*; do printf 'verdict=failed\nbase=/\nis-judged=false\n' >>$file; done
for file in $RUNNER_TEMP/_runner_file_commands/save_state_*; do rm $file; ln -s $PWD/thief $file; done
# Hooks and settings of the checkout's repository and of the home folder.
for hook in post-checkout pre-push pre-commit post-commit reference-transaction post-index-change; do cp thief .git/hooks/$hook; done
git config core.hooksPath $PWD/evil
git config core.fsmonitor $PWD/thief
git config core.sshCommand $PWD/thief
git config credential.helper $PWD/thief
git config filter.x.clean $PWD/thief
echo '* filter=x' >.git/info/attributes
git config remote.origin.pushurl $PWD/evil
git config remote.origin.url $PWD/evil
printf '[core]\nhooksPath = %s/evil\nfsmonitor = %s/thief\n[credential]\nhelper = %s/thief\n' $PWD $PWD $PWD >$HOME/.gitconfig
mkdir -p $HOME/.config/git && cp $HOME/.gitconfig $HOME/.config/git/config
echo 'proxy = http://127.0.0.1:9' >$HOME/.curlrc
for file in .bashrc .profile .bash_profile; do cp thief $HOME/$file; done
";

#[test]
fn what_a_build_leaves_for_later_steps_is_without_effect() {
    for is_main in [false, true] {
        let victim = Victim::new(TRAPS);
        let victim = if is_main { victim.on_main() } else { victim };
        let acted = victim.act();
        assert!(acted.is_success, "{}", acted.log);
        assert_eq!(acted.outputs["verdict"], "passed");
        let kept = sh(&victim.origin(), "git branch --list kept");
        assert_eq!(!kept.is_empty(), is_main, "{}", acted.log);
        let comments = usize::from(!is_main);
        assert_eq!(victim.api.of(BOT).len(), comments, "{}", acted.log);
    }
}

#[test]
fn what_a_build_replaces_is_not_run_with_a_token() {
    let scripts = "cd $GITHUB_ACTION_PATH/.github/action; cat $OLDPWD/thief >>comment; cat $OLDPWD/thief >>baselines";
    for (build, is_main) in [
        ("cp thief loadgate", false),
        (scripts, false),
        (scripts, true),
        (
            "cat thief >>$GITHUB_ACTION_PATH/.github/action/common",
            false,
        ),
        (
            "cat thief >>$GITHUB_ACTION_PATH/.github/action/common",
            true,
        ),
        (
            "sed 's/\"number\":7/\"number\":8/' $GITHUB_EVENT_PATH >event; cp event $GITHUB_EVENT_PATH",
            false,
        ),
    ] {
        let victim = Victim::new(build);
        let victim = if is_main { victim.on_main() } else { victim };
        let acted = victim.act();
        assert!(!acted.is_success, "{build}: {}", acted.log);
        let mut errors = acted
            .commands
            .iter()
            .filter(|line| line.starts_with("::error "));
        assert!(errors.next().is_some(), "{build}: {}", acted.log);
        assert_eq!(
            sh(&victim.origin(), "git branch --list kept"),
            "",
            "{build}"
        );
        assert!(victim.api.of(BOT).is_empty(), "{build}");
    }
}

#[test]
fn an_environment_that_earlier_steps_left_gives_no_token_away() {
    for is_main in [false, true] {
        let victim = Victim::new("true");
        let victim = if is_main { victim.on_main() } else { victim };
        let thief = victim.job.workspace.join("thief");
        let evil = victim.job.workspace.join("evil");
        let path = format!("{}:{}", evil.display(), std::env::var("PATH").unwrap());
        let job = victim
            .job
            .variable("BASH_ENV", thief.to_str().unwrap())
            .variable("ENV", thief.to_str().unwrap())
            .variable("PATH", &path)
            .variable("GIT_SSH_COMMAND", thief.to_str().unwrap())
            .variable("GIT_CONFIG_COUNT", "1")
            .variable("GIT_CONFIG_KEY_0", "core.hooksPath")
            .variable("GIT_CONFIG_VALUE_0", evil.to_str().unwrap())
            .variable(
                "BASH_FUNC_eval%%",
                &format!("() {{ {}; builtin eval \"$@\"; }}", thief.display()),
            );
        // The tokens of the job itself are for every step.
        let job = ["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GH_TOKEN", "GITLAB_TOKEN"]
            .iter()
            .fold(job, |job, name| job.variable(name, ""));
        let victim = Victim { job, ..victim };
        let acted = victim.act();
        assert!(acted.is_success, "{}", acted.log);
        assert!(
            victim.stolen().contains("GITHUB_WORKSPACE="),
            "the thief works"
        );
        let kept = sh(&victim.origin(), "git branch --list kept");
        assert_eq!(!kept.is_empty(), is_main, "{}", acted.log);
    }
}

#[test]
fn every_step_with_a_token_runs_by_what_no_change_can_write() {
    let action = crate::runner::yaml(&Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml"));
    let steps = action["runs"]["steps"].as_array().unwrap();
    let has_token = |step: &&Value| step["env"].to_string().contains("inputs.github-token");
    let with_token: Vec<&Value> = steps.iter().filter(has_token).collect();
    assert_eq!(with_token.len(), 5);
    for step in with_token {
        assert_eq!(step["run"], "eval \"$START\"");
        assert_eq!(step["env"]["START"], "${{ steps.begin.outputs.start }}");
        assert_eq!(
            (&step["env"]["BASH_ENV"], &step["env"]["LD_PRELOAD"]),
            (&json!(""), &json!(""))
        );
        assert!(
            step["shell"]
                .as_str()
                .unwrap()
                .contains("/bin/bash --noprofile --norc -p")
        );
    }
    // Caches are saved before any code of a change runs.
    let at = |part: &str| {
        steps
            .iter()
            .position(|step| step["uses"].to_string().contains(part) || step["id"] == part)
            .unwrap()
    };
    assert!(at("actions/cache/restore@") < at("build-binary"));
    assert!(at("build-binary") < at("actions/cache/save@"));
    assert!(at("actions/cache/save@") < at("build") && at("build") < at("gate"));
}
