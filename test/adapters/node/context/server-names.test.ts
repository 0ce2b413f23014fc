import nodeTls from 'node:tls';
import { describe, expect, test, vi } from 'vitest';
import { standsForName } from '#opentls/adapters/node/callbacks/server-names';
import { growth } from '../../../kit/text-steps.ts';
import { authority, serverLeaf } from '../../../x509/made/chain.ts';
import { close, event, listen, modules, serverOptions } from '../sides.ts';

type Shown = { readonly _contexts: [RegExp, unknown][] };

const { opentls } = modules;
const other = serverLeaf(authority('other root'), { subject: 'other' });
const another = serverLeaf(authority('another root'), { subject: 'another' });

/** What a server of opentls answers for a name: the subject that it shows. */
async function shown(port: number, servername: string): Promise<string> {
  const socket = nodeTls.connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false });
  await event(socket, 'secureConnect');
  const name = socket.getPeerCertificate().subject.CN;
  socket.destroy();
  return String(name);
}

describe('addContext', () => {
  test('keeps in _contexts what node:tls keeps there', () => {
    const patterns = ['a.test', '*.test', 'a*b*.x-y.test', 'A/B', 'a$+?', '[x]', '*'];
    const [ours, theirs] = [opentls, nodeTls].map((tls) => {
      const server = tls.createServer();
      for (const pattern of patterns) server.addContext(pattern, {});
      return (server as unknown as Shown)._contexts;
    });
    expect(ours?.map(([pattern]) => pattern.source)).toEqual(theirs?.map(([pattern]) => pattern.source));
    expect(ours?.every((entry) => Array.isArray(entry) && entry.length === 2)).toBe(true);
  });

  test('a pattern stands for the names that it stands for in node:tls', () => {
    const pieces = ['a', 'b', 'A', '.', '*', '**', '-', 'ab', '*.'];
    const letters = ['a', 'b', 'B', '.', '-', 'ab', '.a', '*', ''];
    let seed = 1;
    const pick = (from: readonly string[]): string => {
      seed = (seed * 1_103_515_245 + 12_345) % 0x8000_0000;
      return from[(seed >>> 8) % from.length] ?? '';
    };
    const patterns = Array.from({ length: 1500 }, (_, i) =>
      Array.from({ length: 1 + (i % 6) }, () => pick(pieces)).join(''),
    );
    const [ours = [], theirs = []] = [opentls, nodeTls].map((tls) => {
      const server = tls.createServer();
      const context = tls.createSecureContext();
      for (const pattern of patterns) server.addContext(pattern, context);
      return (server as unknown as Shown)._contexts;
    });
    let matched = 0;
    for (const [i, [pattern]] of ours.entries()) {
      // Before Node 22 letters of another case were others.
      const expected = new RegExp(theirs[i]?.[0] ?? 'none', 'i');
      for (let j = 0; j < 12; j++) {
        const name = Array.from({ length: j }, () => pick(letters)).join('');
        const fits = standsForName(pattern, name);
        expect(fits, `${patterns[i]} for ${name}`).toBe(expected.test(name));
        if (fits) matched++;
      }
    }
    expect(matched).toBeGreaterThan(500);
  });

  test('the last that fits counts, whoever put it into _contexts', async () => {
    const server = opentls.createServer(serverOptions);
    server.addContext('*.test', { key: other.key, cert: other.pem });
    server.addContext('A*.test', { key: another.key, cert: another.pem });
    const port = await listen(server);
    expect(await shown(port, 'b.test')).toBe('other');
    expect(await shown(port, 'ab.TEST')).toBe('another');
    expect(await shown(port, 'a.b.test')).toBe('localhost');
    const entries = (server as unknown as Shown)._contexts;
    entries.push([/^a[0-9]\.test$/, entries[0]?.[1]]);
    expect(await shown(port, 'a1.test')).toBe('other');
    await close(server);
  });
});

describe("superlinear matching of a peer's text: the name that a client asks for", () => {
  test.each(['a*b*.example.com', '*a*a*a*a*.example.com', 'ab*ab*c', '*'])(
    'twice the name costs %s twice the steps',
    (pattern) => {
      const server = opentls.createServer();
      server.addContext(pattern, {});
      const [[compiled] = [/^$/]] = (server as unknown as Shown)._contexts;
      for (const text of ['ab', 'a', '.', 'a.']) {
        const ratio = growth(500, (size) => () => void standsForName(compiled, text.repeat(size)));
        expect(ratio, text).toBeLessThan(2.5);
      }
    },
  );

  test('is not tried with the regular expression that _contexts shows', async () => {
    const server = opentls.createServer(serverOptions);
    server.addContext('a*b*.example.com', serverOptions);
    const port = await listen(server);
    const name = `${'ab'.repeat(30)}.${'ab'.repeat(30)}`;
    const shownPatterns = (server as unknown as Shown)._contexts.map(([pattern]) => pattern);
    const tried: unknown[] = [];
    const exec = RegExp.prototype.exec;
    const spies = (['exec', 'test'] as const).map((method) =>
      vi.spyOn(RegExp.prototype, method).mockImplementation(function (this: RegExp, text: string) {
        if (shownPatterns.includes(this)) tried.push(text);
        const found = Reflect.apply(exec, this, [text]);
        return (method === 'exec' ? found : found !== null) as never;
      }),
    );
    await shown(port, name);
    for (const spy of spies) spy.mockRestore();
    expect(tried).toEqual([]);
    await close(server);
  });
});
