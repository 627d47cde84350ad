//! One file for each command: each only wires source, engine and consumer.

mod access;
mod bar;
mod calls;
pub mod check;
mod check_follow;
mod check_live;
pub mod clock;
pub mod config;
mod deck;
pub mod demo;
pub mod demo_run;
pub mod demo_start;
mod desk;
pub mod doctor;
mod ending;
mod follow;
mod following;
mod forward;
pub mod graph;
mod history;
pub mod host;
mod judged;
pub mod keys;
mod layers;
pub mod live;
mod logs;
mod observe;
mod out;
mod output;
pub mod player;
pub mod policy;
pub mod preferences;
pub mod profile;
mod receive;
pub mod redact;
pub mod replay;
mod screen;
pub mod serve;
mod settings;
pub mod shell;
mod signals;
mod source;
mod survey;
mod telemetry;
pub mod timeline;
mod wrapped;

use std::io::IsTerminal;
use std::process::ExitCode;

use crate::cli::{Cli, Command};
use crate::model::policy::Policy;
use crate::token::{FingerprintKey, KeySets, Shared};
use anyhow::Context;
use layers::Failure;

/// Reads the command line, does what it says, answers the exit status: 2 for bad input or options.
pub fn main() -> ExitCode {
    observe::process::started();
    let cli = match layers::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(Failure::Clap(error)) => {
            complain(&error);
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
        Err(Failure::Config(error)) => {
            out::note(&scrubbed(&format!("error: {error}")));
            return ExitCode::from(2);
        }
    };
    match run(&cli) {
        Ok(status) => status,
        Err(error) => {
            out::note(&scrubbed(&format!("error: {}", chain(&error))));
            ExitCode::from(2)
        }
    }
}

/// Prints help, or what is wrong with the command line: a token that was typed where none belongs is not shown again.
fn complain(error: &clap::Error) {
    if !error.use_stderr() {
        // Help that nobody reads any more (`jwtrail --help | head`) is no error.
        return drop(error.print());
    }
    let text = error.render();
    let text = if std::io::stderr().is_terminal() { text.ansi().to_string() } else { text.to_string() };
    out::note(scrubbed(&text).trim_end());
}

/// The text without credentials, and nothing at all of it if they cannot be looked for.
fn scrubbed(text: &str) -> String {
    let scrubber = FingerprintKey::random().and_then(|key| Shared::new(&Policy::default(), key, KeySets::default()));
    match scrubber {
        Ok(shared) => shared.scrub(text).into_owned(),
        Err(error) => format!("error: {error}"),
    }
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    match &cli.command {
        None => live::run(&cli.live),
        Some(Command::Serve(args)) => serve::run(args),
        Some(Command::Replay(args)) => replay::run(args),
        Some(Command::Check(args)) => check::run(args),
        Some(Command::Demo(args)) => demo_run::run(args),
        Some(Command::Policy(command)) => policy::run(command),
        Some(Command::Graph(args)) => graph::run(args),
        Some(Command::Redact(args)) => redact::run(args),
        Some(Command::Doctor(args)) => doctor::run(args),
        Some(Command::Config(command)) => config::run(command),
        Some(Command::Completions(args)) => shell::completions(args),
        Some(Command::Man) => shell::man(),
    }
}

/// An error and what is behind it, each said once: some messages name their source themselves.
fn chain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for source in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&source) {
            text.push_str(": ");
            text.push_str(&source);
        }
    }
    text
}

/// The runtime of everything that listens or draws.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}
