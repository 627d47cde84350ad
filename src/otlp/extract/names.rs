//! Strings with few values are shared, within bounds: what strangers send must not fill the memory.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;

use ahash::AHashSet;
use arcstr::ArcStr;

/// Strings held in each of the two generations.
const CAPACITY: usize = 8 * 1024;

/// Bytes that a string takes beside its text.
const PLACE: usize = 48;

/// Longest string worth sharing, in bytes.
const LONGEST: usize = 256;

/// The texts shared by what one extractor reads.
pub(crate) struct Names {
    texts: Interner<Arc<str>>,
    /// Of URLs: they have more values than all other texts together, and must not crowd those out.
    paths: Interner<ArcStr>,
    empty: Arc<str>,
}

/// An interner that forgets what has not been asked for over one or two generations.
struct Interner<T> {
    young: AHashSet<T>,
    old: AHashSet<T>,
    /// Bytes of the young texts, and how many there may be.
    bytes: usize,
    most: usize,
}

impl Names {
    /// No texts yet; a generation of them takes so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        Self { texts: Interner::new(bytes), paths: Interner::new(bytes), empty: Arc::from("") }
    }

    pub(crate) fn empty(&self) -> Arc<str> {
        Arc::clone(&self.empty)
    }

    /// The shared copy of a text that was kept lately.
    pub(crate) fn known(&self, text: &str) -> Option<Arc<str>> {
        self.texts.known(text)
    }

    /// The shared copy of a text.
    pub(crate) fn get(&mut self, text: &str) -> Arc<str> {
        if text.is_empty() { self.empty() } else { self.texts.get(text) }
    }

    /// The shared copy of a path that was kept lately.
    pub(crate) fn known_path(&self, path: &str) -> Option<ArcStr> {
        self.paths.known(path)
    }

    /// The shared copy of a path.
    pub(crate) fn path(&mut self, path: &str) -> ArcStr {
        self.paths.get(path)
    }
}

impl<T: Borrow<str> + Hash + Eq + Clone + for<'t> From<&'t str>> Interner<T> {
    fn new(most: usize) -> Self {
        Self { young: AHashSet::new(), old: AHashSet::new(), bytes: 0, most }
    }

    fn known(&self, text: &str) -> Option<T> {
        self.young.get(text).cloned()
    }

    fn get(&mut self, text: &str) -> T {
        if text.len() > LONGEST {
            return T::from(text);
        }
        if let Some(known) = self.young.get(text) {
            return known.clone();
        }
        let name = self.old.take(text).unwrap_or_else(|| T::from(text));
        if self.young.len() >= CAPACITY || self.bytes >= self.most {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes += PLACE + text.len();
        self.young.insert(name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_cannot_fill_the_memory() {
        let mut names = Names::new(usize::MAX);
        for number in 0..10 * CAPACITY {
            names.get(&format!("/orders/{number}"));
        }
        assert!(names.texts.young.len() + names.texts.old.len() <= 2 * CAPACITY);
        assert!(Arc::ptr_eq(&names.get("GET"), &names.get("GET")));
    }
}
