//! The command line as a user meets it: help, mistakes, exit status.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use clap::{CommandFactory, Parser};
use jwtrail::cli::{Cli, Command as Sub, ReportFormat, Speed};
use jwtrail::config::ByteSize;

/// Runs the real program in a folder of its own, without any variable of the caller's.
fn jwtrail(args: &[&str], folder: &Path, variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jwtrail"))
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("XDG_STATE_HOME", folder.join("state"))
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn parse(args: &[&str]) -> Cli {
    Cli::try_parse_from([&["jwtrail"], args].concat()).unwrap()
}

#[test]
fn definitions_hold_together() {
    Cli::command().debug_assert();
}

#[test]
fn help_tells_each_command() {
    let mut texts = Cli::command().render_long_help().to_string();
    for name in ["serve", "replay", "check", "demo", "policy", "doctor", "config"] {
        let mut command = Cli::command();
        command.build();
        let sub = command.find_subcommand_mut(name).unwrap();
        write!(texts, "\n======== {name}\n{}", sub.render_help()).unwrap();
    }
    for name in ["check", "suggest"] {
        let mut command = Cli::command();
        command.build();
        let policy = command.find_subcommand_mut("policy").unwrap();
        let sub = policy.find_subcommand_mut(name).unwrap();
        writeln!(texts, "\n======== policy {name}\n{}", sub.render_help().to_string().trim_end()).unwrap();
    }
    insta::assert_snapshot!(texts);
}

/// A new user types what stands in the README and looks at its picture.
#[test]
fn the_readme_names_only_what_there_is() {
    let readme = include_str!("../../README.md");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let targets = readme.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let files: Vec<&str> = targets.filter(|target| !target.starts_with('#')).collect();
    assert!(files.contains(&"assets/map.svg"), "{files:?}");
    assert!(files.iter().all(|file| root.join(file).is_file()), "{files:?}");
    let mut command = Cli::command();
    command.build();
    let known: Vec<String> = std::iter::once(&command)
        .chain(command.get_subcommands())
        .flat_map(|command| command.get_arguments().filter_map(|option| option.get_long().map(str::to_owned)))
        .collect();
    // Options of cargo, node and pip.
    let others = ["release", "path", "import", "experimental-loader"];
    for option in readme.split("--").skip(1) {
        let end = option.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(option.len());
        let name = option[..end].trim_end_matches('-');
        assert!(name.is_empty() || known.iter().any(|k| k == name) || others.contains(&name), "--{name}");
    }
}

#[test]
fn a_policy_is_checked_and_drafted_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| std::fs::write(folder.path().join("jwtrail.toml"), text).unwrap();
    let run = |args: &[&str]| {
        let output = jwtrail(args, folder.path(), &[]);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    write("[limitz]\n\n[[edge]]\nto = \"[a\"\ntoken = \"own\"\n");
    let (status, out, errors) = run(&["policy", "check"]);
    assert_eq!((status, &*out), (Some(2), ""));
    assert!(errors.starts_with("error: jwtrail.toml:1:2: unknown key `limitz`: did you mean `limits`?\n"), "{errors}");
    assert!(errors.contains("error: jwtrail.toml:4:6: expected a glob"), "{errors}");
    write("[[edge]]\nto = \"a\"\ntoken = \"own\"\n");
    let fine = (Some(0), "jwtrail.toml: fine: 1 edge, 0 ignores, 0 issuers\n".to_owned(), String::new());
    assert_eq!(run(&["policy", "check"]), fine);
    let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/runs/token-free-inside.jsonl");
    let (status, draft, _) = run(&["policy", "suggest", traces.to_str().unwrap()]);
    assert_eq!(status, Some(0));
    write(&draft);
    assert_eq!(run(&["policy", "check"]), fine);
    let (_, report, _) = run(&["check", traces.to_str().unwrap(), "--fail-on", "low"]);
    assert!(!report.contains("dropped/"), "{report}");
}

#[test]
fn options_mean_what_the_specification_says() {
    let Some(Sub::Check(check)) =
        parse(&["check", "a.jsonl", "-", "--format", "json", "--jwks", "a", "--jwks", "b"]).command
    else {
        panic!("not check")
    };
    assert_eq!((check.files.len(), check.format, check.judge.jwks.len()), (2, ReportFormat::Json, 2));
    let Some(Sub::Replay(replay)) = parse(&["replay", "a", "--speed", "1"]).command else { panic!("not replay") };
    assert_eq!(replay.speed, Speed::Times(1.0));
    let live = parse(&["--grpc", "127.0.0.1:0", "--memory", "1GiB", "--ascii"]).live;
    assert_eq!((live.listen.memory, live.screen.ascii), (Some(ByteSize(1 << 30)), true));
}

#[test]
fn mistakes_on_the_command_line_exit_with_two() {
    let folder = tempfile::tempdir().unwrap();
    let mistakes: &[&[&str]] = &[
        &["chek"],
        &["check"],
        &["check", "a", "--fail-on", "bad"],
        &["serve", "--for", "30"],
        &["serve", "--no-grpc", "--no-http"],
        &["--issuer", "id.example"],
        &["--jwks", "https://user:password@id.example/keys"],
        &["replay", "a", "--speed", "0"],
        &["check", "no-such-file.jsonl"],
        &["check", "a", "--policy", "no-such-policy.toml"],
        &["policy", "check", "no-such-policy.toml"],
        &["policy", "suggest"],
        &["policy", "suggest", "no-such-file.jsonl"],
    ];
    for args in mistakes {
        let output = jwtrail(args, folder.path(), &[]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
        assert!(error.starts_with("error: "), "{args:?}: {error}");
        assert!(output.stdout.is_empty(), "{args:?} wrote to standard output");
    }
}

#[test]
fn a_policy_in_the_working_directory_is_read_by_check_and_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("jwtrail.toml"), "[limits]\nsetle = 3\n").unwrap();
    let output = jwtrail(&["check", "a.jsonl"], folder.path(), &[]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(error, "policy: jwtrail.toml\nerror: jwtrail.toml:2:1: unknown key `setle`: did you mean `settle`?\n");
}

#[test]
fn the_environment_stands_behind_options_and_disturbs_no_other_command() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("broken.toml");
    std::fs::write(&policy, "edgy = 1\n").unwrap();
    let variables =
        [("JWTRAIL_POLICY", policy.to_str().unwrap()), ("JWTRAIL_MEMORY", "64MiB"), ("JWTRAIL_GRPC", "127.0.0.1:0")];
    let output = jwtrail(&["check", "a.jsonl"], folder.path(), &variables);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("broken.toml:1:1: unknown key `edgy`: did you mean `edge`?"), "{error}");
    let output = jwtrail(&["serve", "--no-grpc", "--no-http"], folder.path(), &variables[1..]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("expected somewhere to listen"), "an option wins over the environment: {error}");
}
