//! The capture profile beside recorded spans: written down by `redact` and `--record`, given back to the judge by
//! whatever reads files.

use crate::model::Batch;
use crate::otlp::redact::profile_line;
use crate::trail::SavedProfile;

/// Profiles of this layout are read.
const VERSION: u32 = 1;

/// Gives the judge what stood beside a batch's spans. What cannot be used is answered, for people.
pub fn restore(batch: &Batch, mut give: impl FnMut(&SavedProfile)) -> Vec<String> {
    let mut complaints = Vec::new();
    for text in &batch.profiles {
        match serde_json::from_str::<SavedProfile>(text) {
            Ok(saved) if saved.version == VERSION => give(&saved),
            Ok(saved) => complaints.push(format!(
                "expected a capture profile of version {VERSION}, found version {}: the traces are judged without it",
                saved.version
            )),
            // The error would quote the file.
            Err(error) => complaints.push(format!(
                "a capture profile cannot be read, at column {} of its text: the traces are judged without it",
                error.column()
            )),
        }
    }
    complaints
}

/// The line that says what is known, `None` where nothing is.
pub fn line(saved: &SavedProfile) -> Option<Vec<u8>> {
    if saved.is_empty() {
        return None;
    }
    serde_json::to_string(saved).ok().map(|text| profile_line(&text))
}
