//! The user's own file: every word in it that means nothing is named with its place, and what it says is in force
//! exactly where nothing closer by says otherwise.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jwtrail::app::preferences::{self, Preferences};
use jwtrail::config::UserFile;
use jwtrail::tui::keymap::Key;
use jwtrail::tui::message::Action;
use jwtrail::tui::page::Page;

const BROKEN: &str = r#"
colour = "red"
[options]
memry = "64MiB"
memory = "lots"
format = "sarff"
no-mouse = "yes"
grpc = true
settle = ["1s", "2s"]
where = "servce:x"
live = true
jwks = ["ok.json", "https://a:secret@id.example/keys"]

[keys]
quti = "Q"
up = ["q", "ctlr-c", "alt-x"]
down = "q"
help = 7.5
pause = true

[[view]]
name = "x"
page = "trace"

[[view]]
name = "y"
page = "traces"
key = "j"
filter = "verdict:dropt"

[[view]]
name = "z"
page = "traces"
sort = "-durtion"

[[view]]
page = "map"

[[view]]
name = "w"
page = "traces"
kee = "F2"
"#;

fn understood(text: &str) -> Preferences {
    let (file, faults) = UserFile::parse(Path::new("config.toml"), text.to_owned());
    preferences::understand(file, faults)
}

#[test]
fn every_mistake_is_named_with_its_place_and_the_nearest_word() {
    let faults: Vec<String> = understood(BROKEN).faults.iter().map(ToString::to_string).collect();
    assert!(faults.iter().all(|fault| !fault.contains("secret")), "{faults:?}");
    insta::assert_snapshot!(faults.join("\n"));
}

#[test]
fn keys_and_views_are_taken_over() {
    let text = r#"
        [keys]
        quit = ["ctrl-c", "Q"]
        pause = "p"
        policy = []

        [[view]]
        name = "broken payments"
        key = "F2"
        page = "traces"
        filter = "callee:pay* verdict:failed"
        sort = "-duration"

        [theme]
        dropped = "red"
    "#;
    let found = understood(text);
    assert!(found.faults.is_empty(), "{:?}", found.faults);
    assert_eq!(found.keymap.keys(Action::Quit), ["^c", "Q"]);
    assert_eq!(found.keymap.action(Key::Char('p')), Some(Action::Pause));
    assert_eq!(found.keymap.action(Key::Char(' ')), None, "the old key is free");
    assert!(found.keymap.keys(Action::Policy).is_empty());
    let [view] = &*found.views else { panic!("{:?}", found.views) };
    assert_eq!(
        (view.name.as_str(), view.page, view.sort.as_deref()),
        ("broken payments", Page::Traces, Some("-duration"))
    );
    assert!(found.file.theme.is_some_and(|theme| theme.contains_key("dropped")), "for whoever draws");
}

#[test]
fn numbers_flags_and_lists_stand_for_what_is_typed_behind_an_option() {
    let text = "[options]\nspeed = 2\nrecord-files = 4\nno-mouse = true\njwks = [\"a.json\"]\nformat = \"svg\"\n";
    let faults = understood(text).faults;
    assert!(faults.is_empty(), "a format of one command is enough: {faults:?}");
}

/// A home of its own, with a configuration and a working directory.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("config/jwtrail")).unwrap();
        fs::write(folder.path().join("config/jwtrail/config.toml"), config).unwrap();
        Self { folder }
    }

    fn policy(&self, text: &str) {
        fs::write(self.folder.path().join("jwtrail.toml"), text).unwrap();
    }

    fn run(&self, args: &[&str], variables: &[(&str, &str)]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_jwtrail"))
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("XDG_CONFIG_HOME", self.folder.path().join("config"))
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .envs(variables.iter().copied())
            .output()
            .unwrap()
    }

    fn status(&self, args: &[&str]) -> Option<i32> {
        self.run(args, &[]).status.code()
    }
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn traces() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/runs/stripped-by-proxy.jsonl")
}

#[test]
fn closer_wins() {
    let traces = traces();
    let check = ["check", traces.to_str().unwrap()];
    let plain = Home::new("");
    assert_eq!(plain.status(&check), Some(1), "the worst is high, and that is the default");
    let home = Home::new("[options]\nfail-on = \"critical\"\nformat = \"json\"\nrecord = \"r.jsonl\"\n");
    let said = home.run(&check, &[]);
    assert_eq!((said.status.code(), out(&said).starts_with('{')), (Some(0), true), "{}", err(&said));
    home.policy("[options]\nfail-on = \"low\"\n");
    assert_eq!(home.status(&check), Some(1), "jwtrail.toml wins over the user's file");
    assert_eq!(home.status(&[&check[..], &["--fail-on", "critical"]].concat()), Some(0), "an option over both");
    assert!(!out(&home.run(&[&check[..], &["--format", "text"]].concat(), &[])).starts_with('{'));
    let graph = out(&home.run(&["graph", traces.to_str().unwrap()], &[]));
    assert!(graph.contains("2 services, 2 edges"), "a format that a command has not is none of its: {graph}");
    assert!(!home.folder.path().join("r.jsonl").exists());
}

#[test]
fn a_broken_file_stops_what_it_would_change_and_nothing_else() {
    let home = Home::new("[options]\nmemry = \"1GiB\"\n");
    let check = home.run(&["check", traces().to_str().unwrap()], &[]);
    assert_eq!(check.status.code(), Some(2));
    let error = err(&check);
    assert!(error.contains("config.toml:2:1: unknown option `memry`: did you mean `memory`?"), "{error}");
    for args in [&["man"][..], &["config", "path"], &["completions", "bash"], &["--help"], &["--version"]] {
        assert_eq!(home.status(args), Some(0), "{args:?}");
    }
    let doctor = home.run(&["doctor", "--no-http", "--grpc", "127.0.0.1:0", "--format", "json"], &[]);
    assert_eq!(doctor.status.code(), Some(1));
    assert!(out(&doctor).contains("did you mean `memory`?"), "{}", out(&doctor));
}

#[test]
fn of_many_mistakes_the_first_is_named_and_the_rest_are_counted() {
    let home = Home::new("[options]\nmemry = \"1GiB\"\ntheme = \"drak\"\n[keys]\npaus = \"p\"\n");
    let error = err(&home.run(&["check", traces().to_str().unwrap()], &[]));
    assert!(error.contains("memry") && error.contains("2 more: `jwtrail doctor` names them"), "{error}");
    let doctor = home.run(&["doctor", "--no-http", "--grpc", "127.0.0.1:0", "--format", "json"], &[]);
    assert!(out(&doctor).contains("config.toml:3:9: expected a theme"), "{}", out(&doctor));
}

#[test]
fn what_is_in_force_is_shown_with_where_it_comes_from_and_no_secret() {
    let home = Home::new(
        "[options]\nmemory = \"64MiB\"\nno-mouse = true\nrecord-files = 4\n\n[keys]\nquit = [\"ctrl-c\", \"Q\"]\n\n\
         [[view]]\nname = \"mine\"\npage = \"traces\"\nfilter = \"verdict:failed\"\n",
    );
    home.policy("[options]\nrecord-files = 6\n[limits]\nsettle = 5\n");
    let secret = "a secret that is long enough to be a key of fingerprints";
    let variables = [("JWTRAIL_GRPC", "127.0.0.1:9317"), ("JWTRAIL_FP_KEY", secret)];
    let shown = home.run(&["config", "show", "--http", "127.0.0.1:9318"], &variables);
    assert_eq!(shown.status.code(), Some(0), "{}", err(&shown));
    let text = out(&shown);
    assert!(!text.contains("a secret"), "{text}");
    let table: toml::Table = text.parse().unwrap();
    assert_eq!(table["options"]["memory"].as_str(), Some("64MiB"), "it is TOML, and can be kept");
    let from = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(&format!("{name} ="))).unwrap_or_default();
        line.split_once(" # ").map(|(value, from)| (value.trim_end().to_owned(), from.to_owned()))
    };
    for (name, value, place) in [
        ("memory", "\"64MiB\"", "config.toml:2"),
        ("no-mouse", "true", "config.toml:3"),
        ("record-files", "6", "jwtrail.toml:2"),
        ("settle", "\"5s\"", "jwtrail.toml:4"),
        ("grpc", "\"127.0.0.1:9317\"", "JWTRAIL_GRPC"),
        ("http", "\"127.0.0.1:9318\"", "--http"),
        ("fail-on", "\"high\"", "default"),
        ("quit", "[\"^c\", \"Q\"]", "config.toml:7"),
        ("help", "[\"?\", \"F1\"]", "default"),
    ] {
        assert_eq!(from(name), Some((format!("{name} = {value}"), place.to_owned())), "{text}");
    }
    assert!(text.contains("[[view]] # config.toml:10\nname = \"mine\""), "{text}");
    let path = home.run(&["config", "path"], &[]);
    assert_eq!(Path::new(out(&path).trim()), home.folder.path().join("config/jwtrail/config.toml"));
}

#[test]
fn the_doctor_finds_what_is_to_be_mended() {
    let home = Home::new("");
    let free = ["doctor", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"];
    let well = home.run(&free, &[]);
    assert_eq!(well.status.code(), Some(0), "{}", out(&well));
    assert!(out(&well).ends_with("All is well.\n"), "{}", out(&well));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let sick = home.run(&["doctor", "--no-http", "--grpc", &address, "--format", "json"], &[]);
    assert_eq!(sick.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&sick.stdout).unwrap();
    assert_eq!(json["healthy"], false);
    let said = json["ports"][0]["said"].as_str().unwrap();
    assert!(said.contains("is taken by") && said.contains(&format!("process {}", std::process::id())), "{said}");
    let saved = traces();
    let files = [&free[..], &[saved.to_str().unwrap()]].concat();
    let services = home.run(&files, &[]);
    assert_eq!(services.status.code(), Some(0), "{}", out(&services));
    assert!(out(&services).contains("shows what it receives"), "{}", out(&services));
    let silent = home.run(&[&free[..], &["--for", "10ms"]].concat(), &[]);
    assert_eq!(silent.status.code(), Some(1));
    assert!(!out(&silent).contains("http://127.0.0.1:0"), "nobody can export to port 0: {}", out(&silent));
    drop(taken);
    let silent = home.run(&["doctor", "--no-http", "--grpc", &address, "--for", "10ms"], &[]);
    let there = format!("OTEL_EXPORTER_OTLP_ENDPOINT=http://{address}");
    assert!(out(&silent).contains(&there), "{}", out(&silent));
    assert_eq!(home.status(&["doctor", "--for", "10"]), Some(2));
}
