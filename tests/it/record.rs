//! `--record` as a user meets it: what was received reads back to the same verdicts, whatever happens to the program or
//! the disk, and receiving never waits for it.

use std::collections::HashSet;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use jwtrail::model::{Batch, Redacted, Refused, Sink};
use jwtrail::otlp::record::{RecordOptions, Recorder};
use jwtrail::otlp::redact::Redactor;
use jwtrail::otlp::{Decode, Encoding, Signal, VisitorDecoder};
use serde_json::Value;

use crate::redact_file::tokens;
use crate::serving::{address, interrupt, post};
use crate::token::shared_with;
use crate::trail::support::runs;

const KEY: &str = "a fingerprint key of thirty-two bytes and more";

fn jwtrail(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jwtrail"));
    command.args(args).current_dir(folder).env_clear().env("JWTRAIL_FP_KEY", KEY);
    command.env("XDG_STATE_HOME", folder.join("state"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// `serve` that records, on a free port.
struct Serving {
    child: Child,
    errors: BufReader<ChildStderr>,
    http: String,
}

impl Serving {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let http = address(&mut errors);
        Self { child, errors, http }
    }

    fn record(folder: &Path, file: &str, more: &[&str]) -> Self {
        let args = ["serve", "--for", "120s", "--no-grpc", "--http", "127.0.0.1:0", "--record", file];
        Self::start(jwtrail(folder, &[&args, more].concat()))
    }

    fn post(&self, body: &[u8]) {
        let answer = post(&self.http, body);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// Ends it as Ctrl-C would; what it said.
    fn end(mut self) -> String {
        let mut said = String::new();
        // A full standard output would keep it from ending.
        let mut stdout = self.child.stdout.take().unwrap();
        let drain = std::thread::spawn(move || drop(std::io::copy(&mut stdout, &mut std::io::sink())));
        interrupt(&self.child);
        self.errors.read_to_string(&mut said).unwrap();
        assert!(self.child.wait().unwrap().success(), "{said}");
        drain.join().unwrap();
        said
    }
}

fn hops(output: &Output) -> Vec<Value> {
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no report: {}", String::from_utf8_lossy(&output.stderr)));
    report["hops"].as_array().unwrap().clone()
}

fn check(folder: &Path, file: &Path, more: &[&str]) -> Output {
    jwtrail(folder, &[&["check", file.to_str().unwrap(), "--format", "json"], more].concat()).output().unwrap()
}

fn lines(run: &Path) -> Vec<Vec<u8>> {
    let text = std::fs::read(run).unwrap();
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}

#[test]
fn a_recording_is_judged_as_what_was_received() {
    let jwks = runs("jwks.json");
    let keys = ["--jwks", jwks.to_str().unwrap()];
    for (run, file) in [
        ("drop-in-fanout.jsonl", "t.jsonl"),
        ("wrong-key.jsonl", "t.jsonl.zst"),
        ("moved-header.jsonl", "t.jsonl.gz"),
        ("shapes/node-grpc.jsonl", "t.jsonl"),
    ] {
        let (folder, run) = (tempfile::tempdir().unwrap(), runs(run));
        let serving = Serving::record(folder.path(), file, &keys);
        for line in &lines(&run) {
            serving.post(line);
        }
        let said = serving.end();
        assert!(said.contains(&format!("recording to {file}\n")), "{said}");
        assert!(said.contains(&format!("spans to {file}\n")) && !said.contains("warning"), "{said}");
        let (before, after) =
            (hops(&check(folder.path(), &run, &keys)), hops(&check(folder.path(), &folder.path().join(file), &[])));
        assert!(before.len() > 3);
        assert_eq!(before, after, "{}", run.display());
        if file == "t.jsonl" {
            let recorded = std::fs::read(folder.path().join(file)).unwrap();
            let (given, pieces) = (std::fs::read(&run).unwrap(), recorded.windows(9).collect::<HashSet<_>>());
            let mut left = tokens(&given).into_iter().flat_map(|token| token.split(|byte| *byte == b'.'));
            assert!(
                !left.any(|part| part.windows(9).any(|piece| pieces.contains(piece))),
                "a piece of a token is left"
            );
            assert!(!tokens(&given).is_empty());
        }
    }
}

#[test]
fn a_program_that_is_killed_leaves_what_it_had_recorded() {
    let run = runs("drop-in-fanout.jsonl");
    for file in ["t.jsonl", "t.jsonl.zst", "t.jsonl.gz"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        let mut serving = Serving::record(folder.path(), file, &[]);
        for line in &lines(&run) {
            serving.post(line);
        }
        let all = hops(&check(folder.path(), &run, &[])).len();
        // Within a second or so it is on disk; only a recording that never gets there fails here.
        let deadline = Instant::now() + Duration::from_secs(60);
        let read = |path: &Path| {
            let output = check(folder.path(), path, &[]);
            if output.status.code() == Some(2) { 0 } else { hops(&output).len() }
        };
        while read(&path) < all {
            assert!(Instant::now() < deadline, "{file} was never flushed");
        }
        serving.child.kill().unwrap();
        serving.child.wait().unwrap();
        assert_eq!(read(&path), all, "{file}");
    }
}

#[test]
fn a_full_disk_is_told_and_receiving_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    // Files of this program may have 64 blocks of 512 bytes, and going beyond is an error.
    let serve =
        "trap '' XFSZ; ulimit -f 64; exec \"$0\" serve --for 120s --no-grpc --http 127.0.0.1:0 --record t.jsonl";
    command.args(["-c", serve, env!("CARGO_BIN_EXE_jwtrail")]).current_dir(folder.path()).env_clear();
    command.env("XDG_STATE_HOME", folder.path().join("state"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let serving = Serving::start(command);
    for line in lines(&runs("drop-in-fanout.jsonl")).iter().cycle().take(60) {
        serving.post(line);
    }
    let said = serving.end();
    let told = said.lines().find(|line| line.starts_with("warning: ")).unwrap_or_else(|| panic!("{said}"));
    assert!(told.contains("were not recorded: cannot write t.jsonl: File too large"), "{said}");
    let log = std::fs::read_to_string(folder.path().join("state/jwtrail/jwtrail.log")).unwrap();
    assert_eq!(log.matches("recording: cannot write").count(), 1, "{log}");
}

#[test]
fn what_cannot_be_recorded_is_said_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    for (args, said) in [
        (&["--record", "no/such/folder/t.jsonl"][..], "cannot record to no/such/folder/t.jsonl"),
        (&["--record", "-"], "expected a file to record to"),
        (&["--record", "t.jsonl", "--record-size", "5"], "expected --record-size of 1MiB or more"),
    ] {
        let args = [&["serve", "--no-grpc", "--http", "127.0.0.1:0"], args].concat();
        let output = jwtrail(folder.path(), &args).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(said), "{errors}");
    }
}

/// Takes everything, and counts it.
#[derive(Default)]
struct Taker(Mutex<u64>);

impl Sink for Taker {
    fn accept(&self, batch: Batch) -> Result<(), Refused> {
        assert!(batch.redacted.is_none(), "the lines belong to the recorder");
        *self.0.lock().unwrap() += 1;
        Ok(())
    }
}

fn decoded(line: &[u8]) -> Batch {
    let shared = shared_with(jwtrail::token::KeySets::default());
    let decoder = VisitorDecoder::new(move || Redactor::new(Arc::clone(&shared), None));
    decoder.decode(Signal::Traces, Encoding::Json, line).unwrap()
}

fn options(folder: &Path, name: &str, file_bytes: u64, files: usize) -> RecordOptions {
    RecordOptions { path: folder.join(name), file_bytes, files }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn files_are_numbered_bounded_private_and_each_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.jsonl"), "somebody's own").unwrap();
    let recorder = Recorder::open(&options(folder.path(), "t.jsonl", 1, 3)).unwrap();
    assert_eq!(recorder.first(), folder.path().join("t.2.jsonl"));
    recorder.with_profile(Box::new(|_| Some(jwtrail::otlp::redact::profile_line("{}"))));
    let sink = recorder.sink(Arc::new(Taker::default()));
    let line = lines(&runs("intact.jsonl")).remove(0);
    let batch = decoded(&line);
    // Each is larger than a file may be.
    for _ in 0..5 {
        sink.accept(batch.clone()).unwrap();
    }
    let progress = recorder.finish();
    assert_eq!(progress.files(), 5);
    assert_eq!(progress.spans(), 5 * batch.redacted.as_ref().unwrap().spans);
    assert_eq!(progress.losses(), ["3 older files of the recording were removed for newer ones"]);
    assert_eq!(names(folder.path()), ["t.5.jsonl", "t.6.jsonl", "t.jsonl"]);
    assert_eq!(std::fs::read(folder.path().join("t.jsonl")).unwrap(), b"somebody's own");
    for name in ["t.5.jsonl", "t.6.jsonl"] {
        let path: PathBuf = folder.path().join(name);
        let text = std::fs::read(&path).unwrap();
        let wanted = [&*batch.redacted.as_ref().unwrap().lines, &jwtrail::otlp::redact::profile_line("{}")].concat();
        assert_eq!(text, wanted);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}

#[test]
fn a_slow_disk_holds_nobody_up_and_what_finds_no_room_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::open(&options(folder.path(), "t.jsonl", 1, 100)).unwrap();
    // The end of the first file takes as long as this test wants.
    let (go, wait) = mpsc::channel::<()>();
    recorder.with_profile(Box::new(move |_| wait.recv().ok().and(None)));
    let taker = Arc::new(Taker::default());
    let sink = recorder.sink(Arc::clone(&taker) as Arc<dyn Sink>);
    for _ in 0..10 {
        let redacted = Redacted { lines: vec![b'\n'; 16 << 20], spans: 7, ..Redacted::default() };
        sink.accept(Batch { redacted: Some(Box::new(redacted)), ..Batch::default() }).unwrap();
    }
    assert_eq!(*taker.0.lock().unwrap(), 10, "receiving goes on");
    let progress = recorder.progress();
    let losses = progress.losses();
    drop(go);
    let told = losses.first().unwrap_or_else(|| panic!("nothing was lost"));
    assert!(told.ends_with("spans were not recorded: the disk is too slow"), "{told}");
    let lost: u64 = told.split(' ').next().unwrap().parse().unwrap();
    recorder.finish();
    // Four find room in the queue, and one or two are with the writer.
    assert!((4..=6).contains(&lost), "{told}");
    assert_eq!(progress.spans(), (10 - lost) * 7);
}

/// What the engine refuses comes again, so it is not recorded twice.
#[test]
fn what_is_refused_is_not_recorded() {
    struct Full;
    impl Sink for Full {
        fn accept(&self, _: Batch) -> Result<(), Refused> {
            Err(Refused::Full { retry_after_ms: 1 })
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::open(&options(folder.path(), "t.jsonl", 1 << 20, 1)).unwrap();
    let batch = decoded(&lines(&runs("intact.jsonl"))[0]);
    assert!(recorder.sink(Arc::new(Full)).accept(batch).is_err());
    assert_eq!((recorder.finish().spans(), names(folder.path())), (0, Vec::new()), "an empty file is not left");
}
