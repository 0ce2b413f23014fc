import { fileURLToPath } from 'node:url';
import { alertFrom, groupName } from '../ends/names.ts';
import { nodeOptions } from '../ends/node-options.ts';
import { type Child, start } from '../processes/child.ts';
import type { Scope } from '../processes/scope.ts';
import type { Peer, PeerFacts, PeerName, PeerSession, Role, Settings } from '../types.ts';

/** `node:tls` of a Node binary, in a process of its own. */
export function nodePeer(name: PeerName, binary: string, missing: Peer['missing']): Peer {
  const run = (role: Role, port: number, settings: Settings, scope: Scope): Child =>
    start(scope, binary, [script, JSON.stringify(childSettings(role, port, settings))], { timeLimit: 300_000 });
  const connect: Peer['connect'] = (port, settings, scope) =>
    nodeSession(run('client', port, settings, scope), 1, settings);
  return {
    name,
    missing,
    listen: async (settings, scope) => {
      const child = run('server', 0, settings, scope);
      const [, port] = await child.log.match(/"event":"listening",.*"port":(\d+)/);
      return { port: Number(port), session: () => nodeSession(child, seen(child) + 1, settings) };
    },
    connect,
    revisit: async ({ first, second }, settings, scope) => {
      const begun = connect(first, settings, scope);
      const session = await begun.ticket?.();
      begun.input.end();
      return connect(second, { ...settings, session }, scope);
    },
    // Node finishes the handshake first and looks at the verdict then.
    clientSendsAlert: { certificate: false, name: false },
    codes: {
      authority: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      name: 'ERR_TLS_CERT_ALTNAME_INVALID',
      expired: 'CERT_HAS_EXPIRED',
    },
  };
}

const script = fileURLToPath(new URL('node-child.mjs', import.meta.url));

function childSettings(role: Role, port: number, settings: Settings): object {
  const { otherName, exporter, keylog, maxFragment, session, ticketKeys, psk, ocspResponse } = settings;
  return {
    role,
    port,
    options: nodeOptions(role, settings),
    ...(otherName && { otherName: { name: otherName.name, options: nodeOptions(role, otherName) } }),
    exporter,
    keylog,
    maxFragment,
    session,
    ticketKeys,
    psk,
    ocspResponse,
  };
}

interface Report extends PeerFacts {
  readonly event: string;
  readonly code?: string;
  readonly message?: string;
  readonly line?: string;
  readonly session?: string;
  readonly response?: string;
}

/** How many connections a server has told of. */
function seen(child: Child): number {
  return child.log.text().split('"event":"connection"').length - 1;
}

function nodeSession(child: Child, connection: number, settings: Settings): PeerSession {
  const reported = async (event: string): Promise<Report> => {
    const [line] = await child.log.match(new RegExp(`^{"event":"(?:${event})","connection":${connection}\\b.*}$`, 'm'));
    return JSON.parse(line);
  };
  return {
    input: child.stdin,
    output: child.stdout,
    facts: async () => {
      const first = await reported('open|error|close');
      if (first.event !== 'open') throw new Error(`the handshake failed at the peer: ${first.code} ${first.message}`);
      const ocspResponse = settings.requestOcsp ? (await reported('ocsp')).response : undefined;
      return { ...first, group: groupName(first.group), ocspResponse };
    },
    failure: async () => {
      const { code } = await reported('error|close');
      return { code, alert: code === undefined ? undefined : alertFrom(code) };
    },
    keylog: async () => {
      await child.log.match(/"event":"keylog".*$/m, 0, 5);
      return [...child.log.text().matchAll(/"line":"([^"]*)"/g)].map((found) => found[1] ?? '');
    },
    ended: async () => void (await reported('end')),
    ticket: async () => (await reported('session')).session ?? '',
    says: async (pattern, times) => void (await child.log.match(pattern, 0, times)),
  };
}
