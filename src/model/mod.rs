//! Plain data that every other module speaks: ids, tokens, spans, observations, hops, verdicts, findings.
//!
//! Nothing here knows the clock, a socket or a file; nothing here can hold a raw token.

pub mod batch;
pub mod carried;
pub mod finding;
pub mod forward;
pub mod hop;
pub mod id;
pub mod keys;
pub mod meter;
pub mod near;
pub mod policy;
pub mod resource;
pub mod site;
pub mod span;
pub mod text;
pub mod token;
pub mod verdict;

pub use batch::{Batch, LogRecord, Passed, Redacted, Refused, Sink};
pub use carried::{Carried, CarriedValue, Carries, Carrying, SelfTags};
pub use finding::{Finding, FindingHit};
pub use forward::{ForwardCarriers, ForwardCompression, ForwardProtocol};
pub use hop::{Hop, Party, Presence, Reason, Side, Verification, VerifyResult, VerifySource};
pub use id::{SpanId, TraceId, UnixNanos};
pub use keys::{KeyPlace, KeySource};
pub use meter::{Meter, Weight};
pub use resource::{Resource, ServiceName};
pub use site::{Captured, Rare, Site, SpanKind, StatusCode};
pub use span::{Arrived, Exception, Exposure, Link, Own, Span};
pub use token::{Anomalies, Anomaly, Check, Confirmation, Fingerprint, SubjectKind, Token, TokenFormat};
pub use verdict::{Cause, Confidence, Segment, Severity, Verdict};
