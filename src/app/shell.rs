//! `jwtrail completions` and `jwtrail man`: what packagers put beside the program.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::out;
use crate::cli::{Cli, CompletionsArgs};

/// Name of the program, whatever this file was called when it was run.
const NAME: &str = "jwtrail";

/// Writes completions.
pub fn completions(args: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    write(&script)
}

/// Writes the manual page: one for the program with a section for each command.
pub fn man() -> anyhow::Result<ExitCode> {
    let mut cli = Cli::command();
    cli.build();
    let program = Man::new(cli.clone()).title(NAME).manual("User Commands");
    let mut page = Vec::new();
    program.render_title(&mut page)?;
    for part in [Man::render_name_section, Man::render_synopsis_section, Man::render_description_section] {
        part(&program, &mut page)?;
    }
    program.render_options_section(&mut page)?;
    commands(&cli, &mut page)?;
    extra(&cli, "SH", &mut page)?;
    let page = String::from_utf8_lossy(&page).into_owned();
    // Each part brings the same preamble; one is enough.
    let preamble = |line: &&str| line.starts_with(".ie ") || line.starts_with(".el ");
    let first = page.lines().take_while(preamble);
    let lines: Vec<&str> = first.chain(page.lines().filter(|line| !preamble(line))).collect();
    // The page has no date, and an empty argument must not be taken for none: the version would stand in its place.
    let page = (lines.join("\n") + "\n").replacen(".TH jwtrail 1  ", ".TH jwtrail 1 \"\" ", 1);
    write(page.as_bytes())
}

/// A section for each command and each command within it.
fn commands(parent: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    for command in parent.get_subcommands().filter(|command| command.get_name() != "help" && !command.is_hide_set()) {
        let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
        let mut heading = Roff::new();
        heading.control("SH", [name.to_uppercase().as_str()]);
        heading.to_writer(page)?;
        let man = Man::new(command.clone().display_name(name));
        let mut parts = Vec::new();
        man.render_description_section(&mut parts)?;
        man.render_synopsis_section(&mut parts)?;
        man.render_options_section(&mut parts)?;
        // Sections of a page of their own become subsections of this one; the description needs no heading.
        let parts = String::from_utf8_lossy(&parts).replace("\n.SH DESCRIPTION\n", "\n").replace("\n.SH ", "\n.SS ");
        page.extend_from_slice(parts.as_bytes());
        extra(command, "SS", page)?;
        commands(command, page)?;
    }
    Ok(())
}

/// Examples and what else stands below the help, line by line as it is there: a heading ends with a colon.
fn extra(command: &Command, level: &str, page: &mut Vec<u8>) -> io::Result<()> {
    let Some(text) = command.get_after_long_help().or_else(|| command.get_after_help()) else { return Ok(()) };
    let mut roff = Roff::new();
    let mut open = false;
    for line in text.to_string().lines() {
        let heading = line.strip_suffix(':').filter(|words| !words.is_empty() && !words.contains(' '));
        if let Some(heading) = heading {
            if open {
                roff.control("fi", []);
            }
            roff.control(level, [heading.to_uppercase().as_str()]);
            roff.control("nf", []);
            open = true;
        } else if line.is_empty() {
            roff.control("sp", []);
        } else {
            roff.text([roman(line)]);
        }
    }
    if open {
        roff.control("fi", []);
    }
    roff.to_writer(page)
}

fn write(bytes: &[u8]) -> anyhow::Result<ExitCode> {
    out::quiet(io::stdout().lock().write_all(bytes))?;
    Ok(ExitCode::SUCCESS)
}
