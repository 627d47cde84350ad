//! `jwtrail graph` as people run it: the real program over traces and dependency lists.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::json;

const RUN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/runs/drop-in-fanout.jsonl");

fn graph(folder: &Path, args: &[&str], input: Option<&[u8]>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jwtrail"));
    command.arg("graph").args(args).current_dir(folder).env_clear().env("XDG_STATE_HOME", folder.join("state"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that refuses its options reads nothing.
    drop(stdin.write_all(input.unwrap_or_default()));
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn shown(args: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = graph(folder.path(), args, None);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// Names that mean something in one of the formats, or should.
fn hostile() -> String {
    let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.eyJzdWIiOiJhbGljZSIsImlzcyI6ImEifQ.c2lnbmF0dXJlLWJ5dGVz";
    let names = [
        "end",
        "a\"]; x[\"b",
        "<script>alert(1)</script>",
        "%%{init: {}}%%",
        "a\nb\u{1b}[31m\u{202e}",
        "1. list",
        "`**bold**`",
        "fa:fa-car",
        "$$x^2$$",
        "\\N \\",
        "&lt;#35;",
        "注文サービス",
        "]]>--><!--",
        "client",
        token,
    ];
    let edges = names.windows(2).map(|two| json!({"parent": two[0], "child": two[1], "callCount": "7"}));
    json!({"data": edges.collect::<Vec<_>>(), "total": 0}).to_string()
}

#[test]
fn a_run_in_each_format() {
    insta::assert_snapshot!("graph_text", shown(&[RUN]));
    insta::assert_snapshot!("graph_mermaid", shown(&[RUN, "--format", "mermaid"]));
    insta::assert_snapshot!("graph_dot", shown(&[RUN, "--format", "dot"]));
    insta::assert_snapshot!("graph_svg", shown(&[RUN, "--format", "svg"]));
}

#[test]
fn hostile_names_stay_names() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["text", "mermaid", "dot", "svg"] {
        let output = graph(folder.path(), &["-", "--format", format], Some(hostile().as_bytes()));
        let shown = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(!shown.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{format}: {shown}");
        // Three pieces of the token, and none of them shows.
        for piece in ["eyJhbGci", "eyJzdWIi", "c2lnbmF0"] {
            assert!(!shown.contains(piece), "{format}: {shown}");
        }
        assert!(shown.contains("jwt") && shown.contains("h256"), "{format}: {shown}");
        match format {
            "mermaid" => {
                let plain = |c: char| c.is_alphanumeric() || " #;\"[]|->,:=_./".contains(c);
                assert!(shown.chars().all(|c| plain(c) || c == '\n'), "{shown}");
                assert!(shown.contains("[\"#36;#36;x#94;2#36;#36;\"]"), "{shown}");
            }
            "dot" => {
                assert!(shown.contains(r#""a\"]; x[\"b""#) && shown.contains(r#""\\N \\""#), "{shown}");
                assert!(shown.contains(r#"label="&amp;lt;#35;""#), "{shown}");
            }
            "svg" => {
                well_formed(&shown);
                assert!(shown.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{shown}");
            }
            _ => assert!(shown.contains("end → a\"]; x[\"b"), "{shown}"),
        }
    }
}

fn well_formed(svg: &str) {
    let mut reader = quick_xml::Reader::from_str(svg);
    reader.config_mut().check_end_names = true;
    let mut depth = 0;
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Start(_) => depth += 1,
            quick_xml::events::Event::End(_) => depth -= 1,
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
}

#[test]
fn dependency_lists_are_told_by_content_packed_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let list = br#"[{"parent":"web","child":"api","callCount":4064},{"child":"db","parent":"api"}]"#;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(list).unwrap();
    let forms = [list.to_vec(), gzip.finish().unwrap(), zstd::encode_all(&list[..], 1).unwrap()];
    let expected = "\
web → api  4064 calls
api → db   0 calls
3 services, 2 edges, 4064 calls
nothing is judged: the graph is known from dependency lists, which tell nothing about tokens
";
    for form in forms {
        // The name says nothing.
        std::fs::write(folder.path().join("traces.jsonl"), &form).unwrap();
        assert_eq!(text(&graph(folder.path(), &["traces.jsonl"], None).stdout), expected);
        assert_eq!(text(&graph(folder.path(), &["-"], Some(&form)).stdout), expected);
    }
}

#[test]
fn traces_and_lists_make_one_graph() {
    let folder = tempfile::tempdir().unwrap();
    let list = r#"{"dependencies":[{"parent":"orders","child":"shipping","callCount":40},
        {"parent":"orders","child":"ledger","callCount":2},{"parent":"orders"}]}"#;
    std::fs::write(folder.path().join("list.json"), list).unwrap();
    let output = graph(folder.path(), &["list.json", RUN], None);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(shown.contains("orders → shipping  3 hops, 40 calls"), "{shown}");
    assert!(shown.contains("orders → ledger    2 calls"), "{shown}");
    assert!(shown.contains("5 services, 5 edges, 12 hops, 42 calls"), "{shown}");
    assert_eq!(text(&output.stderr), "list.json: 1 items without parent and child were left out\n");
}

#[test]
fn traces_come_through_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let output = graph(folder.path(), &["-"], Some(&std::fs::read(RUN).unwrap()));
    assert_eq!(text(&output.stdout), shown(&[RUN]));
}

#[test]
fn bad_input_is_refused_with_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |input: &[u8]| {
        let output = graph(folder.path(), &["-"], Some(input));
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(2), ""));
        text(&output.stderr)
    };
    assert!(refused(b"[]").contains("no span in standard input"));
    let nameless = refused(br#"[{"parent":"","child":"b"},{"parent":1,"child":2}]"#);
    assert!(nameless.contains("no call in standard input") && nameless.contains("2 items without two names"));
    // Cut off behind the first item: what was read is drawn, and the rest is named.
    let output = graph(folder.path(), &["-"], Some(br#"[{"parent":"a","child":"b","callCount":1},{"par"#));
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("standard input: line 1, column 47: the list is damaged or cut off"));
    assert_eq!(graph(folder.path(), &["nowhere.json"], None).status.code(), Some(2));
}

#[test]
fn large_graphs_are_drawn_in_time_and_mermaid_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let edges = (0..4_000).map(|at| json!({"parent": format!("s{}", at % 900), "child": format!("s{}", at * 7 % 899)}));
    let list = json!(edges.collect::<Vec<_>>()).to_string();
    let mermaid = graph(folder.path(), &["-", "--format", "mermaid"], Some(list.as_bytes()));
    assert!(text(&mermaid.stderr).contains("sets maxEdges to "), "{}", text(&mermaid.stderr));
    let svg = graph(folder.path(), &["-", "--format", "svg"], Some(list.as_bytes()));
    assert!(text(&svg.stderr).contains("plain layers"), "{}", text(&svg.stderr));
    well_formed(&text(&svg.stdout));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let (read, write) = std::io::pipe().unwrap();
    drop(read);
    let mut command = Command::new(env!("CARGO_BIN_EXE_jwtrail"));
    command.args(["graph", RUN, "--format", "svg"]).current_dir(folder.path());
    command.env_clear().env("XDG_STATE_HOME", folder.path().join("state")).stdin(File::open(RUN).unwrap());
    let output = command.stdout(write).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
}
