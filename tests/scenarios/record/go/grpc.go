package main

import (
	"context"
	"io"
	"net"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const stockService = "shop.Stock"

// The service that protoc would generate from
// service Stock { rpc Get(StringValue) returns (StringValue); rpc Watch(stream StringValue) returns (stream StringValue); }
var stockDesc = grpc.ServiceDesc{
	ServiceName: stockService,
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Get", Handler: func(srv any, ctx context.Context, decode func(any) error, i grpc.UnaryServerInterceptor) (any, error) {
		in := new(wrapperspb.StringValue)
		if err := decode(in); err != nil {
			return nil, err
		}
		return i(ctx, in, &grpc.UnaryServerInfo{Server: srv, FullMethod: "/" + stockService + "/Get"}, func(ctx context.Context, _ any) (any, error) {
			return wrapperspb.String("12 left"), srv.(*service).below(ctx, "Get")
		})
	}}},
	Streams: []grpc.StreamDesc{{StreamName: "Watch", ServerStreams: true, ClientStreams: true, Handler: func(srv any, stream grpc.ServerStream) error {
		for range 3 {
			in := new(wrapperspb.StringValue)
			if err := stream.RecvMsg(in); err == io.EOF {
				break
			} else if err != nil {
				return err
			}
			if err := stream.SendMsg(wrapperspb.String("12 left")); err != nil {
				return err
			}
		}
		return srv.(*service).below(stream.Context(), "Watch")
	}}},
}

func (s *service) below(ctx context.Context, method string) error {
	if got := s.work(ctx, method); got == http.StatusUnauthorized {
		return status.Error(codes.Unauthenticated, "a service behind refused the token")
	}
	return nil
}

func (s *service) enter(ctx context.Context) (context.Context, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	var authorization string
	if values := md.Get("authorization"); len(values) > 0 {
		authorization = values[0]
	}
	span := trace.SpanFromContext(ctx)
	if s.config.Tag {
		tag(span, "metadata:authorization", authorization)
	}
	if err := s.admit(span, authorization); err != nil {
		return nil, status.Error(codes.Unauthenticated, "unauthenticated")
	}
	return withToken(ctx, authorization), nil
}

type enteredStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (e enteredStream) Context() context.Context { return e.ctx }

func (s *service) listenGRPC() error {
	listener, err := net.Listen("tcp", s.config.GRPC)
	if err != nil {
		return err
	}
	server := grpc.NewServer(
		grpc.StatsHandler(otelgrpc.NewServerHandler()),
		grpc.UnaryInterceptor(func(ctx context.Context, in any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			ctx, err := s.enter(ctx)
			if err != nil {
				return nil, err
			}
			return next(ctx, in)
		}),
		grpc.StreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			ctx, err := s.enter(stream.Context())
			if err != nil {
				return err
			}
			return next(srv, enteredStream{stream, ctx})
		}),
	)
	server.RegisterService(&stockDesc, s)
	go func() { _ = server.Serve(listener) }()
	return nil
}

// sentTagger tags the CLIENT span with the metadata that really goes out; it stands behind otelgrpc's handler, which makes that span.
type sentTagger struct{ on bool }

func (sentTagger) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (sentTagger) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (sentTagger) HandleConn(context.Context, stats.ConnStats)                       {}
func (t sentTagger) HandleRPC(ctx context.Context, event stats.RPCStats) {
	if out, ok := event.(*stats.OutHeader); ok && t.on {
		var authorization string
		if values := out.Header.Get("authorization"); len(values) > 0 {
			authorization = values[0]
		}
		tag(trace.SpanFromContext(ctx), "metadata:authorization", authorization)
	}
}

func (s *service) callGRPC(ctx context.Context, c call) int {
	// The server's incoming metadata stays in this context, and is not sent: outgoing metadata is another key of the context.
	if authorization := outgoing(ctx, c); authorization != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", authorization)
	}
	connection, err := grpc.NewClient(c.Target, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler()), grpc.WithStatsHandler(sentTagger{s.config.Tag}))
	if err != nil {
		return http.StatusBadGateway
	}
	defer connection.Close()
	if c.Method == "Watch" {
		err = watch(ctx, connection)
	} else {
		err = connection.Invoke(ctx, "/"+stockService+"/"+c.Method, wrapperspb.String("book"), new(wrapperspb.StringValue))
	}
	switch status.Code(err) {
	case codes.OK:
		return http.StatusOK
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	}
	return http.StatusBadGateway
}

func watch(ctx context.Context, connection *grpc.ClientConn) error {
	stream, err := connection.NewStream(ctx, &grpc.StreamDesc{StreamName: "Watch", ServerStreams: true, ClientStreams: true}, "/"+stockService+"/Watch")
	if err != nil {
		return err
	}
	for range 2 {
		if err := stream.SendMsg(wrapperspb.String("book")); err != nil && err != io.EOF {
			return err
		}
		if err := stream.RecvMsg(new(wrapperspb.StringValue)); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if err := stream.RecvMsg(new(wrapperspb.StringValue)); err != io.EOF {
		return err
	}
	return nil
}
