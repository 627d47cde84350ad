//! What is looked at before a request's body is read: its head's size, its page's origin, its secret.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use tonic::Code;

use super::origins::{Mark, allowed, preflight};
use super::secrets::Shown;
use super::{Access, Origin, Secrets};
use crate::otlp::counters::{Counters, ProtocolCounters, add};
use crate::otlp::http::{answer, encoding};
use crate::otlp::status::Status;
use crate::otlp::{Encoding, grpc};

/// What HTTP/2 adds to each field of a head when it counts its size (RFC 9113 section 10.5.1).
const FIELD_BYTES: usize = 32;

/// Lets requests in, or does not.
pub(in crate::otlp) struct Gate {
    secrets: Option<Secrets>,
    origins: Vec<Origin>,
    head: usize,
    counters: Arc<Counters>,
}

/// What becomes of a request.
pub(in crate::otlp) enum Admission {
    /// It is answered further in, and the answer marked for its page.
    Come(Mark),
    /// This is its answer.
    Go(Box<Response>),
}

impl Gate {
    pub(in crate::otlp) fn new(access: &Access, head: usize, counters: Arc<Counters>) -> Self {
        Self { secrets: access.secrets.clone(), origins: access.origins.clone(), head, counters }
    }

    /// Looks at a request's head.
    pub(in crate::otlp) fn admit(&self, request: &Request<Body>) -> Admission {
        let (headers, speaks) = (request.headers(), Speaks::of(request.headers()));
        let counters = speaks.counters(&self.counters);
        if self.is_large(request) {
            add(&counters.large_heads, 1);
            let said = format!(
                "the request's headers are larger than {} bytes, the most that jwtrail takes: send fewer, or raise --max-headers",
                self.head
            );
            return refused(speaks, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, Code::ResourceExhausted, said);
        }
        let origin = headers.get(header::ORIGIN);
        if origin.is_some_and(|origin| !allowed(&self.origins, origin)) {
            add(&counters.forbidden_origins, 1);
            let said =
                "pages of this origin may not send spans here: name it with --cors-origin where jwtrail is started";
            return refused(speaks, StatusCode::FORBIDDEN, Code::PermissionDenied, said.to_owned());
        }
        let mark = Mark(origin.cloned());
        // A preflight comes without the secret that its request will have.
        if origin.is_some() && is_preflight(request) {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            preflight(headers, response.headers_mut());
            mark.mark(response.headers_mut());
            return Admission::Go(Box::new(response));
        }
        let found = match self.secrets.as_ref().map_or(Shown::Known, |secrets| secrets.admit(headers)) {
            Shown::Known => return Admission::Come(mark),
            Shown::Nothing => "none",
            Shown::Another => "another one",
        };
        add(&counters.unauthenticated, 1);
        let said = format!(
            "expected a secret that this jwtrail was given, found {found}: set \
             OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20SECRET or x-api-key=SECRET where the exporter runs"
        );
        let mut admission = refused(speaks, StatusCode::UNAUTHORIZED, Code::Unauthenticated, said);
        if let Admission::Go(response) = &mut admission {
            let challenge = HeaderValue::from_static("Bearer realm=\"jwtrail\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            mark.mark(response.headers_mut());
        }
        admission
    }

    fn is_large(&self, request: &Request<Body>) -> bool {
        let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD_BYTES);
        let path = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
        fields.sum::<usize>() + path > self.head
    }
}

fn is_preflight(request: &Request<Body>) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// How to answer.
#[derive(Clone, Copy)]
enum Speaks {
    Grpc,
    Http(Encoding),
}

impl Speaks {
    fn of(headers: &HeaderMap) -> Self {
        let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        if kind.starts_with(b"application/grpc") {
            Self::Grpc
        } else {
            Self::Http(encoding(headers).unwrap_or(Encoding::Json))
        }
    }

    fn counters(self, counters: &Counters) -> &ProtocolCounters {
        match self {
            Self::Grpc => &counters.grpc,
            Self::Http(_) => &counters.http,
        }
    }
}

fn refused(speaks: Speaks, status: StatusCode, code: Code, said: String) -> Admission {
    Admission::Go(Box::new(match speaks {
        Speaks::Grpc => grpc::failed(tonic::Status::new(code, said)),
        Speaks::Http(encoding) => answer(status, encoding, Status::new(code as i32, said).encoded(encoding)),
    }))
}
