//! The selected span: the verdict of its hop with the raw evidence for it, then everything that the span itself says.

use std::ops::Deref;
use std::sync::Arc;

use ratatui::style::Style;

use super::lines::lane;
use crate::model::{
    Carried, CarriedValue, Check, Hop, LogRecord, Segment, Span, SpanId, SpanKind, StatusCode, Token, Verdict,
};
use crate::trail::views::TraceView;
use crate::tui::geometry::Area;
use crate::tui::page::trace::Trace;
use crate::tui::state::State;
use crate::tui::text::{count, duration, stretch, things};
use crate::tui::view::evidence::Page;
use crate::tui::view::pen::Row;
use crate::tui::view::problems::cause_text;
use crate::tui::waterfall::{Node, Waterfall, hop_at};

/// The span whose detail shows, with its service: this trace's, or the twin's where only that has it.
pub fn selected<'a>(trace: &'a Trace, view: &'a TraceView) -> Option<&'a (Arc<str>, Span)> {
    let (view, _, at) = place(trace, view)?;
    view.spans.get(at)
}

fn place<'a>(trace: &'a Trace, view: &'a TraceView) -> Option<(&'a TraceView, &'a Waterfall, usize)> {
    if let Some(at) = trace.span() {
        return Some((view, &trace.fall, at));
    }
    let (beside, there) = trace.twin()?;
    Some((there, &beside.fall, beside.lines.get(trace.at)?.there?))
}

/// The lines of the detail.
pub fn rows(state: &State, trace: &Trace, area: Area) -> Vec<Row> {
    let Some(view) = trace.view.as_deref() else { return Vec::new() };
    let Some((view, fall, at)) = place(trace, view) else { return Vec::new() };
    let (service, span) = &view.spans[at];
    let node = &fall.nodes[at];
    let mut page = Page::new(usize::from(area.w.saturating_sub(1)), state.theme);
    if let (None, Some(_)) = (trace.span(), trace.twin()) {
        page.text("only in", "the twin: this trace has no such span", state.theme.warning());
    }
    twin(&mut page, trace);
    hops(&mut page, view, node);
    identity(&mut page, service, span, node);
    time(&mut page, span, fall, at);
    request(&mut page, span);
    ending(&mut page, span, view.logs.iter().filter(|log| log.span_id == span.span_id));
    tokens(&mut page, span);
    for exception in span.own().exceptions.iter().filter(|exception| !exception.stack.is_empty()) {
        page.text("stack", &exception.stack, state.theme.quiet());
    }
    page.done()
}

/// What the twin shows at the same place, and how that is known.
fn twin(page: &mut Page, trace: &Trace) {
    let Some((beside, there)) = trace.twin() else { return };
    let at = beside.lines.get(trace.at).filter(|line| line.here.is_some() && line.difference.is_some());
    let Some(at) = at.and_then(|line| line.there) else { return };
    let node = &beside.fall.nodes[at];
    let span = &there.spans[at].1;
    let ground = hop_at(there, node).map(|hop| if span.is_call() { &hop.sent.ground } else { &hop.received.ground });
    let said = lane(page.theme, node.mark.as_ref()).plain(" ");
    page.text_after("twin", said, ground.map_or("", |ground| ground), page.theme.quiet());
}

/// The hops that the span is a party of, the accused ones first.
fn hops(page: &mut Page, view: &TraceView, node: &Node) {
    let mut hops: Vec<&Hop> = node.hops.iter().filter_map(|at| view.hops.get(*at)).collect();
    hops.sort_by_key(|hop| std::cmp::Reverse((hop.verdict.accuses(), hop.worst())));
    for hop in hops {
        verdict(page, hop);
        elsewhere(page, hop);
        page.hop(hop, hop.hint.as_deref(), None);
        if let Some(blame) = hop.blame {
            page.text("broke at", &named(view, blame), page.theme.warning());
        }
        if let Some(from) = hop.verification.relayed_from {
            page.text("refused", &format!("by {}", named(view, from)), Style::new());
        }
    }
}

/// A message may have been sent in another trace: what stands above here is not what called.
fn elsewhere(page: &mut Page, hop: &Hop) {
    if let Some(caller) = hop.caller.as_ref()
        && let (Some(trace), Some(span)) = (caller.trace_id, caller.span_id)
    {
        let text = format!("{} sent it in trace {trace}, span {span}", caller.service);
        page.text("caller", &text, Style::new());
    }
}

fn verdict(page: &mut Page, hop: &Hop) {
    let theme = page.theme;
    let style = theme.verdict(hop.verdict);
    let mut parts = vec![Row::new().text(theme.glyph(hop.verdict), style).plain(" ").text(hop.verdict.name(), style)];
    let caller = hop.caller.as_ref().map_or("outside", |party| &*party.service);
    let arrow = theme.sign("→", "->");
    parts.push(Row::new().own(&format!("{caller} {arrow} {}", hop.callee.service), theme.strong()));
    if let Some(cause) = hop.cause {
        parts.push(Row::new().own(&cause_text(cause, hop), Style::new()));
    }
    match (hop.verdict, hop.segment) {
        (Verdict::Changed, Some(Segment::Relay)) => parts.push(Row::new().text("by the caller", Style::new())),
        (Verdict::Changed, Some(Segment::Transit)) => parts.push(Row::new().text("on the way", Style::new())),
        _ => {}
    }
    parts.push(Row::new().text(hop.severity.name(), theme.severity(hop.severity)));
    parts.push(Row::new().text(hop.confidence.name(), Style::new()));
    if !hop.settled {
        parts.push(Row::new().text("not settled: evidence may still come", theme.quiet()));
    }
    page.parts("verdict", Row::new(), parts);
}

/// A span by service and operation, for people; by its id where it is not held.
fn named(view: &TraceView, id: SpanId) -> String {
    let found = view.spans.iter().find(|(_, span)| span.span_id == id);
    found.map_or_else(|| format!("span {id}"), |(service, span)| format!("{service} {}", span.operation()))
}

fn identity(page: &mut Page, service: &str, span: &Span, node: &Node) {
    let (theme, resource) = (page.theme, &span.resource);
    let quiet = theme.quiet();
    let kind = match span.kind {
        SpanKind::Unspecified => "no kind",
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    };
    let mut parts = vec![Row::new().own(&span.name, theme.strong()), Row::new().text(kind, Style::new())];
    parts.push(some("scope ", &span.scope));
    parts.push(Row::new().own(&span.span_id.to_string(), quiet));
    parts.push(match (span.parent_id(), node.orphan) {
        (None, _) => Row::new().text("root", quiet),
        (Some(parent), true) => Row::new().own(&format!("parent {parent} is not here"), theme.warning()),
        (Some(parent), false) => Row::new().own(&format!("parent {parent}"), quiet),
    });
    // OTLP flags: the second bit counts only where the first one says that it is known.
    parts.push(match (span.flags & 0x100 != 0, span.flags & 0x200 != 0) {
        (true, true) => Row::new().text("remote parent", quiet),
        (true, false) if span.parent_id().is_some() => Row::new().text("local parent", quiet),
        _ => Row::new(),
    });
    if span.proxy {
        parts.push(Row::new().text("proxy", Style::new()));
    }
    page.parts("span", Row::new(), parts);
    let mut process = vec![Row::new().own(service, theme.strong())];
    process.extend([some("", &resource.language), some("sdk ", &resource.sdk), some("host ", &resource.host)]);
    process.push(some("instance ", &resource.instance));
    page.parts("service", Row::new(), process);
}

fn time(page: &mut Page, span: &Span, fall: &Waterfall, at: usize) {
    let (theme, node) = (page.theme, &fall.nodes[at]);
    let offset = fall.bar(at, span).0.saturating_sub(fall.axis.0);
    let mut time = vec![Row::new().own(&span.start.rfc3339(), Style::new())];
    time.push(Row::new().own(&format!("+{}", duration(offset)), Style::new()));
    time.push(if span.end.0 == 0 {
        Row::new().text("no end", theme.warning())
    } else {
        Row::new().own(&format!("took {}", duration(span.end.0.saturating_sub(span.start.0))), Style::new())
    });
    if node.shift != 0 {
        let way = if node.shift > 0 { "behind" } else { "ahead of" };
        let off = duration(node.shift.unsigned_abs());
        time.push(Row::new().own(&format!("its clock is {off} or so {way} the caller's: bar moved"), theme.warning()));
    }
    page.parts("time", Row::new(), time);
}

/// A value behind its name; nothing where there is none.
fn some(name: &'static str, value: &str) -> Row {
    if value.is_empty() { Row::new() } else { Row::new().plain(name).own(value, Style::new()) }
}

fn maybe<T: Deref<Target = str>>(name: &'static str, value: Option<&T>) -> Row {
    value.map_or_else(Row::new, |value| some(name, value))
}

fn group(page: &mut Page, label: &'static str, parts: Vec<Row>) {
    if parts.iter().any(|part| part.width() > 0) {
        page.parts(label, Row::new(), parts);
    }
}

fn request(page: &mut Page, span: &Span) {
    let number = |name: &'static str, value: Option<u16>| {
        value.map_or_else(Row::new, |value| Row::new().plain(name).own(&value.to_string(), Style::new()))
    };
    let http = vec![
        maybe("", span.method.as_ref()),
        maybe("route ", span.route.as_ref()),
        maybe("path ", span.path.as_ref()),
        number("status ", span.http_status),
        maybe("scheme ", span.url_scheme.as_ref()),
        maybe("host ", span.host.as_ref()),
        number("port ", span.port),
        maybe("location ", span.own().location.as_ref()),
        maybe("user agent ", span.user_agent.as_ref()),
    ];
    group(page, "http", http);
    let rpc = vec![
        maybe("", span.rpc_system.as_ref()),
        maybe("service ", span.rpc_service.as_ref()),
        maybe("method ", span.rpc_method.as_ref()),
        number("grpc status ", span.grpc_status),
    ];
    group(page, "rpc", rpc);
    let messaging = vec![
        maybe("", span.messaging_system.as_ref()),
        maybe("destination ", span.messaging_destination.as_ref()),
        maybe("operation ", span.messaging_operation.as_ref()),
    ];
    group(page, "messaging", messaging);
    group(page, "peer", vec![maybe("", span.peer_service.as_ref()), maybe("database ", span.db_system.as_ref())]);
    for link in &span.own().links {
        page.text("link", &format!("trace {} span {}", link.trace_id, link.span_id), page.theme.quiet());
    }
}

fn ending<'a>(page: &mut Page, span: &Span, logs: impl Iterator<Item = &'a LogRecord>) {
    let theme = page.theme;
    let mut status = vec![match span.status {
        StatusCode::Unset => Row::new(),
        StatusCode::Ok => Row::new().text("status ok", Style::new()),
        StatusCode::Error => Row::new().text("status error", theme.warning()),
    }];
    status.push(maybe("error type ", span.error_type.as_ref()));
    status.push(maybe("error code ", span.error_code.as_ref()));
    status.push(maybe("www-authenticate ", span.own().challenge.as_ref()));
    group(page, "ended", status);
    let said = |kind: &str, message: &str| match (kind, message) {
        ("", message) => message.to_owned(),
        (kind, "") => kind.to_owned(),
        (kind, message) => format!("{kind}: {message}"),
    };
    for exception in &span.own().exceptions {
        page.text("raised", &said(&exception.kind, &exception.message), theme.warning());
    }
    for log in logs {
        page.text("log", &said(&log.text.kind, &log.text.message), Style::new());
    }
}

/// What the carriers held, what was looked for, and what the service says of its own check.
fn tokens(page: &mut Page, span: &Span) {
    let theme = page.theme;
    for carried in &span.carried {
        carrier(page, carried, span);
    }
    let captured = &span.captured;
    let mut seen = Vec::new();
    for (held, name) in [
        (captured.carrier, "a carrier of tokens"),
        (captured.traceparent, "traceparent"),
        (captured.user_agent_or_host, "user-agent or host"),
        (captured.unsampled_parent, "the parent was not sampled"),
    ] {
        if held {
            seen.push(Row::new().text(name, Style::new()));
        }
    }
    if seen.is_empty() {
        let text = if captured.any_header { "other headers alone" } else { "no header at all" };
        seen.push(Row::new().text(text, theme.quiet()));
    }
    page.parts("captured", Row::new(), seen);
    if let Some(tags) = span.tags() {
        let own = |name: &'static str, text: Option<&str>| text.map_or_else(Row::new, |text| some(name, text));
        let parts = vec![
            if tags.absent { Row::new().text("presence absent", Style::new()) } else { Row::new() },
            own("verify ", tags.verify_result.map(crate::model::VerifyResult::name)),
            own("reason ", tags.verify_reason.map(crate::model::Reason::name)),
            own("key ", tags.verify_key.as_ref().map(crate::model::Fingerprint::as_str)),
            own("exchange ", tags.exchange_intent.as_deref()),
            own("exchanged from ", tags.exchanged_from.as_ref().map(crate::model::Fingerprint::as_str)),
        ];
        group(page, "jwtrail.*", parts);
    }
    for exposure in &span.own().exposures {
        let which = exposure.fingerprint.as_ref().map_or_else(String::new, |print| format!(" ({})", print.short()));
        page.text("exposed", &format!("a token stands in {}{which}", exposure.place), theme.warning());
    }
}

fn carrier(page: &mut Page, carried: &Carried, span: &Span) {
    let theme = page.theme;
    let name = carried.carrier.strip_prefix("header:").unwrap_or(&carried.carrier);
    let mut parts = vec![Row::new().own(name, theme.strong())];
    let before = match &carried.value {
        CarriedValue::Token(token) => {
            parts.push(some("", &carried.scheme));
            parts.extend(claims(token, span).into_iter().map(|claim| Row::new().own(&claim, Style::new())));
            let short = token.short_name();
            Row::new().own(&format!("{short:<4} "), theme.token(&short))
        }
        value => {
            parts.push(match value {
                CarriedValue::Placeholder => Row::new().text("a placeholder, no token", theme.warning()),
                CarriedValue::Redacted => Row::new().text("hidden by the instrumentation", theme.quiet()),
                CarriedValue::OtherCredential(scheme) => {
                    Row::new().plain("another credential: ").own(scheme, Style::new())
                }
                CarriedValue::Empty | CarriedValue::Token(_) => {
                    Row::new().text("empty: proof of absence", theme.quiet())
                }
            });
            Row::new()
        }
    };
    parts.extend(carried.anomalies.names().map(|name| Row::new().own(&name.replace('_', " "), theme.warning())));
    if carried.captured_length > 0 {
        parts.push(Row::new().own(&things(u64::from(carried.captured_length), "character"), theme.quiet()));
    }
    page.parts("carrier", before, parts);
}

/// All that is known of a token, a few words each.
fn claims(token: &Token, span: &Span) -> Vec<String> {
    let mut claims = Vec::new();
    let mut add = |name: &str, value: Option<&str>| claims.extend(value.map(|value| format!("{name}{value}")));
    add("alg ", token.alg.as_deref());
    add("kid ", token.kid.as_deref());
    add("typ ", token.typ.as_deref());
    add("issuer ", token.iss.as_deref());
    add("subject ", token.subject_name().as_deref());
    add("audience ", Some(token.aud.join(" ")).filter(|aud| !aud.is_empty()).as_deref());
    add("scope ", Some(token.scope.join(" ")).filter(|scope| !scope.is_empty()).as_deref());
    add("", token.fingerprint().map(crate::model::Fingerprint::as_str));
    let life = token.exp.map(|exp| {
        let left = exp.saturating_sub(span.start.seconds());
        let long = stretch(left.unsigned_abs());
        if left >= 0 { format!("expires {long} later") } else { format!("expired {long} before") }
    });
    claims.extend(life);
    match &token.check {
        Check::NotChecked => {}
        Check::Valid(_) => claims.push("jwtrail finds its signature valid".to_owned()),
        Check::Failed(reason) => claims.push(format!("jwtrail's check: {}", reason.name().replace('_', " "))),
    }
    claims.extend(token.length.map(|length| format!("{} bytes", count(u64::from(length)))));
    claims
}
