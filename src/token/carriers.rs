//! Which headers carry tokens, and which prove that headers are captured (tagging.md sections 1 and 3).

use std::sync::Arc;

use crate::model::policy::CapturePolicy;

/// The built-in carriers; the policy adds to them.
const BUILT_IN: [&str; 9] = [
    "authorization",
    "x-auth-token",
    "x-access-token",
    "x-forwarded-authorization",
    "x-forwarded-access-token",
    "x-amzn-oidc-data",
    "x-goog-iap-jwt-assertion",
    "cf-access-jwt-assertion",
    "txn-token",
];

/// What a captured request header is to jwtrail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HeaderUse {
    /// It carries a token: its position among the carriers.
    Carrier(usize),
    /// It carries cookies.
    Cookie,
    /// `traceparent`.
    TraceParent,
    /// A header that the policy names as proof of capture.
    Witness,
    /// `user-agent`.
    UserAgent,
    /// `host`.
    Host,
    /// Anything else.
    Other,
}

/// One carrier with its printed names, by the family of attribute it was captured in.
#[derive(Debug)]
struct Carrier {
    name: String,
    header: Arc<str>,
    metadata: Arc<str>,
    message: Arc<str>,
}

/// The configured lists, made ready for lookup.
#[derive(Debug)]
pub struct Carriers {
    headers: Vec<Carrier>,
    cookies: Vec<String>,
    witnesses: Vec<String>,
    /// Values that prove absence, beside `-`.
    pub sentinels: Vec<String>,
}

impl Carriers {
    /// The built-in lists and the policy's.
    pub fn new(policy: &CapturePolicy) -> Self {
        let mut carriers: Vec<Carrier> = Vec::new();
        let named = policy.carriers.iter().map(String::as_str);
        for name in BUILT_IN.into_iter().chain(named) {
            let name = name.trim().to_ascii_lowercase().replace('_', "-");
            if name.is_empty() || carriers.iter().any(|known| known.name == name) {
                continue;
            }
            carriers.push(Carrier {
                header: Arc::from(format!("header:{name}")),
                metadata: Arc::from(format!("metadata:{name}")),
                message: Arc::from(format!("message:{name}")),
                name,
            });
        }
        Self {
            headers: carriers,
            cookies: policy.cookies.clone(),
            witnesses: policy.witnesses.clone(),
            sentinels: policy.sentinels.clone(),
        }
    }

    /// What a captured header is, by its name in whatever case, with `-` or `_`.
    pub fn header_use(&self, name: &str) -> HeaderUse {
        if let Some(at) = self.headers.iter().position(|carrier| same_name(&carrier.name, name)) {
            return HeaderUse::Carrier(at);
        }
        let built_in = [
            ("cookie", HeaderUse::Cookie),
            ("traceparent", HeaderUse::TraceParent),
            ("user-agent", HeaderUse::UserAgent),
            ("host", HeaderUse::Host),
        ];
        for (known, used) in built_in {
            if same_name(known, name) {
                return used;
            }
        }
        if self.witnesses.iter().any(|known| same_name(known, name)) { HeaderUse::Witness } else { HeaderUse::Other }
    }

    /// `header:authorization`, `metadata:authorization` or `message:authorization`.
    pub fn printed(&self, at: usize, family: &str) -> Arc<str> {
        let carrier = &self.headers[at];
        Arc::clone(match family {
            "metadata" => &carrier.metadata,
            "message" => &carrier.message,
            _ => &carrier.header,
        })
    }

    /// Whether this carrier's values stand behind a scheme word.
    pub fn expects_scheme(&self, at: usize) -> bool {
        at == 0
    }

    /// Whether the policy names this cookie as a carrier.
    pub fn names_cookie(&self, name: &str) -> bool {
        self.cookies.iter().any(|known| known == name)
    }

    /// Whether a name is a carrier's, whatever it stands in.
    pub fn is_carrier(&self, name: &str) -> bool {
        self.headers.iter().any(|carrier| same_name(&carrier.name, name))
    }
}

/// Header names are compared without case, and instrumentations write `-` as `_`.
pub fn same_name(left: &str, right: &str) -> bool {
    let fold = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    left.len() == right.len() && left.bytes().zip(right.bytes()).all(|(a, b)| fold(a) == fold(b))
}
