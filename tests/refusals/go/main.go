// Makes Go's JWT libraries refuse, and prints what the stock OpenTelemetry SDK records of each refusal.
//
//	mkdir -p /tmp/refusals/go && cp go.mod main.go /tmp/refusals/go && cd /tmp/refusals/go
//	go mod tidy && timeout 120 go run . > /tmp/refusals/go.jsonl
//
// One JSON object a line, with the token in it for collect.py to scrub by. Ends by itself in seconds.
package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"
	"github.com/golang-jwt/jwt/v5/request"
	"github.com/lestrrat-go/jwx/v3/jwa"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

const issuer = "https://issuer.test"

var (
	secret   = []byte("a secret of this script alone, long enough for HS256")
	other    = []byte("another secret of this script, long enough for HS256")
	exporter = tracetest.NewInMemoryExporter()
	tracer   = sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter)).Tracer("refusals")
	enc      = json.NewEncoder(os.Stdout)
)

type asked struct{ reason, token string }

type check func(string) error

func version(module string) string {
	info, _ := debug.ReadBuildInfo()
	for _, dep := range info.Deps {
		if dep.Path == module {
			return dep.Version
		}
	}
	return ""
}

// refused runs a check inside a span and prints the event that RecordError made of its error.
func refused(library, module, reason, token string, run check) {
	exporter.Reset()
	_, span := tracer.Start(context.Background(), "GET /orders", trace.WithSpanKind(trace.SpanKindServer))
	err := run(token)
	if err == nil {
		fmt.Fprintf(os.Stderr, "%s accepts what was to be refused for %s\n", library, reason)
	} else {
		span.RecordError(err, trace.WithStackTrace(true))
		span.SetStatus(codes.Error, "refused")
	}
	span.End()
	for _, event := range exporter.GetSpans()[0].Events {
		exception := map[string]string{}
		for _, attribute := range event.Attributes {
			exception[strings.TrimPrefix(string(attribute.Key), "exception.")] = attribute.Value.AsString()
		}
		_ = enc.Encode(map[string]any{
			"library": library, "version": version(module), "language": "go", "asked_reason": reason,
			"recorded_by": "go.opentelemetry.io/otel/sdk " + version("go.opentelemetry.io/otel/sdk"),
			"exception":   exception, "challenge": nil, "status": nil, "token": token,
		})
	}
}

func sign(method jwt.SigningMethod, key any, kid string, changes map[string]any) string {
	now := time.Now().Unix()
	claims := jwt.MapClaims{"iss": issuer, "aud": "orders", "sub": "alice", "iat": now - 60, "exp": now + 600}
	for name, value := range changes {
		if value == nil {
			delete(claims, name)
		} else {
			claims[name] = value
		}
	}
	token := jwt.NewWithClaims(method, claims)
	if kid != "" {
		token.Header["kid"] = kid
	}
	text, err := token.SignedString(key)
	if err != nil {
		panic(err)
	}
	return text
}

func hs(changes map[string]any) string { return sign(jwt.SigningMethodHS256, secret, "", changes) }

func tokens() []asked {
	now := time.Now().Unix()
	parts := strings.Split(hs(nil), ".")
	none := sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "", nil)
	return []asked{
		{"signature", sign(jwt.SigningMethodHS256, other, "", nil)},
		{"algorithm", sign(jwt.SigningMethodHS512, secret, "", nil)},
		{"algorithm", none},
		{"expired", hs(map[string]any{"exp": now - 3600})},
		{"not_yet_valid", hs(map[string]any{"nbf": now + 3600})},
		{"not_yet_valid", hs(map[string]any{"iat": now + 3600})},
		{"audience", hs(map[string]any{"aud": "billing"})},
		{"issuer", hs(map[string]any{"iss": "https://other.test"})},
		{"claim", hs(map[string]any{"sub": "mallory"})},
		{"claim", hs(map[string]any{"exp": nil})},
		{"malformed", parts[0] + "." + parts[1]},
		{"malformed", parts[0] + "." + parts[1][:len(parts[1])-3] + "~~." + parts[2]},
		{"malformed", "x" + parts[0][3:] + "." + parts[1] + "." + parts[2]},
		{"malformed", "undefined"},
	}
}

func golangJWT(token string) error {
	_, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return secret, nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithAudience("orders"), jwt.WithIssuer(issuer),
		jwt.WithSubject("alice"), jwt.WithIssuedAt(), jwt.WithExpirationRequired())
	return err
}

func goJose(token string) error {
	parsed, err := josejwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return err
	}
	var claims josejwt.Claims
	if err := parsed.Claims(secret, &claims); err != nil {
		return err
	}
	return claims.Validate(josejwt.Expected{Issuer: issuer, AnyAudience: josejwt.Audience{"orders"}, Subject: "alice"})
}

func jwx(token string) error {
	_, err := jwxjwt.Parse([]byte(token), jwxjwt.WithKey(jwa.HS256(), secret), jwxjwt.WithIssuer(issuer),
		jwxjwt.WithAudience("orders"), jwxjwt.WithSubject("alice"), jwxjwt.WithRequiredClaim("exp"))
	return err
}

func libraries() {
	for _, library := range []struct {
		name, module string
		run          check
	}{
		{"golang-jwt", "github.com/golang-jwt/jwt/v5", golangJWT},
		{"go-jose", "github.com/go-jose/go-jose/v4", goJose},
		{"jwx", "github.com/lestrrat-go/jwx/v3", jwx},
	} {
		if err := library.run(hs(nil)); err != nil {
			panic(err)
		}
		for _, one := range tokens() {
			// jwx verifies the signature before it reads the payload: a payload that cannot be read has none.
			if library.name == "jwx" && strings.Contains(one.token, "~~") {
				one.reason = "signature"
			}
			refused(library.name, library.module, one.reason, one.token, library.run)
		}
	}
	const module = "github.com/golang-jwt/jwt/v5"
	none := tokens()[2].token
	refused("golang-jwt", module, "algorithm", none, func(token string) error {
		_, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return secret, nil })
		return err
	})
	// What most tutorials write into the key function.
	refused("golang-jwt", module, "algorithm", none, func(token string) error {
		_, err := jwt.Parse(token, func(token *jwt.Token) (any, error) {
			if _, ok := token.Method.(*jwt.SigningMethodHMAC); !ok {
				return nil, fmt.Errorf("unexpected signing method: %v", token.Header["alg"])
			}
			return secret, nil
		})
		return err
	})
	for header, reason := range map[string]string{"": "missing", "Basic YQ==": "malformed"} {
		refused("golang-jwt", module, reason, "", func(string) error {
			got, _ := http.NewRequest(http.MethodGet, "/", nil)
			if header != "" {
				got.Header.Set("authorization", header)
			}
			_, err := request.ParseFromRequest(got, request.AuthorizationHeaderExtractor, func(*jwt.Token) (any, error) { return secret, nil })
			return err
		})
	}
	// Wrapped, as handlers wrap before they record.
	refused("golang-jwt", module, "expired", tokens()[3].token, func(token string) error {
		return fmt.Errorf("authenticate: %w", golangJWT(token))
	})
	refused("golang-jwt", module, "signature", tokens()[0].token, func(token string) error {
		return errors.Join(errors.New("unauthorized"), golangJWT(token))
	})
}

func keySets() {
	key, _ := rsa.GenerateKey(rand.Reader, 2048)
	public := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "current", Algorithm: "RS256", Use: "sig"}}}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(public) })
	mux.HandleFunc("/gone", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	rotated := sign(jwt.SigningMethodRS256, key, "rotated-away", nil)
	background := context.Background()

	set, err := keyfunc.NewDefaultCtx(background, []string{server.URL + "/jwks"})
	if err != nil {
		panic(err)
	}
	refused("keyfunc", "github.com/MicahParks/keyfunc/v3", "unknown_key", rotated, func(token string) error {
		_, err := jwt.Parse(token, set.Keyfunc)
		return err
	})
	const module = "github.com/coreos/go-oidc/v3"
	verifier := func(path string) *oidc.IDTokenVerifier {
		return oidc.NewVerifier(issuer, oidc.NewRemoteKeySet(background, server.URL+path), &oidc.Config{ClientID: "orders"})
	}
	verify := func(path string) check {
		return func(token string) error { _, err := verifier(path).Verify(background, token); return err }
	}
	good := sign(jwt.SigningMethodRS256, key, "current", nil)
	if err := verify("/jwks")(good); err != nil {
		panic(err)
	}
	rs := func(changes map[string]any) string { return sign(jwt.SigningMethodRS256, key, "current", changes) }
	now := time.Now().Unix()
	stranger, _ := rsa.GenerateKey(rand.Reader, 2048)
	for _, one := range []asked{
		// go-oidc says the same of a key that it does not know and of a signature that none of its keys made.
		{"signature", sign(jwt.SigningMethodRS256, stranger, "current", nil)},
		{"signature", rotated},
		{"expired", rs(map[string]any{"exp": now - 3600})},
		{"not_yet_valid", rs(map[string]any{"nbf": now + 3600})},
		{"audience", rs(map[string]any{"aud": "billing"})},
		{"issuer", rs(map[string]any{"iss": "https://other.test"})},
		{"algorithm", hs(nil)},
		{"malformed", "undefined"},
		{"malformed", base64.RawURLEncoding.EncodeToString([]byte("{")) + ".e30.e30"},
	} {
		refused("go-oidc", module, one.reason, one.token, verify("/jwks"))
	}
	refused("go-oidc", module, "jwks_unavailable", good, verify("/gone"))
	server.Close()
	refused("go-oidc", module, "jwks_unavailable", good, verify("/jwks"))
	locked := httptest.NewTLSServer(mux)
	defer locked.Close()
	refused("go-oidc", module, "jwks_unavailable", good, func(token string) error {
		keys := oidc.NewRemoteKeySet(background, locked.URL+"/jwks")
		_, err := oidc.NewVerifier(issuer, keys, &oidc.Config{ClientID: "orders"}).Verify(background, token)
		return err
	})
	keys := jose.JSONWebKeySet{Keys: public.Keys}
	refused("go-jose", "github.com/go-jose/go-jose/v4", "unknown_key", rotated, func(token string) error {
		parsed, err := josejwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
		if err != nil {
			return err
		}
		var claims josejwt.Claims
		return parsed.Claims(keys, &claims)
	})
}

func main() {
	libraries()
	keySets()
}
