//! The page of a node: what it tells about tokens, who calls it and whom it calls.

use ratatui::style::Style;

use super::evidence::Page;
use super::pen::Row;
use crate::trail::summary::{EdgeRow, NodeKind, ServiceRow, SetupNote};
use crate::tui::graph::OUTSIDE;
use crate::tui::state::State;
use crate::tui::text::count;

impl Page {
    /// Everything about one node.
    pub(super) fn service(&mut self, state: &State, row: &ServiceRow) {
        let kind = match row.kind {
            NodeKind::Service => "a service that exports spans",
            NodeKind::External => "a host that never reports",
            NodeKind::Queue => "a message destination",
            NodeKind::Database => "a database or cache",
        };
        let mut parts = vec![Row::new().text(kind, Style::new())];
        if !row.language.is_empty() {
            parts.push(Row::new().own(&row.language, Style::new()));
        }
        if row.spans > 0 {
            parts.push(Row::new().own(&format!("{} spans", count(row.spans)), Style::new()));
        }
        self.parts("node", Row::new(), parts);
        if row.kind == NodeKind::Service {
            let tells = |known: Option<bool>, yes, no, none| match known {
                Some(true) => yes,
                Some(false) => no,
                None => none,
            };
            let inbound = tells(row.captures_inbound, "shows what it receives", "does not show what it receives", "");
            let outbound =
                tells(row.captures_outbound, "shows what it sends", "does not show what it sends", "makes no calls");
            self.parts(
                "tokens",
                Row::new(),
                vec![Row::new().own(inbound, Style::new()), Row::new().own(outbound, Style::new())],
            );
            let verifies = tells(
                row.verifies,
                "seen to check tokens",
                "says that it does not check tokens",
                "not seen to check tokens",
            );
            self.text("checks", verifies, Style::new());
        }
        self.edges(state, "callers", |edge| {
            (edge.callee == row.name).then(|| edge.caller.as_deref().unwrap_or(OUTSIDE))
        });
        self.edges(state, "calls", |edge| (edge.caller.as_ref() == Some(&row.name)).then_some(&*edge.callee));
        for note in &state.snapshot.setup {
            if let SetupNote::Dark { service, advice } = note
                && *service == row.name
            {
                self.text("look at", advice, self.theme.strong());
            }
        }
    }

    /// Where requests come from.
    pub(super) fn outside(&mut self, state: &State) {
        self.text("node", "the outside: whoever sends requests that no traced service sent", Style::new());
        self.edges(state, "calls", |edge| edge.caller.is_none().then_some(&*edge.callee));
    }

    /// The edges that `other` names the far end of, each with its verdict.
    fn edges<'a>(&mut self, state: &'a State, label: &'static str, other: impl Fn(&'a EdgeRow) -> Option<&'a str>) {
        let parts: Vec<Row> = (state.snapshot.edges.iter())
            .filter_map(|edge| {
                let style = self.theme.verdict(edge.shown);
                let name = format!(" {}", other(edge)?);
                Some(Row::new().text(self.theme.glyph(edge.shown), style).own(&name, Style::new()))
            })
            .collect();
        if !parts.is_empty() {
            self.parts(label, Row::new(), parts);
        }
    }
}
