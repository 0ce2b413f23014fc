import opentls from 'opentls';
import { noble } from 'opentls/crypto/noble';
import { node } from 'opentls/crypto/node';
import { control, createSubject, type Subject } from './ends/subject.ts';

/** What `--provider` names. `control` is `node:tls` in the place of opentls: it tells the harness's faults from ours. */
export const subjects: Readonly<Record<string, Subject>> = {
  noble: createSubject('opentls (noble)', opentls, { provider: noble }),
  node: createSubject('opentls (node)', opentls, { provider: node }),
  control,
};
