//! Strings with few values are shared, within bounds: what strangers send must not fill the memory.

use std::sync::Arc;

use ahash::AHashSet;

/// Strings held in each of the two generations.
const CAPACITY: usize = 8 * 1024;

/// Longest string worth sharing, in bytes.
const LONGEST: usize = 256;

/// An interner that forgets what has not been asked for over one or two generations.
pub(crate) struct Names {
    young: AHashSet<Arc<str>>,
    old: AHashSet<Arc<str>>,
    empty: Arc<str>,
}

impl Names {
    pub(crate) fn new() -> Self {
        Self { young: AHashSet::new(), old: AHashSet::new(), empty: Arc::from("") }
    }

    pub(crate) fn empty(&self) -> Arc<str> {
        Arc::clone(&self.empty)
    }

    /// The shared copy of a text that was kept lately.
    pub(crate) fn known(&self, text: &str) -> Option<Arc<str>> {
        self.young.get(text).map(Arc::clone)
    }

    /// The shared copy of a text.
    pub(crate) fn get(&mut self, text: &str) -> Arc<str> {
        if text.is_empty() {
            return self.empty();
        }
        if text.len() > LONGEST {
            return Arc::from(text);
        }
        if let Some(known) = self.young.get(text) {
            return Arc::clone(known);
        }
        let name = self.old.take(text).unwrap_or_else(|| Arc::from(text));
        if self.young.len() >= CAPACITY {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(Arc::clone(&name));
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_cannot_fill_the_memory() {
        let mut names = Names::new();
        for number in 0..10 * CAPACITY {
            names.get(&format!("/orders/{number}"));
        }
        assert!(names.young.len() + names.old.len() <= 2 * CAPACITY);
        assert!(Arc::ptr_eq(&names.get("GET"), &names.get("GET")));
    }
}
