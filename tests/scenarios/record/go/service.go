package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"

	"go.opentelemetry.io/contrib/instrumentation/net/http/httptrace/otelhttptrace"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"
)

type service struct {
	config   config
	verifier *verifier
	client   *http.Client
	queue    *queue
}

func newService(c config) (*service, error) {
	s := &service{config: c}
	if c.Verify != "" {
		v, err := newVerifier(c.Verify, c.Aud)
		if err != nil {
			return nil, err
		}
		s.verifier = v
	}
	// Inside otelhttp's transport, so that the span of the context is the CLIENT span.
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if played, ok := c.Resolve[address]; ok {
			address = played
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	var options []otelhttp.Option
	if c.Trace {
		options = append(options, otelhttp.WithClientTrace(func(ctx context.Context) *httptrace.ClientTrace { return otelhttptrace.NewClientTrace(ctx) }))
	}
	s.client = &http.Client{Transport: otelhttp.NewTransport(tagging{s, base}, options...)}
	return s, nil
}

type tagging struct {
	service *service
	base    http.RoundTripper
}

func (t tagging) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.service.config.Tag && !t.service.config.Trace {
		tag(trace.SpanFromContext(r.Context()), "header:authorization", r.Header.Get("Authorization"))
	}
	return t.base.RoundTrip(r)
}

func (s *service) listen() error {
	if s.config.Serve != "" {
		if err := serveNATS(s.config.Serve); err != nil {
			return err
		}
	}
	if s.config.GRPC != "" {
		if err := s.listenGRPC(); err != nil {
			return err
		}
	}
	if s.config.NATS != "" {
		if err := s.connect(); err != nil {
			return err
		}
	}
	if s.config.HTTP == "" {
		return nil
	}
	listener, err := net.Listen("tcp", s.config.HTTP)
	if err != nil {
		return err
	}
	named := otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + r.URL.Path })
	options := []otelhttp.Option{named}
	if s.config.Public {
		options = append(options, otelhttp.WithPublicEndpointFn(func(*http.Request) bool { return true }))
	}
	go func() { _ = http.Serve(listener, otelhttp.NewHandler(http.HandlerFunc(s.serve), "server", options...)) }()
	return nil
}

func (s *service) serve(w http.ResponseWriter, r *http.Request) {
	authorization := r.Header.Get("Authorization")
	span := trace.SpanFromContext(r.Context())
	if s.config.Tag {
		tag(span, "header:authorization", authorization)
	}
	if r.URL.Path == "/healthz" {
		return
	}
	if err := s.admit(span, authorization); err != nil {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	status := s.work(withToken(r.Context(), authorization), r.URL.Path)
	w.WriteHeader(status)
}

// work makes the route's calls in turn; the status is 200 unless a relayed call was answered otherwise.
func (s *service) work(ctx context.Context, route string) int {
	status := http.StatusOK
	for _, c := range s.config.Calls[route] {
		var got int
		switch {
		case c.URL != "":
			got = s.callHTTP(ctx, c)
		case c.Target != "":
			got = s.callGRPC(ctx, c)
		default:
			got = s.publish(ctx, c)
		}
		if c.Relay && got >= 400 {
			status = got
		}
	}
	return status
}

// outgoing is the credential of a call: what came in, nothing, or the service's own.
func outgoing(ctx context.Context, c call) string {
	switch c.Token {
	case "", "forward":
		return tokenOf(ctx)
	case "drop":
		return ""
	}
	return "Bearer " + c.Token
}

func (s *service) callHTTP(ctx context.Context, c call) int {
	request, err := http.NewRequestWithContext(ctx, cmp.Or(c.Verb, http.MethodGet), c.URL, nil)
	if err != nil {
		return http.StatusInternalServerError
	}
	if authorization := outgoing(ctx, c); authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := s.client.Do(request)
	if err != nil {
		fmt.Println(err)
		return http.StatusBadGateway
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}
