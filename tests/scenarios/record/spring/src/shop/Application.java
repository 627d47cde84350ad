package shop;

import java.net.URI;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.Environment;
import org.springframework.http.HttpHeaders;
import org.springframework.scheduling.annotation.Async;
import org.springframework.scheduling.annotation.EnableAsync;
import org.springframework.security.concurrent.DelegatingSecurityContextExecutor;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationToken;
import org.springframework.stereotype.Component;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestClient;

/** A Spring Boot resource server of the recordings; Spring's own properties configure its checks, NEXT the service that it calls. */
@SpringBootApplication
@EnableAsync
public class Application {
  public static void main(String[] arguments) {
    SpringApplication.run(Application.class, arguments);
  }

  @Bean
  Executor plain() {
    return Executors.newFixedThreadPool(2);
  }

  @Bean
  Executor delegating() {
    return new DelegatingSecurityContextExecutor(Executors.newFixedThreadPool(2));
  }

  /** Calls on with the token of the security context, which a thread of its own does not have. */
  @Component
  public static class Next {
    private final RestClient client = RestClient.create();
    private final String url;

    Next(Environment environment) {
      url = environment.getProperty("NEXT", "");
    }

    public String call() {
      RestClient.RequestHeadersSpec<?> request = client.get().uri(URI.create(url)).header(HttpHeaders.USER_AGENT, "shop-spring/1");
      if (SecurityContextHolder.getContext().getAuthentication() instanceof JwtAuthenticationToken token) {
        request.header(HttpHeaders.AUTHORIZATION, "Bearer " + token.getToken().getTokenValue());
      }
      return request.exchange((sent, response) -> response.getStatusCode().toString());
    }

    @Async("plain")
    public CompletableFuture<String> callAsync() {
      return CompletableFuture.completedFuture(call());
    }

    @Async("delegating")
    public CompletableFuture<String> callDelegating() {
      return CompletableFuture.completedFuture(call());
    }
  }

  @RestController
  public static class Routes {
    private final Next next;

    Routes(Next next) {
      this.next = next;
    }

    @GetMapping("/")
    String own() {
      return "done";
    }

    @GetMapping("/sync")
    String sync() {
      return next.call();
    }

    @GetMapping("/async")
    String async() {
      return next.callAsync().join();
    }

    @GetMapping("/delegating")
    String delegating() {
      return next.callDelegating().join();
    }
  }
}
