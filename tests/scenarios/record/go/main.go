// One Go service of the recordings, told by CONFIG (JSON) what it serves, checks and calls.
// otelhttp and otelgrpc capture no headers, so the service says by hand what token it saw (jwtrail.* attributes).
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// call is one request that a route makes of another service.
type call struct {
	URL    string `json:"url"`    // HTTP
	Target string `json:"target"` // gRPC address
	Method string `json:"method"` // gRPC: Get or Watch
	Queue  string `json:"queue"`  // NATS subject
	Token  string `json:"token"`  // forward (default), drop, or a token of the service's own
	Verb   string `json:"verb"`   // HTTP method, GET by default
	Relay  bool   `json:"relay"`  // answer what the callee answered
}

type config struct {
	HTTP    string            `json:"http"`
	GRPC    string            `json:"grpc"`
	NATS    string            `json:"nats"`
	Serve   string            `json:"serve"`   // address of an embedded NATS server
	Consume map[string]string `json:"consume"` // NATS subject to the route that handles it
	Delay   float64           `json:"delay"`   // seconds before the first message is taken
	Tag     bool              `json:"tag"`     // say which token was seen
	Record  bool              `json:"record"`  // record the verifier's error on the span
	Verify  string            `json:"verify"`  // PEM of the issuer's key: check tokens
	Aud     string            `json:"aud"`
	Calls   map[string][]call `json:"calls"`   // by route
	Resolve map[string]string `json:"resolve"` // host:port outside the cluster to the address that plays it
	Trace   bool              `json:"trace"`   // otelhttptrace: a CLIENT span for each step, headers redacted
	Public  bool              `json:"public"`  // otelhttp's public endpoint: a new root span with a link to the caller's
	Cron    string            `json:"cron"`    // route to work once at the start, in an INTERNAL root span
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var c config
	if err := json.Unmarshal([]byte(os.Getenv("CONFIG")), &c); err != nil {
		log.Fatal("CONFIG: ", err)
	}
	flush := telemetry(ctx)
	s, err := newService(c)
	if err != nil {
		log.Fatal(err)
	}
	if err := s.listen(); err != nil {
		log.Fatal(err)
	}
	if c.Cron != "" {
		job, span := otel.Tracer("shop/cron").Start(ctx, c.Cron)
		s.work(job, c.Cron)
		span.End()
	}
	<-ctx.Done()
	end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	flush(end)
}

func telemetry(ctx context.Context) func(context.Context) {
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		log.Fatal(err)
	}
	res, err := resource.New(ctx, resource.WithFromEnv(), resource.WithTelemetrySDK(), resource.WithHost(), resource.WithProcessPID())
	if err != nil {
		log.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(res))
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
	return func(ctx context.Context) { _ = provider.Shutdown(ctx) }
}
