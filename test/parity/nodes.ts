import { fileURLToPath } from 'node:url';
import { type FetchedNode, node22, node24, node26, packageName } from '../interop/peers/newer-nodes.ts';
import type { NodeBinary } from './run.ts';

/** The Node that runs this, and the newer ones that `npm run interop:fetch` brings. */
export async function binaries(): Promise<{
  readonly found: readonly NodeBinary[];
  readonly missing: readonly string[];
}> {
  const found: NodeBinary[] = [running];
  const missing: string[] = [];
  for (const node of [node22, node24, node26]) {
    const reason = await node.missing();
    const binary = { major: majorOf(node.version), path: pathOf(node) };
    if (reason !== undefined) missing.push(reason);
    else if (binary.major !== running.major) found.push(binary);
  }
  return { found, missing };
}

export const running: NodeBinary = { major: majorOf(process.versions.node), path: process.execPath };

function majorOf(version: string): number {
  return Number(version.split('.', 1)[0]);
}

function pathOf({ prefix }: FetchedNode): string {
  return fileURLToPath(new URL(`node_modules/${packageName}/bin/node`, `file://${prefix}/`));
}
