//! A picture that stands alone: light or dark as the reader's system is, without a script, a font or a link.

use std::fmt::Write as _;
use std::io::{self, Write};

use quick_xml::escape::escape;

use super::paint::{DARK, LIGHT, Line, Palette, line};
use super::{Edge, Graph, Kind, Node};
use crate::layout::{self, Layout, Link, Point, Route, Size};
use crate::model::Verdict;
use crate::model::text::Safe;
use crate::report::Style;

/// Width of a character of a node's name, and of an edge's label: a typewriter face has one for all.
const NAME: f64 = 7.9;
const LABEL: f64 = 6.7;
/// Columns of a name that are drawn; the rest is in the tooltip.
const LONGEST: usize = 34;
/// Height of the legend.
const LEGEND: f64 = 30.0;

/// Writes the picture. Answers whether it was too large for more than plain layers.
pub fn write(graph: &Graph, out: &mut dyn Write) -> io::Result<bool> {
    let sizes: Vec<Size> = graph.nodes.iter().map(size).collect();
    let links: Vec<Link> = graph.edges.iter().map(link).collect();
    let layout = layout::lay_out(&sizes, &links);
    let legend = legend(graph);
    let width = layout.size.w.max(legend.0).max(200.0).ceil();
    let height = (layout.size.h + LEGEND).ceil();
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\">"
    )?;
    writeln!(out, "<title>Call graph</title>\n<desc>{}</desc>", escape(graph.sums()))?;
    writeln!(out, "<style>\n{}</style>", css())?;
    writeln!(out, "<defs>\n{}</defs>", heads(graph))?;
    writeln!(out, "<rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>")?;
    for (edge, route) in graph.edges.iter().zip(&layout.routes) {
        write_line(graph, edge, route, out)?;
    }
    for (at, node) in graph.nodes.iter().enumerate() {
        write_node(node, layout.nodes[at], sizes[at], out)?;
    }
    // Labels last: a line that crosses one must not strike it out.
    for (edge, route) in graph.edges.iter().zip(&layout.routes) {
        write_label(edge, route, &layout, out)?;
    }
    writeln!(out, "<text class=\"note\" x=\"16\" y=\"{}\">{}</text>", height - 12.0, legend.1)?;
    writeln!(out, "</svg>")?;
    out.flush()?;
    Ok(layout.plain)
}

fn shown(node: &Node) -> Safe {
    node.name.fit(LONGEST)
}

fn size(node: &Node) -> Size {
    let word = node.kind.word();
    let columns = shown(node).width().max(word.len());
    let sides = if node.kind == Kind::Service { 24.0 } else { 36.0 };
    Size { w: (columns as f64 * NAME + sides).max(56.0), h: if word.is_empty() { 34.0 } else { 48.0 } }
}

fn link(edge: &Edge) -> Link {
    let columns = Safe::new(&edge.label()).width() as f64;
    let room = if columns > 0.0 { Size { w: columns * LABEL + 10.0, h: 16.0 } } else { Size::default() };
    Link { from: edge.from, to: edge.to, label: room }
}

/// The class of a verdict's colour.
fn class(verdict: Option<Verdict>) -> &'static str {
    verdict.map_or("unjudged", Verdict::name)
}

/// Kinds of edges in the graph: each needs a head of its own, since old viewers do not paint a head like its line.
fn kinds(graph: &Graph) -> Vec<Option<Verdict>> {
    let all = Verdict::ALL.iter().copied().map(Some).chain([None]);
    all.filter(|kind| graph.edges.iter().any(|edge| edge.shown() == *kind)).collect()
}

fn heads(graph: &Graph) -> String {
    let mut text = String::new();
    for kind in kinds(graph) {
        let class = class(kind);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "<marker id=\"head-{class}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"9\" \
             markerHeight=\"9\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">\
             <path class=\"{class} head\" d=\"M0 0.8 L10 5 L0 9.2 z\"/></marker>"
        );
    }
    text
}

fn css() -> String {
    let mut text = String::from(
        "text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:13px;\
         text-anchor:middle}\n\
         .label{font-size:11px;font-weight:bold}\n.kind{font-size:10px}\n\
         .note{font-size:11px;text-anchor:start}\n.note .name{font-weight:bold}\n\
         .line{fill:none;stroke-width:1.4}\n.thick{stroke-width:2.6}\n.dotted{stroke-dasharray:4 4}\n\
         .box{stroke-width:1.3}\n.external{stroke-dasharray:5 4}\n",
    );
    theme(&LIGHT, ["#ffffff", "#f6f8fa", "#57606a", "#1f2328", "#57606a"], &mut text);
    text.push_str("@media (prefers-color-scheme:dark){\n");
    theme(&DARK, ["#0d1117", "#161b22", "#8b949e", "#e6edf3", "#9198a1"], &mut text);
    text.push_str("}\n");
    text
}

/// Colours of ground, boxes, their borders, text, small text.
fn theme(palette: &Palette, [ground, fill, border, ink, small]: [&str; 5], text: &mut String) {
    let _ = writeln!(text, ".ground,.under{{fill:{ground}}}");
    let _ = writeln!(text, ".box{{fill:{fill};stroke:{border}}}");
    let _ = writeln!(text, "text{{fill:{ink}}}\n.kind,.note{{fill:{small}}}");
    for verdict in Verdict::ALL.iter().copied().map(Some).chain([None]) {
        let (class, colour) = (class(verdict), palette.of(verdict));
        let _ = writeln!(
            text,
            ".{class}{{stroke:{colour}}}\n.head.{class},.label.{class},.name.{class}{{fill:{colour};stroke:none}}"
        );
    }
}

fn write_line(graph: &Graph, edge: &Edge, route: &Route, out: &mut dyn Write) -> io::Result<()> {
    let weight = match line(edge.shown()) {
        Line::Thin => "",
        Line::Thick => " thick",
        Line::Dotted => " dotted",
    };
    let class = class(edge.shown());
    writeln!(
        out,
        "<path class=\"line {class}{weight}\" marker-end=\"url(#head-{class})\" d=\"{}\"><title>{}</title></path>",
        if route.bow { bow(&route.points) } else { curve(&route.points) },
        escape(graph.title(edge))
    )
}

/// A line of one bend.
fn bow(points: &[Point]) -> String {
    let [start, out, back, end] = points else { return String::new() };
    format!("M{}C{} {} {}", pair(*start), pair(*out), pair(*back), pair(*end))
}

/// A smooth line through the points, level at both ends, and never higher or lower than the points it runs between
/// (monotone cubic interpolation after Steffen).
fn curve(points: &[Point]) -> String {
    let Some(first) = points.first() else { return String::new() };
    let slopes: Vec<f64> = points.windows(2).map(|two| slope(two[0], two[1])).collect();
    let tangent = |at: usize| {
        let (Some(before), Some(after)) = (at.checked_sub(1).and_then(|left| slopes.get(left)), slopes.get(at)) else {
            return 0.0;
        };
        let (left, right) = (points[at].x - points[at - 1].x, points[at + 1].x - points[at].x);
        let mean = (before * right + after * left) / (left + right);
        if before * after <= 0.0 || !mean.is_finite() {
            return 0.0;
        }
        before.signum() * mean.abs().min(2.0 * before.abs()).min(2.0 * after.abs())
    };
    let mut text = format!("M{}", pair(*first));
    for (at, two) in points.windows(2).enumerate() {
        let third = (two[1].x - two[0].x) / 3.0;
        let out = Point { x: two[0].x + third, y: two[0].y + third * tangent(at) };
        let into = Point { x: two[1].x - third, y: two[1].y - third * tangent(at + 1) };
        let _ = write!(text, "C{} {} {}", pair(out), pair(into), pair(two[1]));
    }
    text
}

fn slope(a: Point, b: Point) -> f64 {
    if (b.x - a.x).abs() < 1e-6 { 0.0 } else { (b.y - a.y) / (b.x - a.x) }
}

fn pair(point: Point) -> String {
    format!("{:.1} {:.1}", point.x, point.y)
}

fn write_node(node: &Node, at: Point, size: Size, out: &mut dyn Write) -> io::Result<()> {
    let (left, top) = (at.x - size.w / 2.0, at.y - size.h / 2.0);
    let word = node.kind.word();
    let title = if word.is_empty() { node.name.to_string() } else { format!("{}: {word}", node.name) };
    writeln!(out, "<g><title>{}</title>{}", escape(title.as_str()), outline(node.kind, left, top, size))?;
    // A drum's lid takes room above the name.
    let drop = if node.kind == Kind::Database { 3.0 } else { 0.0 };
    let lift = if word.is_empty() { 4.5 } else { drop - 1.0 };
    writeln!(out, "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>", at.x, at.y + lift, escape(shown(node).as_str()))?;
    if !word.is_empty() {
        writeln!(out, "<text class=\"kind\" x=\"{:.1}\" y=\"{:.1}\">{word}</text>", at.x, at.y + drop + 14.0)?;
    }
    writeln!(out, "</g>")
}

fn outline(kind: Kind, left: f64, top: f64, size: Size) -> String {
    let Size { w, h } = size;
    let rect = |class: &str, round: f64| {
        format!(
            "<rect class=\"box{class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" rx=\"{round}\"/>"
        )
    };
    match kind {
        Kind::Client => rect("", h / 2.0),
        Kind::Service => rect("", 6.0),
        Kind::External => rect(" external", 2.0),
        // A drum lying on its side.
        Kind::Queue => format!(
            "<path class=\"box\" d=\"M{0:.1} {top:.1}h{1:.1}a7 {2:.1} 0 0 1 0 {h:.1}h-{1:.1}a7 {2:.1} 0 0 1 0 -{h:.1}z\
             m{1:.1} 0a7 {2:.1} 0 0 0 0 {h:.1}\"/>",
            left + 7.0,
            w - 14.0,
            h / 2.0
        ),
        // One that stands.
        Kind::Database => format!(
            "<path class=\"box\" d=\"M{left:.1} {0:.1}v{1:.1}a{2:.1} 5 0 0 0 {w:.1} 0v-{1:.1}a{2:.1} 5 0 0 0 -{w:.1} 0z\
             m0 0a{2:.1} 5 0 0 0 {w:.1} 0\"/>",
            top + 5.0,
            h - 10.0,
            w / 2.0
        ),
    }
}

/// In plain layers labels would lie on one another: only those that accuse are drawn, tooltips tell the rest.
fn write_label(edge: &Edge, route: &Route, layout: &Layout, out: &mut dyn Write) -> io::Result<()> {
    let text = edge.label();
    let room = link(edge).label;
    if text.is_empty() || (layout.plain && line(edge.shown()) != Line::Thick) {
        return Ok(());
    }
    let Point { x, y } = route.label;
    writeln!(
        out,
        "<rect class=\"under\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"14\" rx=\"3\"/>\
         <text class=\"label {}\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
        x - room.w / 2.0 + 2.0,
        y - 7.0,
        room.w - 4.0,
        class(edge.shown()),
        y + 4.0,
        escape(text)
    )
}

/// The verdicts of the picture in words and the sums, and how wide that is.
fn legend(graph: &Graph) -> (f64, String) {
    let (mut text, mut columns) = (String::new(), 0);
    for verdict in kinds(graph).into_iter().flatten() {
        let entry = format!("{} {verdict}", Style::default().glyph(verdict));
        columns += Safe::new(&entry).width() + 3;
        let _ = write!(text, "<tspan class=\"name {}\">{}</tspan>\u{a0}\u{a0} ", class(Some(verdict)), escape(entry));
    }
    let sums = graph.sums();
    columns += sums.len();
    text.push_str(&escape(sums));
    (columns as f64 * LABEL + 32.0, text)
}
