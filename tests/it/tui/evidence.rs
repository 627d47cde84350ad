//! The evidence as a stranger reads it: each kind of hop at four sizes, the most important lines first.

use std::fmt::Write as _;
use std::sync::Arc;

use crossterm::event::KeyCode;
use jwtrail::model::{
    Cause, Confidence, Finding, Fingerprint, Hop, Presence, Reason, Segment, Severity, SpanId, Token, Verdict,
    Verification, VerifyResult, VerifySource,
};
use jwtrail::tui::graph::EdgeKey;
use jwtrail::tui::state::Selection;
use jwtrail::tui::view::evidence;
use jwtrail::tui::{Depth, Theme};

use super::Driven;
use super::fixture::{self, NOON, side, token};

const SIZES: [(u16, u16); 4] = [(60, 16), (80, 24), (120, 40), (200, 60)];

/// The hop's own spans, as the judge names them.
fn spanned(mut hop: Hop) -> Hop {
    for (at, side) in [&mut hop.inbound, &mut hop.sent, &mut hop.received].into_iter().enumerate() {
        side.span_id = Some(SpanId([0xa1 + u8::try_from(at).expect("three"); 8]));
        if side.ground.starts_with("captured") {
            let whose = if at == 1 { "client" } else { "entry" };
            side.ground = format!("seen on the {whose} span");
        }
    }
    hop
}

fn with_life(issued: i64, expires: i64) -> Arc<Token> {
    let noon = NOON.cast_signed();
    let token = (*token("k3va")).clone();
    Arc::new(Token { iat: Some(noon + issued), exp: Some(noon + expires), ..token })
}

fn refused(reason: Reason, source: VerifySource, evidence: Option<&str>) -> Verification {
    Verification {
        result: VerifyResult::Failed,
        reason: Some(reason),
        source: Some(source),
        evidence: evidence.map(Into::into),
        relayed_from: None,
    }
}

fn expired() -> Hop {
    let old = || side(Presence::Present, Some(with_life(-4_000, -400)), "captured");
    spanned(Hop {
        cause: Some(Cause::Expired),
        severity: Severity::High,
        status: Some(401),
        inbound: old(),
        sent: old(),
        received: old(),
        verification: refused(Reason::Expired, VerifySource::Jwtrail, None),
        hint: Some(
            "the token was 6 minutes old when it came in: refresh it before calling, not after a 401".to_owned(),
        ),
        ..fixture::hop(Some("orders"), "shipping", Verdict::Failed)
    })
}

fn reminted(verdict: Verdict, cause: Cause) -> Hop {
    let print = |name: &str| Some(Fingerprint::new(format!("h256.00c0ffee:{name}{}", "b".repeat(18))));
    let old = Token {
        aud: vec!["lab-store".into(), "orders".into()],
        scope: vec!["orders:read".into(), "orders:write".into()],
        header: print("hd00"),
        payload: print("pay1"),
        signature: print("sig1"),
        ..(*with_life(-60, 3_500)).clone()
    };
    let new = Token {
        s256: Some(Fingerprint::new(format!("s256:zz9q{}", "B".repeat(39)))),
        aud: vec!["pricing".into()],
        scope: vec!["orders:read".into()],
        kid: Some("lab-2027".into()),
        exp: Some(NOON.cast_signed() + 240),
        payload: print("pay2"),
        signature: print("sig2"),
        ..old.clone()
    };
    let (old, new) = (Arc::new(old), Arc::new(new));
    let seen = |token: &Arc<Token>| side(Presence::Present, Some(Arc::clone(token)), "captured");
    spanned(Hop {
        cause: Some(cause),
        segment: Some(Segment::Relay),
        severity: if verdict == Verdict::Changed { Severity::High } else { Severity::Info },
        confidence: Confidence::Likely,
        inbound: seen(&old),
        sent: seen(&new),
        received: seen(&new),
        hint: (verdict == Verdict::Changed)
            .then(|| "cart asks for a token of its own: if it is meant to, say so in the policy".to_owned()),
        ..fixture::hop(Some("cart"), "pricing", verdict)
    })
}

fn relayed() -> Hop {
    let mut hop = fixture::hop(Some("gateway"), "orders", Verdict::Intact);
    hop.status = Some(401);
    hop.blame = Some(SpanId([0xee; 8]));
    hop.verification = refused(Reason::Missing, VerifySource::Status, None);
    hop.verification.relayed_from = Some(SpanId([0xee; 8]));
    spanned(hop)
}

fn unknown() -> Hop {
    let mut hop = fixture::hop(Some("orders"), "stock", Verdict::Unknown);
    let dark = |whose: &str| side(Presence::Unknown, None, &format!("the {whose} span captured no headers"));
    (hop.sent, hop.received) = (dark("client"), dark("entry"));
    hop.inbound = fixture::present("k3va");
    hop.cause = Some(Cause::NotCaptured);
    hop.confidence = Confidence::Possible;
    hop.gap = true;
    spanned(hop)
}

fn inferred() -> Hop {
    let mut hop = fixture::dropped();
    hop.confidence = Confidence::Likely;
    hop.sent = side(Presence::Unknown, None, "the client span captured no headers");
    hop.received = side(
        Presence::Absent,
        None,
        "this instrumentation captures Authorization on other spans, the entry span has none",
    );
    hop.cause = Some(Cause::Lost);
    hop.segment = Some(Segment::Unknown);
    hop.waypoints = vec!["envoy".into(), "istio-ingress".into()];
    spanned(hop)
}

/// The evidence pane alone, at each size.
fn at_each_size(hop: &Hop, problem: bool) -> String {
    let mut out = String::new();
    for (width, height) in SIZES {
        let build = fixture::Build::new().services(&["gateway", "orders", "cart", "pricing", "payment", "shipping"]);
        let build = build.edge(None, "gateway", Verdict::Originated).edge(Some("gateway"), "cart", Verdict::Intact);
        let build = if problem { build.problem(hop.clone(), 42, 90) } else { build.edge_of(hop.clone(), 90) };
        let mut driven = Driven::new(width, height, build.done());
        if !problem {
            let caller = hop.caller.as_ref().map(|party| party.service.clone());
            driven.state.selection = Selection::Edge(EdgeKey { caller, callee: hop.callee.service.clone() });
            driven.state.follow = false;
        }
        let _ = writeln!(out, "{width} x {height}");
        let text = driven.text();
        let area = driven.state.screen().detail;
        for line in text.lines().skip(usize::from(area.y)).take(usize::from(area.h)) {
            let _ = writeln!(out, "{line}");
        }
        if let Some(hint) = hop.hint.as_deref() {
            let first = hint.split(' ').take(4).collect::<Vec<_>>().join(" ");
            assert!(text.contains(&format!("look at  {first}")), "no hint at {width} x {height}:\n{text}");
        }
    }
    out
}

#[test]
fn each_kind_of_hop_at_each_size() {
    let finding = {
        let mut hop = spanned(fixture::hop(Some("gateway"), "orders", Verdict::Intact));
        let detail = "in X-Access-Token, where it was in Authorization before".to_owned();
        hop.findings = vec![jwtrail::model::FindingHit { finding: Finding::Moved, severity: Severity::Low, detail }];
        hop
    };
    let kinds = [
        ("dropped", spanned(fixture::dropped()), true),
        ("dropped_inferred", inferred(), true),
        ("changed_subject", spanned(fixture::changed()), true),
        ("changed_placeholder", spanned(fixture::placeholder()), true),
        ("changed_reminted", reminted(Verdict::Changed, Cause::Reminted), true),
        ("failed_unknown_key", spanned(fixture::failed()), true),
        ("failed_expired", expired(), true),
        ("exchanged", reminted(Verdict::Exchanged, Cause::Policy), false),
        ("originated", spanned(fixture::hop(None, "gateway", Verdict::Originated)), false),
        ("intact_relayed_401", relayed(), false),
        ("intact_moved", finding, false),
        ("absent", spanned(fixture::hop(Some("payment"), "stripe", Verdict::Absent)), false),
        ("unknown", unknown(), false),
    ];
    for (name, hop, problem) in kinds {
        insta::assert_snapshot!(format!("evidence_{name}"), at_each_size(&hop, problem));
    }
}

#[test]
fn a_page_of_its_own_needs_a_hop_a_width_and_a_theme() {
    for width in [1, 10, 40, 95, 96, 200] {
        for ascii in [false, true] {
            let theme = Theme { ascii, depth: Depth::None, ..Theme::default() };
            for hop in [expired(), unknown(), relayed(), reminted(Verdict::Changed, Cause::Reminted)] {
                let rows = evidence::rows(&hop, width, theme);
                let widest = rows.iter().map(jwtrail::tui::view::pen::Row::width).max();
                assert!(width < 96 || widest <= Some(width), "{widest:?} of {width}");
                let parts = rows.iter().flat_map(jwtrail::tui::view::pen::Row::parts);
                let text: String = parts.map(|(text, _)| text.ascii().as_str().to_owned()).collect();
                assert!(!ascii || text.is_ascii(), "{text}");
                // A sign without a plain twin would come out as a question mark, which only the unknown has.
                assert!(!ascii || text.contains('?') == (hop.verdict == Verdict::Unknown), "{text}");
            }
        }
    }
}

#[test]
fn the_mark_stands_within_the_life_or_outside_of_it() {
    let bar = |issued, expires| {
        let mut hop = expired();
        let token = with_life(issued, expires);
        hop.received.token = Some(token);
        let rows = evidence::rows(&hop, 100, Theme::default());
        let texts = rows.iter().map(|row| row.parts().iter().map(|(text, _)| text.as_str()).collect::<String>());
        texts.into_iter().find(|text| text.starts_with(" life")).expect("a life")
    };
    insta::assert_snapshot!(
        [bar(-1_800, 1_800), bar(0, 3_600), bar(-3_600, 1), bar(-3_600, 0), bar(-7_200, -3_600), bar(600, 4_200)]
            .join("\n")
    );
}

#[test]
fn the_keyboard_reaches_the_last_line_at_every_size() {
    for (width, height) in SIZES {
        let hop = reminted(Verdict::Changed, Cause::Reminted);
        let build = fixture::Build::new().services(&["cart", "pricing"]).problem(hop, 4, 40);
        let mut driven = Driven::new(width, height, build.done()).keys("\n");
        driven.press(KeyCode::Char('G'));
        assert!(driven.text().contains("in 5 min"), "{}", driven.text());
    }
}
