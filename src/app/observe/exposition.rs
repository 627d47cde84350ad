//! Metrics as text, in Prometheus's format 0.0.4 and in `OpenMetrics` 1.0, which differ in how counters are announced and
//! in their last line.

use std::fmt::{Display, Write as _};

use crate::otlp::admin::MetricsFormat;

/// What kind of number it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Only grows; its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// Metrics that are written one after the other.
pub(super) struct Exposition {
    text: String,
    format: MetricsFormat,
    name: String,
}

impl Exposition {
    pub(super) fn new(format: MetricsFormat) -> Self {
        Self { text: String::with_capacity(8 << 10), format, name: String::new() }
    }

    /// Begins a metric: all its samples come next.
    pub(super) fn metric(&mut self, kind: Kind, name: &str, help: &str) -> &mut Self {
        name.clone_into(&mut self.name);
        let family = match (self.format, kind) {
            (MetricsFormat::OpenMetrics, Kind::Counter) => name.strip_suffix("_total").unwrap_or(name),
            _ => name,
        };
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "# HELP {family} {help}\n# TYPE {family} {kind}");
        self
    }

    /// One sample of the metric that was begun last.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) -> &mut Self {
        self.text.push_str(&self.name);
        for (at, (name, label)) in labels.iter().enumerate() {
            let label = label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let before = if at == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{before}{name}=\"{label}\"");
        }
        let after = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{after} {value}");
        self
    }

    /// A counter without labels.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.metric(Kind::Counter, name, help).sample(&[], value);
    }

    /// A gauge without labels.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.metric(Kind::Gauge, name, help).sample(&[], value);
    }

    pub(super) fn finish(mut self) -> String {
        if self.format == MetricsFormat::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: MetricsFormat) -> String {
        let mut out = Exposition::new(format);
        out.metric(Kind::Counter, "a_total", "one \\ two\nthree").sample(&[("by", "q\"u\\o\nte"), ("to", "b")], 1_u64);
        out.gauge("b", "beside", 0.5);
        out.finish()
    }

    #[test]
    fn what_stands_in_a_label_ends_neither_label_nor_line() {
        let text = "# HELP a_total one \\\\ two\\nthree\n# TYPE a_total counter\n\
                    a_total{by=\"q\\\"u\\\\o\\nte\",to=\"b\"} 1\n# HELP b beside\n# TYPE b gauge\nb 0.5\n";
        assert_eq!(written(MetricsFormat::Prometheus), text);
        let text = "# HELP a one \\\\ two\\nthree\n# TYPE a counter\n\
                    a_total{by=\"q\\\"u\\\\o\\nte\",to=\"b\"} 1\n# HELP b beside\n# TYPE b gauge\nb 0.5\n# EOF\n";
        assert_eq!(written(MetricsFormat::OpenMetrics), text);
    }
}
