import type { CryptoProvider } from '#opentls/crypto/provider';
import { Setup } from './handshakes.ts';
import { interleaved } from './measure.ts';
import type { Row } from './report.ts';

const CHUNK = 64 * 1024;

/** Data one way through two engines in one thread: written, sealed, opened and polled, without a socket. */
export function memoryStream(providers: readonly CryptoProvider[]): readonly Row[] {
  return providers.map((provider) => {
    const times = interleaved([{ name: provider.name, run: sender(new Setup(provider)) }], 9);
    const rate = CHUNK / (times.get(provider.name) ?? Number.NaN) / 1000;
    return { provider: provider.name, suite: provider.suites[0]?.name ?? '', 'MB/s': rate.toFixed(0) };
  });
}

function sender(setup: Setup): () => void {
  const { client, server } = setup.open();
  const chunk = new Uint8Array(CHUNK).fill(7);
  return () => {
    client.write([chunk]);
    let received = 0;
    for (const slab of client.takeOutput()) {
      for (let offset = 0; offset < slab.length; ) {
        const piece = slab.subarray(offset, offset + server.inputRoom);
        server.receive(piece);
        offset += piece.length;
        for (let event = server.poll(); event !== undefined; event = server.poll()) {
          if (event.type === 'data') received += event.bytes.length;
        }
      }
    }
    if (received !== CHUNK) throw new Error(`${received} bytes arrived`);
  };
}
