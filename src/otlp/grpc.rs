//! OTLP over gRPC: three unary methods that take raw bytes.
//!
//! The framing is read here and not by tonic's codec, so that a request is copied once into a buffer that is bounded,
//! counted and wiped, and so that too large a message gets the status that exporters expect.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use axum::routing::post;
use axum::{Router, extract::Request};
use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, header};
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use tonic::{Code, Status as GrpcStatus};
use tracing::Instrument as _;

use super::buffer::Buffer;
use super::compression::Coding;
use super::decode::{Encoding, Signal};
use super::intake::{Accepted, Ahead, Failure, Intake, Protocol};
use super::status::{Status, response};

/// A byte that tells whether the message is packed, and a big-endian length.
const PREFIX_BYTES: usize = 5;

pub(super) fn routes(intake: &Arc<Intake>) -> Router {
    let route = |router: Router, (path, signal): (&str, Signal)| {
        let intake = Arc::clone(intake);
        router.route(path, post(move |request: Request| export(Arc::clone(&intake), signal, request)))
    };
    [
        ("/opentelemetry.proto.collector.trace.v1.TraceService/Export", Signal::Traces),
        ("/opentelemetry.proto.collector.logs.v1.LogsService/Export", Signal::Logs),
        ("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", Signal::Metrics),
    ]
    .into_iter()
    .fold(Router::new(), route)
}

/// What any other method is told.
pub(super) fn unimplemented() -> Response {
    // The path is the sender's own words, and not repeated.
    let text = "expected Export of OTLP's TraceService, LogsService or MetricsService, found another method";
    failed(GrpcStatus::unimplemented(text))
}

async fn export(intake: Arc<Intake>, signal: Signal, request: Request) -> Response {
    let span = tracing::info_span!("receive", otel.kind = "server", protocol = "grpc", signal = signal.name());
    let outcome = exported(&intake, signal, request).instrument(span).await;
    intake.count(Protocol::Grpc, &outcome);
    match outcome {
        Ok(accepted) => answered(signal, &accepted),
        Err(failure) => failed(status(&failure)),
    }
}

async fn exported(intake: &Arc<Intake>, signal: Signal, request: Request) -> Result<Accepted, Failure> {
    let coding = request
        .headers()
        .get("grpc-encoding")
        .map_or(Some(Coding::Identity), |name| name.to_str().ok().and_then(Coding::named));
    let frame = intake.read(request.into_body(), PREFIX_BYTES, Ahead::Prefix).await?;
    let packed = message(&frame, intake.limits.request)?;
    let coding = match (packed, coding) {
        (false, _) => Coding::Identity,
        (true, Some(coding)) => coding,
        (true, None) => {
            let what = "expected a grpc-encoding of identity, gzip, deflate or zstd, found another";
            return Err(Failure::Unsupported(what.to_owned()));
        }
    };
    intake.take(Protocol::Grpc, (signal, Encoding::Protobuf), (coding, frame, PREFIX_BYTES)).await
}

/// Whether the one message of a unary call is packed, once its frame is found sound.
fn message(frame: &Buffer, limit: usize) -> Result<bool, Failure> {
    let damaged = |what: &str| Err(Failure::Damaged(format!("expected one gRPC message, found {what}")));
    let Some((prefix, message)) = frame.split_first_chunk::<PREFIX_BYTES>() else { return damaged("none") };
    let [packed, length @ ..] = *prefix;
    match usize::try_from(u32::from_be_bytes(length)) {
        Ok(length) if length > limit => Err(Failure::TooLarge(limit)),
        Ok(length) if length == message.len() => Ok(packed != 0),
        _ => damaged("one whose length differs from its prefix"),
    }
}

fn answered(signal: Signal, accepted: &Accepted) -> Response {
    let message = response(signal, accepted, Encoding::Protobuf);
    let mut frame = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    frame.put_u8(0);
    frame.put_u32(message.len() as u32);
    frame.put_slice(&message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::new(frame.freeze()).with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response.headers_mut().insert("grpc-accept-encoding", HeaderValue::from_static("identity,gzip,deflate,zstd"));
    response
}

pub(super) fn failed(status: GrpcStatus) -> Response {
    status.into_http()
}

fn status(failure: &Failure) -> GrpcStatus {
    use crate::model::Refused;
    let message = failure.to_string();
    match failure {
        Failure::Malformed(_) | Failure::Damaged(_) => GrpcStatus::invalid_argument(message),
        // Without RetryInfo: the same request will be as large the next time.
        Failure::TooLarge(_) => GrpcStatus::resource_exhausted(message),
        Failure::Unsupported(_) => GrpcStatus::unimplemented(message),
        Failure::Slow(_) => GrpcStatus::deadline_exceeded(message),
        Failure::Refused(refused) => {
            let code = match refused {
                Refused::Full { .. } => Code::ResourceExhausted,
                Refused::Closed => Code::Unavailable,
            };
            let details = Status::new(code as i32, message.clone()).with_retry(*refused);
            GrpcStatus::with_details(code, message, Bytes::from(details.encode_to_vec()))
        }
    }
}
