//! What each stack must be told: where to export to, and to capture the header. Ready to copy.

/// What to capture: the token, and what proves that it was not there.
pub const HEADERS: &str = "authorization,traceparent,user-agent";

/// A way to write services, or what stands between them and here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stack {
    /// Python, with opentelemetry-instrument.
    Python,
    /// Node.js.
    Node,
    /// Java, with the agent.
    Java,
    /// .NET, with automatic instrumentation.
    DotNet,
    /// Go.
    Go,
    /// The OpenTelemetry Collector.
    Collector,
    /// Ruby.
    Ruby,
    /// Whatever else exports.
    Other,
}

/// Where exporters are to be pointed; empty in a replay.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Here {
    /// `127.0.0.1:4317`, where gRPC is listened for.
    pub grpc: Option<String>,
    /// `127.0.0.1:4318`, where HTTP is.
    pub http: Option<String>,
    /// Whether both take TLS alone.
    pub tls: bool,
}

impl Here {
    /// Out of `127.0.0.1:4317 gRPC`, `127.0.0.1:4318 HTTP over TLS` and the like.
    pub fn of(listening: &[String]) -> Self {
        let find = |protocol: &str| {
            let mut lines = listening.iter().filter_map(|line| line.split_once(' '));
            let spoken = |how: &str| how.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case(protocol));
            let (address, _) = lines.find(|(_, how)| spoken(how))?;
            // What listens on all addresses is reached by this machine's own.
            Some(address.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:"))
        };
        let tls = listening.iter().any(|line| line.ends_with(" over TLS"));
        Self { grpc: find("grpc"), http: find("http"), tls }
    }

    const fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// The two variables that point an exporter here.
    pub fn variables(&self, first_grpc: bool) -> Option<[String; 2]> {
        let grpc = self.grpc.as_ref().map(|address| (address, "grpc"));
        let http = self.http.as_ref().map(|address| (address, "http/protobuf"));
        let (address, protocol) = if first_grpc { grpc.or(http) } else { http.or(grpc) }?;
        Some([
            format!("OTEL_EXPORTER_OTLP_ENDPOINT={}://{address}", self.scheme()),
            format!("OTEL_EXPORTER_OTLP_PROTOCOL={protocol}"),
        ])
    }
}

impl Stack {
    /// Those that the menu offers, in its order.
    pub const OFFERED: [Self; 6] = [Self::Python, Self::Node, Self::Java, Self::DotNet, Self::Go, Self::Collector];

    /// The stack of a `telemetry.sdk.language`.
    pub fn of(language: &str) -> Self {
        match language {
            "python" => Self::Python,
            "nodejs" => Self::Node,
            "java" => Self::Java,
            "dotnet" => Self::DotNet,
            "go" => Self::Go,
            "ruby" => Self::Ruby,
            _ => Self::Other,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Python => "Python",
            Self::Node => "Node.js",
            Self::Java => "Java",
            Self::DotNet => ".NET",
            Self::Go => "Go",
            Self::Collector => "Collector",
            Self::Ruby => "Ruby",
            Self::Other => "any stack",
        }
    }

    /// What is copied, for the toast.
    pub const fn what(self) -> &'static str {
        match self {
            Self::Python => "settings for Python",
            Self::Node => "settings for Node.js",
            Self::Java => "settings for Java",
            Self::DotNet => "settings for .NET",
            Self::Go => "code for Go",
            Self::Collector => "configuration for the Collector",
            Self::Ruby => "settings for Ruby",
            Self::Other => "advice",
        }
    }

    /// What it is to be told, in a few words.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Python => "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_{SERVER,CLIENT}_REQUEST",
            Self::Node => "headersToSpanAttributes.{server,client}.requestHeaders (in code)",
            Self::Java => "OTEL_INSTRUMENTATION_HTTP_{SERVER,CLIENT}_CAPTURE_REQUEST_HEADERS",
            Self::DotNet => "OTEL_DOTNET_AUTO_TRACES_{ASPNETCORE,HTTP}_INSTRUMENTATION_CAPTURE_REQUEST_HEADERS",
            Self::Go => "no option: tag by hand, jwtrail.token.presence and .fp",
            Self::Collector => "export to here, delete the attribute in every other pipeline",
            Self::Ruby => "OTEL_RUBY_INSTRUMENTATION_RACK_CONFIG_OPTS",
            Self::Other => "capture the headers, or tag spans with jwtrail.token.*",
        }
    }

    /// The variables that capture headers, where there are such: for requests received, and sent.
    pub const fn capture(self) -> Option<[&'static str; 2]> {
        Some(match self {
            Self::Python => [
                "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST",
                "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST",
            ],
            Self::Java => [
                "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS",
                "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS",
            ],
            Self::DotNet => [
                "OTEL_DOTNET_AUTO_TRACES_ASPNETCORE_INSTRUMENTATION_CAPTURE_REQUEST_HEADERS",
                "OTEL_DOTNET_AUTO_TRACES_HTTP_INSTRUMENTATION_CAPTURE_REQUEST_HEADERS",
            ],
            _ => return None,
        })
    }

    /// The setting that turns the light on, ready to copy: capture alone.
    pub fn light(self) -> String {
        if let Some(variables) = self.capture() {
            return variables.map(|variable| format!("export {variable}={HEADERS}\n")).concat();
        }
        match self {
            Self::Node => NODE.to_owned(),
            Self::Go => GO.to_owned(),
            Self::Collector => COLLECTOR.to_owned(),
            Self::Ruby => {
                "export OTEL_RUBY_INSTRUMENTATION_RACK_CONFIG_OPTS=allowed_request_headers=authorization\n".to_owned()
            }
            _ => format!("# Capture these request headers on both sides of a call: {HEADERS}\n{TAGS}"),
        }
    }

    /// Everything for a service that is not seen yet, ready to copy: where to export to, and what to capture.
    pub fn whole(self, here: &Here) -> String {
        if self == Self::Collector {
            let address = here.grpc.as_deref().or(here.http.as_deref()).unwrap_or("127.0.0.1:4317");
            // The Collector's otlp exporter speaks gRPC, otlphttp the other.
            let (kind, endpoint) = match here {
                Here { grpc: None, http: Some(_), .. } => ("otlphttp", format!("{}://{address}", here.scheme())),
                _ => ("otlp", address.to_owned()),
            };
            let tls = if here.tls { "ca_file: ca.pem" } else { "insecure: true" };
            return format!(
                "exporters:\n  {kind}/jwtrail:\n    endpoint: {endpoint}\n    tls: {{ {tls} }}\n{}",
                COLLECTOR.replace("otlp/jwtrail", &format!("{kind}/jwtrail"))
            );
        }
        let comment = if matches!(self, Self::Node | Self::Go) { "// " } else { "" };
        let variables = here.variables(self == Self::Python);
        let variables = variables.map(|both| both.map(|variable| format!("{comment}export {variable}\n")).concat());
        let variables = variables.unwrap_or_default();
        format!("{comment}export OTEL_SERVICE_NAME=orders\n{variables}{}", self.light())
    }
}

const TAGS: &str = "# or set these span attributes by hand:\n\
                    #   jwtrail.token.presence = present | absent\n\
                    #   jwtrail.token.fp = s256:BASE64URL(SHA-256(token))\n";

// A file of its own, whole: whoever pastes it must not be left with names that nothing imports.
const NODE: &str = "\
// telemetry.mjs, run by `node --import ./telemetry.mjs app.js` (an app of ES modules also needs, before that,
// --experimental-loader=@opentelemetry/instrumentation/hook.mjs); each package below comes from npm
import { NodeSDK } from '@opentelemetry/sdk-node';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
const requestHeaders = ['authorization', 'traceparent', 'user-agent'];
new NodeSDK({
  instrumentations: [
    new HttpInstrumentation({ headersToSpanAttributes: { server: { requestHeaders }, client: { requestHeaders } } }),
    new UndiciInstrumentation({ headersToSpanAttributes: { requestHeaders } }),
  ],
}).start();
";

const GO: &str = r#"// Call it in a handler below otelhttp.NewHandler for what arrived,
// and in a RoundTripper below otelhttp.NewTransport for what is sent.
func tagToken(r *http.Request) {
	span := trace.SpanFromContext(r.Context())
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !found {
		span.SetAttributes(attribute.String("jwtrail.token.presence", "absent"))
		return
	}
	sum := sha256.Sum256([]byte(token))
	span.SetAttributes(
		attribute.String("jwtrail.token.presence", "present"),
		attribute.String("jwtrail.token.location", "header:authorization"),
		attribute.String("jwtrail.token.fp", "s256:"+base64.RawURLEncoding.EncodeToString(sum[:])),
	)
}
"#;

const COLLECTOR: &str = "\
processors:
  attributes/no-tokens:
    actions:
      - { key: http.request.header.authorization, action: delete }
service:
  pipelines:
    traces/jwtrail: { receivers: [otlp], exporters: [otlp/jwtrail] }
    # and in every other pipeline of traces: processors: [attributes/no-tokens]
";
