//! The comment on a pull or merge request, made of stored results.
//!
//! The results may come from a job that ran a stranger's code. So they are judged again, by the gates of this checkout;
//! what the platform knows of the run takes the place of what they say of it; and whatever goes wrong is reported and changes
//! no verdict.

use std::path::{Path, PathBuf};

use super::console::Console;
use super::evaluation::{Evaluation, RESULT, ResultSource};
use super::judge::{same_run, same_scenario};
use crate::baseline::exclude_runs;
use crate::ci::{self, Key, Message, OnFirst, Posted};
use crate::exit::{Exit, Strictness};
use crate::files;
use crate::plan::Gate;
use crate::record::RunRecord;
use crate::report::{self, Missing};

/// A result of this job that is larger is not read: an hour's run of fifty names is a tenth of it.
const MOST_BYTES: u64 = 64 << 20;
/// The same of a result that anyone may have written: a hostile one of this size still takes seconds, not minutes.
const MOST_FOREIGN_BYTES: u64 = 16 << 20;

/// When a comment is made where there is none yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Always.
    Always,
    /// Where a gate did not pass.
    OnFailure,
}

/// How the comment is made.
#[derive(Clone, Debug)]
pub struct Commenting {
    /// Key that identifies it among loadgate's comments; the job and its gates by default.
    pub key: Option<String>,
    /// Whose comment it is; asked of the platform where none.
    pub author: Option<String>,
    /// When one is made where there is none yet.
    pub when: When,
    /// Whether an inconclusive run may pass.
    pub strictness: Strictness,
}

/// Where the results are that a comment is made of.
#[derive(Clone, Debug)]
pub enum Source {
    /// Below a folder, as a run left them.
    Below(PathBuf),
    /// These files, which are one job of the one gate.
    Files(Vec<PathBuf>),
}

impl Source {
    /// The files of one of so many gates.
    fn of(&self, gate: &Gate, gates: usize) -> Vec<PathBuf> {
        match self {
            Self::Below(out) if gates == 1 => vec![out.join(RESULT)],
            Self::Below(out) => vec![out.join(gate.folder_name()).join(RESULT)],
            Self::Files(files) => files.clone(),
        }
    }
}

/// Makes or edits the comment on stored results. The exit is that of a comment: it fails nothing.
pub fn comment(gates: &mut [Gate], source: &Source, how: &Commenting, console: &Console) -> Exit {
    let occasion = match ci::trigger(&|name| std::env::var(name).ok()) {
        Ok(occasion) => occasion,
        Err(why) => {
            console.warn(&format!("loadgate: no comment was created: {why}"));
            return Exit::Passed;
        }
    };
    let mut evaluations = Vec::new();
    let mut missing = Vec::new();
    let count = gates.len();
    let names: Vec<String> = gates
        .iter()
        .map(|gate| gate.scenario.name.clone())
        .collect();
    for gate in gates.iter_mut() {
        match read(gate, &source.of(gate, count), source, &occasion) {
            Ok(mut records) => {
                for record in &mut records {
                    place(record, &occasion);
                }
                // A run that was recorded since is not held against itself.
                if let Some(held) = &mut gate.baseline {
                    exclude_runs(held, &records);
                }
                let judged = match occasion.of_run {
                    Some(_) => ResultSource::Untrusted,
                    None => ResultSource::Stored,
                };
                evaluations.push(Evaluation::new(
                    &*gate,
                    records,
                    judged,
                    how.strictness,
                    Path::new(""),
                ));
            }
            Err(why) => missing.push(Missing {
                gate: gate.scenario.name.clone(),
                why,
            }),
        }
    }
    let views: Vec<_> = evaluations.iter().map(Evaluation::view).collect();
    let text = report::comment(&views, &missing, occasion.url.as_deref());
    let has_passed = missing.is_empty() && evaluations.iter().all(|one| one.exit() == Exit::Passed);
    let key = how.key.clone().unwrap_or_else(|| {
        let names = names.iter().map(String::as_str);
        let names: Vec<&str> = std::iter::once(occasion.job.as_str())
            .chain(names)
            .collect();
        names.join(" ")
    });
    let posted = ci::post(
        &occasion.thread,
        &Message {
            key: &Key::new(&key),
            age: occasion.age,
            text: &text,
            author: how.author.as_deref(),
            first: match how.when {
                When::OnFailure if has_passed => OnFirst::Spared,
                When::OnFailure | When::Always => OnFirst::Made,
            },
        },
    );
    console.warn(&said(&posted));
    Exit::Passed
}

fn said(posted: &Posted) -> String {
    match posted {
        Posted::Made => "the comment was created".to_owned(),
        Posted::Edited => "the comment was edited".to_owned(),
        Posted::Unchanged => "the comment is unchanged".to_owned(),
        Posted::Outdated => "the comment is about a newer run and was not changed".to_owned(),
        Posted::Spared => "no comment: all gates passed, and there is none to update".to_owned(),
        Posted::Failed(why) => {
            format!("loadgate: no comment was created (the verdict is unchanged): {why}")
        }
    }
}

/// Stored results of this gate, of one run, or why there are none.
fn read(
    gate: &Gate,
    paths: &[PathBuf],
    source: &Source,
    occasion: &ci::Trigger,
) -> Result<Vec<RunRecord>, String> {
    let most = match occasion.of_run {
        Some(_) => MOST_FOREIGN_BYTES,
        None => MOST_BYTES,
    };
    let records = paths.iter().map(|path| {
        let record = read_one(gate, path, most)?;
        if is_of(&record, source, occasion) {
            return Ok(record);
        }
        let path = path.display();
        Err(format!(
            "{path} is from another run than this comment; find out why this run left no result"
        ))
    });
    let records = records.collect::<Result<Vec<_>, _>>()?;
    // The ids are text of the results; that they differ is enough here.
    same_run(&records, paths).map_err(|_| "the results are from more than one run".to_owned())?;
    Ok(records)
}

/// Whether a result is of the run that the comment is about, and not one that an earlier run, or a commit, left in its
/// place. What this job has left itself is also of this attempt; other jobs of the run may not have been run again.
fn is_of(record: &RunRecord, source: &Source, occasion: &ci::Trigger) -> bool {
    let attempt = record.run.attempt.map(u64::from);
    record.run.id == occasion.id
        && attempt.is_none_or(|attempt| match (source, &occasion.of_run) {
            (Source::Below(_), None) => attempt == occasion.age.attempt,
            (Source::Below(_) | Source::Files(_), _) => attempt <= occasion.age.attempt,
        })
}

fn read_one(gate: &Gate, path: &Path, most: u64) -> Result<RunRecord, String> {
    let metadata = std::fs::symlink_metadata(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    if !metadata.is_file() {
        return Err(format!("{} is not a file", path.display()));
    }
    if metadata.len() > most {
        return Err(format!(
            "{} is larger than {} MB; make the scenario shorter, or give it fewer names",
            path.display(),
            most >> 20
        ));
    }
    let text = files::read(path).map_err(|error| error.to_string())?;
    let name = path.display().to_string();
    let record = RunRecord::from_json(&name, &text).map_err(|error| error.to_string())?;
    // The diff would be text of the result; that there is one is enough here.
    same_scenario(gate, &record, path).map_err(|_| {
        "it is a run of another scenario than that of this checkout, so it cannot be judged here"
            .to_owned()
    })?;
    Ok(record)
}

/// Puts what the platform knows of the run in place of what the record says itself.
fn place(record: &mut RunRecord, occasion: &ci::Trigger) {
    record.run.url.clone_from(&occasion.url);
    record.run.commit.clone_from(&occasion.commit);
    record.run.attempt = u32::try_from(occasion.age.attempt).ok();
    let Some(id) = &occasion.of_run else { return };
    record.run.id.clone_from(id);
    record.run.from_pull_request = true;
}
