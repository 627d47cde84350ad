package lab;

import com.google.protobuf.StringValue;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.ServerCalls;
import java.net.InetSocketAddress;

/** service Stock { rpc Get(StringValue) returns (StringValue); }, client and server. */
final class Stock {
  private static final Metadata.Key<String> AUTHORIZATION = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final MethodDescriptor<StringValue, StringValue> GET =
      MethodDescriptor.<StringValue, StringValue>newBuilder()
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName("shop.Stock/Get")
          .setRequestMarshaller(ProtoUtils.marshaller(StringValue.getDefaultInstance()))
          .setResponseMarshaller(ProtoUtils.marshaller(StringValue.getDefaultInstance()))
          .build();

  private Stock() {}

  static int call(String target, String authorization) {
    ManagedChannel channel = ManagedChannelBuilder.forTarget(target).usePlaintext().build();
    try {
      Metadata metadata = new Metadata();
      if (authorization != null) {
        metadata.put(AUTHORIZATION, authorization);
      }
      ClientCalls.blockingUnaryCall(
          io.grpc.ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(metadata)), GET, CallOptions.DEFAULT, StringValue.of("book"));
      return 200;
    } catch (StatusRuntimeException refused) {
      return refused.getStatus().getCode() == Status.Code.UNAUTHENTICATED ? 401 : 502;
    } finally {
      channel.shutdown();
    }
  }

  static void serve(int port, Verifier verifier) throws Exception {
    ServerServiceDefinition stock =
        ServerServiceDefinition.builder("shop.Stock")
            .addMethod(GET, ServerCalls.asyncUnaryCall((request, answer) -> {
              answer.onNext(StringValue.of("12 left"));
              answer.onCompleted();
            }))
            .build();
    NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", port)).addService(ServerInterceptors.intercept(stock, checking(verifier))).build().start();
  }

  private static ServerInterceptor checking(Verifier verifier) {
    return new ServerInterceptor() {
      @Override
      public <Q, A> io.grpc.ServerCall.Listener<Q> interceptCall(
          io.grpc.ServerCall<Q, A> call, Metadata headers, io.grpc.ServerCallHandler<Q, A> next) {
        String authorization = headers.get(AUTHORIZATION);
        try {
          if (authorization == null) {
            throw new SecurityException("no token");
          }
          verifier.check(authorization.substring("Bearer ".length()));
          return next.startCall(call, headers);
        } catch (Exception refused) {
          call.close(Status.UNAUTHENTICATED, new Metadata());
          return new io.grpc.ServerCall.Listener<>() {};
        }
      }
    };
  }
}
