//! What differs between two tokens, claim by claim; what names a person stays hashed.

use std::sync::Arc;

use ratatui::style::Style;

use super::page::Page;
use crate::model::{Fingerprint, Hop, Token, TokenFormat};
use crate::tui::text::stretch;
use crate::tui::view::pen::Row;

/// One claim of two tokens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Difference {
    /// Its name in the token.
    pub(crate) name: &'static str,
    /// Before.
    pub(crate) old: String,
    /// After.
    pub(crate) new: String,
}

impl Page {
    /// The differences, old to new, and what stayed the same.
    pub(super) fn differences(&mut self, hop: &Hop) {
        let Some((old, new)) = pair(hop) else { return };
        let arrow = self.theme.sign(" → ", " -> ");
        let (differing, same): (Vec<Difference>, Vec<Difference>) =
            compared(old, new).into_iter().partition(|claim| claim.old != claim.new);
        let mut parts: Vec<Row> = differing
            .iter()
            .map(|claim| {
                let from = Row::new().text(claim.name, self.theme.quiet()).plain(" ").own(&claim.old, Style::new());
                from.text(arrow, self.theme.quiet()).own(&claim.new, self.theme.strong())
            })
            .collect();
        if parts.is_empty() {
            parts.push(Row::new().text("no claim that is shown differs", self.theme.quiet()));
        }
        let kept: Vec<&str> = same.iter().map(|claim| claim.name).collect();
        if !kept.is_empty() {
            parts.push(Row::new().own(&format!("the same {}", kept.join(", ")), self.theme.quiet()));
        }
        self.parts("changed", Row::new(), parts);
    }
}

/// The token before it changed and after, where both are known and not the same.
pub(crate) fn pair(hop: &Hop) -> Option<(&Token, &Token)> {
    let sides = [&hop.inbound, &hop.sent, &hop.received];
    let tokens: Vec<&Token> = sides.into_iter().filter_map(|side| side.token.as_deref()).collect();
    tokens.windows(2).map(|two| (two[0], two[1])).find(|(old, new)| old != new && old.same_as(new) != Some(true))
}

/// Every claim that either shows, in the order in which they explain most.
pub(crate) fn compared(old: &Token, new: &Token) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut push = |name, old: Option<String>, new: Option<String>| {
        if old.is_some() || new.is_some() {
            let told = |claim: Option<String>| claim.unwrap_or_else(|| "none".to_owned());
            found.push(Difference { name, old: told(old), new: told(new) });
        }
    };
    let hashed = |print: &Option<Fingerprint>| print.as_ref().map(|print| format!("{} (hash)", print.short()));
    let text = |claim: &Option<Arc<str>>| claim.as_deref().map(str::to_owned);
    let list = |claim: &[Arc<str>]| (!claim.is_empty()).then(|| claim.join(" "));
    push("sub", hashed(&old.sub_hash), hashed(&new.sub_hash));
    push("oid", hashed(&old.subject_id_hash), hashed(&new.subject_id_hash));
    push("iss", text(&old.iss), text(&new.iss));
    push("aud", list(&old.aud), list(&new.aud));
    push("scope", list(&old.scope), list(&new.scope));
    push("act", list(&old.actors), list(&new.actors));
    push("alg", text(&old.alg), text(&new.alg));
    push("kid", text(&old.kid), text(&new.kid));
    push("typ", text(&old.typ), text(&new.typ));
    push("format", old.format.map(format), new.format.map(format));
    push("lifetime", lifetime(old), lifetime(new));
    push("length", old.length.map(bytes), new.length.map(bytes));
    // Two prints under different keys say nothing of each other.
    let mut part = |name, old: &Option<Fingerprint>, new: &Option<Fingerprint>| {
        if let (Some(old), Some(new)) = (old, new)
            && old.compare(new).is_some()
        {
            push(name, Some(old.short()), Some(new.short()));
        }
    };
    part("header", &old.header, &new.header);
    part("payload", &old.payload, &new.payload);
    part("signature", &old.signature, &new.signature);
    found
}

fn format(format: TokenFormat) -> String {
    match format {
        TokenFormat::Jws => "signed",
        TokenFormat::Jwe => "encrypted",
        TokenFormat::Opaque => "opaque",
    }
    .to_owned()
}

fn lifetime(token: &Token) -> Option<String> {
    let from = token.nbf.or(token.iat)?;
    Some(stretch(token.exp?.saturating_sub(from).unsigned_abs()))
}

fn bytes(length: u32) -> String {
    format!("{length} bytes")
}
