//! One edge a line, worst first.

use std::cmp::Reverse;
use std::io::{self, Write};

use super::{Edge, Graph};
use crate::model::text::Safe;
use crate::model::{Severity, Verdict};
use crate::report::Style;

/// Widest column of edges; longer ones push their own line only.
const WIDEST: usize = 64;
/// Width of a verdict's word.
const WORD: usize = 10;
/// Width of a severity's word.
const GRADE: usize = 8;

/// Writes the graph.
pub fn write(graph: &Graph, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut rows: Vec<(&Edge, Safe)> = graph.edges.iter().map(|edge| (edge, ends(graph, edge, style))).collect();
    rows.sort_by(|(a, left), (b, right)| order(a).cmp(&order(b)).then_with(|| left.cmp(right)));
    let width = rows.iter().map(|(_, ends)| ends.width()).filter(|width| *width <= WIDEST).max().unwrap_or_default();
    let graded = rows.iter().any(|(edge, _)| edge.severity() > Severity::Info);
    let judged = graph.judged();
    for (edge, ends) in &rows {
        let fill = " ".repeat(width.saturating_sub(ends.width()));
        let mut start = String::new();
        if judged {
            start.push_str(&verdict(edge, style));
        }
        if graded {
            start.push_str(&grade(edge, style));
        }
        writeln!(out, "{}", format!("{start}{}{fill}  {}", style.bold(ends), edge.counts()).trim_end())?;
    }
    lonely(graph, style, out)?;
    writeln!(out, "{}", graph.sums())?;
    let verdicts = graph.verdicts();
    if !verdicts.is_empty() {
        let words = verdicts
            .iter()
            .map(|(verdict, count)| style.verdict(*verdict, format!("{} {count} {verdict}", style.glyph(*verdict))));
        writeln!(out, "{}", words.collect::<Vec<String>>().join("   "))?;
    }
    if graph.edges.iter().any(|edge| edge.judged.is_none()) {
        let which = if judged { "edges without a verdict are" } else { "nothing is judged: the graph is" };
        writeln!(out, "{which} known from dependency lists, which tell nothing about tokens")?;
    }
    out.flush()
}

/// Worst first, then what is accused, then the order of verdicts; what nobody judged last, busiest first.
fn order(edge: &Edge) -> impl Ord {
    let verdict = edge.shown().map_or(usize::MAX, |verdict| verdict as usize);
    let accused = edge.shown().is_some_and(Verdict::accuses);
    let calls = edge.calls.filter(|_| edge.judged.is_none());
    (Reverse(edge.severity()), !accused, verdict, Reverse(calls))
}

fn verdict(edge: &Edge, style: Style) -> String {
    match edge.shown() {
        Some(verdict) => style.verdict(verdict, format!("{} {:<WORD$}  ", style.glyph(verdict), verdict.name())),
        None => style.dim(format!("{} {:<WORD$}  ", style.nothing(), "")),
    }
}

fn grade(edge: &Edge, style: Style) -> String {
    match edge.severity() {
        Severity::Info => " ".repeat(GRADE + 2),
        severity => style.severity(severity, format!("{:<GRADE$}  ", severity.name())),
    }
}

fn ends(graph: &Graph, edge: &Edge, style: Style) -> Safe {
    Safe::new(&format!("{} {} {}", name(graph, edge.from, style), style.arrow(), name(graph, edge.to, style)))
}

fn name(graph: &Graph, at: usize, style: Style) -> String {
    let node = &graph.nodes[at];
    let shown = if style.ascii { node.name.ascii() } else { node.name.clone() };
    match node.kind.word() {
        "" => shown.to_string(),
        word => format!("{shown} ({word})"),
    }
}

/// Nodes that nobody calls and that call nobody.
fn lonely(graph: &Graph, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut tied = vec![false; graph.nodes.len()];
    graph.edges.iter().for_each(|edge| (tied[edge.from], tied[edge.to]) = (true, true));
    let names: Vec<String> = (0..tied.len()).filter(|&at| !tied[at]).map(|at| name(graph, at, style)).collect();
    if names.is_empty() {
        return Ok(());
    }
    writeln!(out, "{} {}", style.dim("without an edge:"), names.join(", "))
}
