//! The real `serve`, from outside: where it listens, what it is sent, how it is ended.

use std::io::{BufRead, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command};

/// Where the next port listens, out of what the program says; warnings may come before.
pub fn address(errors: &mut impl BufRead) -> String {
    let mut line = String::new();
    while !line.contains("listening on ") {
        line.clear();
        assert!(errors.read_line(&mut line).unwrap() > 0, "it ended before it listened");
    }
    line.split(' ').nth(2).unwrap_or_else(|| panic!("no address in {line:?}")).to_owned()
}

/// Sends a request of OTLP JSON over HTTP, and gives back the answer.
pub fn post(http: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(http).unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\nconnection: close";
    write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n", body.len()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Ends it as Ctrl-C would.
pub fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}
