//! The recipes under `examples`: what people copy has to work with the program beside it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Parser as _;
use jwtrail::cli::Cli;
use jwtrail::config;

/// Recipes with command lines of jwtrail in them.
const RECIPES: [&str; 4] = ["ci/github.yml", "ci/gitlab.yml", "docker-compose.yml", "kind/README.md"];

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(example(name)).unwrap()
}

/// The command lines of jwtrail in a recipe, as far as they stand on one line.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut words =
            line.split_whitespace().skip_while(|word| *word != "jwtrail" && !word.ends_with("/bin/jwtrail"));
        let Some(_) = words.next() else { continue };
        let ends = ["#", "|", "||", ">", ">>"];
        let words: Vec<String> =
            words.take_while(|word| !ends.contains(word)).map(|word| word.trim_matches('"').to_owned()).collect();
        let known = ["check", "serve", "replay", "demo", "graph", "redact", "policy"];
        if words.first().is_some_and(|first| first.starts_with("--") || known.contains(&first.as_str())) {
            found.push(words);
        }
    }
    found
}

#[test]
fn commands_of_the_recipes_are_understood() {
    for name in RECIPES {
        let commands = commands(&text(name));
        assert!(!commands.is_empty(), "{name}");
        for words in commands {
            // An address that a shell works out first.
            let words = words.iter().map(|word| word.replace("$gateway", "172.18.0.1"));
            let parsed = Cli::try_parse_from(std::iter::once("jwtrail".to_owned()).chain(words.clone()));
            assert!(parsed.is_ok(), "{name}: {}: {}", words.collect::<Vec<_>>().join(" "), parsed.unwrap_err());
        }
    }
}

#[test]
fn the_commented_policy_shows_every_section_and_is_fine() {
    let found = config::inspect(&example("jwtrail.toml")).unwrap();
    assert!(found.errors.is_empty(), "{:?}", found.errors);
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);
    let table: toml::Table = text("jwtrail.toml").parse().unwrap();
    let sections: BTreeSet<&str> = table.keys().map(String::as_str).collect();
    let expected =
        ["capture", "edge", "hosts", "ignore", "issuer", "limits", "options", "proxies", "rejection", "severity"];
    assert_eq!(sections, BTreeSet::from(expected));
}

/// The variables by which the README has headers captured.
fn capture_variables() -> BTreeSet<&'static str> {
    let readme = include_str!("../../README.md");
    let names = readme.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let names: BTreeSet<&str> = names.filter(|name| name.starts_with("OTEL_") && name.contains("CAPTURE")).collect();
    assert_eq!(names.len(), 6, "{names:?}");
    names
}

#[test]
fn services_in_containers_get_every_capture_variable_of_the_readme() {
    for recipe in ["docker-compose.yml", "kind/telemetry.yaml"] {
        let text = text(recipe);
        for name in capture_variables() {
            let line = format!("  {name}: authorization,traceparent,user-agent\n");
            assert!(text.contains(&line), "{recipe}: {name}");
        }
    }
}

/// The recipes for CI name no capture variable: their tests run under `check --live`, which has to set them all.
#[cfg(unix)]
#[test]
fn services_in_ci_get_every_capture_variable_of_the_readme() {
    for recipe in ["ci/github.yml", "ci/gitlab.yml"] {
        let live = |words: &Vec<String>| words.starts_with(&["check".to_owned(), "--live".to_owned()]);
        assert!(commands(&text(recipe)).iter().any(live), "{recipe}");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_jwtrail"));
    command.args(["check", "--live", "--settle", "100ms", "--", "env"]).current_dir(folder.path()).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap()).env("XDG_STATE_HOME", folder.path());
    let output = command.output().unwrap();
    let set = String::from_utf8(output.stdout).unwrap();
    for name in capture_variables() {
        let line = format!("{name}=authorization,traceparent,user-agent");
        assert!(set.lines().any(|other| other == line), "{line}\n{set}");
    }
}
