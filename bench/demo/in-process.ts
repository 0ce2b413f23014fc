import { once } from 'node:events';
import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { performance } from 'node:perf_hooks';
import nodeTls from 'node:tls';
import tls from 'opentls';
import type { noble } from 'opentls/crypto/noble';
import type { Client, Download, Target } from './client.ts';
import { factsOf } from './facts.ts';

const host = '127.0.0.1';
const servername = 'localhost';
const alpn = { ALPNProtocols: ['http/1.1'] };

/** Node's http client over opentls sockets. */
export function opentlsClient(name: string, provider: typeof noble): Client {
  const connect = (port: number, ca: string | undefined) =>
    tls.connect({ host, port, servername, provider, ...alpn, ...(ca === undefined ? {} : { ca }) });
  return {
    name,
    missing: undefined,
    async fetch(target, path) {
      const socket = connect(target.port, target.ca);
      const clock = handshakeClock(socket);
      const request = http.request({ host: servername, path, createConnection: () => socket });
      const download = await collect(request);
      return { ...download, handshakeMs: clock(), facts: factsOf(socket) };
    },
    refusal: (target) => refusalOf(connect(target.port, undefined)),
  };
}

/** Node's https client over node:tls. */
export const nodeTlsClient: Client = {
  name: 'node:tls',
  missing: undefined,
  async fetch(target, path) {
    const { port, ca } = target;
    const request = https.request({ host, port, path, servername, ca, ...alpn, agent: false });
    const [socket] = (await once(request, 'socket')) as [nodeTls.TLSSocket];
    const clock = handshakeClock(socket);
    const suite = once(socket, 'secureConnect').then(() => socket.getCipher().standardName);
    const download = await collect(request);
    return { ...download, handshakeMs: clock(), facts: { suite: await suite } };
  },
  refusal: (target: Target) => refusalOf(nodeTls.connect({ host, port: target.port, servername })),
};

type ClientSocket = ReturnType<typeof tls.connect> | nodeTls.TLSSocket;

function handshakeClock(socket: ClientSocket): () => number {
  let connected = Number.NaN;
  let secure = Number.NaN;
  socket.once('connect', () => {
    connected = performance.now();
  });
  socket.once('secureConnect', () => {
    secure = performance.now();
  });
  return () => secure - connected;
}

async function collect(request: ClientRequest): Promise<Pick<Download, 'bytes' | 'ms'>> {
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const began = performance.now();
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { ms: performance.now() - began, bytes: Buffer.concat(chunks) };
}

async function refusalOf(socket: ClientSocket): Promise<string | undefined> {
  try {
    await once(socket, 'secureConnect');
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  } finally {
    socket.destroy();
  }
}
