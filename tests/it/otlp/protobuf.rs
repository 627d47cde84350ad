//! The protobuf walker against prost, on requests that no exporter would write but any may.

mod generate;
mod oracle;
mod shuffle;

use jwtrail::otlp::data::{SpanData, Value, Visitor};
use jwtrail::otlp::decode::Signal;
use jwtrail::otlp::protobuf;
use opentelemetry_proto::tonic::logs::v1::LogsData;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use proptest::prelude::*;
use prost::Message;

use super::support::Visits;

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    /// A field order or an unknown field that prost takes must not change what jwtrail sees.
    #[test]
    fn traces_read_as_prost_reads_them(data in generate::traces(), seed in any::<u64>()) {
        let bytes = shuffle::request(&data.encode_to_vec(), Signal::Traces, seed);
        let mut seen = Visits::default();
        protobuf::traces(&bytes, &mut seen).unwrap();
        prop_assert_eq!(seen, oracle::traces(&TracesData::decode(&*bytes).unwrap()));
    }

    #[test]
    fn logs_read_as_prost_reads_them(data in generate::logs(), seed in any::<u64>()) {
        let bytes = shuffle::request(&data.encode_to_vec(), Signal::Logs, seed);
        let mut seen = Visits::default();
        protobuf::logs(&bytes, &mut seen).unwrap();
        prop_assert_eq!(seen, oracle::logs(&LogsData::decode(&*bytes).unwrap()));
    }

    /// Damaged requests end in an answer, never in a panic, and what prost still takes reads the same.
    #[test]
    fn damaged_requests_never_panic(
        data in generate::traces(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = data.encode_to_vec();
        prop_assume!(!bytes.is_empty());
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len() * 4).max(1));
        let mut seen = Visits::default();
        let walked = protobuf::traces(&bytes, &mut seen);
        if let Ok(decoded) = TracesData::decode(&*bytes) {
            prop_assert!(walked.is_ok());
            prop_assert_eq!(seen, oracle::traces(&decoded));
        }
        let _ = protobuf::logs(&bytes, &mut Visits::default());
        let _ = protobuf::signal(&bytes);
    }
}

/// `number: bytes` as a length-delimited field.
fn field(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::encode_key(number, prost::encoding::WireType::LengthDelimited, &mut out);
    prost::encoding::encode_varint(bytes.len() as u64, &mut out);
    out.extend_from_slice(bytes);
    out
}

fn request_of_span(span: &[u8]) -> Vec<u8> {
    field(1, &field(2, &field(2, span)))
}

/// Looks into the first attribute of each span.
#[derive(Default)]
struct Depth(Vec<usize>, Vec<String>);

impl<'a> Visitor<'a> for Depth {
    fn resource(&mut self, _: &jwtrail::otlp::data::ResourceData<'a>) {}
    fn scope(&mut self, _: &jwtrail::otlp::data::ScopeData<'a>) {}
    fn span(&mut self, span: &SpanData<'a>) {
        self.1.push(span.name.to_string());
        let (mut depth, mut value) = (0, span.attributes.first().map(|(_, value)| value));
        while let Some(Value::Array(list)) = value {
            (depth, value) = (depth + 1, list.first());
        }
        self.0.push(depth);
    }
    fn log(&mut self, _: &jwtrail::otlp::data::LogData<'a>) {}
}

#[test]
fn a_value_nested_ten_thousand_deep_costs_neither_the_stack_nor_the_request() {
    // Inside out: the text, then an array around it, again and again; lengths make each layer a little longer.
    let mut layers = vec![field(1, b"core")];
    for _ in 0..10_000 {
        let inner = layers.pop().unwrap();
        layers.push(field(5, &field(1, &inner)));
    }
    let attribute = field(9, &[field(1, b"deep"), field(2, &layers[0])].concat());
    let mut seen = Depth::default();
    protobuf::traces(&request_of_span(&attribute), &mut seen).unwrap();
    assert_eq!(seen.0, [32]);
}

#[test]
fn text_that_is_no_utf8_costs_a_letter_and_not_the_request() {
    let mut seen = Depth::default();
    protobuf::traces(&request_of_span(&field(5, b"caf\xe9")), &mut seen).unwrap();
    assert_eq!(seen.1, ["caf\u{fffd}"]);
}

#[test]
fn an_error_names_the_byte_where_reading_stopped() {
    let mut request = request_of_span(&field(5, b"name"));
    // The span's name claims to be longer than the span.
    let length = request.len() - 5;
    request[length] = 99;
    let error = protobuf::traces(&request, &mut Visits::default()).unwrap_err();
    assert_eq!(error.offset, length + 1);
    assert_eq!(error.to_string(), "malformed protobuf at byte 8: a field is longer than the message that holds it");
}

#[test]
fn groups_are_passed_over_and_endless_ones_refused() {
    let group = [&[0x2b][..], &field(5, b"inside"), &[0x2c]].concat(); // field 5 as a group: 0x2b begins, 0x2c ends
    let span = [group.clone(), field(5, b"name")].concat();
    let mut seen = Depth::default();
    protobuf::traces(&request_of_span(&span), &mut seen).unwrap();
    assert_eq!(seen.1, ["name"]);
    assert!(protobuf::traces(&vec![0x2b; 100_000], &mut Visits::default()).is_err());
}

#[test]
fn a_file_without_a_name_tells_its_signal() {
    use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
    let log = LogRecord { time_unix_nano: 1, trace_id: vec![1; 16], span_id: vec![1; 8], ..LogRecord::default() };
    let scope_logs = vec![ScopeLogs { log_records: vec![log], ..ScopeLogs::default() }];
    let logs = LogsData { resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }] };
    assert_eq!(protobuf::signal(&logs.encode_to_vec()), Some(Signal::Logs));
    let span = [field(1, &[7; 16]), field(2, &[7; 8]), field(5, b"GET /")].concat();
    assert_eq!(protobuf::signal(&request_of_span(&span)), Some(Signal::Traces));
    let metric = [field(1, b"sixteen.letters."), field(2, b"of requests")].concat();
    assert_eq!(protobuf::signal(&request_of_span(&metric)), Some(Signal::Metrics));
    assert_eq!(protobuf::signal(b""), None);
}
