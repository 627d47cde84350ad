//! Whether a span, or a token, differs from another one in nothing that the judge reads: ids and times aside.

use std::sync::Arc;

use crate::model::{Anomaly, Carried, CarriedValue, Fingerprint, Site, Span, Token, TokenFormat};

use super::nature::Nature;

/// The tokens of a trace: which one each carrier that holds one shows, spans in order, and the different ones.
pub struct Tokens<'t> {
    /// By place in `tokens`.
    pub shown: &'t [u8],
    /// Each once.
    pub tokens: &'t [Arc<Token>],
}

/// Whether the judge reads the same off two spans, tokens aside; `nature` is the first one's.
pub fn alike(mine: &Span, other: &Span, nature: Nature) -> bool {
    // Neither says anything alone: traces in which a span does are not kept.
    same_site(mine.site(), other.site())
        && !mine.has_own()
        && !other.has_own()
        && (mine.path == other.path || same_by_path(mine, other) && Nature::of(other) == nature)
        && mine.tags() == other.tags()
        && mine.carried.len() == other.carried.len()
        && mine.carried.iter().zip(&other.carried).all(|(mine, other)| same_carried(mine, other))
}

fn same_site(mine: &Arc<Site>, other: &Arc<Site>) -> bool {
    Arc::ptr_eq(mine, other) || mine == other
}

/// Whether two paths make no difference to what is asked for: something else names the operation, or neither does.
fn same_by_path(mine: &Span, other: &Span) -> bool {
    let named = mine.route.is_some() || mine.rpc_method.is_some();
    named || mine.method.is_none() && mine.path.is_some() == other.path.is_some()
}

fn same_carried(mine: &Carried, other: &Carried) -> bool {
    let Carried { carrier, value, anomalies, scheme, captured_length } = mine;
    let same_value = match (value, &other.value) {
        (CarriedValue::Token(mine), CarriedValue::Token(theirs)) => {
            // The length tells only of a value that may have been cut.
            let whole = !anomalies.contains(Anomaly::MaybeTruncated) && is_jws(mine) && is_jws(theirs);
            whole || *captured_length == other.captured_length
        }
        (mine, theirs) => *captured_length == other.captured_length && mine == theirs,
    };
    same_value && *anomalies == other.anomalies && *carrier == other.carrier && *scheme == other.scheme
}

fn is_jws(token: &Token) -> bool {
    token.format == Some(TokenFormat::Jws)
}

/// Whether tokens that stand in the same places differ in nothing but who they are: each as its counterpart, and each
/// pair of them related as the pair of their counterparts.
pub fn alike_tokens(mine: &Tokens<'_>, other: &Tokens<'_>) -> bool {
    if mine.tokens.len() != other.tokens.len() || mine.shown != other.shown {
        return false;
    }
    let same = |(mine, other): (&Arc<Token>, &Arc<Token>)| Arc::ptr_eq(mine, other);
    if mine.tokens.iter().zip(other.tokens).all(same) {
        return true;
    }
    let counterparts = mine.tokens.iter().zip(other.tokens).all(|(mine, other)| counterpart(mine, other));
    counterparts
        && (0..mine.tokens.len()).all(|i| {
            (i + 1..mine.tokens.len())
                .all(|j| relation(&mine.tokens[i], &mine.tokens[j]) == relation(&other.tokens[i], &other.tokens[j]))
        })
}

/// Whether a token is like another one but for the fingerprints that tell them apart, and for when it was made.
fn counterpart(mine: &Token, other: &Token) -> bool {
    let Token {
        s256,
        h256,
        header,
        payload,
        signature,
        format,
        parts,
        signature_removed,
        alg,
        kid,
        typ,
        iss,
        aud,
        scope,
        actors,
        exp,
        iat,
        nbf,
        length,
        sub_hash,
        subject_id_hash,
        jti_hash,
        txn_hash,
        subject_kind,
        cnf,
        check,
        weight: _,
    } = mine;
    let prints = [s256, h256, header, payload, signature, sub_hash, subject_id_hash, jti_hash, txn_hash];
    let same_forms = prints.into_iter().zip(prints_of(other)).all(|(mine, other)| same_form(mine.as_ref(), other));
    let lifetime = |exp: Option<i64>, iat: Option<i64>| exp.zip(iat).map(|(exp, iat)| exp.saturating_sub(iat));
    same_forms
        && (format, parts, signature_removed) == (&other.format, &other.parts, &other.signature_removed)
        && (alg, kid, typ, iss) == (&other.alg, &other.kid, &other.typ, &other.iss)
        && (aud, scope, actors) == (&other.aud, &other.scope, &other.actors)
        && (subject_kind, cnf, check) == (&other.subject_kind, &other.cnf, &other.check)
        && (exp.is_some(), iat.is_some(), nbf.is_some(), length.is_some())
            == (other.exp.is_some(), other.iat.is_some(), other.nbf.is_some(), other.length.is_some())
        && lifetime(*exp, *iat) == lifetime(other.exp, other.iat)
}

fn prints_of(token: &Token) -> [Option<&Fingerprint>; 9] {
    let t = token;
    let prints = [
        &t.s256,
        &t.h256,
        &t.header,
        &t.payload,
        &t.signature,
        &t.sub_hash,
        &t.subject_id_hash,
        &t.jti_hash,
        &t.txn_hash,
    ];
    prints.map(Option::as_ref)
}

/// Whether both are there or neither is, and under the same key.
fn same_form(mine: Option<&Fingerprint>, other: Option<&Fingerprint>) -> bool {
    match (mine, other) {
        (None, None) => true,
        (Some(mine), Some(other)) => mine.compare(other).is_some(),
        _ => false,
    }
}

/// All that two tokens show by being compared with each other.
type Relation = ([Option<bool>; 9], Option<std::cmp::Ordering>);

fn relation(a: &Token, b: &Token) -> Relation {
    let (mine, other) = (prints_of(a), prints_of(b));
    let compared = std::array::from_fn(|i| mine[i]?.compare(other[i]?));
    (compared, a.length.zip(b.length).map(|(a, b)| a.cmp(&b)))
}
