import { control, type Subject } from './subject.ts';

/** What `--provider` names. `control` is `node:tls` in the place of opentls: it tells the harness's faults from ours. */
export const subjects: Readonly<Record<string, Subject>> = { control };
