//! Files that grow: what is appended, rotated and truncated is read once and judged as it comes.

#![cfg(unix)]

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jwtrail::model::{Batch, policy::Policy};
use jwtrail::otlp::files::{self, FileReport, ReadError, Stop};
use portable_pty::CommandBuilder;
use serde_json::{Value, json};

use crate::terminal::Terminal;
use crate::trail::support::decoder;

/// As long as anything here may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

fn runs(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/runs").join(name)).unwrap()
}

/// A request with one span of this name.
fn line(name: &str) -> String {
    let id = u64::from_le_bytes(name.as_bytes()[..8].try_into().unwrap());
    let span = json!({
        "traceId": format!("{id:032x}"), "spanId": format!("{id:016x}"), "name": name, "kind": 2,
        "startTimeUnixNano": "1790000000000000000", "endTimeUnixNano": "1790000001000000000",
    });
    format!("{}\n", json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}))
}

struct Followed {
    stop: Stop,
    batches: Receiver<Batch>,
    lives: Receiver<FileReport>,
    thread: JoinHandle<Result<(), ReadError>>,
}

impl Followed {
    fn start(path: &Path) -> Self {
        let (stop, path) = (Stop::default(), path.to_owned());
        let (give, batches) = channel();
        let (tell, lives) = channel();
        let own = stop.clone();
        let thread = std::thread::spawn(move || {
            let decoder = decoder(&Policy::default(), &[]);
            let mut each = |batch| give.send(batch).unwrap();
            files::read_on(&path, &own, decoder.as_ref(), &mut each, &mut |report, _| tell.send(report).unwrap())
        });
        Self { stop, batches, lives, thread }
    }

    /// The name of the next span that is handed over.
    fn next(&self) -> String {
        let batch = self.batches.recv_timeout(DEADLINE).expect("a record is handed over as soon as it is whole");
        assert_eq!(batch.spans.len(), 1);
        batch.spans[0].name.to_string()
    }

    /// Stops and answers with what each life of the file held.
    fn end(self) -> Vec<FileReport> {
        self.stop.stop();
        self.thread.join().unwrap().unwrap();
        assert_eq!(self.batches.try_iter().count(), 0, "nothing comes twice");
        self.lives.try_iter().collect()
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jwtrail"));
        command.args(args).current_dir(self.0.path()).env_clear().env("XDG_STATE_HOME", self.path("state"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

#[test]
fn what_is_appended_is_handed_over_as_soon_as_its_line_is_whole() {
    let folder = Folder::new();
    folder.append("t.jsonl", "");
    let followed = Followed::start(&folder.path("t.jsonl"));
    let second = line("second span");
    let (begin, rest) = second.split_at(second.len() / 2);
    folder.append("t.jsonl", &format!("{}{begin}", line("first span")));
    assert_eq!(followed.next(), "first span");
    folder.append("t.jsonl", rest);
    assert_eq!(followed.next(), "second span");
    folder.append("t.jsonl", &line("third span"));
    assert_eq!(followed.next(), "third span");
    let lives = followed.end();
    assert_eq!((lives.len(), lives[0].records, lives[0].damaged_total, lives[0].truncated), (1, 3, 0, None));
}

#[test]
fn a_file_longer_than_the_readers_first_look_is_followed_too() {
    let folder = Folder::new();
    let (long, count) = (line(&"a long name ".repeat(100)), 200);
    folder.append("t.jsonl", &long.repeat(count));
    assert!(long.len() * count > 4 * (64 << 10));
    let followed = Followed::start(&folder.path("t.jsonl"));
    for _ in 0..count {
        assert!(followed.next().starts_with("a long name"));
    }
    folder.append("t.jsonl", &line("the last one"));
    assert_eq!(followed.next(), "the last one");
    assert_eq!(followed.end()[0].records, count as u64 + 1);
}

#[test]
fn a_renamed_file_is_read_to_its_end_before_the_new_one() {
    let folder = Folder::new();
    folder.append("t.jsonl", &line("first span"));
    let followed = Followed::start(&folder.path("t.jsonl"));
    assert_eq!(followed.next(), "first span");
    std::fs::rename(folder.path("t.jsonl"), folder.path("t.1.jsonl")).unwrap();
    folder.append("t.1.jsonl", &line("from a writer that has not reopened yet"));
    folder.append("t.jsonl", "");
    folder.append("t.1.jsonl", &line("and beside an empty new file"));
    assert_eq!(followed.next(), "from a writer that has not reopened yet");
    assert_eq!(followed.next(), "and beside an empty new file");
    folder.append("t.1.jsonl", "{\"resourceSpans\":[{\"cut off when it was rota");
    folder.append("t.jsonl", &line("in the new file"));
    assert_eq!(followed.next(), "in the new file");
    let lives = followed.end();
    assert_eq!(lives.iter().map(|life| life.records).collect::<Vec<_>>(), [3, 1]);
    assert!(lives[0].truncated.is_some() && lives[1].damaged_total == 0, "the cut record is joined with nothing");
}

#[test]
fn a_truncated_file_is_read_from_its_beginning() {
    let folder = Folder::new();
    folder.append("t.jsonl", &line("first span").repeat(3));
    let followed = Followed::start(&folder.path("t.jsonl"));
    for _ in 0..3 {
        assert_eq!(followed.next(), "first span");
    }
    File::options().write(true).open(folder.path("t.jsonl")).unwrap().set_len(0).unwrap();
    folder.append("t.jsonl", &line("after the truncation"));
    assert_eq!(followed.next(), "after the truncation");
    let lives = followed.end();
    assert_eq!(lives.iter().map(|life| life.records).collect::<Vec<_>>(), [3, 1]);
}

#[test]
fn length_delimited_records_are_followed() {
    let folder = Folder::new();
    let record = |name: &str| {
        let json = line(name);
        [u32::try_from(json.len()).unwrap().to_be_bytes().to_vec(), json.into_bytes()].concat()
    };
    let (first, second) = (record("first span"), record("second span"));
    std::fs::write(folder.path("t.bin"), [&first[..], &second[..7]].concat()).unwrap();
    let followed = Followed::start(&folder.path("t.bin"));
    assert_eq!(followed.next(), "first span");
    OpenOptions::new().append(true).open(folder.path("t.bin")).unwrap().write_all(&second[7..]).unwrap();
    assert_eq!(followed.next(), "second span");
    assert_eq!(followed.end()[0].damaged_total, 0);
}

#[test]
fn what_cannot_be_followed_is_said() {
    let folder = Folder::new();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(line("first span").as_bytes()).unwrap();
    std::fs::write(folder.path("t.jsonl.gz"), packer.finish().unwrap()).unwrap();
    let packed = zstd::encode_all(line("first span").as_bytes(), 1).unwrap();
    std::fs::write(folder.path("t.jsonl.zst"), packed).unwrap();
    folder.append("page.html", "<html>\n<body>not a trace at all</body>\n");
    let expected = [
        ("t.jsonl.gz", "found a compressed one: leave out --follow"),
        ("t.jsonl.zst", "found a compressed one: leave out --follow"),
        ("page.html", "found HTML or XML"),
        ("missing.jsonl", "cannot open missing.jsonl"),
    ];
    for (file, why) in expected {
        let output = folder.command(&["check", "--follow", "--for", "60s", file]).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(why) && errors.contains(file), "{errors}");
    }
}

fn next_line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    line
}

fn interrupted(mut child: Child, mut shown: impl Read) -> (Option<i32>, String) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let mut rest = String::new();
    shown.read_to_string(&mut rest).unwrap();
    (child.wait().unwrap().code(), rest)
}

#[test]
fn problems_are_announced_as_they_are_written_and_reported_at_the_end() {
    let folder = Folder::new();
    folder.append("t.jsonl", &runs("stripped-by-proxy.jsonl"));
    let mut child = folder.command(&["check", "--follow", "t.jsonl"]).spawn().unwrap();
    let mut shown = BufReader::new(child.stdout.take().unwrap());
    let first = next_line(&mut shown);
    assert!(first.contains("gateway → orders  dropped: stripped"), "{first}");
    folder.append("t.jsonl", &runs("drop-in-fanout.jsonl"));
    let second = next_line(&mut shown);
    assert!(second.contains("orders → shipping  dropped: not sent"), "{second}");
    let (status, report) = interrupted(child, shown);
    assert_eq!(status, Some(1));
    assert!(report.ends_with("2 problems found, the worst is high\n"), "{report}");
}

#[test]
fn what_was_judged_is_reported_where_a_file_cannot_be_read_on() {
    let folder = Folder::new();
    folder.append("t.jsonl", &runs("stripped-by-proxy.jsonl"));
    let mut child = folder.command(&["check", "--follow", "t.jsonl"]).spawn().unwrap();
    let mut shown = BufReader::new(child.stdout.take().unwrap());
    let first = next_line(&mut shown);
    assert!(first.contains("gateway → orders  dropped: stripped"), "{first}");
    folder.append("page.html", "<html>\n<body>not a trace at all</body>\n");
    std::fs::rename(folder.path("page.html"), folder.path("t.jsonl")).unwrap();
    let mut report = String::new();
    shown.read_to_string(&mut report).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(report.ends_with("1 problem found, the worst is high\n"), "{report}");
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("error: no span in t.jsonl") && errors.contains("found HTML or XML"), "{errors}");
}

#[test]
fn a_followed_report_for_programs_has_standard_output_to_itself() {
    let folder = Folder::new();
    folder.append("t.jsonl", &runs("stripped-by-proxy.jsonl"));
    let mut child = folder.command(&["check", "--follow", "--format", "json", "t.jsonl"]).spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let first = next_line(&mut errors);
    assert!(first.contains("gateway → orders  dropped: stripped"), "{first}");
    let shown = child.stdout.take().unwrap();
    let (status, report) = interrupted(child, shown);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!((status, &report["input"]["files"]), (Some(1), &json!(["t.jsonl"])));
    assert_ne!(report["summary"]["verdicts"]["dropped"], 0);
}

#[test]
fn standard_input_ends_by_itself_and_time_ends_the_rest() {
    let folder = Folder::new();
    let mut child = folder.command(&["check", "--follow", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(runs("intact.jsonl").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("12 hops judged"));
    folder.append("empty.jsonl", "");
    let began = Instant::now();
    let output = folder.command(&["check", "--follow", "--for", "50ms", "empty.jsonl"]).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(errors.contains("expected spans, found none in empty.jsonl"), "{errors}");
    assert!(began.elapsed() < DEADLINE);
}

#[test]
fn a_followed_replay_draws_what_is_written_meanwhile() {
    let folder = Folder::new();
    folder.append("t.jsonl", &runs("stripped-by-proxy.jsonl"));
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_jwtrail"));
    command.args(["replay", "--follow", "t.jsonl"]);
    command.env_clear();
    command.cwd(folder.0.path());
    command.env("XDG_STATE_HOME", folder.path("state"));
    command.env("TERM", "xterm-256color");
    let mut terminal = Terminal::start(command, 120, 40);
    terminal.wait_for("gateway → orders");
    folder.append("t.jsonl", &runs("drop-in-fanout.jsonl"));
    terminal.wait_for("orders → shipping");
    terminal.press("q");
    let (status, _) = terminal.ended();
    assert!(status.success(), "{status}");
}
