// Makes Java's JWT libraries and Spring Security's resource server refuse, and prints what the stock OpenTelemetry SDK
// records of each refusal and what the server answers in WWW-Authenticate.
//
//     mkdir -p /tmp/refusals/java && cp pom.xml Refuse.java /tmp/refusals/java && cd /tmp/refusals/java
//     mvn -q dependency:build-classpath -Dmdep.outputFile=cp.txt
//     timeout 120 java -cp "$(cat cp.txt)" Refuse.java > /tmp/refusals/java.jsonl
//
// One JSON object a line, with the token in it for collect.py to scrub by. Ends by itself in seconds.

import com.auth0.jwk.JwkProviderBuilder;
import com.auth0.jwt.algorithms.Algorithm;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jose.jwk.source.ImmutableSecret;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import com.sun.net.httpserver.HttpServer;
import io.jsonwebtoken.Jwts;
import io.jsonwebtoken.Locator;
import io.jsonwebtoken.security.Keys;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.crypto.SecretKey;
import org.jose4j.jwa.AlgorithmConstraints;
import org.jose4j.jwt.consumer.JwtConsumerBuilder;
import org.jose4j.keys.HmacKey;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.mock.web.MockServletContext;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configuration.EnableWebSecurity;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.oauth2.core.DelegatingOAuth2TokenValidator;
import org.springframework.security.oauth2.jose.jws.MacAlgorithm;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.oauth2.server.resource.web.BearerTokenAuthenticationEntryPoint;
import org.springframework.security.oauth2.server.resource.web.BearerTokenResolver;
import org.springframework.security.oauth2.server.resource.web.DefaultBearerTokenResolver;
import org.springframework.security.web.FilterChainProxy;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.mock.web.MockFilterChain;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.web.context.support.AnnotationConfigWebApplicationContext;

public class Refuse {
    static final String ISSUER = "https://issuer.test";
    static final byte[] SECRET = "a secret of this script alone, long enough for HS256 and for HS512 too.".getBytes(StandardCharsets.UTF_8);
    static final byte[] OTHER = "another secret of this script, long enough for HS256 and for HS512 too".getBytes(StandardCharsets.UTF_8);
    static final Gson GSON = new GsonBuilder().disableHtmlEscaping().serializeNulls().create();
    static final List<SpanData> SPANS = new ArrayList<>();
    static final Tracer TRACER = SdkTracerProvider.builder()
        .addSpanProcessor(SimpleSpanProcessor.create(new Keep())).build().get("refusals");

    static class Keep implements SpanExporter {
        public CompletableResultCode export(Collection<SpanData> spans) { SPANS.addAll(spans); return CompletableResultCode.ofSuccess(); }
        public CompletableResultCode flush() { return CompletableResultCode.ofSuccess(); }
        public CompletableResultCode shutdown() { return CompletableResultCode.ofSuccess(); }
    }

    interface Check { void run(String token) throws Exception; }

    record Asked(String reason, String token) { }

    static String version(Class<?> of) {
        String jar = of.getProtectionDomain().getCodeSource().getLocation().getPath();
        return jar.replaceAll(".*-([0-9][0-9A-Za-z.]*)\\.jar$", "$1");
    }

    static void out(String library, Class<?> of, String reason, String token, Map<String, String> exception, String challenge, Integer status) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("library", library);
        line.put("version", version(of));
        line.put("language", "java");
        line.put("asked_reason", reason);
        line.put("recorded_by", "opentelemetry-sdk " + version(SdkTracerProvider.class));
        line.put("exception", exception);
        line.put("challenge", challenge);
        line.put("status", status);
        line.put("token", token);
        System.out.println(GSON.toJson(line));
    }

    /** Runs a check inside a span and prints the event that recordException made of what it threw. */
    static void refused(String library, Class<?> of, Asked asked, Check check) {
        SPANS.clear();
        var span = TRACER.spanBuilder("GET /orders").startSpan();
        try (var scope = span.makeCurrent()) {
            check.run(asked.token);
            System.err.println(library + " accepts what was to be refused for " + asked.reason);
        } catch (Throwable thrown) {
            span.recordException(thrown);
        } finally {
            span.end();
        }
        for (var event : SPANS.get(0).getEvents()) {
            Map<String, String> exception = new LinkedHashMap<>();
            for (String key : List.of("type", "message", "stacktrace")) {
                exception.put(key, event.getAttributes().get(AttributeKey.stringKey("exception." + key)));
            }
            out(library, of, asked.reason, asked.token, exception, null, null);
        }
    }

    static String sign(byte[] secret, JWSAlgorithm algorithm, Map<String, Object> changes) {
        try {
            var signed = new SignedJWT(new JWSHeader(algorithm), claims(changes));
            signed.sign(new MACSigner(secret));
            return signed.serialize();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    static JWTClaimsSet claims(Map<String, Object> changes) {
        Instant now = Instant.now();
        var claims = new JWTClaimsSet.Builder().issuer(ISSUER).audience("orders").subject("alice")
            .issueTime(Date.from(now.minusSeconds(60))).expirationTime(Date.from(now.plusSeconds(600)));
        changes.forEach((name, value) -> claims.claim(name, value.equals("") ? null : value));
        return claims.build();
    }

    static String hs(Map<String, Object> changes) { return sign(SECRET, JWSAlgorithm.HS256, changes); }

    static List<Asked> tokens() {
        Date past = Date.from(Instant.now().minusSeconds(3600)), future = Date.from(Instant.now().plusSeconds(3600));
        String[] parts = hs(Map.of()).split("\\.");
        String none = new com.nimbusds.jwt.PlainJWT(claims(Map.of())).serialize();
        return List.of(
            new Asked("signature", sign(OTHER, JWSAlgorithm.HS256, Map.of())),
            new Asked("algorithm", sign(SECRET, JWSAlgorithm.HS512, Map.of())),
            new Asked("algorithm", none),
            new Asked("expired", hs(Map.of("exp", past, "iat", Date.from(Instant.now().minusSeconds(7200))))),
            new Asked("not_yet_valid", hs(Map.of("nbf", future, "exp", Date.from(Instant.now().plusSeconds(7200))))),
            new Asked("audience", hs(Map.of("aud", "billing"))),
            new Asked("issuer", hs(Map.of("iss", "https://other.test"))),
            new Asked("claim", hs(Map.of("sub", ""))),
            new Asked("claim", hs(Map.of("sub", "mallory"))),
            new Asked("malformed", parts[0] + "." + parts[1]),
            new Asked("malformed", parts[0] + "." + parts[1].substring(0, parts[1].length() - 3) + "~~." + parts[2]),
            new Asked("malformed", "x" + parts[0].substring(3) + "." + parts[1] + "." + parts[2]),
            new Asked("malformed", "undefined"));
    }

    /** All tokens; `said` names the reason that a library gives where it does not tell two apart ("late": it verifies
     * the signature before it reads the payload). */
    static void all(String library, Class<?> of, Map<String, String> said, Check check) throws Exception {
        check.run(hs(Map.of()));
        for (Asked asked : tokens()) {
            refused(library, of, new Asked(said.getOrDefault(asked.token.contains("~~") ? "late" : asked.reason, asked.reason), asked.token), check);
        }
    }

    static DefaultJWTProcessor<SecurityContext> nimbus() {
        var processor = new DefaultJWTProcessor<SecurityContext>();
        processor.setJWSKeySelector(new JWSVerificationKeySelector<>(JWSAlgorithm.HS256, new ImmutableSecret<>(SECRET)));
        var exact = new JWTClaimsSet.Builder().issuer(ISSUER).subject("alice").build();
        processor.setJWTClaimsSetVerifier(new DefaultJWTClaimsVerifier<>("orders", exact, Set.of("exp", "sub")));
        return processor;
    }

    static JwtDecoder spring(NimbusJwtDecoder decoder) {
        decoder.setJwtValidator(new DelegatingOAuth2TokenValidator<>(JwtValidators.createDefaultWithIssuer(ISSUER),
            new JwtClaimValidator<List<String>>("aud", aud -> aud != null && aud.contains("orders")),
            new JwtClaimValidator<String>("sub", "alice"::equals)));
        return decoder;
    }

    static JwtDecoder springSecret() {
        SecretKey key = new javax.crypto.spec.SecretKeySpec(SECRET, "HmacSHA256");
        return spring(NimbusJwtDecoder.withSecretKey(key).macAlgorithm(MacAlgorithm.HS256).build());
    }

    static void libraries() throws Exception {
        var jjwt = Jwts.parser().verifyWith(Keys.hmacShaKeyFor(SECRET)).requireIssuer(ISSUER).requireAudience("orders")
            .requireSubject("alice").sig().clear().add(Jwts.SIG.HS256).and().build();
        all("jjwt", Jwts.class, Map.of("late", "signature"), jjwt::parseSignedClaims);
        all("nimbus-jose-jwt", SignedJWT.class, Map.of(), token -> nimbus().process(token, null));
        all("spring-security", JwtDecoder.class, Map.of(), springSecret()::decode);
        var auth0 = com.auth0.jwt.JWT.require(Algorithm.HMAC256(SECRET)).withIssuer(ISSUER).withAudience("orders")
            .withSubject("alice").build();
        all("java-jwt", com.auth0.jwt.JWT.class, Map.of(), auth0::verify);
        var jose4j = new JwtConsumerBuilder().setVerificationKey(new HmacKey(SECRET)).setExpectedIssuer(ISSUER)
            .setExpectedAudience("orders").setExpectedSubject("alice").setRequireExpirationTime()
            .setJwsAlgorithmConstraints(AlgorithmConstraints.ConstraintType.PERMIT, "HS256").build();
        all("jose4j", JwtConsumerBuilder.class, Map.of(), jose4j::process);
        refused("jjwt", Jwts.class, new Asked("missing", ""), jjwt::parseSignedClaims);
    }

    static void keySets() throws Exception {
        RSAKey key = new RSAKeyGenerator(2048).keyID("current").generate();
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        byte[] keys = new JWKSet(key.toPublicJWK()).toString().getBytes(StandardCharsets.UTF_8);
        server.createContext("/", exchange -> {
            boolean known = exchange.getRequestURI().getPath().equals("/jwks");
            exchange.sendResponseHeaders(known ? 200 : 503, keys.length);
            exchange.getResponseBody().write(keys);
            exchange.close();
        });
        server.start();
        String base = "http://127.0.0.1:" + server.getAddress().getPort();
        var signed = new SignedJWT(new JWSHeader.Builder(JWSAlgorithm.RS256).keyID("rotated-away").build(), claims(Map.of()));
        signed.sign(new RSASSASigner(key));
        String rotated = signed.serialize();
        for (String[] one : new String[][] {{"unknown_key", "/jwks"}, {"jwks_unavailable", "/gone"}}) {
            Asked asked = new Asked(one[0], rotated);
            String url = base + one[1];
            refused("spring-security", JwtDecoder.class, asked, spring(NimbusJwtDecoder.withJwkSetUri(url).build())::decode);
            refused("nimbus-jose-jwt", SignedJWT.class, asked, token -> {
                var processor = new DefaultJWTProcessor<SecurityContext>();
                var source = JWKSourceBuilder.create(URI.create(url).toURL()).build();
                processor.setJWSKeySelector(new JWSVerificationKeySelector<>(JWSAlgorithm.RS256, source));
                processor.process(token, null);
            });
            refused("jwks-rsa", JwkProviderBuilder.class, asked, token -> new JwkProviderBuilder(new URL(url)).build().get("rotated-away"));
        }
        Asked unknown = new Asked("unknown_key", rotated);
        Locator<java.security.Key> nobody = header -> null;
        refused("jjwt", Jwts.class, unknown, token -> Jwts.parser().keyLocator(nobody).build().parseSignedClaims(token));
        var http = new org.jose4j.keys.resolvers.HttpsJwksVerificationKeyResolver(new org.jose4j.jwk.HttpsJwks(base + "/jwks"));
        refused("jose4j", JwtConsumerBuilder.class, unknown, token -> new JwtConsumerBuilder().setSkipAllValidators()
            .setVerificationKeyResolver(http).build().process(token));
        server.stop(0);
        refused("spring-security", JwtDecoder.class, new Asked("jwks_unavailable", rotated), spring(NimbusJwtDecoder.withJwkSetUri(base + "/jwks").build())::decode);
    }

    static AuthenticationException seen;

    @Configuration
    @EnableWebSecurity
    static class Resource {
        static JwtDecoder decoder = springSecret();

        @Bean JwtDecoder decoder() { return token -> decoder.decode(token); }

        @Bean BearerTokenResolver resolver() {
            var resolver = new DefaultBearerTokenResolver();
            resolver.setAllowUriQueryParameter(true);
            return resolver;
        }

        /** What a service records that has its own entry point, before the stock one answers. */
        static void commence(HttpServletRequest request, HttpServletResponse response, AuthenticationException thrown) {
            seen = thrown;
            new BearerTokenAuthenticationEntryPoint().commence(request, response, thrown);
        }

        @Bean SecurityFilterChain chain(HttpSecurity http) throws Exception {
            return http.authorizeHttpRequests(all -> all.requestMatchers(request -> request.getRequestURI().startsWith("/admin"))
                    .hasAuthority("SCOPE_admin").anyRequest().authenticated())
                .oauth2ResourceServer(server -> server.jwt(Customizer.withDefaults()).authenticationEntryPoint(Resource::commence))
                .build();
        }
    }

    /** Spring Security's resource server: nothing is thrown out of its filters, the challenge says why. */
    static void resourceServer() throws Exception {
        var context = new AnnotationConfigWebApplicationContext();
        context.setServletContext(new MockServletContext());
        context.register(Resource.class);
        context.refresh();
        var filters = (FilterChainProxy) context.getBean("springSecurityFilterChain", jakarta.servlet.Filter.class);
        List<Asked> all = new ArrayList<>(tokens());
        all.add(new Asked("missing", ""));
        all.add(new Asked("multiple", "twice"));
        all.add(new Asked("forbidden", hs(Map.of())));
        for (Asked asked : all) {
            var request = new MockHttpServletRequest("GET", asked.reason.equals("forbidden") ? "/admin" : "/orders");
            if (!asked.token.isEmpty()) request.addHeader("authorization", "Bearer " + asked.token);
            if (asked.token.equals("twice")) {
                request.setQueryString("access_token=x");
                request.addParameter("access_token", "x");
            }
            var response = new MockHttpServletResponse();
            seen = null;
            filters.doFilter(request, response, new MockFilterChain());
            String challenge = response.getHeader("www-authenticate");
            if (challenge != null) out("spring-security", JwtDecoder.class, asked.reason, asked.token, null, challenge, response.getStatus());
            else System.err.println("no challenge for " + asked.reason + ": " + response.getStatus());
            var thrown = seen;
            if (thrown != null) refused("spring-security", JwtDecoder.class, asked, token -> { throw thrown; });
        }
        // Thrown out of the filters: the service answers 500.
        Resource.decoder = spring(NimbusJwtDecoder.withJwkSetUri("http://127.0.0.1:9/jwks").build());
        var request = new MockHttpServletRequest("GET", "/orders");
        var rs = new SignedJWT(new JWSHeader(JWSAlgorithm.RS256), claims(Map.of()));
        rs.sign(new RSASSASigner(new RSAKeyGenerator(2048).generate()));
        request.addHeader("authorization", "Bearer " + rs.serialize());
        refused("spring-security", JwtDecoder.class, new Asked("jwks_unavailable", rs.serialize()),
            token -> filters.doFilter(request, new MockHttpServletResponse(), new MockFilterChain()));
        context.close();
    }

    public static void main(String[] arguments) throws Exception {
        libraries();
        keySets();
        resourceServer();
        System.exit(0);
    }
}
