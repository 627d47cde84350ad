//! `jwtrail config`: what is in force, and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, CommandFactory};

use super::preferences::{self, Preferences};
use super::{layers, out};
use crate::cli::{Cli, ConfigCommand};
use crate::config::{
    self, DEFAULT_FAIL_ON, DEFAULT_FORWARD_QUEUE, DEFAULT_FORWARD_TIMEOUT, DEFAULT_GRPC, DEFAULT_HTTP, DEFAULT_MEMORY,
    DEFAULT_RECORD_FILES, DEFAULT_RECORD_SIZE, FILE_NAME, Setting,
};
use crate::model::policy::Policy;
use crate::tui::keymap::{Keymap, written};
use crate::tui::message::Action;

/// Does what the command says.
pub fn run(command: &ConfigCommand) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Path => {
            let path = preferences::path();
            let path =
                path.ok_or_else(|| anyhow::anyhow!("expected XDG_CONFIG_HOME or HOME to be set, found neither"))?;
            out::line(&path.display().to_string())?;
            Ok(ExitCode::SUCCESS)
        }
        ConfigCommand::Show(_) => show(),
    }
}

/// Prints everything; what is wrong with the file is said on standard error, and is left out.
fn show() -> anyhow::Result<ExitCode> {
    let found = preferences::load()?;
    for fault in &found.faults {
        out::note(&super::scrubbed(&format!("error: {fault}")));
    }
    // Read by `main` already: the same words again, for where each of them came from.
    let matches = Cli::command().try_get_matches_from(std::env::args_os())?;
    let given = matches.subcommand().and_then(|(_, config)| config.subcommand()).map(|(_, show)| show);
    let mut text = head(&found);
    text += &options(&found, given);
    text += &keys(&found);
    text += &views(&found);
    out::line(super::scrubbed(&text).trim_end())?;
    Ok(if found.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

fn head(found: &Preferences) -> String {
    let there = |path: &Path| if path.is_file() { "" } else { " (not there)" };
    let mut text = match preferences::path() {
        Some(path) => format!("# configuration: {}{}\n", path.display(), there(&path)),
        None => "# configuration: none, for neither XDG_CONFIG_HOME nor HOME is set\n".to_owned(),
    };
    let policy = policy(found).map(|(path, why)| format!("{} ({why})", path.display()));
    let _ = writeln!(text, "# policy: {}", policy.as_deref().unwrap_or("none"));
    // Secrets: that they are there is all that is told.
    let key = std::env::var_os("JWTRAIL_FP_KEY").is_some_and(|key| !key.is_empty());
    let said = |set: bool, unset| if set { "set, not shown" } else { unset };
    let _ = writeln!(text, "# JWTRAIL_FP_KEY: {}", said(key, "not set, drawn afresh for each run"));
    let _ = writeln!(text, "# JWTRAIL_AUTH: {}", said(super::access::variable().is_some(), "not set"));
    text
}

/// The policy whose `[options]` stand between the user's file and the environment.
fn policy(found: &Preferences) -> Option<(PathBuf, &'static str)> {
    let variable = std::env::var_os("JWTRAIL_POLICY").filter(|path| !path.is_empty()).map(PathBuf::from);
    let here = PathBuf::from(FILE_NAME);
    variable
        .map(|path| (path, "JWTRAIL_POLICY"))
        .or_else(|| layers::named(&found.file.options, &found.file.path).map(|path| (path, "configuration")))
        .or_else(|| {
            here.is_file().then_some((here, "working directory: check, graph, redact and policy suggest read it"))
        })
}

/// What an option is worth, and why.
struct Worth {
    value: String,
    from: String,
}

fn options(found: &Preferences, given: Option<&ArgMatches>) -> String {
    let command = Cli::command();
    let mut named: BTreeMap<&str, &Arg> = BTreeMap::new();
    for arg in layers::options(&command) {
        // Of two with one name the one that knows a default, or a variable, says more.
        let name = arg.get_long().unwrap_or_default();
        let says_more = arg.get_env().is_some() || !arg.get_default_values().is_empty();
        if says_more || !named.contains_key(name) {
            named.insert(name, arg);
        }
    }
    let below = policy(found).map(|(path, _)| (config::options_set(&path), path));
    let mut text = "\n[options]\n".to_owned();
    for (name, arg) in named {
        let worth = on_line(name, arg, given)
            .or_else(|| in_environment(arg))
            .or_else(|| in_policy(name, below.as_ref()))
            .or_else(|| in_file(name, found));
        let (line, from) = match worth.or_else(|| default(name, arg)) {
            Some(Worth { value, from }) => (format!("{name} = {value}"), from),
            None => (format!("# {name} ="), "not set".to_owned()),
        };
        let _ = writeln!(text, "{line:<40} # {from}");
    }
    text
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn on_line(name: &str, arg: &Arg, given: Option<&ArgMatches>) -> Option<Worth> {
    let given = given?;
    let id = given.ids().find(|id| id.as_str() == arg.get_id().as_str())?;
    if given.value_source(id.as_str()) != Some(clap::parser::ValueSource::CommandLine) {
        return None;
    }
    let values: Vec<String> = given.get_raw(id.as_str())?.map(|value| quoted(&value.to_string_lossy())).collect();
    let value = match (arg.get_action(), values.as_slice()) {
        (ArgAction::SetTrue, _) => "true".to_owned(),
        (ArgAction::Append, many) => format!("[{}]", many.join(", ")),
        (_, many) => many.first()?.clone(),
    };
    Some(Worth { value, from: format!("--{name}") })
}

fn in_environment(arg: &Arg) -> Option<Worth> {
    let variable = arg.get_env()?.to_string_lossy().into_owned();
    let value = std::env::var(&variable).ok().filter(|value| !value.is_empty())?;
    let value = match arg.get_action() {
        ArgAction::Append => format!("[{}]", value.split(',').map(quoted).collect::<Vec<_>>().join(", ")),
        _ => quoted(&value),
    };
    Some(Worth { value, from: variable })
}

fn in_policy(name: &str, below: Option<&(Vec<(String, usize)>, PathBuf)>) -> Option<Worth> {
    let (set, path) = below?;
    let (_, line) = set.iter().find(|(set, _)| set == name)?;
    let text = std::fs::read_to_string(path).ok()?;
    let whole: toml::Table = text.parse().ok()?;
    let value = ["options", "limits"].into_iter().find_map(|table| whole.get(table)?.get(name))?;
    // `[limits]` counts in seconds what the option takes with a unit.
    let value = if name == "settle" { format!("\"{value}s\"") } else { value.to_string() };
    Some(Worth { value, from: format!("{}:{line}", path.display()) })
}

fn in_file(name: &str, found: &Preferences) -> Option<Worth> {
    let row = found.file.options.iter().find(|row| row.name.value == name)?;
    let value = match &row.value.value {
        Setting::Flag(on) => on.to_string(),
        Setting::One(text) => quoted(text),
        Setting::Many(list) => {
            format!("[{}]", list.iter().map(|one| quoted(&one.value)).collect::<Vec<_>>().join(", "))
        }
    };
    Some(Worth { value, from: format!("config.toml:{}", found.file.line(row.name.at)) })
}

/// What stands in the code: clap's own defaults, and those of options that a file may set.
fn default(name: &str, arg: &Arg) -> Option<Worth> {
    let known = match name {
        "grpc" => Some(DEFAULT_GRPC.to_string()),
        "http" => Some(DEFAULT_HTTP.to_string()),
        "memory" => Some(DEFAULT_MEMORY.to_string()),
        "record-size" => Some(DEFAULT_RECORD_SIZE.to_string()),
        "record-files" => Some(DEFAULT_RECORD_FILES.to_string()),
        "log-level" => Some("info".to_owned()),
        "log-format" => Some("text".to_owned()),
        "forward-queue" => Some(DEFAULT_FORWARD_QUEUE.to_string()),
        "forward-timeout" => Some(format!("{}s", DEFAULT_FORWARD_TIMEOUT.as_secs())),
        "fail-on" => Some(DEFAULT_FAIL_ON.name().to_owned()),
        "settle" => Some(format!("{}s", Policy::default().limits.settle)),
        _ if super::access::default(name).is_some() => super::access::default(name),
        _ => arg.get_default_values().first().map(|value| value.to_string_lossy().into_owned()),
    };
    let value = match arg.get_action() {
        ArgAction::SetTrue => "false".to_owned(),
        _ => quoted(&known?),
    };
    Some(Worth { value, from: "default".to_owned() })
}

fn keys(found: &Preferences) -> String {
    let own = Keymap::default();
    let mut text = "\n[keys]\n".to_owned();
    for action in Action::ALL {
        let keys = found.keymap.keys(*action);
        let row = found.file.keys.iter().find(|row| row.action.value == action.name());
        let from = match row {
            Some(row) => format!("config.toml:{}", found.file.line(row.action.at)),
            None if keys == own.keys(*action) => "default".to_owned(),
            None => "default, less what another action took".to_owned(),
        };
        let keys: Vec<String> = keys.iter().map(|key| quoted(key)).collect();
        let line = format!("{} = [{}]", action.name(), keys.join(", "));
        let _ = writeln!(text, "{line:<40} # {from}");
    }
    text
}

fn views(found: &Preferences) -> String {
    let mut text = String::new();
    for view in &found.views {
        let row = found.file.views.iter().find(|row| row.name.value == view.name);
        let line = row.map_or(0, |row| found.file.line(row.name.at));
        let _ = writeln!(text, "\n[[view]] # config.toml:{line}\nname = {}", quoted(&view.name));
        if let Some(key) = view.key {
            let _ = writeln!(text, "key = {}", quoted(&written(key)));
        }
        let _ = writeln!(text, "page = {}", quoted(view.page.title()));
        if !view.filter.is_empty() {
            let _ = writeln!(text, "filter = {}", quoted(&view.filter));
        }
        if let Some(sort) = &view.sort {
            let _ = writeln!(text, "sort = {}", quoted(sort));
        }
    }
    if let Some(theme) = found.file.theme_file() {
        let _ = write!(text, "\n{theme}");
    }
    text
}
