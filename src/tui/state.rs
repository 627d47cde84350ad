//! Everything that the screen knows. Plain data: nothing here draws, reads keys or waits.

use std::collections::HashSet;
use std::sync::Arc;

use crate::engine::{Query, Snapshot};
use crate::filter::Filter;
use crate::model::{Cause, Finding, Hop, UnixNanos, Verdict};
use crate::trail::summary::{EdgeRow, ProblemRow, ServiceRow};

use super::effect::Effect;
use super::filtering::Place;
use super::geometry::{Area, Pane, Screen};
use super::graph::{self, Answer, Ask, EdgeKey, NodeKey, Scope};
use super::index::Index;
use super::keymap::Keymap;
use super::log::LogPane;
use super::menu::Menu;
use super::page::problems::Problems;
use super::page::services::Services;
use super::page::tokens::Tokens;
use super::page::trace::Trace;
use super::page::traces::Traces;
use super::page::{self, Page};
use super::prompt::Prompt;
use super::replay::Playback;
use super::theme::Theme;
use super::typing::Typing;
use super::{Mode, Switch};

/// A problem by what it is, not by where it stands in the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProblemKey {
    /// Its edge.
    pub edge: EdgeKey,
    /// The accused verdict.
    pub verdict: Option<Verdict>,
    /// Its cause.
    pub cause: Option<Cause>,
    /// The finding.
    pub finding: Option<Finding>,
}

impl ProblemKey {
    /// The problem of a row.
    pub fn of(row: &ProblemRow) -> Self {
        Self {
            edge: EdgeKey { caller: row.caller.clone(), callee: row.callee.clone() },
            verdict: row.verdict,
            cause: row.cause,
            finding: row.finding,
        }
    }
}

/// What is selected.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Selection {
    /// Nothing yet.
    #[default]
    None,
    /// A node of the graph.
    Node(NodeKey),
    /// An edge of the graph.
    Edge(EdgeKey),
    /// A row of the problems.
    Problem(ProblemKey),
}

impl Selection {
    /// The edge that is lit.
    pub fn edge(&self) -> Option<&EdgeKey> {
        match self {
            Self::Edge(edge) | Self::Problem(ProblemKey { edge, .. }) => Some(edge),
            Self::None | Self::Node(_) => None,
        }
    }

    /// The nodes at its ends.
    pub fn ends(&self) -> Vec<NodeKey> {
        match self {
            Self::None => Vec::new(),
            Self::Node(node) => vec![node.clone()],
            Self::Edge(edge) | Self::Problem(ProblemKey { edge, .. }) => {
                vec![edge.caller.clone(), Some(edge.callee.clone())]
            }
        }
    }
}

/// A short word at the bottom: what was copied, saved, or failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Toast {
    /// What it says.
    pub text: String,
    /// Whether something failed.
    pub failed: bool,
}

/// What is filtered, and what was before.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filtering {
    /// The filter in force; `None` where everything is shown.
    pub filter: Option<Filter>,
    /// As it was typed.
    pub text: String,
    /// Lines typed before, the newest last.
    pub history: Vec<String>,
}

/// The screen's state.
#[derive(Clone, Debug)]
pub struct State {
    /// What is shown.
    pub snapshot: Arc<Snapshot>,
    /// Where edges stand in it.
    pub index: Arc<Index>,
    /// What has come since: the same as `snapshot` unless paused.
    pub newest: Arc<Snapshot>,
    /// Whether the picture stands still.
    pub paused: bool,
    /// Whole minutes since the newest snapshot came.
    pub minutes: u64,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// The view that is chosen; a trace may lie over it.
    pub view: Page,
    /// The trace that is open.
    pub trace: Option<Trace>,
    /// The list of traces.
    pub traces: Traces,
    /// The list of problems.
    pub problem_list: Problems,
    /// Where the list that is shown was opened from.
    pub back: Vec<Place>,
    /// The list of tokens.
    pub tokens: Tokens,
    /// The list of services.
    pub services: Services,
    /// What is filtered.
    pub filter: Filtering,
    /// The line that is typed into.
    pub prompt: Option<Prompt>,
    /// What the line knows: earlier commands, saved views.
    pub typing: Typing,
    /// The log, while it lies over the page.
    pub log: Option<LogPane>,
    /// The menu that is open.
    pub menu: Option<Menu>,
    /// The last toast, while it shows.
    pub toast: Option<Toast>,
    /// The replay, where there is one.
    pub playback: Option<Arc<Playback>>,
    /// Whether the mouse went down on the replay's bar.
    pub scrubbing: bool,
    /// Which key does what.
    pub keymap: Arc<Keymap>,
    /// What is to be done outside; the loop takes it.
    pub effects: Vec<Effect>,
    /// The pane that has the keyboard.
    pub pane: Pane,
    /// The list shown where only one fits.
    pub upper: Pane,
    /// What is selected.
    pub selection: Selection,
    /// Whether the worst problem is selected whatever it is: until the user moves.
    pub follow: bool,
    /// Only broken edges.
    pub only_broken: bool,
    /// The map as a list of its edges.
    pub edge_list: bool,
    /// How much of the graph.
    pub scope: Scope,
    /// How far the graph is moved from where the selection puts it, in columns and rows.
    pub pan: (i32, i32),
    /// Where the mouse was when it last moved the graph.
    pub dragged: Option<(u16, u16)>,
    /// Edges that hops went over since the snapshot before: they are drawn brighter for a moment.
    pub pulses: HashSet<EdgeKey>,
    /// First line of the detail that is shown.
    pub scroll: u16,
    /// Whether the help lies on top, and its first line.
    pub help: Option<u16>,
    /// Whether the mouse is the program's.
    pub mouse: bool,
    /// The laid out graph, maybe of a moment ago.
    pub laid: Arc<Answer>,
    /// Switches with their state.
    pub switches: Vec<Switch>,
    /// Addresses that listen.
    pub listening: Vec<String>,
    /// What runs.
    pub mode: Mode,
    /// Signs and colours.
    pub theme: Theme,
    /// Where logs go.
    pub log_path: String,
    /// Leave.
    pub quit: bool,
}

impl Default for State {
    fn default() -> Self {
        let snapshot: Arc<Snapshot> = Arc::default();
        Self {
            newest: snapshot.clone(),
            snapshot,
            index: Arc::default(),
            paused: false,
            minutes: 0,
            size: (80, 24),
            view: Page::Map,
            trace: None,
            traces: Traces::default(),
            problem_list: Problems::default(),
            back: Vec::new(),
            tokens: Tokens::default(),
            services: Services::default(),
            filter: Filtering::default(),
            prompt: None,
            typing: Typing::default(),
            log: None,
            menu: None,
            toast: None,
            playback: None,
            scrubbing: false,
            keymap: Arc::default(),
            effects: Vec::new(),
            pane: Pane::Problems,
            upper: Pane::Problems,
            selection: Selection::None,
            follow: true,
            only_broken: false,
            edge_list: false,
            scope: Scope::Auto,
            pan: (0, 0),
            dragged: None,
            pulses: HashSet::new(),
            scroll: 0,
            help: None,
            mouse: true,
            laid: Arc::default(),
            switches: Vec::new(),
            listening: Vec::new(),
            mode: Mode::Live,
            theme: Theme::default(),
            log_path: String::new(),
            quit: false,
        }
    }
}

impl State {
    /// Whether there is anything to draw a map of.
    pub fn is_empty(&self) -> bool {
        self.snapshot.edges.is_empty()
    }

    /// What fills the screen.
    pub fn page(&self) -> Page {
        if self.trace.is_some() { Page::Trace } else { self.view }
    }

    /// What the engine is to be asked, as long as it stays wanted.
    pub fn wants(&self) -> Vec<Query> {
        let mut wants = page::wants(self);
        wants.extend(super::command::wants(self));
        wants
    }

    /// What lies between header and footer.
    pub fn body(&self) -> Area {
        let header = 1 + u16::from(!super::view::header::notes(self).is_empty());
        let footer = super::view::footer::rows(self);
        let (w, h) = self.size;
        Area { x: 0, y: header, w, h: h.saturating_sub(header + footer) }
    }

    /// Whether the terminal is too small for anything.
    pub fn is_tiny(&self) -> bool {
        self.size.0 < super::geometry::LEAST_WIDTH || self.size.1 < super::geometry::LEAST_HEIGHT
    }

    /// Where the panes stand.
    pub fn screen(&self) -> Screen {
        let header = 1 + u16::from(!super::view::header::notes(self).is_empty());
        let footer = super::view::footer::rows(self);
        if self.theme.plain {
            let calls = self.snapshot.edges.len();
            return Screen::stacked(self.size, header, footer, self.upper, (self.snapshot.problems.len(), calls));
        }
        // Only a drawing of everything may ask for its width: a part of it was laid out for the room that there is.
        let graph = self
            .laid
            .drawing
            .as_ref()
            .filter(|_| self.laid.hidden == 0 && !self.edge_list)
            .map(|d| (d.width, d.height));
        Screen::divide(self.size, header, footer, self.upper, graph, self.snapshot.problems.len())
    }

    /// What to lay out now. The room is the most that the map may take, so that its answer does not change it.
    pub fn ask(&self) -> Ask {
        self.ask_of(&self.whole())
    }

    /// What of the snapshot may be shown: what is broken, what the filter lets through, or all of it.
    pub fn whole(&self) -> graph::Whole {
        match &self.filter.filter {
            None => graph::Whole::new(&self.snapshot, self.only_broken),
            Some(_) => graph::Whole::of_edges(&self.snapshot, self.edges_shown()),
        }
    }

    /// The same of what the snapshot is known to show.
    pub fn ask_of(&self, whole: &graph::Whole) -> Ask {
        let header = 1 + u16::from(!super::view::header::notes(self).is_empty());
        let footer = super::view::footer::rows(self);
        let most = Screen::divide(
            self.size,
            header,
            footer,
            Pane::Map,
            Some((u16::MAX / 2, u16::MAX / 2)),
            self.snapshot.problems.len(),
        );
        let room = most.map.map_or((0, 0), |area| {
            let inner = area.inner(most.frame);
            (inner.w, inner.h)
        });
        let graph::Whole { topology, urgent } = whole.clone();
        Ask { whole: topology, scope: self.scope, centre: self.selection.ends(), room, urgent }
    }

    /// How long ago that was: by the engine's clock, and the minutes since it last spoke.
    pub fn since(&self, at: UnixNanos) -> String {
        super::text::stretch(self.snapshot.now.0.saturating_sub(at.0) / 1_000_000_000 + self.minutes * 60)
    }

    /// The row of an edge.
    pub fn edge(&self, key: &EdgeKey) -> Option<&EdgeRow> {
        self.index.edge(&self.snapshot, key)
    }

    /// The row of a problem.
    pub fn problem(&self, key: &ProblemKey) -> Option<&ProblemRow> {
        self.snapshot.problems.iter().find(|row| ProblemKey::of(row) == *key)
    }

    /// The row of a service.
    pub fn service(&self, name: &str) -> Option<&ServiceRow> {
        self.snapshot.services.iter().find(|row| &*row.name == name)
    }

    /// The problems to list: all, or those of the selected edge or node.
    pub fn problems(&self) -> Vec<&ProblemRow> {
        let on = |row: &&ProblemRow| match &self.selection {
            Selection::None | Selection::Problem(_) => true,
            Selection::Edge(edge) => row.caller == edge.caller && row.callee == edge.callee,
            Selection::Node(node) => row.caller == *node || node.as_ref() == Some(&row.callee),
        };
        self.snapshot.problems.iter().filter(on).filter(|row| self.shows(*row)).collect()
    }

    /// Every problem that the filter leaves, the worst first.
    pub fn all_problems(&self) -> Vec<&ProblemRow> {
        self.snapshot.problems.iter().filter(|row| self.shows(*row)).collect()
    }

    /// Services that export, as the page of services lists them.
    pub fn services_listed(&self) -> Vec<&ServiceRow> {
        let exports = |row: &&ServiceRow| row.kind == crate::trail::summary::NodeKind::Service;
        self.snapshot.services.iter().filter(exports).filter(|row| self.shows(*row)).collect()
    }

    /// The hop whose evidence is shown.
    pub fn sample(&self) -> Option<&Arc<Hop>> {
        match &self.selection {
            Selection::Problem(key) => self.problem(key).map(|row| &row.sample),
            Selection::Edge(key) => self.edge(key).map(|row| &row.sample),
            Selection::None | Selection::Node(_) => None,
        }
    }

    /// Edges as a list: in the order in which the graph is read.
    pub fn edges_listed(&self) -> Vec<&EdgeRow> {
        let mut rows: Vec<&EdgeRow> = self.edges_shown().collect();
        self.laid.order.sort(&mut rows);
        rows
    }
}
