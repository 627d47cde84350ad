// A program with the Go SDK and its stock exporter: go run . grpc|http COUNT
//
// Exports COUNT spans to OTEL_EXPORTER_OTLP_ENDPOINT, ends when all are out, and says how many failed for good.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.26.0"
)

func main() {
	ctx := context.Background()
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	var exporter *otlptrace.Exporter
	if os.Args[1] == "grpc" {
		exporter, err = otlptracegrpc.New(ctx)
	} else {
		exporter, err = otlptracehttp.New(ctx)
	}
	if err != nil {
		panic(err)
	}
	var failed atomic.Int64
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		failed.Add(1)
		fmt.Fprintln(os.Stderr, err)
	}))
	provider := trace.NewTracerProvider(
		trace.WithBatcher(exporter, trace.WithMaxQueueSize(count), trace.WithBlocking()),
		trace.WithResource(resource.NewSchemaless(semconv.ServiceName("go"))),
	)
	tracer := provider.Tracer("siege")
	for range count {
		_, span := tracer.Start(ctx, "work")
		span.End()
	}
	if err := provider.Shutdown(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		failed.Add(1)
	}
	fmt.Printf("%d spans, %d errors\n", count, failed.Load())
	if failed.Load() > 0 {
		os.Exit(1)
	}
}
