package lab;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Envelope;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.api.trace.Span;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.impl.classic.HttpClients;

/** One Java service of the recordings, told by CONFIG (JSON) what it serves, checks and calls; the agent instruments it. */
public final class Service {
  private static final Logger LOG = Logger.getLogger("shop.security");

  /** What frameworks call the security context: bound to the thread that serves the request. */
  private static final ThreadLocal<String> SECURITY_CONTEXT = new ThreadLocal<>();

  private final JsonNode config;
  private final Verifier verifier;
  private final HttpClient client = HttpClient.newHttpClient();
  private final ExecutorService pool = Executors.newFixedThreadPool(2);
  private Channel channel;

  private Service(JsonNode config) throws Exception {
    this.config = config;
    this.verifier = config.has("jwks") ? new Verifier(config.get("jwks").asText(), config.path("jjwt").asBoolean()) : null;
  }

  public static void main(String[] arguments) throws Exception {
    Service service = new Service(new ObjectMapper().readTree(System.getenv("CONFIG")));
    if (service.config.has("amqp")) {
      service.connect();
    }
    if (service.config.has("grpc")) {
      Stock.serve(service.config.get("grpc").asInt(), service.verifier);
    }
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", service.config.get("port").asInt()), 0);
    server.createContext("/", service::serve);
    server.setExecutor(Executors.newFixedThreadPool(4));
    server.start();
  }

  private void serve(HttpExchange exchange) throws IOException {
    String authorization = exchange.getRequestHeaders().getFirst("authorization");
    SECURITY_CONTEXT.set(authorization);
    try {
      int status = admit(exchange, authorization) ? work(exchange.getRequestURI().getPath()) : 401;
      exchange.sendResponseHeaders(status, -1);
    } finally {
      SECURITY_CONTEXT.remove();
      exchange.close();
    }
  }

  private boolean admit(HttpExchange exchange, String authorization) {
    if (verifier == null || exchange.getRequestURI().getPath().equals("/healthz")) {
      return true;
    }
    if (authorization == null) {
      exchange.getResponseHeaders().set("WWW-Authenticate", "Bearer");
      return false;
    }
    try {
      verifier.check(authorization.substring("Bearer ".length()));
      return true;
    } catch (Exception refused) {
      switch (config.path("refusal").asText()) {
        case "log" -> LOG.log(Level.WARNING, "token refused", refused);
        case "record" -> Span.current().recordException(refused);
        case "throw" -> throw new IllegalStateException(refused);
        default -> { }
      }
      return false;
    }
  }

  private int work(String path) {
    int status = 200;
    for (JsonNode call : config.path("calls").path(path)) {
      try {
        int got = switch (call.path("how").asText()) {
          // The agent carries the trace context into the pool; the thread's security context stays behind.
          case "async" -> pool.submit(() -> call(call)).get();
          case "grpc" -> Stock.call(call.get("target").asText(), call.path("drop").asBoolean() ? null : SECURITY_CONTEXT.get());
          case "apache", "late" -> callApache(call);
          case "publish" -> publish(call);
          default -> call(call);
        };
        status = call.path("relay").asBoolean() && got >= 400 ? got : status;
      } catch (Exception failed) {
        status = 502;
      }
    }
    return status;
  }

  private int call(JsonNode call) throws Exception {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(call.get("url").asText())).header("user-agent", "shop-client/1");
    String authorization = SECURITY_CONTEXT.get();
    if (authorization != null && !call.path("drop").asBoolean()) {
      request.header("authorization", authorization);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.discarding()).statusCode();
  }

  /** Apache's client: the token stands on the request, or an interceptor adds it, after the agent's span has started. */
  private int callApache(JsonNode call) throws Exception {
    String authorization = SECURITY_CONTEXT.get();
    boolean drops = call.path("drop").asBoolean() || authorization == null;
    HttpClientBuilder builder = HttpClients.custom();
    HttpGet request = new HttpGet(call.get("url").asText());
    if (!drops && call.path("how").asText().equals("late")) {
      builder.addRequestInterceptorLast((sent, entity, context) -> sent.setHeader("authorization", authorization));
    } else if (!drops) {
      request.setHeader("authorization", authorization);
    }
    try (CloseableHttpClient apache = builder.build()) {
      return apache.execute(request, response -> response.getCode());
    }
  }

  private void connect() throws Exception {
    ConnectionFactory factory = new ConnectionFactory();
    factory.setUri(config.get("amqp").asText());
    channel = factory.newConnection().createChannel();
    channel.queueDeclare("parcels", false, false, false, null);
    if (config.has("consume")) {
      Executors.newSingleThreadScheduledExecutor().schedule(this::consume, config.path("delay").asInt(), TimeUnit.SECONDS);
    }
  }

  private int publish(JsonNode call) throws IOException {
    Map<String, Object> headers = new HashMap<>();
    if (SECURITY_CONTEXT.get() != null && !call.path("drop").asBoolean()) {
      headers.put("authorization", SECURITY_CONTEXT.get());
    }
    channel.basicPublish("", "parcels", new AMQP.BasicProperties.Builder().headers(headers).build(), "one book".getBytes());
    return 202;
  }

  private Void consume() throws IOException {
    channel.basicConsume("parcels", true, new DefaultConsumer(channel) {
      @Override
      public void handleDelivery(String tag, Envelope envelope, AMQP.BasicProperties properties, byte[] body) {
        Object authorization = properties.getHeaders() == null ? null : properties.getHeaders().get("authorization");
        SECURITY_CONTEXT.set(authorization == null ? null : authorization.toString());
        try {
          work(config.get("consume").asText());
        } finally {
          SECURITY_CONTEXT.remove();
        }
      }
    });
    return null;
  }
}
