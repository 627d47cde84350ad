//! Figures and their bounds.

use std::time::Duration;

/// What is so far: lines to print, and whether a bound was passed.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) failed: bool,
}

impl Figures {
    /// A figure that nothing is expected of.
    pub(crate) fn tell(name: &str, figure: &str) {
        println!("         {name:<44} {figure}");
    }

    /// A figure that must not be over its bound.
    pub(crate) fn bound(&mut self, name: &str, figure: f64, bound: f64, unit: &str) {
        let fits = figure <= bound;
        self.failed |= !fits;
        let word = if fits { "ok" } else { "FAILED" };
        println!("{word:<8} {name:<44} {figure:.1} {unit} (at most {bound:.1})");
    }
}

/// The duration below which this share of all lies, in milliseconds.
pub(crate) fn quantile(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    #[allow(clippy::cast_sign_loss, reason = "neither factor is below zero")]
    let at = (times.len() as f64 * share) as usize;
    times.get(at.min(times.len().saturating_sub(1))).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
}
