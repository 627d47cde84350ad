package main

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"os"
	"strings"

	"github.com/golang-jwt/jwt/v5"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

type tokenKey struct{}

func withToken(ctx context.Context, authorization string) context.Context {
	return context.WithValue(ctx, tokenKey{}, authorization)
}

func tokenOf(ctx context.Context) string {
	authorization, _ := ctx.Value(tokenKey{}).(string)
	return authorization
}

// tag says on the span what the carrier held: presence, and of a JWS its fingerprint and its safe claims.
func tag(span trace.Span, location, authorization string) {
	if authorization == "" {
		span.SetAttributes(attribute.String("jwtrail.token.presence", "absent"))
		return
	}
	scheme, token, _ := strings.Cut(authorization, " ")
	set := []attribute.KeyValue{
		attribute.String("jwtrail.token.presence", "present"),
		attribute.String("jwtrail.token.location", location),
		attribute.String("jwtrail.token.scheme", strings.ToLower(scheme)),
		attribute.Int("jwtrail.token.length", len(token)),
	}
	switch {
	case token == "" || token == "null" || token == "undefined":
		set = append(set, attribute.StringSlice("jwtrail.token.anomaly", []string{"placeholder"}))
	case len(token) >= 32: // What is shorter can be guessed from its digest.
		digest := sha256.Sum256([]byte(token))
		set = append(set, attribute.String("jwtrail.token.fp", "s256:"+base64.RawURLEncoding.EncodeToString(digest[:])))
	}
	claims := jwt.MapClaims{}
	if parsed, _, err := jwt.NewParser().ParseUnverified(token, claims); err == nil {
		set = append(set, attribute.String("jwtrail.token.format", "jws"), attribute.String("jwtrail.token.alg", parsed.Method.Alg()))
		if kid, ok := parsed.Header["kid"].(string); ok {
			set = append(set, attribute.String("jwtrail.token.kid", kid))
		}
		if iss, _ := claims.GetIssuer(); iss != "" {
			set = append(set, attribute.String("jwtrail.token.iss", iss))
		}
		if exp, _ := claims.GetExpirationTime(); exp != nil {
			set = append(set, attribute.Int64("jwtrail.token.exp", exp.Unix()))
		}
		if iat, _ := claims.GetIssuedAt(); iat != nil {
			set = append(set, attribute.Int64("jwtrail.token.iat", iat.Unix()))
		}
		if aud, _ := claims.GetAudience(); len(aud) > 0 {
			set = append(set, attribute.StringSlice("jwtrail.token.aud", aud))
		}
	}
	span.SetAttributes(set...)
}

// verifier checks tokens with golang-jwt against one public key.
type verifier struct {
	key    crypto.PublicKey
	parser *jwt.Parser
}

func newVerifier(path, audience string) (*verifier, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var key crypto.PublicKey
	algorithms := []string{"RS256"}
	if key, err = jwt.ParseRSAPublicKeyFromPEM(pem); err != nil {
		algorithms = []string{"ES256"}
		if key, err = jwt.ParseECPublicKeyFromPEM(pem); err != nil {
			return nil, err
		}
	}
	return &verifier{key, jwt.NewParser(jwt.WithValidMethods(algorithms), jwt.WithAudience(audience), jwt.WithExpirationRequired())}, nil
}

var errMissing = errors.New("no token in the request")

func (v *verifier) check(authorization string) error {
	token, ok := strings.CutPrefix(authorization, "Bearer ")
	if !ok {
		return errMissing
	}
	_, err := v.parser.Parse(token, func(t *jwt.Token) (any, error) {
		if t.Header["kid"] == "retired" {
			return nil, errors.New("no key with this kid")
		}
		return v.key, nil
	})
	return err
}

func reason(err error) string {
	for _, known := range []struct {
		err  error
		name string
	}{
		{errMissing, "missing"}, {jwt.ErrTokenExpired, "expired"}, {jwt.ErrTokenNotValidYet, "not_yet_valid"},
		{jwt.ErrTokenInvalidAudience, "audience"}, {jwt.ErrTokenSignatureInvalid, "signature"},
		{jwt.ErrTokenUnverifiable, "unknown_key"}, {jwt.ErrTokenMalformed, "malformed"}, {jwt.ErrTokenRequiredClaimMissing, "claim"},
	} {
		if errors.Is(err, known.err) {
			return known.name
		}
	}
	return "rejected"
}

// admit checks what arrived, and says on the entry span what came of it.
func (s *service) admit(span trace.Span, authorization string) error {
	if s.verifier == nil {
		return nil
	}
	err := s.verifier.check(authorization)
	if s.config.Tag {
		if err == nil {
			span.SetAttributes(attribute.String("jwtrail.verify.result", "ok"))
		} else {
			span.SetAttributes(attribute.String("jwtrail.verify.result", "failed"), attribute.String("jwtrail.verify.reason", reason(err)))
		}
	}
	if err != nil && s.config.Record {
		span.RecordError(err)
		span.SetStatus(codes.Error, "unauthorized")
	}
	return err
}
