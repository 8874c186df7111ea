//! The sentences: one word per idea, the same in the terminal, in JUnit and in the summary.

mod advice;
mod answers;
mod aws;
mod cautions;
mod context;
mod failures;
mod finding;
mod line;
mod outage;
mod reasons;
mod redirects;
mod row;
mod side_by_side;
mod suspicion;
mod unreachable;

pub(crate) use advice::advice;
pub(crate) use answers::{concurrency, first_seen, showed};
pub(crate) use aws::aws as aws_sentences;
pub(crate) use cautions::{caution, recording_warnings, shown_warnings};
pub use context::short_commit;
pub(crate) use context::{
    circumstances, compared, comparison, generator, load, missing_figures, ordinary_noise, proxies,
    two_figures,
};
pub(crate) use failures::{failing_names, failure_kind};
pub(crate) use finding::{finding, headline, nothing_slower, stopped_early};
pub(crate) use line::{caught, measure_name, promise, sentence, since, subject_name};
pub(crate) use reasons::{MOST_REASONS, invalidities, more_reasons, not_judged};
pub(crate) use row::figures_name;
pub(crate) use side_by_side::{MARK, MARK_MEANS, notes as variant_notes, steps};
pub use unreachable::remedy;
