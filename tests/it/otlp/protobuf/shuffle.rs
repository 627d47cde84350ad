//! The same request with its fields in another order and with fields that OTLP does not have.

use jwtrail::otlp::decode::Signal;
use prost::bytes::Buf;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

#[derive(Clone, Copy)]
enum Kind {
    Request,
    ResourceGroup,
    ScopeGroup,
    Span,
    Log,
    /// Resource, scope, event or link: attributes under this number.
    Attributes(u32),
    KeyValue,
    AnyValue,
    Values(bool),
    Plain,
}

/// Shuffles every message of a request; the same seed gives the same order.
pub fn request(bytes: &[u8], signal: Signal, seed: u64) -> Vec<u8> {
    message(bytes, Kind::Request, signal, &mut Random(seed | 1))
}

fn nested(kind: Kind, number: u32, signal: Signal) -> Option<Kind> {
    Some(match (kind, number) {
        (Kind::Request, 1) => Kind::ResourceGroup,
        (Kind::ResourceGroup, 1) => Kind::Attributes(1),
        (Kind::ResourceGroup, 2) => Kind::ScopeGroup,
        (Kind::ScopeGroup, 1) | (Kind::Span, 11) => Kind::Attributes(3),
        (Kind::ScopeGroup, 2) if signal == Signal::Logs => Kind::Log,
        (Kind::ScopeGroup, 2) => Kind::Span,
        (Kind::Span, 9) | (Kind::Log, 6) | (Kind::Values(true), 1) => Kind::KeyValue,
        (Kind::Span, 13) => Kind::Attributes(4),
        (Kind::Span, 15) => Kind::Plain,
        (Kind::Log, 5) | (Kind::KeyValue, 2) | (Kind::Values(false), 1) => Kind::AnyValue,
        (Kind::Attributes(attributes), number) if number == attributes => Kind::KeyValue,
        (Kind::AnyValue, 5) => Kind::Values(false),
        (Kind::AnyValue, 6) => Kind::Values(true),
        _ => return None,
    })
}

fn message(mut bytes: &[u8], kind: Kind, signal: Signal, random: &mut Random) -> Vec<u8> {
    let mut fields: Vec<Vec<u8>> = Vec::new();
    while bytes.has_remaining() {
        let (number, wire) = decode_key(&mut bytes).unwrap();
        let mut out = Vec::new();
        encode_key(number, wire, &mut out);
        match wire {
            WireType::Varint => encode_varint(decode_varint(&mut bytes).unwrap(), &mut out),
            WireType::SixtyFourBit => out.extend_from_slice(&bytes.copy_to_bytes(8)),
            WireType::ThirtyTwoBit => out.extend_from_slice(&bytes.copy_to_bytes(4)),
            WireType::LengthDelimited => {
                let length = usize::try_from(decode_varint(&mut bytes).unwrap()).unwrap();
                let inner = bytes.copy_to_bytes(length);
                let inner = match nested(kind, number, signal) {
                    Some(kind) => message(&inner, kind, signal, random),
                    None => inner.to_vec(),
                };
                encode_varint(inner.len() as u64, &mut out);
                out.extend_from_slice(&inner);
            }
            WireType::StartGroup | WireType::EndGroup => unreachable!("prost writes no groups"),
        }
        fields.push(out);
    }
    if random.below(4) == 0 {
        fields.push(unknown(random));
    }
    for last in (1..fields.len()).rev() {
        fields.swap(last, random.below(last + 1));
    }
    fields.concat()
}

fn unknown(random: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    let number = 100 + u32::try_from(random.below(100_000)).unwrap();
    match random.below(5) {
        0 => {
            encode_key(number, WireType::Varint, &mut out);
            encode_varint(random.next(), &mut out);
        }
        1 => {
            encode_key(number, WireType::SixtyFourBit, &mut out);
            out.extend_from_slice(&random.next().to_le_bytes());
        }
        2 => {
            encode_key(number, WireType::ThirtyTwoBit, &mut out);
            out.extend_from_slice(b"four");
        }
        3 => {
            encode_key(number, WireType::LengthDelimited, &mut out);
            out.extend_from_slice(b"\x07unknown");
        }
        _ => {
            encode_key(number, WireType::StartGroup, &mut out);
            encode_key(1, WireType::StartGroup, &mut out);
            out.extend_from_slice(b"\x0a\x06inside");
            encode_key(1, WireType::EndGroup, &mut out);
            encode_key(number, WireType::EndGroup, &mut out);
        }
    }
    out
}

/// Xorshift: all that a shuffle needs.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }
}
