import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Peer } from '../types.ts';
import { nodePeer } from './node.ts';

/** Where fetch-node.ts puts the package, relative to the repository; nothing in it is ever published. */
const prefix = '.cache/node24';
const packageName = `node-${process.platform}-${process.arch}`;
const root = new URL('../../../', import.meta.url);
const binary = fileURLToPath(new URL(`${prefix}/node_modules/${packageName}/bin/node`, root));

/** A Node ≥ 24: its OpenSSL speaks X25519MLKEM768. */
export const node24: Peer & { readonly prefix: string; readonly packageName: string } = {
  ...nodePeer('node24', binary, async () =>
    existsSync(binary) ? undefined : 'no Node 24: npm run interop:fetch brings one',
  ),
  prefix: fileURLToPath(new URL(prefix, root)),
  packageName,
};
