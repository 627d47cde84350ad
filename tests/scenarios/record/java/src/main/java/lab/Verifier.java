package lab;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.source.ImmutableJWKSet;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import io.jsonwebtoken.Jwts;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/** Checks a token with Nimbus or with jjwt, against one JWKS file; what they throw is theirs. */
final class Verifier {
  private final DefaultJWTProcessor<SecurityContext> nimbus = new DefaultJWTProcessor<>();
  private final JWKSet keys;
  private final boolean jjwt;

  Verifier(String jwksFile, boolean jjwt) throws Exception {
    this.keys = JWKSet.parse(Files.readString(Path.of(jwksFile)));
    this.jjwt = jjwt;
    nimbus.setJWSKeySelector(new JWSVerificationKeySelector<>(JWSAlgorithm.RS256, new ImmutableJWKSet<>(keys)));
    nimbus.setJWTClaimsSetVerifier(new DefaultJWTClaimsVerifier<>("shop", new JWTClaimsSet.Builder().build(), Set.of("sub", "exp")));
  }

  void check(String token) throws Exception {
    if (jjwt) {
      Jwts.parser().verifyWith(keys.getKeys().get(0).toRSAKey().toRSAPublicKey()).requireAudience("shop").build().parseSignedClaims(token);
    } else {
      nimbus.process(token, null);
    }
  }
}
