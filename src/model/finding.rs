//! Findings stand beside the verdict, any number to a hop (verdicts.md section 10).

use serde::{Deserialize, Serialize};

use super::Severity;

macro_rules! names {
    ($(#[$meta:meta])* $enum:ident { $($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum $enum { $($(#[$doc])* $variant),+ }

        impl $enum {
            /// Every value, in the order of the specification.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in reports and filters.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Reads a name back.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == name)
            }
        }

        /// By name to people and programs, by number in jwtrail's own files.
        impl serde::Serialize for $enum {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.serialize_str(self.name())
                } else {
                    serializer.serialize_u8(*self as u8)
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $enum {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use serde::de::Error as _;
                if deserializer.is_human_readable() {
                    let name = String::deserialize(deserializer)?;
                    return Self::from_name(&name).ok_or_else(|| {
                        let names: Vec<&str> = Self::ALL.iter().map(|value| value.name()).collect();
                        D::Error::custom(format!("expected one of {}, found `{name}`", names.join(", ")))
                    });
                }
                let number = u8::deserialize(deserializer)?;
                Self::ALL.get(usize::from(number)).copied().ok_or_else(|| {
                    D::Error::custom(format!("expected a number below {}, found {number}", Self::ALL.len()))
                })
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
pub(super) use names;

names! {
    /// What a hop shows beside its verdict.
    Finding {
        /// A received token went to a host that is neither traced nor internal.
        Leaked = "leaked",
        /// A token in a URL, baggage, statement, log or other text.
        Exposed = "exposed",
        /// The callee took a token that no one should take, or says that it does not verify.
        AcceptedUnverified = "accepted_unverified",
        /// Two services, or a service and jwtrail's own check, disagree about a token.
        Disagreement = "disagreement",
        /// Scopes that were not there before a change or exchange.
        ScopeWidened = "scope_widened",
        /// A DPoP-bound token relayed with the Bearer scheme.
        BoundTokenForwarded = "bound_token_forwarded",
        /// Two different tokens in one carrier, or with one meaning in two carriers.
        MultipleTokens = "multiple_tokens",
        /// Valid where the trace began, expired when this callee received it.
        ExpiredInFlight = "expired_in_flight",
        /// The policy forbids a token on this edge, and one was sent.
        Unwanted = "unwanted",
        /// The same token in another carrier than before.
        Moved = "moved",
        /// A lifetime over the policy's bound, or none.
        LongLived = "long_lived",
    }
}

/// One finding on one hop.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FindingHit {
    /// Which.
    pub finding: Finding,
    /// How bad here.
    pub severity: Severity,
    /// One sentence for people.
    pub detail: String,
}
