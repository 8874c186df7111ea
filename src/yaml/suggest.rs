//! Finds known words that are close to a misspelt one.

/// The least Jaro-Winkler similarity of a suggestion, from 0 to 1. A less similar suggestion confuses more than it
/// helps: `wieght` and `weight` reach 0.94, `host` and `post` 0.83, `users` and `phase` 0.47.
const LEAST_SIMILARITY: f64 = 0.75;

/// Similarities that differ by less are equal.
const TOLERANCE: f64 = 1e-6;

/// The candidates that are closest to a word, if they are close enough.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.to_lowercase();
    let close: Vec<(f64, &str)> = candidates
        .into_iter()
        .map(|candidate| {
            let similarity = strsim::jaro_winkler(&word, &candidate.to_lowercase());
            (similarity, candidate)
        })
        .filter(|(similarity, _)| *similarity >= LEAST_SIMILARITY)
        .collect();
    let most = close
        .iter()
        .map(|(similarity, _)| *similarity)
        .fold(0.0, f64::max);
    let nearest = close
        .iter()
        .filter(|(similarity, _)| *similarity >= most - TOLERANCE);
    nearest.map(|(_, candidate)| *candidate).collect()
}

/// `: did you mean 'weight'?` if a candidate is close, else `: ` and what to do instead.
pub fn suggest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    otherwise: &str,
) -> String {
    match nearest(word, candidates).as_slice() {
        [] => format!(": {otherwise}"),
        [only] => format!(": did you mean '{only}'?"),
        [first @ .., last] => format!(": did you mean '{}' or '{last}'?", first.join("', '")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_word_and_other_text_none() {
        let known = ["weight", "wait", "headers", "on_start", "tasks"];
        for (word, near) in [
            ("wieght", &["weight"][..]),
            ("Weight", &["weight"]),
            ("header", &["headers"]),
            ("onstart", &["on_start"]),
            ("zebra", &[]),
            ("", &[]),
        ] {
            assert_eq!(nearest(word, known), near, "{word}");
        }
    }

    #[test]
    fn the_suggestion_says_what_to_do_where_nothing_is_near() {
        assert_eq!(
            suggest("wieght", ["weight"], "remove it"),
            ": did you mean 'weight'?"
        );
        assert_eq!(suggest("zebra", ["weight"], "remove it"), ": remove it");
        assert_eq!(
            suggest("p96", ["p90", "p95", "floor"], "remove it"),
            ": did you mean 'p90' or 'p95'?"
        );
    }
}
