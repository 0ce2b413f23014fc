import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scope } from '../processes/scope.ts';
import type { Credential } from './certificates.ts';

/** A folder for one peer, gone with the scope. */
export interface Folder {
  path(name: string): string;
  /** @returns the file's path */
  write(name: string, text: string): string;
}

export function createFolder(scope: Scope): Folder {
  const folder = mkdtempSync(join(tmpdir(), 'opentls-interop-'));
  scope.defer(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  return {
    path,
    write: (name, text) => {
      writeFileSync(path(name), text, { mode: 0o600 });
      return path(name);
    },
  };
}

/** A chain's leaf, and the rest: programs want them in files of their own. */
export function splitChain(credential: Credential): { readonly leaf: string; readonly rest: string } {
  const end = credential.cert.indexOf(endLine) + endLine.length;
  return { leaf: credential.cert.slice(0, end), rest: credential.cert.slice(end).trim() };
}

const endLine = '-----END CERTIFICATE-----\n';
