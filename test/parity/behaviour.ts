import type { Trial } from './trial.ts';

/**
 * Something that an application can observe of `node:tls`. The same code runs once with `node:tls` and once with opentls,
 * and what it notes has to be the same.
 */
export interface Behaviour {
  /** Says what is observed; no two behaviours of a file have the same name. */
  readonly name: string;
  readonly run: (trial: Trial) => Promise<void> | void;
  /**
   * The notes that differ on purpose, by `track` or `track: label`, each with its reason as the README gives it. A
   * behaviour that names a difference has to show it in some version of Node.
   */
  readonly byDesign?: Readonly<Record<string, string>>;
  /** The first and the last major version of Node that the behaviour is about. Default: all. */
  readonly from?: number;
  readonly to?: number;
  /** Arguments of the `node` command; such a behaviour has a process of its own. */
  readonly flags?: readonly string[];
  /** Variables of the environment; such a behaviour has a process of its own. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A line that a behaviour noted. */
export interface Note {
  /** What the note is about, such as `client`. Notes of one track are compared in their order; tracks stand apart. */
  readonly track: string;
  readonly label: string;
  readonly text: string;
}

/** Which module the behaviours run with. */
export type ModuleName = 'node:tls' | 'opentls';
