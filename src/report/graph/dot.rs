//! A Graphviz digraph.

use std::io::{self, Write};

use super::paint::{LIGHT, Line, line};
use super::{Edge, Graph, Kind, Node};

/// Writes the graph. Nodes are known by their names, so that the file can be read and worked on.
pub fn write(graph: &Graph, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "digraph jwtrail {{")?;
    writeln!(out, "  graph [rankdir=LR, fontname=\"Helvetica\", tooltip=\"{}\"];", text(&graph.sums()))?;
    writeln!(out, "  node [shape=box, style=rounded, fontname=\"Helvetica\", fontsize=12];")?;
    writeln!(out, "  edge [fontname=\"Helvetica\", fontsize=10, color=\"{0}\", fontcolor=\"{0}\"];", LIGHT.plain)?;
    for node in &graph.nodes {
        writeln!(out, "  \"{}\" [{}];", id(node.name.as_str()), looks(node))?;
    }
    for edge in &graph.edges {
        let (from, to) = (&graph.nodes[edge.from].name, &graph.nodes[edge.to].name);
        let looks = edge_looks(graph, edge);
        writeln!(out, "  \"{}\" -> \"{}\" [{looks}];", id(from.as_str()), id(to.as_str()))?;
    }
    writeln!(out, "}}")?;
    out.flush()
}

fn looks(node: &Node) -> String {
    let name = text(node.name.as_str());
    let label = format!("label=\"{name}\"");
    match node.kind {
        Kind::Client => format!("{label}, shape=oval, style=solid, tooltip=\"requests from outside\""),
        Kind::Service => format!("{label}, tooltip=\"{name}\""),
        Kind::External => format!("{label}, shape=hexagon, style=dashed, tooltip=\"{name}: external\""),
        Kind::Queue => format!("{label}, shape=cds, style=solid, tooltip=\"{name}: queue\""),
        Kind::Database => format!("{label}, shape=cylinder, style=solid, tooltip=\"{name}: database\""),
    }
}

fn edge_looks(graph: &Graph, edge: &Edge) -> String {
    let title = text(&graph.title(edge));
    let mut parts = vec![format!("label=\"{}\"", text(&edge.label()))];
    if edge.judged.is_some() {
        let colour = LIGHT.of(edge.shown());
        parts.push(format!("color=\"{colour}\", fontcolor=\"{colour}\""));
    }
    match line(edge.shown()) {
        Line::Thin => {}
        Line::Thick => parts.push("penwidth=2.2".to_owned()),
        Line::Dotted => parts.push("style=dashed".to_owned()),
    }
    // Each part of an edge may be pointed at.
    parts.push(format!("tooltip=\"{title}\", labeltooltip=\"{title}\""));
    parts.join(", ")
}

/// The inside of a quoted id: only the quote is escaped there, and a backslash must not reach it.
fn id(name: &str) -> String {
    name.replace('\\', "\\\\").replace('"', "\\\"")
}

/// The inside of a quoted label: escapes such as `\N` and character references are read in it.
fn text(label: &str) -> String {
    id(&label.replace('&', "&amp;"))
}
