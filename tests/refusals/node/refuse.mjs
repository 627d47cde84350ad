// Makes Node's JWT libraries refuse, and prints what the stock OpenTelemetry SDK records of each refusal.
//
//     mkdir -p /tmp/refusals/node && cp package.json refuse.mjs /tmp/refusals/node && cd /tmp/refusals/node
//     npm install && timeout 60 node refuse.mjs > /tmp/refusals/node.jsonl
//
// One JSON object a line, with the token in it for `collect.py` to scrub by. Ends by itself in seconds.

import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { createRequire } from "node:module";
import { SpanStatusCode, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { ExpressInstrumentation } from "@opentelemetry/instrumentation-express";

const require = createRequire(import.meta.url);
const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();
// Before the frameworks are required, as the instrumentation asks for.
const instrumentations = [new HttpInstrumentation(), new ExpressInstrumentation()];
for (const one of instrumentations) one.setTracerProvider(provider);
const tracer = trace.getTracer("refusals");

const jwt = require("jsonwebtoken");
const express = require("express");
const { expressjwt } = require("express-jwt");
const jwksRsa = require("jwks-rsa");
const passport = require("passport");
const { Strategy, ExtractJwt } = require("passport-jwt");
const { auth } = require("express-oauth2-jwt-bearer");
const { createVerifier } = require("fast-jwt");
const jose = await import("jose");

const SECRET = "a secret of this script alone, long enough for HS256";
const OTHER = "another secret of this script, long enough for HS256";
const NOW = Math.floor(Date.now() / 1000);
const GOOD = { iss: "https://issuer.test", aud: "orders", sub: "alice", iat: NOW - 60, exp: NOW + 600 };
const WANTED = { algorithms: ["HS256"], audience: "orders", issuer: "https://issuer.test" };
const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });

const version = (name) => JSON.parse(require("fs").readFileSync(`node_modules/${name}/package.json`)).version;

function token(changes = {}, key = SECRET, options = { algorithm: "HS256" }) {
  const payload = Object.fromEntries(Object.entries({ ...GOOD, ...changes }).filter(([, value]) => value !== null));
  return jwt.sign(payload, key, { noTimestamp: true, ...options });
}

const cut = token().split(".");
const TOKENS = [
  ["signature", token({}, OTHER)],
  ["algorithm", token({}, SECRET, { algorithm: "HS512" })],
  ["algorithm", token({}, "", { algorithm: "none" })],
  ["expired", token({ exp: NOW - 3600 })],
  ["not_yet_valid", token({ nbf: NOW + 3600 })],
  ["audience", token({ aud: "billing" })],
  ["issuer", token({ iss: "https://other.test" })],
  ["claim", token({ sub: null })],
  ["claim", token({ sub: "mallory" })],
  ["malformed", `${cut[0]}.${cut[1]}`],
  ["malformed", `${cut[0]}.${cut[1].slice(0, -3)}~~.${cut[2]}`],
  ["malformed", `x${cut[0].slice(3)}.${cut[1]}.${cut[2]}`],
  ["malformed", "undefined"],
];
const rotated = token({}, pair.privateKey, { algorithm: "RS256", keyid: "rotated-away" });

function out(library, reason, used, exception, answer = {}, by = "@opentelemetry/sdk-trace-node") {
  console.log(JSON.stringify({
    library, version: version(library), language: "nodejs", asked_reason: reason, recorded_by: `${by} ${version(by)}`,
    exception, challenge: answer.challenge ?? null, status: answer.status ?? null, token: used,
  }));
}

// The exception event of the first span that has one, entry spans first.
function recorded() {
  for (const span of exporter.getFinishedSpans().toReversed()) {
    for (const event of span.events) {
      if (event.name !== "exception") continue;
      const at = (key) => event.attributes[`exception.${key}`] ?? "";
      return { type: at("type"), message: at("message"), stacktrace: at("stacktrace") };
    }
  }
  return null;
}

// Runs a check inside a span, and prints the event that `recordException` made. False where the library accepts.
async function refused(library, reason, used, check) {
  exporter.reset();
  const error = await tracer.startActiveSpan("GET /orders", async (span) => {
    try {
      await check(used);
      return null;
    } catch (thrown) {
      span.recordException(thrown);
      span.setStatus({ code: SpanStatusCode.ERROR });
      return thrown;
    } finally {
      span.end();
    }
  });
  if (error) out(library, reason, used, recorded());
  else console.error(`${library} accepts what was to be refused for ${reason}`);
}

async function listening(handler) {
  const server = createServer(handler);
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { server, url: `http://127.0.0.1:${server.address().port}` };
}

// Libraries by themselves, one token for each reason.
async function libraries() {
  const secret = new TextEncoder().encode(SECRET);
  const fast = createVerifier({
    key: SECRET, algorithms: ["HS256"], allowedAud: "orders", allowedIss: "https://issuer.test",
    allowedSub: "alice", requiredClaims: ["sub"],
  });
  const checks = [
    ["jsonwebtoken", (used) => jwt.verify(used, SECRET, { ...WANTED, subject: "alice" })],
    ["jose", (used) => jose.jwtVerify(used, secret, { ...WANTED, subject: "alice", requiredClaims: ["sub"] })],
    ["fast-jwt", fast],
  ];
  for (const [library, check] of checks) {
    await check(token());
    // jose verifies the signature before it reads the payload: a payload that cannot be read has none.
    const late = (used) => library === "jose" && used.includes("~~");
    for (const [reason, used] of TOKENS) await refused(library, late(used) ? "signature" : reason, used, check);
  }
  await refused("jsonwebtoken", "missing", "", (used) => jwt.verify(used, SECRET, WANTED));
  await refused("jose", "malformed", "", (used) => jose.jwtVerify(used, secret, WANTED));
  const locked = (used) => jwt.verify(used, pair.publicKey, { algorithms: ["RS256"] });
  await refused("jsonwebtoken", "algorithm", token(), locked);
}

// Key sets: a kid that is not there, and a server that does not answer.
async function keySets() {
  const keys = JSON.stringify({ keys: [{ ...pair.publicKey.export({ format: "jwk" }), kid: "current", use: "sig", alg: "RS256" }] });
  const { server, url } = await listening((request, response) => {
    if (request.url === "/slow") return;
    response.writeHead(request.url === "/jwks" ? 200 : 503, { "content-type": "application/json" }).end(keys);
  });
  const remote = (path, options) => jose.createRemoteJWKSet(new URL(`${url}${path}`), options);
  await refused("jose", "unknown_key", rotated, (used) => jose.jwtVerify(used, remote("/jwks")));
  await refused("jose", "jwks_unavailable", rotated, (used) => jose.jwtVerify(used, remote("/gone")));
  await refused("jose", "jwks_unavailable", rotated, (used) => jose.jwtVerify(used, remote("/slow", { timeoutDuration: 300 })));
  const client = (path) => jwksRsa({ jwksUri: `${url}${path}`, timeout: 300 });
  await refused("jwks-rsa", "unknown_key", rotated, () => client("/jwks").getSigningKey("rotated-away"));
  await refused("jwks-rsa", "jwks_unavailable", rotated, () => client("/gone").getSigningKey("rotated-away"));
  // A key set that does not answer in time is "socket hang up" to jwks-rsa: nothing tells it from any other call's.
  server.closeAllConnections();
  server.close();
}

async function ask(url, used) {
  exporter.reset();
  const response = await fetch(url, used ? { headers: { authorization: `Bearer ${used}` } } : {});
  await response.text();
  // The instrumentation ends a SERVER span when the response has closed.
  while (!exporter.getFinishedSpans().some((span) => span.kind === 1)) await new Promise((done) => setTimeout(done, 5));
  return { status: response.status, challenge: response.headers.get("www-authenticate") };
}

// Express under its stock instrumentation: jsonwebtoken uncaught, express-jwt, passport-jwt.
async function expressService() {
  const app = express();
  app.get("/uncaught", (request, response) => response.json(jwt.verify(request.headers.authorization.slice(7), SECRET, WANTED)));
  app.get("/express-jwt", expressjwt({ secret: SECRET, ...WANTED }), (_, response) => response.end("ok"));
  const from = ExtractJwt.fromAuthHeaderAsBearerToken();
  passport.use(new Strategy({ jwtFromRequest: from, secretOrKey: SECRET, ...WANTED }, (_, done) => done(null, {})));
  app.get("/passport", passport.authenticate("jwt", { session: false }), (_, response) => response.end("ok"));
  app.get("/passport-error", passport.authenticate("jwt", { session: false, failWithError: true }));
  app.get("/passport-info", (request, response, next) => passport.authenticate("jwt", (_, __, info) => next(info))(request, response, next));
  app.get("/bearer", auth({ secret: SECRET, tokenSigningAlg: "HS256", audience: "orders", issuer: "https://issuer.test" }));
  app.use((error, _request, response, _next) => response.set(error.headers ?? {}).status(error.status ?? 500).end("refused"));
  const { server, url } = await listening(app);
  const all = [...TOKENS.filter(([reason]) => reason !== "claim"), ["missing", ""]];
  const paths = [
    ["uncaught", "jsonwebtoken"], ["express-jwt", "express-jwt"], ["passport", "passport-jwt"],
    ["passport-error", "passport-jwt"], ["passport-info", "passport-jwt"], ["bearer", "express-oauth2-jwt-bearer"],
  ];
  for (const [path, library] of paths) {
    for (const [reason, used] of all) {
      if (path === "uncaught" && !used) continue;
      // Passport says "Unauthorized" whatever it was: once is enough.
      const late = path === "bearer" && used.includes("~~");
      const mute = path.startsWith("passport") && path !== "passport-info";
      if (mute && reason !== "expired") continue;
      const answer = await ask(`${url}/${path}`, used);
      const found = recorded();
      if (found || answer.challenge) out(library, mute ? "rejected" : late ? "signature" : reason, used, found, answer, "@opentelemetry/instrumentation-express");
    }
  }
  server.closeAllConnections();
  server.close();
}

// express-jwt and @fastify/jwt as a service that records its own errors sees them.
async function frameworks() {
  for (const [reason, used] of [...TOKENS.filter(([reason]) => reason !== "claim"), ["missing", ""], ["malformed", "a b"]]) {
    const headers = used ? { authorization: `Bearer ${used}` } : {};
    const guard = expressjwt({ secret: SECRET, ...WANTED });
    await refused("express-jwt", reason, used, () => new Promise((done, fail) => {
      guard({ headers, method: "GET" }, {}, (error) => (error ? fail(error) : done()));
    }));
  }
  const fastify = require("fastify")();
  const verify = { algorithms: ["HS256"], allowedAud: "orders", allowedIss: "https://issuer.test" };
  await fastify.register(require("@fastify/jwt"), { secret: SECRET, verify });
  fastify.get("/", async (request) => { await request.jwtVerify(); return "ok"; });
  let seen = null;
  fastify.addHook("onError", async (_request, _reply, error) => { seen = error; });
  for (const [reason, used] of [...TOKENS.filter(([reason]) => reason !== "claim"), ["missing", ""]]) {
    const answer = await fastify.inject({ url: "/", headers: used ? { authorization: `Bearer ${used}` } : {} });
    if (answer.statusCode < 400) continue;
    await refused("@fastify/jwt", reason, used, () => { throw seen; });
  }
  await fastify.close();
}

// @fastify/otel records what a route throws on the request's span.
async function fastifyService() {
  const { FastifyOtelInstrumentation } = require("@fastify/otel");
  const instrumentation = new FastifyOtelInstrumentation();
  instrumentation.setTracerProvider(provider);
  const fastify = require("fastify")();
  await fastify.register(instrumentation.plugin());
  await fastify.register(require("@fastify/jwt"), { secret: SECRET, verify: { algorithms: ["HS256"], allowedAud: "orders" } });
  fastify.get("/", async (request) => { await request.jwtVerify(); return "ok"; });
  for (const [reason, used] of TOKENS.filter(([reason]) => ["signature", "expired", "audience"].includes(reason)).concat([["missing", ""]])) {
    exporter.reset();
    const answer = await fastify.inject({ url: "/", headers: used ? { authorization: `Bearer ${used}` } : {} });
    const found = recorded();
    if (found) out("@fastify/jwt", reason, used, found, { status: answer.statusCode }, "@fastify/otel");
  }
  await fastify.close();
}

await libraries();
await keySets();
await expressService();
await frameworks();
await fastifyService();
process.exit(0);
