//! A Mermaid flowchart, for Markdown.
//!
//! Mermaid reads a label as HTML, as Markdown, as an icon (`fa:fa-car`) and as a formula, in turn: whatever is no plain
//! word is written as a character reference, which each of these leaves alone.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::paint::{LIGHT, Line, line};
use super::{Graph, Kind, Node};
use crate::model::Verdict;

/// Edges that Mermaid draws unless its host raises `maxEdges`. A diagram cannot raise it by itself.
pub const MOST_EDGES: usize = 500;
/// Characters that Mermaid reads unless its host raises `maxTextSize`, likewise.
pub const MOST_TEXT: usize = 50_000;

/// Writes the graph. Answers what Mermaid's host must raise to draw it: `maxEdges to 4271`.
pub fn write(graph: &Graph, out: &mut dyn Write) -> io::Result<Option<String>> {
    let body = body(graph);
    let mut limits = Vec::new();
    if graph.edges.len() > MOST_EDGES {
        limits.push(format!("maxEdges to {}", graph.edges.len()));
    }
    let length = body.encode_utf16().count();
    if length > MOST_TEXT {
        limits.push(format!("maxTextSize to {length}"));
    }
    out.write_all(body.as_bytes())?;
    out.flush()?;
    Ok((!limits.is_empty()).then(|| limits.join(" and ")))
}

fn body(graph: &Graph) -> String {
    let mut text = String::from("flowchart LR\n");
    // Writing to a String cannot fail.
    for (at, node) in graph.nodes.iter().enumerate() {
        let _ = writeln!(text, "  n{at}{}", shape(node));
    }
    for edge in &graph.edges {
        let arrow = match line(edge.shown()) {
            Line::Thin => "-->",
            Line::Thick => "==>",
            Line::Dotted => "-.->",
        };
        let label = edge.label();
        let label = if label.is_empty() { String::new() } else { format!("|\"{label}\"|") };
        let _ = writeln!(text, "  n{} {arrow}{label} n{}", edge.from, edge.to);
    }
    for verdict in Verdict::ALL {
        let shown = graph.edges.iter().enumerate().filter(|(_, edge)| edge.shown() == Some(*verdict));
        let numbers: Vec<String> = shown.map(|(at, _)| at.to_string()).collect();
        if !numbers.is_empty() {
            let _ = writeln!(text, "  linkStyle {} stroke:{}", numbers.join(","), LIGHT.of(Some(*verdict)));
        }
    }
    let outside = |kind| {
        let nodes = graph.nodes.iter().enumerate().filter(move |(_, node)| node.kind == kind);
        nodes.map(|(at, _)| format!("n{at}")).collect::<Vec<String>>()
    };
    let external = outside(Kind::External);
    if !external.is_empty() {
        let _ = writeln!(text, "  classDef external stroke-dasharray:5 4");
        let _ = writeln!(text, "  class {} external", external.join(","));
    }
    text
}

fn shape(node: &Node) -> String {
    let name = escape(node.name.as_str());
    match node.kind {
        Kind::Client => format!("([\"{name}\"])"),
        Kind::Service => format!("[\"{name}\"]"),
        Kind::External => format!("{{{{\"{name}\"}}}}"),
        Kind::Queue => format!("[[\"{name}\"]]"),
        Kind::Database => format!("[(\"{name}\")]"),
    }
}

/// Letters and digits stay, and signs between two of them that mean nothing there.
fn escape(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut before = None;
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let inside = word(before) && word(characters.peek().copied());
        if character.is_alphanumeric() || (inside && matches!(character, '-' | '_' | '.' | ' ' | '/')) {
            text.push(character);
        } else {
            let _ = write!(text, "#{};", u32::from(character));
        }
        before = Some(character);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_words_stay_as_they_are() {
        assert_eq!(escape("order-service_2 v1.0"), "order-service_2 v1.0");
        assert_eq!(escape("a\"]\n--> b"), "a#34;#93;#10;#45;#45;#62;#32;b");
        assert_eq!(escape("1. x"), "1#46;#32;x");
        assert_eq!(escape("fa:fa-car"), "fa#58;fa-car");
        assert_eq!(escape("#35;注文"), "#35;35#59;注文");
    }
}
