//! How what is received is passed on to the next collector: words of the command line, of files and of the forwarder.

use std::str::FromStr;

use serde::Deserialize;

/// What the next collector speaks; the names are those of `OTEL_EXPORTER_OTLP_PROTOCOL`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub enum ForwardProtocol {
    /// `grpc`
    Grpc,
    /// `http/protobuf`
    HttpProtobuf,
}

/// What becomes of the attributes that hold a token's carrier.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
pub enum ForwardCarriers {
    /// `redact`: they stay, with a mark in place of the credential.
    #[default]
    Redact,
    /// `drop`: they go altogether. What they said is in the `jwtrail.*` tags.
    Drop,
}

/// How requests are packed; the names are those of `OTEL_EXPORTER_OTLP_COMPRESSION`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
pub enum ForwardCompression {
    /// `none`
    #[default]
    None,
    /// `gzip`
    Gzip,
}

/// Reads one of a few words.
macro_rules! words {
    ($kind:ty: $($word:literal => $value:expr),+) => {
        impl FromStr for $kind {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok($value),)+
                    _ => Err(format!("expected {}, found `{text}`", [$($word),+].join(" or "))),
                }
            }
        }

        impl TryFrom<String> for $kind {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }
    };
}

words!(ForwardProtocol: "grpc" => Self::Grpc, "http/protobuf" => Self::HttpProtobuf);
words!(ForwardCarriers: "redact" => Self::Redact, "drop" => Self::Drop);
words!(ForwardCompression: "none" => Self::None, "gzip" => Self::Gzip);
