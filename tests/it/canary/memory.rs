//! The memory of the whole process, once the connections on which tokens came have gone to rest. Every door is tried, with
//! the screens and files too, by `tests/siege/canary.py`.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek as _, SeekFrom, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use prost::Message as _;

use super::{JSON, PROTOBUF, Serving, everywhere, logs, token};
use crate::otlp::{gzip, zstd};

const PAGE: u64 = 4096;

/// (start, end) of what can be read and written, and what it is.
fn maps(pid: u32) -> Vec<(u64, u64, String)> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let writable = maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|access| access.starts_with("rw")));
    writable
        .map(|line| {
            let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
            let name = line.split_whitespace().nth(5).unwrap_or("no name").to_owned();
            (u64::from_str_radix(start, 16).unwrap(), u64::from_str_radix(end, 16).unwrap(), name)
        })
        .collect()
}

/// Every stretch of pages that are there: most of what an allocator reserves is not.
fn resident(pid: u32, mut look: impl FnMut(&[u8], &str)) {
    let mut pages = File::open(format!("/proc/{pid}/pagemap")).unwrap();
    let mut memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    for (start, end, name) in maps(pid) {
        let mut entries = vec![0; ((end - start) / PAGE * 8) as usize];
        pages.seek(SeekFrom::Start(start / PAGE * 8)).unwrap();
        pages.read_exact(&mut entries).unwrap();
        // The two highest bits: in memory, in swap.
        let there: Vec<bool> = entries.chunks_exact(8).map(|entry| entry[7] >> 6 != 0).collect();
        let mut at = 0;
        for stretch in there.chunk_by(|a, b| a == b) {
            if stretch[0] {
                let mut bytes = vec![0; stretch.len() * PAGE as usize];
                memory.seek(SeekFrom::Start(start + at * PAGE)).unwrap();
                // A map that is gone by now cannot be read, and holds nothing.
                if memory.read_exact(&mut bytes).is_ok() {
                    look(&bytes, &format!("{name}, {} KiB", (end - start) >> 10));
                }
            }
            at += stretch.len() as u64;
        }
    }
}

/// The pieces of nine characters of these tokens in the memory of a process, and how many bytes were looked through.
fn found(pid: u32, tokens: &[String]) -> (Vec<String>, usize) {
    let parts = tokens.iter().flat_map(|token| token.split('.'));
    let pieces: HashSet<&[u8]> = parts.flat_map(|part| part.as_bytes().windows(9)).collect();
    let (mut found, mut seen) = (Vec::new(), 0);
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    resident(pid, |bytes, place| {
        seen += bytes.len();
        for run in bytes.split(|byte| !inside(byte)).filter(|run| run.len() >= 9) {
            let left = run.windows(9).filter(|piece| pieces.contains(piece));
            found.extend(left.map(|piece| format!("{} in {place}", String::from_utf8_lossy(piece))));
        }
    });
    (found, seen)
}

/// Sends a request on a connection that could be used again; waits until the server has closed it.
fn post(serving: &Serving, path: &str, headers: &str, body: &[u8]) {
    let mut stream = TcpStream::connect(&serving.http).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let bearer = format!("authorization: Bearer {}", token(1));
    let length = body.len();
    write!(stream, "POST {path} HTTP/1.1\r\nhost: test\r\n{headers}\r\n{bearer}\r\ncontent-length: {length}\r\n\r\n")
        .unwrap();
    stream.write_all(body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap_or_else(|error| panic!("still open: {error}; {answer}"));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn nothing_of_a_token_stays_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), "text");
    let spans = everywhere();
    let (binary, text) = (spans.encode_to_vec(), serde_json::to_vec(&spans).unwrap());
    let coded = |headers: &str, coding: &str| format!("{headers}\r\ncontent-encoding: {coding}");
    post(&serving, "/v1/traces", PROTOBUF, &binary);
    post(&serving, "/v1/traces", JSON, &text);
    post(&serving, "/v1/traces", &coded(PROTOBUF, "gzip"), &gzip(&binary));
    post(&serving, "/v1/traces", &coded(JSON, "gzip"), &gzip(&text));
    post(&serving, "/v1/traces", &coded(PROTOBUF, "zstd"), &zstd(&binary));
    post(&serving, "/v1/traces", &coded(JSON, "zstd"), &zstd(&text));
    post(&serving, "/v1/logs", JSON, logs().as_bytes());
    let (left, seen) = found(serving.child.id(), &[token(1), token(2)]);
    assert!(seen > 1 << 20, "{seen} bytes are not the memory of a program");
    assert!(left.is_empty(), "{} pieces are left: {:?}", left.len(), &left[..left.len().min(10)]);
    // That the look would find a token: in a request of which the end is still to come.
    let mut open = TcpStream::connect(&serving.http).unwrap();
    let half = &binary[..binary.len() / 2];
    write!(open, "POST /v1/traces HTTP/1.1\r\nhost: test\r\n{PROTOBUF}\r\ncontent-length: {}\r\n\r\n", binary.len())
        .unwrap();
    open.write_all(half).unwrap();
    let late = Instant::now() + Duration::from_secs(20);
    while found(serving.child.id(), &[token(1)]).0.is_empty() {
        assert!(Instant::now() < late, "a token that has to be there is not found");
    }
    drop(open);
    serving.end();
}
