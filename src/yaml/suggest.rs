//! The known words that a misspelt one probably meant.

/// How alike two words must be, from 0 to 1, before one is proposed for the other. Below it a proposal confuses more
/// than it helps: `wieght` and `weight` reach 0.94, `host` and `post` 0.83, `users` and `phase` 0.47.
const ALIKE: f64 = 0.75;

/// Two likenesses closer than this are the same.
const SAME: f64 = 1e-6;

/// The candidates most like the word, if any is alike enough; several where they are equally alike.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.to_lowercase();
    let alike: Vec<(f64, &str)> = candidates
        .into_iter()
        .map(|candidate| {
            let likeness = strsim::jaro_winkler(&word, &candidate.to_lowercase());
            (likeness, candidate)
        })
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    let most = alike
        .iter()
        .map(|(likeness, _)| *likeness)
        .fold(0.0, f64::max);
    let nearest = alike
        .iter()
        .filter(|(likeness, _)| *likeness >= most - SAME);
    nearest.map(|(_, candidate)| *candidate).collect()
}

/// `: did you mean 'weight'?` where a candidate is near, else `: ` and what to do instead.
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
    fn a_slip_of_the_pen_finds_its_word_and_anything_else_finds_none() {
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
