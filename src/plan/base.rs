//! The base version that a gate's thresholds name, so that a run loads it beside the target without a flag.

use std::path::Path;

use super::managed_servers::Server;
use super::{Commands, Error, ManagedServers, Options, OwnBase};
use crate::baseline::Baseline;
use crate::thresholds::{BaseSource, COMMIT_VARIABLE, Checkout, Thresholds};

/// Where the deployments of a gate are, by the arguments and the thresholds.
#[derive(Debug)]
pub(super) struct Deployments {
    /// Servers that are started.
    pub(super) serving: ManagedServers,
    /// The address of the base, as it is written; none for a started server, and without a base.
    pub(super) base_url: Option<BaseUrl>,
    /// Why the base that the thresholds name cannot be loaded.
    pub(super) base_missing: Option<String>,
    /// Whether the thresholds name the base that is loaded, and no flag does.
    pub(super) is_own_base: bool,
    /// Whether the thresholds say what serves the target.
    pub(super) is_own_target: bool,
}

/// An address of the base.
#[derive(Debug)]
pub(super) struct BaseUrl {
    pub(super) text: String,
    /// Where it is written.
    pub(super) place: String,
    /// The commit that responds there, where the address names it.
    pub(super) commit: Option<String>,
}

/// Finds target and base: by the arguments, else by the thresholds. `has_target` says that an address of the target is known.
pub(super) fn deployments(
    options: &Options,
    serving: &ManagedServers,
    (path, thresholds): (&Path, &Thresholds),
    baseline: Option<&Baseline>,
    has_target: bool,
) -> Result<Deployments, Error> {
    let mut found = Deployments {
        serving: serving.clone(),
        base_url: options.against.clone().map(|text| BaseUrl {
            text,
            place: "--against".to_owned(),
            commit: None,
        }),
        base_missing: None,
        is_own_base: false,
        is_own_target: false,
    };
    let own = thresholds.regression.base.as_ref();
    let own = own.filter(|_| options.own_base != OwnBase::Ignored);
    if let Some(BaseSource::Checkout(checkout)) = own
        && !has_target
        && serving.target.is_none()
    {
        allow(checkout, options, path)?;
        found.serving.target = Some(server(checkout, None)?);
        found.is_own_target = true;
    }
    let is_given = found.base_url.is_some() || serving.base.is_some();
    let own_base = own.filter(|_| options.own_base == OwnBase::Loaded && !is_given);
    if let Some(source) = own_base {
        let mut jobs = baseline
            .iter()
            .flat_map(|baseline| baseline.jobs.iter().rev());
        let newest = jobs.find_map(|job| job.commit.clone());
        found.is_own_base = true;
        match source {
            BaseSource::Url(url) => found.locate(url, path, newest),
            BaseSource::Checkout(checkout) => {
                allow(checkout, options, path)?;
                match checkout.revision.clone().or(newest) {
                    Some(commit) => found.serving.base = Some(server(checkout, Some(commit))?),
                    None => found.base_missing = Some(NO_COMMIT.to_owned()),
                }
            }
        }
    }
    let serving = &mut found.serving;
    if let (Some(BaseSource::Checkout(checkout)), None) = (own, &serving.ready) {
        let is_used = found.is_own_target
            || serving
                .base
                .as_ref()
                .is_some_and(|base| base.revision.is_some());
        serving.ready = checkout.ready.clone().filter(|_| is_used);
    }
    let is_started = found.serving.target.is_some() || found.serving.base.is_some();
    if options.restart_every.is_some() && !is_started {
        return Err(Error::OnlyWithCommand("--restart-every"));
    }
    Ok(found)
}

impl Deployments {
    fn locate(&mut self, url: &str, path: &Path, newest: Option<String>) {
        let variable = format!("${COMMIT_VARIABLE}");
        let is_of_commit = url.contains(&variable);
        let text = match (&newest, is_of_commit) {
            (_, false) => url.to_owned(),
            (Some(commit), true) => url.replace(&variable, commit),
            (None, true) => {
                self.base_missing = Some(NO_COMMIT.to_owned());
                return;
            }
        };
        self.base_url = Some(BaseUrl {
            text,
            place: format!("{}: regression.base.url", path.display()),
            commit: newest.filter(|_| is_of_commit),
        });
    }
}

/// Refuses programs that nobody allowed.
fn allow(checkout: &Checkout, options: &Options, path: &Path) -> Result<(), Error> {
    if options.commands == Commands::Refused {
        return Err(Error::BaseCommand {
            path: path.to_owned(),
            line: checkout.line,
        });
    }
    Ok(())
}

/// The server of a revision; without one, that of the working tree.
fn server(checkout: &Checkout, revision: Option<String>) -> Result<Server, Error> {
    Ok(Server {
        build: checkout.build.clone(),
        revision,
        ..Server::new(checkout.serve.clone())?
    })
}

/// Why the newest commit of the baseline is not known.
const NO_COMMIT: &str = "the baseline names no commit yet";
