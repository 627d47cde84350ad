//! Where spans belong that come in no groups.

use std::rc::Rc;

use crate::otlp::data::{ResourceData, ScopeData, Visitor};

/// Where the span told last belongs.
#[derive(Default)]
pub(super) struct Last<'a>(Option<(Rc<ResourceData<'a>>, ScopeData<'a>)>);

impl<'a> Last<'a> {
    /// Tells where the next span belongs, unless it is where the last one did.
    pub(super) fn tell(
        &mut self,
        resource: &Rc<ResourceData<'a>>,
        scope: ScopeData<'a>,
        visitor: &mut impl Visitor<'a>,
    ) {
        let last = self.0.as_ref();
        let same_resource = last.is_some_and(|(known, _)| Rc::ptr_eq(known, resource) || known == resource);
        if same_resource && last.is_some_and(|(_, known)| *known == scope) {
            return;
        }
        if !same_resource {
            visitor.resource(resource);
        }
        visitor.scope(&scope);
        self.0 = Some((Rc::clone(resource), scope));
    }
}
