import nodeTls from 'node:tls';
import tls from 'opentls';
import { noble } from 'opentls/crypto/noble';
import { node } from 'opentls/crypto/node';

/** The stacks that are compared: what they share is the API of node:tls. */
export type StackName = 'opentls/noble' | 'opentls/node' | 'node:tls';
export const stackNames: readonly StackName[] = ['opentls/noble', 'opentls/node', 'node:tls'];

export interface Stack {
  readonly tls: Pick<typeof nodeTls, 'connect' | 'createServer'>;
  /** Options that choose this stack's provider. */
  readonly options: object;
}

export function stack(name: StackName): Stack {
  switch (name) {
    case 'opentls/noble':
      return { tls: tls as unknown as Stack['tls'], options: { provider: noble } };
    case 'opentls/node':
      return { tls: tls as unknown as Stack['tls'], options: { provider: node } };
    case 'node:tls':
      return { tls: nodeTls, options: { minVersion: 'TLSv1.3' } };
  }
}
