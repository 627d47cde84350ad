//! Options out of the user's file: they become what an option is worth when nobody gives it, so that the environment
//! and the command line win by the rules that clap has for its own defaults. What `jwtrail.toml` sets is left to it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::Str;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};

use super::preferences::{self, Preferences};
use super::settings::Lookup;
use crate::cli::{self, Cli, JudgeArgs, PolicyCommand};
use crate::config::{self, ConfigError, FILE_NAME, OptionRow, Setting, unknown};
use crate::filter::Filter;
use crate::model::keys::is_url;

/// What says what a command does is given there, not in a file that holds for all of them.
const GIVEN: [&str; 4] = ["help", "version", "live", "headless"];
/// Paths that are relative to the file, as they are in `jwtrail.toml`.
const BESIDE: [&str; 6] = ["jwks", "policy", "tls-cert", "tls-key", "tls-client-ca", "auth-file"];

/// Why there is no command to run.
pub enum Failure {
    /// Help was asked for, or the command line is wrong.
    Clap(Box<clap::Error>),
    /// The user's file is wrong.
    Config(ConfigError),
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Self::Clap(Box::new(error))
    }
}

/// Reads the command line over the environment over the user's file.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, Failure> {
    let args: Vec<OsString> = args.into_iter().collect();
    let mut command = Cli::command();
    let first = command.try_get_matches_from_mut(&args)?;
    let cli = Cli::from_arg_matches(&first).map_err(|error| error.format(&mut command))?;
    if !takes_options(&cli) {
        return Ok(cli);
    }
    let loaded = preferences::load();
    let broken = loaded.as_ref().map_or(true, |found| !found.faults.is_empty());
    if broken && matches!(cli.command, Some(cli::Command::Doctor(_))) {
        // It says itself what is wrong.
        return Ok(cli);
    }
    let Preferences { file, faults, .. } = loaded.map_err(Failure::Config)?;
    let more = faults.len().saturating_sub(1);
    if let Some(fault) = faults.into_iter().next() {
        return Err(Failure::Config(fault.and_more(more)));
    }
    if file.options.is_empty() {
        return Ok(cli);
    }
    let policy = policy(&cli, &file.options, &file.path);
    let set: Vec<String> = policy.iter().flat_map(|path| config::options_set(path)).map(|(name, _)| name).collect();
    let left = |row: &&OptionRow| !set.contains(&row.name.value) && !countered(&first, &row.name.value);
    let rows: Vec<&OptionRow> = file.options.iter().filter(left).collect();
    let mut command = with_defaults(Cli::command(), "", &|path, arg| {
        let row = rows.iter().find(|row| arg.get_long() == Some(&row.name.value))?;
        (!unmeant(path, &row.name.value, &cli)).then(|| values(arg, row, &file.path).ok()).flatten()
    });
    let matches = command.try_get_matches_from_mut(&args)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command).into())
}

/// Commands that must work whatever the file says, or that take no such options.
fn takes_options(cli: &Cli) -> bool {
    use cli::Command::{Completions, Config, Man, Policy};
    !matches!(cli.command, Some(Completions(_) | Man | Config(_) | Policy(PolicyCommand::Check(_))))
}

/// The policy that a command reads.
fn policy(cli: &Cli, options: &[OptionRow], file: &Path) -> Option<PathBuf> {
    use cli::Command::{Check, Demo, Doctor, Graph, Policy, Redact, Replay, Serve};
    let (judge, lookup): (&JudgeArgs, Lookup) = match &cli.command {
        None => (&cli.live.judge, Lookup::Named),
        Some(Serve(args)) => (&args.judge, Lookup::Named),
        Some(Replay(args)) => (&args.judge, Lookup::Named),
        Some(Demo(args)) => (&args.judge, Lookup::Named),
        Some(Doctor(args)) => (&args.judge, Lookup::WorkingDirectory),
        Some(Check(args)) => (&args.judge, Lookup::WorkingDirectory),
        Some(Graph(args)) => (&args.judge, Lookup::WorkingDirectory),
        Some(Redact(args)) => (&args.judge, Lookup::WorkingDirectory),
        Some(Policy(PolicyCommand::Suggest(args))) => (&args.judge, Lookup::WorkingDirectory),
        Some(_) => return None,
    };
    judge.policy.clone().or_else(|| named(options, file)).or_else(|| {
        let here = PathBuf::from(FILE_NAME);
        (lookup == Lookup::WorkingDirectory && here.is_file()).then_some(here)
    })
}

/// The policy that the user's file names.
pub fn named(options: &[OptionRow], file: &Path) -> Option<PathBuf> {
    let row = options.iter().find(|row| row.name.value == "policy")?;
    match &row.value.value {
        Setting::One(path) => Some(beside(path, file).into()),
        _ => None,
    }
}

fn beside(path: &str, file: &Path) -> String {
    let folder = file.parent().unwrap_or(Path::new(""));
    if is_url(path) { path.to_owned() } else { folder.join(path).display().to_string() }
}

/// `--no-grpc` of the file against an address that was asked for closer by.
fn countered(first: &ArgMatches, name: &str) -> bool {
    let mut leaf = first;
    while let Some((_, below)) = leaf.subcommand() {
        leaf = below;
    }
    let Some(address) = name.strip_prefix("no-").filter(|address| matches!(*address, "grpc" | "http")) else {
        return false;
    };
    leaf.try_contains_id(address).unwrap_or(false)
        && matches!(leaf.value_source(address), Some(ValueSource::CommandLine | ValueSource::EnvVariable))
}

/// Options that would stand in the way of a command that cannot mean them.
fn unmeant(path: &str, name: &str, cli: &Cli) -> bool {
    let over_files = matches!(&cli.command, Some(cli::Command::Check(args)) if !args.live);
    match path {
        // What is written there was not asked for with every file that is read.
        "redact" => name == "output",
        "check" => {
            let begins = ["record", "forward", "admin", "telemetry"].into_iter().any(|start| name.starts_with(start));
            over_files && begins
        }
        _ => false,
    }
}

/// The command with other defaults, where there are any for an option.
fn with_defaults(command: Command, path: &str, default: &dyn Fn(&str, &Arg) -> Option<Vec<String>>) -> Command {
    let command = command.mut_args(|arg| match default(path, &arg) {
        Some(values) => {
            arg.default_values(values.into_iter().map(|value| clap::builder::OsStr::from(Str::from(value))))
        }
        None => arg,
    });
    command.mut_subcommands(|below| {
        let path = if path.is_empty() { below.get_name().to_owned() } else { format!("{path} {}", below.get_name()) };
        with_defaults(below, &path, default)
    })
}

/// Every long option of every command.
pub fn options(command: &Command) -> Vec<&Arg> {
    let own = command.get_arguments().filter(|arg| arg.get_long().is_some_and(|long| !GIVEN.contains(&long)));
    own.chain(command.get_subcommands().flat_map(options)).collect()
}

/// What is wrong with the options of a file, and where.
pub fn faults(command: &Command, rows: &[OptionRow]) -> Vec<(usize, String)> {
    let all = options(command);
    let mut found = Vec::new();
    for row in rows {
        let name = row.name.value.as_str();
        let places: Vec<&&Arg> = all.iter().filter(|arg| arg.get_long() == Some(name)).collect();
        if places.is_empty() {
            found.push((row.name.at, no_option(name, &all)));
            continue;
        }
        // A value that one of the commands knows is one: `svg` is a graph's format, and no report's.
        let tried = places.iter().map(|arg| values(arg, row, Path::new("")));
        let wrong: Vec<(usize, String)> = tried.filter_map(Result::err).collect();
        if wrong.len() == places.len() {
            // The one that knows a word near to it says the most.
            let near = wrong.iter().position(|(_, message)| message.contains("did you mean")).unwrap_or(0);
            found.extend(wrong.into_iter().nth(near));
        }
    }
    found
}

fn no_option(name: &str, all: &[&Arg]) -> String {
    if GIVEN.contains(&name) {
        return format!("expected an option that holds for every run, found `{name}`: give it on the command line");
    }
    let mut names: Vec<&str> = all.iter().filter_map(|arg| arg.get_long()).collect();
    names.sort_unstable();
    names.dedup();
    unknown("option", name, &names)
}

/// What the option would be given, or why it cannot be.
fn values(arg: &Arg, row: &OptionRow, file: &Path) -> Result<Vec<String>, (usize, String)> {
    let name = arg.get_long().unwrap_or_default();
    let at = row.value.at;
    let placed = |value: &str| if BESIDE.contains(&name) { beside(value, file) } else { value.to_owned() };
    let flag = matches!(arg.get_action(), ArgAction::SetTrue);
    match &row.value.value {
        Setting::Flag(on) if flag => Ok(vec![on.to_string()]),
        Setting::One(value) if flag => Err((at, format!("expected `true` or `false`, found `{value}`"))),
        Setting::Many(_) if flag => Err((at, "expected `true` or `false`, found a list".to_owned())),
        Setting::Flag(on) => Err((at, format!("expected {}, found `{on}`", wanted(arg)))),
        Setting::One(value) => tried(arg, value).map(|()| vec![placed(value)]).map_err(|message| (at, message)),
        Setting::Many(list) if matches!(arg.get_action(), ArgAction::Append) => list
            .iter()
            .map(|one| tried(arg, &one.value).map(|()| placed(&one.value)).map_err(|message| (one.at, message)))
            .collect(),
        Setting::Many(_) => Err((at, format!("expected {}, found a list", wanted(arg)))),
    }
}

fn wanted(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    names
        .first()
        .map_or_else(|| "a value".to_owned(), |name| format!("`{name}` as for --{}", arg.get_long().unwrap_or("")))
}

/// Lets the option's own parser read a value.
fn tried(arg: &Arg, value: &str) -> Result<(), String> {
    if arg.get_long() == Some("where") {
        return value.parse::<Filter>().map(drop).map_err(|error| format!("filter: {error}"));
    }
    let parser = arg.get_value_parser().clone();
    let lone = Arg::new("value").long("value").value_parser(parser).action(ArgAction::Set);
    let tried = Command::new("jwtrail").arg(lone).try_get_matches_from(["jwtrail", &format!("--value={value}")]);
    let Err(error) = tried else { return Ok(()) };
    if let (ErrorKind::InvalidValue, Some(ContextValue::Strings(known))) =
        (error.kind(), error.get(ContextKind::ValidValue))
    {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        return Err(unknown("value", value, &known));
    }
    Err(std::error::Error::source(&error)
        .map_or_else(|| format!("expected {}, found `{value}`", wanted(arg)), ToString::to_string))
}
