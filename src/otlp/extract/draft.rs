//! A span while it is read: nothing of it is shared yet, so that writing costs nothing.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use arcstr::ArcStr;

use super::finish::Finishing;
use crate::model::{Arrived, Captured, Carried, Own, Resource, SelfTags, Site};

/// A span being read. One for each extractor, used for one span after the other.
pub(super) struct Draft {
    /// What it has in common with others of its place.
    pub(super) site: Site,
    /// What its carriers held.
    pub(super) carried: Vec<Carried>,
    /// Its own tags.
    pub(super) tags: Option<Box<SelfTags>>,
    /// Path of its URL.
    pub(super) path: Option<ArcStr>,
    /// The longest attribute text in characters, and how many are as long.
    pub(super) longest_text: (u32, u16),
    own: Option<Box<Own>>,
}

impl Deref for Draft {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl DerefMut for Draft {
    fn deref_mut(&mut self) -> &mut Site {
        &mut self.site
    }
}

impl Draft {
    /// An empty span of a process.
    pub(super) fn new(resource: Arc<Resource>) -> Self {
        let site = Site::new(resource, Arc::from(""));
        Self { site, carried: Vec::new(), tags: None, path: None, longest_text: (0, 0), own: None }
    }

    /// Begins another span. What every span writes anew is left as it is.
    pub(super) fn begin(&mut self, resource: &Arc<Resource>, scope: &Arc<str>) {
        if !Arc::ptr_eq(&self.site.resource, resource) {
            self.site.resource = Arc::clone(resource);
        }
        if !Arc::ptr_eq(&self.site.scope, scope) {
            self.site.scope = Arc::clone(scope);
        }
        self.site.user_agent = None;
        self.site.captured = Captured::default();
        *self.site.rare_mut() = None;
    }

    /// What it alone says; takes the room.
    pub(super) fn own_mut(&mut self) -> &mut Own {
        self.own.get_or_insert_default()
    }

    /// The finished span, still without ids and times.
    pub(super) fn finish(&mut self, finishing: &mut Finishing) -> Arrived {
        let mut span = Arrived::at(finishing.site(&self.site));
        span.carried = finishing.carrying(&mut self.carried, self.tags.take().as_deref());
        span.path = self.path.take();
        (span.longest_text, span.longest_texts) = self.longest_text;
        if let Some(own) = self.own.take() {
            *span.own_mut() = *own;
        }
        span
    }
}
