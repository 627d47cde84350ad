package main

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

type queue struct {
	connection *nats.Conn
	stream     nats.JetStreamContext
}

// serveNATS runs the real server in this process, with JetStream, so that a message can wait.
func serveNATS(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	broker, err := server.NewServer(&server.Options{Host: host, Port: number, JetStream: true, StoreDir: "nats-store", NoSigs: true})
	if err != nil {
		return err
	}
	go broker.Start()
	broker.ReadyForConnections(10 * time.Second)
	return nil
}

func (s *service) connect() error {
	connection, err := nats.Connect(s.config.NATS)
	if err != nil {
		return err
	}
	stream, err := connection.JetStream()
	if err != nil {
		return err
	}
	s.queue = &queue{connection, stream}
	if _, err := stream.AddStream(&nats.StreamConfig{Name: "SHOP", Subjects: []string{"shop.>"}, Storage: nats.MemoryStorage}); err != nil {
		return err
	}
	for subject, route := range s.config.Consume {
		go s.consume(subject, route)
	}
	return nil
}

// publish sends one message in a PRODUCER span, as the messaging conventions shape it: there is no stock instrumentation for nats.go.
func (s *service) publish(ctx context.Context, c call) int {
	ctx, span := otel.Tracer("shop/nats").Start(ctx, "send "+c.Queue, trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(messaging("send", c.Queue)...))
	defer span.End()
	message := nats.NewMsg(c.Queue)
	message.Data = []byte("one book")
	authorization := outgoing(ctx, c)
	if authorization != "" {
		message.Header.Set("authorization", authorization)
	}
	otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(message.Header))
	if s.config.Tag {
		tag(span, "message:authorization", authorization)
	}
	if _, err := s.queue.stream.PublishMsg(message); err != nil {
		return http.StatusBadGateway
	}
	return http.StatusOK
}

func (s *service) consume(subject, route string) {
	time.Sleep(time.Duration(s.config.Delay * float64(time.Second)))
	subscription, err := s.queue.stream.PullSubscribe(subject, "worker-"+route)
	if err != nil {
		return
	}
	for {
		messages, err := subscription.Fetch(1, nats.MaxWait(time.Second))
		if err != nil && err != nats.ErrTimeout {
			return
		}
		for _, message := range messages {
			s.handle(message, subject, route)
			_ = message.Ack()
		}
	}
}

func (s *service) handle(message *nats.Msg, subject, route string) {
	carrier := propagation.HeaderCarrier(message.Header)
	if carrier.Get("traceparent") == "" {
		// The propagator writes its keys as they are; nats.Header does not canonicalise.
		carrier = propagation.HeaderCarrier(http.Header{"Traceparent": message.Header["traceparent"]})
	}
	ctx := otel.GetTextMapPropagator().Extract(context.Background(), carrier)
	ctx, span := otel.Tracer("shop/nats").Start(ctx, "process "+subject, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(messaging("process", subject)...))
	defer span.End()
	authorization := message.Header.Get("authorization")
	if s.config.Tag {
		tag(span, "message:authorization", authorization)
	}
	if err := s.admit(span, authorization); err != nil {
		span.SetStatus(codes.Error, "unauthorized")
		return
	}
	s.work(withToken(ctx, authorization), route)
}

func messaging(operation, subject string) []attribute.KeyValue {
	kind := operation
	return []attribute.KeyValue{
		attribute.String("messaging.system", "nats"), attribute.String("messaging.destination.name", subject),
		attribute.String("messaging.operation.name", operation), attribute.String("messaging.operation.type", kind),
	}
}
