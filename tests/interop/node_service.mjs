// One Express service of the interop lane: checks its caller's token, and calls the next service with it or without.
// The SDK's exporters are configured by the environment; the header capture has to be code (there is no variable for it).
import { createRequire } from 'node:module';
import { diag, DiagConsoleLogger, DiagLogLevel } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NodeSDK } from '@opentelemetry/sdk-node';

diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);
const requestHeaders = ['authorization', 'traceparent', 'user-agent'];
const sdk = new NodeSDK({
  instrumentations: [
    new HttpInstrumentation({
      headersToSpanAttributes: { server: { requestHeaders }, client: { requestHeaders } },
      ignoreIncomingRequestHook: (request) => request.url === '/health',
    }),
    new ExpressInstrumentation(),
  ],
});
sdk.start();

// Instrumentations patch what is required after them.
const require = createRequire(import.meta.url);
const express = require('express');
const http = require('http');
const jwt = require('jsonwebtoken');

const { JWT_KEY, JWT_ALGORITHM, NEXT_URL, DROPS_TOKEN, PORT } = process.env;

const get = (url, headers) =>
  new Promise((resolve, reject) => {
    const request = http.get(url, { headers: { 'user-agent': 'interop', ...headers } }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    request.on('error', reject);
  });

const app = express();
app.get('/health', (_request, response) => response.send('ok'));
app.get('/work', async (request, response) => {
  const { authorization } = request.headers;
  if (!authorization) {
    logs.getLogger('interop').emit({ severityText: 'WARN', body: 'request without a token' });
    return response.status(401).set('www-authenticate', 'Bearer').send('no token');
  }
  jwt.verify(authorization.replace('Bearer ', ''), JWT_KEY, { algorithms: [JWT_ALGORITHM], audience: 'interop' });
  if (NEXT_URL) {
    await get(`${NEXT_URL}/work`, DROPS_TOKEN === '1' ? {} : { authorization });
  }
  return response.send('done');
});
app.listen(Number(PORT), '127.0.0.1');

process.on('SIGTERM', () => sdk.shutdown().finally(() => process.exit(0)));
