//! What was probably meant by a word that nobody knows.

/// Longest word that is compared with known ones: no name is longer.
const LONGEST: usize = 60;

/// The known word that a typing mistake or another spelling leads away from, or that was begun; the first of equals.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if found.chars().count() > LONGEST {
        return None;
    }
    let plain = |word: &str| word.to_ascii_lowercase().replace('-', "_");
    let wanted = plain(found);
    let score = |word: &str| {
        let word = plain(word);
        let begun = wanted.len() >= 3 && word.starts_with(&wanted);
        strsim::normalized_damerau_levenshtein(&wanted, &word) + if begun { 0.5 } else { 0.0 }
    };
    let scored = known.into_iter().map(|word| (score(word), word)).filter(|(near, _)| *near >= 0.5);
    scored.reduce(|best, other| if other.0 > best.0 { other } else { best }).map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn mistakes_lead_back_and_strangers_nowhere() {
        let known = ["page-up", "page-down", "problems"];
        assert_eq!(nearest("pageup", known), Some("page-up"));
        assert_eq!(nearest("prob", known), Some("problems"));
        assert_eq!(nearest("zebra", known), None);
        assert_eq!(nearest(&"p".repeat(100), known), None);
    }
}
