//! The known word that a misspelt one probably meant.

/// How alike two words must be, from 0 to 1, before one is proposed for the other. Below it a proposal confuses more
/// than it helps: `wieght` and `weight` reach 0.94, `host` and `post` 0.83, `users` and `phase` 0.47.
const ALIKE: f64 = 0.75;

/// The candidate most like the word, if one is alike enough.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::jaro_winkler(&word, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// `: did you mean 'weight'?` where a candidate is near, else `: ` and what to do instead.
pub fn hint<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    otherwise: &str,
) -> String {
    nearest(word, candidates).map_or_else(
        || format!(": {otherwise}"),
        |near| format!(": did you mean '{near}'?"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_its_word_and_anything_else_finds_none() {
        let known = ["weight", "wait", "headers", "on_start", "tasks"];
        for (word, near) in [
            ("wieght", Some("weight")),
            ("Weight", Some("weight")),
            ("header", Some("headers")),
            ("onstart", Some("on_start")),
            ("zebra", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), near, "{word}");
        }
    }

    #[test]
    fn the_hint_says_what_to_do_where_nothing_is_near() {
        assert_eq!(
            hint("wieght", ["weight"], "remove it"),
            ": did you mean 'weight'?"
        );
        assert_eq!(hint("zebra", ["weight"], "remove it"), ": remove it");
    }
}
