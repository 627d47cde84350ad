//! `jwtrail completions` and `jwtrail man`: what packagers take.

use std::process::{Command, Stdio};

use clap::CommandFactory;
use jwtrail::cli::Cli;

fn shown(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_jwtrail")).args(args).env_clear().output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_shell_completes_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = shown(&["completions", shell]);
        for command in Cli::command().get_subcommands() {
            assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
        }
    }
}

#[test]
fn the_manual_has_a_section_for_every_command() {
    let page = shown(&["man"]);
    let title = concat!("\n.TH jwtrail 1 \"\" \"jwtrail ", env!("CARGO_PKG_VERSION"), "\" \"User Commands\"\n");
    assert!(page.contains(title), "{page}");
    for command in Cli::command().get_subcommands() {
        let name = command.get_name().to_uppercase();
        assert!(page.contains(&format!("\n.SH \"JWTRAIL {name}\"\n")), "{name}");
        for inner in command.get_subcommands() {
            let inner = inner.get_name().to_uppercase();
            assert!(page.contains(&format!("\n.SH \"JWTRAIL {name} {inner}\"\n")), "{inner}");
        }
    }
    // Examples stay line by line, as they are in the help.
    assert!(page.contains("\n.SH EXAMPLES\n.nf\n"), "{page}");
    assert_eq!(page.matches("\n.nf\n").count(), page.matches("\n.fi\n").count());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for args in [&["man"][..], &["completions", "zsh"]] {
        let (read, write) = std::io::pipe().unwrap();
        drop(read);
        let mut command = Command::new(env!("CARGO_BIN_EXE_jwtrail"));
        let child = command.args(args).env_clear().stdout(write).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{args:?}");
    }
}
