//! GitHub Actions: what a step writes into the runner's files, and the commands that it prints.
//!
//! The runner reads commands from the log and pairs from a file, so everything untrusted is encoded here. Nothing is ever
//! written to the files by which a step could change the environment of later ones.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rand::TryRng as _;
use rand::rngs::SysRng;

use crate::report::{Annotation, AnnotationLevel};

/// Annotations of one kind that the runner keeps of a step are ten; the last is ours, to say how many more there are.
const MOST: usize = 9;

/// What the runner takes as a message, in bytes; it cuts a longer one.
const MOST_BYTES: usize = 4000;

/// What the runner takes as the summary of a step, in bytes; of a longer one it takes nothing.
const MOST_SUMMARY: u64 = 1 << 20;

/// The runner's files of this step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Where outputs go.
    outputs: Option<PathBuf>,
    /// Where the summary goes.
    summary: Option<PathBuf>,
    /// The checkout, which paths of annotations are relative to.
    workspace: Option<PathBuf>,
}

impl Step {
    /// Finds the files of this step; none outside GitHub Actions.
    pub fn find(variable: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let path = |name| {
            let value = variable(name).filter(|value| !value.is_empty())?;
            Some(PathBuf::from(value))
        };
        variable("GITHUB_ACTIONS").filter(|value| value == "true")?;
        Some(Self {
            outputs: path("GITHUB_OUTPUT"),
            summary: path("GITHUB_STEP_SUMMARY"),
            workspace: path("GITHUB_WORKSPACE"),
        })
    }

    /// Adds outputs, whatever their values hold.
    pub fn set_outputs(&self, pairs: &[(&str, String)]) -> io::Result<()> {
        match &self.outputs {
            Some(path) => append(path, &heredocs(pairs, unguessable()?)),
            None => Ok(()),
        }
    }

    /// Adds to the summary, where it still fits; whether it did.
    pub fn add_summary(&self, markdown: &str) -> io::Result<bool> {
        let Some(path) = &self.summary else {
            return Ok(true);
        };
        let there = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        if there + markdown.len() as u64 + 2 > MOST_SUMMARY {
            return Ok(false);
        }
        append(path, &format!("{markdown}\n\n")).map(|()| true)
    }

    /// The commands that make annotations, one a line: the first of each severity, and how many more there are.
    pub fn commands(&self, annotations: &[Annotation]) -> String {
        [AnnotationLevel::Error, AnnotationLevel::Warning]
            .into_iter()
            .flat_map(|severity| {
                let all = annotations.iter();
                let all: Vec<_> = all.filter(|one| one.severity == severity).collect();
                let more = all.len().saturating_sub(MOST);
                let name = match severity {
                    AnnotationLevel::Error => "error",
                    AnnotationLevel::Warning => "warning",
                };
                let shown = all
                    .into_iter()
                    .take(MOST)
                    .map(move |one| self.command(name, one));
                let rest = (more > 0)
                    .then(|| format!("::{name} title=loadgate::+{more} more, see the summary\n"));
                shown.chain(rest).collect::<Vec<_>>()
            })
            .collect()
    }

    fn command(&self, name: &str, annotation: &Annotation) -> String {
        let mut properties = Vec::new();
        if let Some(file) = &annotation.file {
            properties.push(format!("file={}", property(&self.relative(file))));
            properties.push(format!("line={}", annotation.line));
        }
        properties.push(format!("title={}", property(&annotation.title)));
        format!(
            "::{name} {}::{}\n",
            properties.join(","),
            data(cut(&annotation.message, MOST_BYTES))
        )
    }

    /// A path as the platform shows it: from the root of the checkout.
    fn relative(&self, file: &str) -> String {
        let relative = self.workspace.as_ref().and_then(|workspace| {
            let absolute = std::path::absolute(file).ok()?;
            let inside = absolute.strip_prefix(workspace).ok()?;
            // Between folders the platform knows one sign, on Windows too.
            let parts = inside.iter().map(std::ffi::OsStr::to_string_lossy);
            Some(parts.collect::<Vec<_>>().join("/"))
        });
        relative.unwrap_or_else(|| file.to_owned())
    }
}

/// A number that nobody could know before.
fn unguessable() -> io::Result<u128> {
    let mut bytes = [0; 16];
    SysRng
        .try_fill_bytes(&mut bytes)
        .map_err(io::Error::other)?;
    Ok(u128::from_ne_bytes(bytes))
}

fn append(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// Pairs that no value can end before its end: each stands between two lines that nobody could know before.
fn heredocs(pairs: &[(&str, String)], random: u128) -> String {
    let pair = |(name, value): &(&str, String)| {
        format!("{name}<<loadgate-{random:032x}\n{value}\nloadgate-{random:032x}\n")
    };
    pairs.iter().map(pair).collect()
}

/// The message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The value of a command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The beginning of a text, of whole characters.
fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotation(severity: AnnotationLevel, message: &str) -> Annotation {
        Annotation {
            severity,
            file: Some("a:b,c.yml".to_owned()),
            line: 7,
            title: "x::y".to_owned(),
            message: message.to_owned(),
        }
    }

    #[test]
    fn a_command_holds_nothing_that_ends_it() {
        let commands = Step::default().commands(&[annotation(
            AnnotationLevel::Error,
            "100 %\n::set-output::x\r",
        )]);
        assert_eq!(
            commands,
            "::error file=a%3Ab%2Cc.yml,line=7,title=x%3A%3Ay::100 %25%0A::set-output::x%0D\n"
        );
    }

    #[test]
    fn nine_annotations_of_a_kind_are_made_and_the_rest_counted() {
        let many = vec![annotation(AnnotationLevel::Error, "e"); 12];
        let few = vec![annotation(AnnotationLevel::Warning, "w"); 9];
        let commands = Step::default().commands(&[many, few].concat());
        let lines: Vec<&str> = commands.lines().collect();
        assert_eq!(lines.len(), 10 + 9);
        assert_eq!(lines[9], "::error title=loadgate::+3 more, see the summary");
    }

    #[test]
    fn a_value_cannot_end_its_own_heredoc() {
        let text = heredocs(&[("a", "1\nloadgate-x\nb=2".to_owned())], 1);
        let end = format!("loadgate-{:032x}", 1);
        assert_eq!(text, format!("a<<{end}\n1\nloadgate-x\nb=2\n{end}\n"));
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let commands =
            Step::default().commands(&[annotation(AnnotationLevel::Error, &"é".repeat(200_000))]);
        assert!(commands.len() < MOST_BYTES + 200);
    }
}
