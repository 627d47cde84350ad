//! The command that `check --live` runs: its variables, its signals, its end.

use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::process::{Child, Command};

use super::signals::{Asked, Signals};
use crate::model::policy::CapturePolicy;

/// How long a command that was told to end may take for it.
const GRACE: Duration = Duration::from_secs(10);

/// What proves that headers are captured, and the header itself.
const CAPTURED: [&str; 3] = ["authorization", "traceparent", "user-agent"];

/// How each stack is told which headers to capture: Python, Java, .NET; server side, then client side.
const CAPTURE: [&str; 6] = [
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST",
    "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS",
    "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS",
    "OTEL_DOTNET_AUTO_TRACES_ASPNETCORE_INSTRUMENTATION_CAPTURE_REQUEST_HEADERS",
    "OTEL_DOTNET_AUTO_TRACES_HTTP_INSTRUMENTATION_CAPTURE_REQUEST_HEADERS",
];

/// The user's own choices that stand: an SDK's encoding, whether it exports at all, how often.
const KEPT: [(&str, &str); 3] = [
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
    ("OTEL_TRACES_EXPORTER", "otlp"),
    ("OTEL_BSP_SCHEDULE_DELAY", "500"),
];

/// These go before the common endpoint, and would lead elsewhere.
const REMOVED: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"];

/// What to change in a command's environment, `None` to take a variable out. `user` reads what is set already.
///
/// Both ports speak both protocols, so one endpoint serves every SDK, whichever protocol it was built for.
pub fn variables(
    endpoint: SocketAddr,
    capture: &CapturePolicy,
    user: impl Fn(&str) -> Option<String>,
) -> Vec<(&'static str, Option<String>)> {
    let endpoint = format!("http://{}", reachable(endpoint));
    let mut changes = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", Some(endpoint))];
    changes.extend(REMOVED.map(|name| (name, None)));
    let unset = |name: &str| user(name).is_none_or(|value| value.trim().is_empty());
    changes
        .extend(KEPT.into_iter().filter(|(name, _)| unset(name)).map(|(name, value)| (name, Some(value.to_owned()))));
    changes.extend(CAPTURE.map(|name| (name, Some(headers(user(name), capture)))));
    changes
}

/// The address that a process on this machine connects to.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The user's list, and behind it what is missing there: the usual ones and those of the policy.
fn headers(user: Option<String>, capture: &CapturePolicy) -> String {
    let user = user.unwrap_or_default();
    let cookie = (!capture.cookies.is_empty()).then_some("cookie");
    let policy = capture.carriers.iter().chain(&capture.witnesses).map(String::as_str);
    let mut all: Vec<&str> = user.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    for name in CAPTURED.into_iter().chain(policy).chain(cookie) {
        if !all.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            all.push(name);
        }
    }
    all.join(",")
}

/// A command that runs.
pub struct Wrapped {
    child: Child,
    name: String,
}

/// How it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ended {
    /// What the system says.
    pub status: ExitStatus,
    /// It was still running when its time was over.
    pub overran: bool,
}

impl Wrapped {
    /// Starts it. It shares standard input, standard error and the process group, so that Ctrl-C reaches it as it
    /// would without jwtrail; its standard output goes to standard error where a report needs the other one.
    pub fn start(
        command: &[OsString],
        changes: &[(&'static str, Option<String>)],
        stdout_taken: bool,
    ) -> anyhow::Result<Self> {
        let Some((program, args)) = command.split_first() else { bail!("expected a command after `--`, found none") };
        let mut command = Command::new(program);
        command.args(args).kill_on_drop(true);
        for (name, value) in changes {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if stdout_taken {
            command.stdout(Stdio::from(std::io::stderr()));
        }
        let name = OsStr::to_string_lossy(program).into_owned();
        let child = command.spawn().with_context(|| format!("cannot run {name:?}"))?;
        Ok(Self { child, name })
    }

    /// Waits for its end, and hands on what it is asked. A Ctrl-C has reached it already. It is told to end when
    /// `limit` is over, and killed when it does not.
    pub async fn wait(&mut self, signals: &mut Signals, limit: impl Future<Output = ()>) -> anyhow::Result<Ended> {
        let lost = || format!("cannot wait for {:?}", self.name);
        let mut limit = std::pin::pin!(limit);
        loop {
            tokio::select! {
                asked = signals.asked() => match asked {
                    Asked::Interrupt => {}
                    Asked::Terminate | Asked::HangUp => tell(&mut self.child, asked),
                },
                status = self.child.wait() => {
                    return Ok(Ended { status: status.with_context(lost)?, overran: false });
                }
                () = &mut limit => break,
            }
        }
        tell(&mut self.child, Asked::Terminate);
        if let Ok(status) = tokio::time::timeout(GRACE, self.child.wait()).await {
            return Ok(Ended { status: status.with_context(lost)?, overran: true });
        }
        self.child.kill().await.with_context(|| format!("cannot end {:?}", self.name))?;
        Ok(Ended { status: self.child.wait().await.with_context(lost)?, overran: true })
    }
}

/// Sends it the signal. One that has ended meanwhile needs none.
#[cfg(unix)]
fn tell(child: &mut Child, asked: Asked) {
    use rustix::process::{Pid, Signal, kill_process};
    let signal = if asked == Asked::HangUp { Signal::HUP } else { Signal::TERM };
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(Err(error)) = id.map(|id| kill_process(id, signal)) {
        tracing::warn!(%error, "the command could not be told to end");
    }
}

/// Ends it: there is nothing milder here.
#[cfg(not(unix))]
fn tell(child: &mut Child, _: Asked) {
    if let Err(error) = child.start_kill() {
        tracing::warn!(%error, "the command could not be ended");
    }
}

/// What a shell would answer for it: its own status, or 128 and the number of the signal that ended it.
pub fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(u8::MAX);
    }
    // Elsewhere a status may have 32 bits; whatever was no success stays none.
    status.code().map_or(u8::MAX, |code| u8::try_from(code).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn changed(user: &[(&str, &str)], capture: &CapturePolicy) -> BTreeMap<&'static str, Option<String>> {
        let user: BTreeMap<&str, &str> = user.iter().copied().collect();
        let endpoint = SocketAddr::from(([0, 0, 0, 0], 40_000));
        variables(endpoint, capture, |name| user.get(name).map(|value| (*value).to_owned())).into_iter().collect()
    }

    #[test]
    fn an_endpoint_of_the_users_never_wins() {
        let user = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://vendor.example"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://vendor.example/v1/traces"),
        ];
        let changes = changed(&user, &CapturePolicy::default());
        assert_eq!(changes["OTEL_EXPORTER_OTLP_ENDPOINT"].as_deref(), Some("http://127.0.0.1:40000"));
        assert_eq!(changes["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"], None);
        assert_eq!(changes["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"], None);
    }

    #[test]
    fn other_choices_of_the_users_stand() {
        let user = [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
        let changes = changed(&user, &CapturePolicy::default());
        assert!(!changes.contains_key("OTEL_EXPORTER_OTLP_PROTOCOL"));
        assert!(!changes.contains_key("OTEL_BSP_SCHEDULE_DELAY"));
        let changes = changed(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "")], &CapturePolicy::default());
        assert_eq!(changes["OTEL_EXPORTER_OTLP_PROTOCOL"].as_deref(), Some("http/protobuf"), "empty is not set");
        assert_eq!(changes["OTEL_BSP_SCHEDULE_DELAY"].as_deref(), Some("500"));
    }

    #[test]
    fn captured_headers_are_the_users_and_the_policys_and_the_usual_ones() {
        let capture = CapturePolicy {
            carriers: vec!["X-Session-JWT".to_owned()],
            cookies: vec!["sid".to_owned()],
            ..CapturePolicy::default()
        };
        let changes = changed(&[(CAPTURE[0], "x-request-id, Authorization")], &capture);
        let expected = "x-request-id,Authorization,traceparent,user-agent,X-Session-JWT,cookie";
        assert_eq!(changes[CAPTURE[0]].as_deref(), Some(expected));
        let expected = "authorization,traceparent,user-agent,X-Session-JWT,cookie";
        assert_eq!(changes[CAPTURE[5]].as_deref(), Some(expected));
    }
}
