//! One connection: requests as OTLP has them travel, and what its answers mean for whoever sent them.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use flate2::write::GzEncoder;
use http::uri::PathAndQuery;
use http::{StatusCode, header};
use jwtrail::otlp::status::{RetryInfo, Status as RpcStatus};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use tonic::client::Grpc;
use tonic::codec::CompressionEncoding;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use crate::codec::RawCodec;
use crate::{Compression, Protocol};

const EXPORT: PathAndQuery = PathAndQuery::from_static("/opentelemetry.proto.collector.trace.v1.TraceService/Export");

/// How long to wait where an answer does not say it.
const USUAL_WAIT: Duration = Duration::from_millis(200);

/// What an answer means.
pub(crate) enum Answer {
    /// Taken; so many spans were rejected all the same.
    Taken { rejected: u64 },
    /// Not now: send it again after this.
    ComeAgain(Duration),
    /// The connection broke: send it again after this.
    Broken(Duration),
    /// Not this request.
    Never,
}

pub(crate) enum Connection {
    Grpc(Box<Grpc<Channel>>),
    Http { client: reqwest::Client, url: String, kind: &'static str, compression: Compression },
}

impl Connection {
    pub(crate) async fn open(target: SocketAddr, protocol: Protocol, compression: Compression) -> anyhow::Result<Self> {
        let kind = match protocol {
            Protocol::Grpc => return grpc(target, compression).await,
            Protocol::HttpProtobuf => "application/x-protobuf",
            Protocol::HttpJson => "application/json",
        };
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(1).build()?;
        tokio::net::TcpStream::connect(target).await.with_context(|| format!("nothing answers at {target}"))?;
        Ok(Self::Http { client, url: format!("http://{target}/v1/traces"), kind, compression })
    }

    pub(crate) async fn send(&mut self, body: Bytes) -> anyhow::Result<Answer> {
        match self {
            Self::Grpc(client) => {
                if client.ready().await.is_err() {
                    return Ok(Answer::Broken(USUAL_WAIT));
                }
                match client.unary(Request::new(body), EXPORT, RawCodec).await {
                    Ok(answer) => taken(answer.get_ref()),
                    Err(status) => of_status(&status),
                }
            }
            Self::Http { client, url, kind, compression } => {
                let (body, coding) = packed(body, *compression)?;
                let mut request = client.post(url.as_str()).header(header::CONTENT_TYPE, *kind).body(body);
                if let Some(coding) = coding {
                    request = request.header(header::CONTENT_ENCODING, coding);
                }
                match request.send().await {
                    Ok(answer) => of_response(answer).await,
                    Err(_) => Ok(Answer::Broken(USUAL_WAIT)),
                }
            }
        }
    }
}

async fn grpc(target: SocketAddr, compression: Compression) -> anyhow::Result<Connection> {
    let endpoint = Endpoint::from_shared(format!("http://{target}"))?;
    let channel = endpoint.connect().await.with_context(|| format!("nothing answers at {target}"))?;
    let client = Grpc::new(channel);
    let coding = match compression {
        Compression::None => return Ok(Connection::Grpc(Box::new(client))),
        Compression::Gzip => CompressionEncoding::Gzip,
        Compression::Zstd => CompressionEncoding::Zstd,
    };
    // Go's servers answer packed as they were asked.
    Ok(Connection::Grpc(Box::new(client.send_compressed(coding).accept_compressed(coding))))
}

fn packed(body: Bytes, compression: Compression) -> anyhow::Result<(Bytes, Option<&'static str>)> {
    Ok(match compression {
        Compression::None => (body, None),
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(&body)?;
            (encoder.finish()?.into(), Some("gzip"))
        }
        Compression::Zstd => (zstd::encode_all(&*body, 0)?.into(), Some("zstd")),
    })
}

fn taken(body: &[u8]) -> anyhow::Result<Answer> {
    let answer = ExportTraceServiceResponse::decode(body).context("cannot read the answer to a request")?;
    let rejected = answer.partial_success.map_or(0, |partial| partial.rejected_spans.max(0).cast_unsigned());
    Ok(Answer::Taken { rejected })
}

/// As the OTLP specification has exporters read a status: `RESOURCE_EXHAUSTED` is worth another try only with a
/// `RetryInfo`.
fn of_status(status: &Status) -> anyhow::Result<Answer> {
    let wait = retry_delay(status.details());
    Ok(match status.code() {
        Code::ResourceExhausted => wait.map_or(Answer::Never, Answer::ComeAgain),
        Code::Unavailable if std::error::Error::source(status).is_some() => Answer::Broken(USUAL_WAIT),
        Code::Unavailable | Code::Aborted | Code::DeadlineExceeded | Code::Cancelled | Code::OutOfRange => {
            Answer::ComeAgain(wait.unwrap_or(USUAL_WAIT))
        }
        _ => bail!("the server refused a request for good: {status}"),
    })
}

fn retry_delay(details: &[u8]) -> Option<Duration> {
    let status = RpcStatus::decode(details).ok()?;
    let info = status.details.iter().find(|any| any.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let delay = RetryInfo::decode(&*info.value).ok()?.retry_delay?;
    Some(Duration::new(delay.seconds.try_into().ok()?, delay.nanos.try_into().ok()?))
}

async fn of_response(response: reqwest::Response) -> anyhow::Result<Answer> {
    let status = response.status();
    let after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let Ok(body) = response.bytes().await else { return Ok(Answer::Broken(USUAL_WAIT)) };
    match status {
        StatusCode::OK if json => {
            let answer: serde_json::Value = serde_json::from_slice(&body).context("cannot read the answer")?;
            let rejected = &answer["partialSuccess"]["rejectedSpans"];
            let text = rejected.as_str().and_then(|text| text.parse().ok());
            Ok(Answer::Taken { rejected: text.or(rejected.as_u64()).unwrap_or_default() })
        }
        StatusCode::OK => taken(&body),
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Ok(Answer::ComeAgain(after.map_or(USUAL_WAIT, Duration::from_secs))),
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT => Ok(Answer::Never),
        _ => bail!("the server refused a request for good: {status}"),
    }
}
