// One Node service of the recordings, told by CONFIG (JSON) what it serves, checks and calls.
// instrumentation-http and instrumentation-undici have a capture setting each: `captureHttp` and `captureUndici`.
import { createRequire } from 'node:module';
import { propagation, context, trace, SpanKind } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { AmqplibInstrumentation } from '@opentelemetry/instrumentation-amqplib';
import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { readFileSync } from 'node:fs';

const config = JSON.parse(process.env.CONFIG);
const requestHeaders = ['authorization', 'traceparent', 'user-agent'];
const both = { requestHeaders, responseHeaders: ['www-authenticate'] };
const sdk = new NodeSDK({
  traceExporter: new OTLPTraceExporter(),
  instrumentations: [
    new HttpInstrumentation({
      headersToSpanAttributes: config.captureHttp === false ? {} : { server: both, client: config.captureHttpClient === false ? {} : both },
    }),
    new UndiciInstrumentation({ headersToSpanAttributes: config.captureUndici ? both : {} }),
    new ExpressInstrumentation(),
    new AmqplibInstrumentation(),
  ],
});
sdk.start();

// Instrumentations patch what is required after them.
const require = createRequire(import.meta.url);
const express = require('express');
const http = require('http');
const jwt = require('jsonwebtoken');
const { WebSocketServer, WebSocket } = require('ws');

const key = config.verify ? readFileSync(config.verify) : undefined;

function byHttp(url, headers) {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { headers: { 'user-agent': 'shop-node/1', ...headers } }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    request.on('error', reject);
  });
}

async function byFetch(url, headers) {
  const response = await fetch(url, { headers });
  await response.text();
  return response.status;
}

function byWebSocket(url, headers) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { headers: { 'user-agent': 'shop-node/1', ...headers } });
    socket.on('open', () => socket.send('price of one book?'));
    socket.on('message', () => socket.close());
    socket.on('close', () => resolve(200));
    socket.on('unexpected-response', (_request, response) => {
      response.resume();
      resolve(response.statusCode);
    });
    socket.on('error', reject);
  });
}

const clients = { http: byHttp, fetch: byFetch, ws: byWebSocket };

function outgoing(authorization, call) {
  switch (call.token ?? 'forward') {
    case 'drop':
      return {};
    case 'undefined': // The variable that a refactoring left unset, in a template.
      return { authorization: `Bearer ${undefined}` };
    case 'unset': // fetch writes it as text; http refuses it.
      return { authorization: undefined };
    default:
      return authorization ? { authorization } : {};
  }
}

async function work(path, authorization) {
  let status = 200;
  for (const call of config.calls?.[path] ?? []) {
    const got = await clients[call.how](call.url, outgoing(authorization, call)).catch(() => 502);
    if (call.relay && got >= 400) status = got;
  }
  return status;
}

const app = express();
app.get('/healthz', (_request, response) => response.send('ok'));
app.use((request, response, next) => {
  const { authorization } = request.headers;
  if (!key) return next();
  if (!authorization) return response.status(401).set('www-authenticate', 'Bearer').send('no token');
  try {
    jwt.verify(authorization.replace('Bearer ', ''), key, { algorithms: ['RS256', 'ES256'], audience: 'shop' });
  } catch (refused) {
    return next(Object.assign(refused, { status: 401 }));
  }
  return next();
});
app.get(/.*/, async (request, response) => {
  response.status(await work(request.path, request.headers.authorization)).send('done');
});
// Express prints what is thrown; the stack stays out of the answer.
app.use((error, _request, response, _next) => response.status(error.status ?? 500).send('refused'));

const server = http.createServer(app);
if (config.websocket) {
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    // instrumentation-http makes no span of an upgrade: the service makes its own, as the HTTP conventions name it.
    const parent = propagation.extract(context.active(), request.headers);
    const attributes = { 'http.request.method': 'GET', 'url.path': request.url, 'network.protocol.name': 'websocket' };
    for (const name of requestHeaders) {
      if (request.headers[name]) attributes[`http.request.header.${name}`] = [request.headers[name]];
    }
    const span = trace.getTracer('shop/websocket').startSpan('GET /ws', { kind: SpanKind.SERVER, attributes }, parent);
    if (!request.headers.authorization) {
      span.setAttribute('http.response.status_code', 401).end();
      return socket.end('HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Bearer\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    }
    return context.with(trace.setSpan(parent, span), () =>
      sockets.handleUpgrade(request, socket, head, (peer) => {
        peer.on('message', async () => {
          await work('/ws', request.headers.authorization);
          peer.send('12.50');
        });
        peer.on('close', () => span.setAttribute('http.response.status_code', 101).end());
      }),
    );
  });
}
server.listen(config.port, '127.0.0.1');
process.on('SIGTERM', () => sdk.shutdown().finally(() => process.exit(0)));
