import type { Peer } from '../types.ts';
import { nodePeer } from './node.ts';

/** `node:tls` of the Node that runs this. */
export const nodeTls: Peer = nodePeer('node-tls', process.execPath, async () => undefined);
