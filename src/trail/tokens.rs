//! The tokens of the traces held: who saw each, who took it, who refused it and why, and what it was exchanged into.
//!
//! Read off spans and what was judged of them already; nothing here judges anew.

mod scan;

use std::sync::Arc;

use ahash::AHashMap;

use crate::model::{Cause, Fingerprint, Token, UnixNanos};

use super::Trail;
use scan::{Scan, Sum};

/// Rows in one answer at most: far more than anyone reads; what is beyond is counted.
pub const MOST_TOKENS: usize = 1_000;

/// Tokens that a chain of exchanges names at most.
const CHAIN: usize = 8;

/// Further exchanges of one token that are counted at most.
pub const MOST_FORKS: u64 = scan::EXCHANGES as u64 - 1;

/// What tokens are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TokenOrder {
    /// Last seen first.
    #[default]
    LastSeen,
    /// In most traces first.
    Traces,
    /// Seen by most services first.
    Services,
    /// The first to expire first; those that say nothing of it last, either way round.
    Expiry,
}

/// One token.
#[derive(Clone, PartialEq, Debug)]
pub struct TokenRow {
    /// What is known of it: of all that spans told, what shows claims.
    pub token: Arc<Token>,
    /// Traces that hold it.
    pub traces: u64,
    /// Start of the first span with it.
    pub first_seen: UnixNanos,
    /// Start of the newest span with it.
    pub last_seen: UnixNanos,
    /// What each service did with it, in order of when each first saw it.
    pub standings: Vec<Standing>,
    /// The line of exchanges that it stands in, by short names, itself among them; empty where it was not exchanged.
    pub chain: Vec<Arc<str>>,
    /// Tokens that it was exchanged into beside the one that the chain names; [`MOST_FORKS`] may be more.
    pub forks: u64,
    /// Whether the row above is a token for the same subject.
    pub grouped: bool,
}

impl TokenRow {
    /// What tells it from all others.
    pub fn id(&self) -> Option<&Fingerprint> {
        self.token.fingerprint()
    }

    /// Traces in which a service refused it.
    pub fn refused(&self) -> u64 {
        self.standings.iter().map(|standing| standing.refused).sum()
    }
}

/// What one service did with one token; each number counts traces.
#[derive(Clone, PartialEq, Debug)]
pub struct Standing {
    /// The service as shown.
    pub service: Arc<str>,
    /// It arrived there.
    pub received: u64,
    /// It was sent on from there, by that service's own spans or by those of whom it called.
    pub forwarded: u64,
    /// It was found good: by the service's own word, or it was answered well by a service that is known to refuse.
    pub verified: u64,
    /// Those of them where the service says so itself.
    pub said: u64,
    /// It was refused.
    pub refused: u64,
    /// Why, the most frequent first.
    pub reasons: Vec<(Cause, u64)>,
}

/// Tokens, as many as fit.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct TokenPage {
    /// Tokens held, those that were not wanted among them.
    pub held: u64,
    /// In the order asked for; those of one subject stand together.
    pub rows: Vec<TokenRow>,
    /// Wanted tokens beyond [`MOST_TOKENS`].
    pub left_out: u64,
}

/// Chooses a token by itself and the services that saw it.
pub type Wanted<'w> = dyn Fn(&Token, &[&str]) -> bool + 'w;

impl Trail {
    /// The tokens of the traces held; `wanted`, where given, chooses by the token and the services that saw it.
    pub fn tokens(&self, order: TokenOrder, reverse: bool, wanted: Option<&Wanted<'_>>) -> TokenPage {
        let scan = Scan::new(self);
        let chosen = |number: &u32| wanted.is_none_or(|wanted| scan.is_wanted(*number, wanted));
        let mut sorted: Vec<u32> = (0..scan.sums.len() as u32).filter(chosen).collect();
        sorted.sort_by(|a, b| compare(order, reverse, &scan.sums[*a as usize], &scan.sums[*b as usize]));
        let groups = together(&scan, &mut sorted);
        let left_out = sorted.len().saturating_sub(MOST_TOKENS) as u64;
        let mut rows: Vec<TokenRow> = Vec::with_capacity(sorted.len().min(MOST_TOKENS));
        for (at, number) in sorted.iter().take(MOST_TOKENS).enumerate() {
            let grouped = at > 0 && groups[at] == groups[at - 1];
            rows.push(row(&scan, *number, grouped));
        }
        TokenPage { held: scan.sums.len() as u64, rows, left_out }
    }
}

fn compare(order: TokenOrder, reverse: bool, a: &Sum<'_>, b: &Sum<'_>) -> std::cmp::Ordering {
    let newest = b.last_seen.cmp(&a.last_seen);
    let by = match order {
        TokenOrder::LastSeen => newest,
        TokenOrder::Traces => b.traces.cmp(&a.traces).then(newest),
        TokenOrder::Services => b.marks.len().cmp(&a.marks.len()).then(newest),
        TokenOrder::Expiry => match (a.token.exp, b.token.exp) {
            (Some(a), Some(b)) => a.cmp(&b).then(newest),
            (a, b) => return b.is_some().cmp(&a.is_some()).then(newest),
        },
    };
    // Two tokens of one moment stand in one order whatever map they came out of.
    let by = by.then_with(|| a.token.fingerprint().cmp(&b.token.fingerprint()));
    if reverse { by.reverse() } else { by }
}

/// Moves tokens of one subject behind the first of them; answers each one's group.
fn together(scan: &Scan<'_>, sorted: &mut [u32]) -> Vec<u32> {
    let mut first: AHashMap<&Fingerprint, u32> = AHashMap::new();
    let mut ranked: Vec<(u32, u32)> = Vec::with_capacity(sorted.len());
    for (rank, number) in (0_u32..).zip(sorted.iter()) {
        let token = scan.sums[*number as usize].token;
        let subject = token.sub_hash.as_ref().or(token.subject_id_hash.as_ref());
        let group = subject.map_or(rank, |subject| *first.entry(subject).or_insert(rank));
        ranked.push((group, *number));
    }
    ranked.sort_by_key(|(group, _)| *group);
    for (place, (_, number)) in sorted.iter_mut().zip(&ranked) {
        *place = *number;
    }
    ranked.into_iter().map(|(group, _)| group).collect()
}

fn row(scan: &Scan<'_>, number: u32, grouped: bool) -> TokenRow {
    let sum = &scan.sums[number as usize];
    let mut marks: Vec<_> = sum.marks.iter().collect();
    marks.sort_by(|a, b| (a.first, scan.service(a)).cmp(&(b.first, scan.service(b))));
    let standings = marks.into_iter().map(|mark| {
        let mut reasons = mark.reasons.clone();
        reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.name().cmp(b.0.name())));
        let [received, forwarded, verified, said, refused] = mark.counts.map(u64::from);
        let service = Arc::clone(scan.service(mark));
        Standing { service, received, forwarded, verified, said, refused, reasons }
    });
    TokenRow {
        token: Arc::clone(sum.token),
        traces: u64::from(sum.traces),
        first_seen: sum.first_seen,
        last_seen: sum.last_seen,
        standings: standings.collect(),
        chain: chain(scan, number),
        forks: sum.into.len().saturating_sub(1) as u64,
        grouped,
    }
}

/// The line of exchanges through a token: back to its first, on to its last, each by the exchange seen first.
fn chain(scan: &Scan<'_>, number: u32) -> Vec<Arc<str>> {
    let mut line = vec![number];
    let mut back = number;
    while let Some(&from) = scan.sums[back as usize].from.first().filter(|from| !line.contains(from)) {
        if line.len() == CHAIN {
            break;
        }
        line.insert(0, from);
        back = from;
    }
    let mut on = number;
    while let Some(&into) = scan.sums[on as usize].into.first().filter(|into| !line.contains(into)) {
        if line.len() == CHAIN {
            break;
        }
        line.push(into);
        on = into;
    }
    let mut names: Vec<Arc<str>> =
        line.iter().map(|number| scan.sums[*number as usize].token.short_name().into()).collect();
    // A tag may name a token that no span held.
    if let Some(origin) = scan.sums[back as usize].origin
        && scan.sums[back as usize].from.is_empty()
    {
        names.insert(0, origin.short().into());
    }
    if names.len() > 1 { names } else { Vec::new() }
}
