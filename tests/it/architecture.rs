//! Reads the sources and holds who may know whom. When this fails, the design was left, not a test broken.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module of the library and the modules that it may name.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("token", &["model"]),
    ("otlp", &["model", "token"]),
    ("trail", &["model"]),
    ("store", &["model", "trail"]),
    ("filter", &["model", "trail"]),
    ("engine", &["model", "trail", "store", "filter"]),
    ("layout", &["model"]),
    ("report", &["model", "trail", "engine", "filter", "layout"]),
    ("tui", &["model", "trail", "engine", "filter", "layout"]),
    ("config", &["model"]),
    ("cli", &["model", "config", "filter"]),
    (
        "app",
        &["model", "token", "otlp", "trail", "store", "engine", "filter", "layout", "report", "tui", "config", "cli"],
    ),
    ("lib", &[]),
    ("main", &[]),
];

/// Words that stand for a dependency, and the folders that may use it.
const CRATES: &[(&str, &[&str])] = &[
    ("anyhow::", &["app"]),
    ("tonic::", &["otlp"]),
    ("prost::", &["otlp"]),
    ("axum::", &["otlp", "app/demo"]),
    ("hyper::", &["otlp"]),
    // The forwarder speaks to the next collector with the client that keys are fetched with.
    ("reqwest::", &["app/demo", "app/keys", "app/telemetry", "otlp/forward"]),
    ("opentelemetry", &["otlp", "app/demo", "app/telemetry"]),
    ("jsonwebtoken::", &["token", "app/demo"]),
    ("ratatui::", &["tui"]),
    ("crossterm::", &["tui"]),
    ("dagre::", &["layout", "tui"]),
    ("clap::", &["cli", "app"]),
    ("tokio::", &["otlp", "engine", "tui", "app"]),
    ("SystemTime::now", &["app/clock"]),
];

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join("src"), root.join("tests"), root.join("examples")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root).unwrap().to_path_buf(), text));
            }
        }
    }
    found.sort();
    assert!(found.len() > 20, "the sources were not found");
    found
}

/// Source of the library without comments and without its unit tests.
fn library() -> impl Iterator<Item = (String, String)> {
    sources().into_iter().filter_map(|(path, text)| {
        let path = path.strip_prefix("src").ok()?.to_str()?.replace('\\', "/");
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let lines: Vec<&str> = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
        Some((path, lines.join("\n")))
    })
}

fn module(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or(path);
    first.strip_suffix(".rs").unwrap_or(first)
}

fn name(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// The modules named after `crate::`, those of a group `crate::{a::b, c}` included.
fn known(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with('$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(name(rest).to_owned());
            continue;
        };
        let (mut depth, mut fresh) = (0_i32, true);
        for (index, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => fresh = true,
                c if fresh && !c.is_whitespace() => {
                    found.insert(name(&group[index..]).to_owned());
                    fresh = false;
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn modules_know_only_what_stands_before_them() {
    let modules: BTreeSet<&str> = MAY_KNOW.iter().map(|(name, _)| *name).collect();
    let mut wrong = Vec::new();
    for (path, code) in library() {
        let own = module(&path);
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(name, _)| *name == own) else {
            wrong.push(format!("src/{path}: `{own}` stands in no order: add it to MAY_KNOW"));
            continue;
        };
        for other in known(&code) {
            if other != own && modules.contains(other.as_str()) && !allowed.contains(&other.as_str()) {
                wrong.push(format!("src/{path}: `{own}` must not know `{other}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn dependencies_stay_in_their_folders() {
    let mut wrong = Vec::new();
    for (path, code) in library() {
        for (word, folders) in CRATES {
            let allowed =
                folders.iter().any(|folder| path == format!("{folder}.rs") || path.starts_with(&format!("{folder}/")));
            let starts = |(at, _): (usize, &str)| {
                let before = code[..at].chars().next_back();
                !before.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '"' | '.' | '@'))
            };
            if !allowed && code.match_indices(word).any(starts) {
                wrong.push(format!("src/{path}: `{word}` belongs into {}", folders.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_stay_short_and_safe() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().count();
        if lines > 400 {
            wrong.push(format!("{}: {lines} lines, 400 at most", path.display()));
        }
        let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
        if path.starts_with("src") && code.flat_map(|line| line.split_whitespace()).any(|word| word == "unsafe") {
            wrong.push(format!("{}: unsafe code", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn this_test_sees_groups_and_paths() {
    let code = "use crate::{model::{Hop, Span}, otlp};\nfn f() { crate::token::x() }";
    assert_eq!(known(code).into_iter().collect::<Vec<_>>(), ["model", "otlp", "token"]);
    assert_eq!((module("cli.rs"), module("app/demo/mod.rs")), ("cli", "app"));
}
