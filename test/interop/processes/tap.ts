import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import type { Scope } from './scope.ts';

export interface WireRecord {
  readonly from: 'client' | 'server';
  /** ContentType on the outside, RFC 9846 §5.1. */
  readonly type: number;
  readonly body: Buffer;
}

/** Stands between the two ends and reads what anybody on the path could. */
export interface Tap {
  readonly port: number;
  /** In the order of arrival. */
  readonly records: readonly WireRecord[];
}

/** @param latency milliseconds that what the server says is late */
export async function startTap(target: number, scope: Scope, latency = 0): Promise<Tap> {
  const records: WireRecord[] = [];
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    watch(near, far, scope, (type, body) => records.push({ from: 'client', type, body }));
    near.pipe(far);
    watch(far, near, scope, (type, body) => records.push({ from: 'server', type, body }));
    far.pipe(late(latency)).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.defer(() => void server.close());
  return { port: (server.address() as AddressInfo).port, records };
}

function watch(source: Socket, sink: Socket, scope: Scope, seen: (type: number, body: Buffer) => void): void {
  scope.defer(() => void source.destroy());
  let pending: Buffer = Buffer.alloc(0);
  source.on('error', () => sink.destroy());
  source.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 5 && pending.length >= 5 + pending.readUInt16BE(3)) {
      const end = 5 + pending.readUInt16BE(3);
      seen(pending.readUInt8(0), Buffer.from(pending.subarray(5, end)));
      pending = pending.subarray(end);
    }
  });
}

function late(latency: number): Transform {
  return new Transform({
    transform: (chunk, _encoding, callback) => {
      if (latency === 0) callback(null, chunk);
      else setTimeout(callback, latency, null, chunk);
    },
  });
}
