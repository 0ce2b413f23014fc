import { type Certificates, createCertificates } from './credentials/certificates.ts';
import type { Subject } from './ends/subject.ts';
import { createScope, type Scope } from './processes/scope.ts';
import type { Cell, Peer, PeerServer, Settings } from './types.ts';

/** What the cells of one run share. */
export interface Run {
  readonly subject: Subject;
  /** @throws Error where the cell fails */
  cell(cell: Cell): Promise<void>;
  /** Ends what still runs. */
  close(): Promise<void>;
}

export async function createRun(subject: Subject): Promise<Run> {
  const certificates: Certificates = await createCertificates();
  const scope = createScope();
  const servers = new Map<string, Promise<PeerServer>>();
  return {
    subject,
    cell: (cell) => runCell(cell, subject, certificates, (settings) => shared(servers, cell.peer, settings, scope)),
    close: () => scope.close(),
  };
}

function shared(
  servers: Map<string, Promise<PeerServer>>,
  peer: Peer,
  settings: Settings,
  scope: Scope,
): Promise<PeerServer> {
  const key = JSON.stringify([peer.name, settings]);
  const server = servers.get(key) ?? peer.listen(settings, scope);
  servers.set(key, server);
  return server;
}

async function runCell(
  cell: Cell,
  subject: Subject,
  certificates: Certificates,
  sharedServer: (settings: Settings) => Promise<PeerServer>,
): Promise<void> {
  const scope = createScope();
  const { peer, role, variant } = cell;
  const run = variant.run({ role, peer, subject, certificates, scope, sharedServer });
  try {
    await Promise.race([run, expiry(scope)]);
  } finally {
    await scope.close();
    // What the end of the cell broke is no news.
    run.catch(() => undefined);
  }
}

function expiry(scope: Scope): Promise<never> {
  return new Promise((_, reject) => {
    const expire = (): void => reject(new Error(`not over after ${timeLimit} ms; ${scope.testimony()}`));
    const timer = setTimeout(expire, timeLimit);
    scope.defer(() => clearTimeout(timer));
  });
}

/** Milliseconds for one cell; the longest takes some five seconds. */
export const timeLimit = 40_000;
