// Flags of the node command that are about TLS.
import { readFileSync } from 'node:fs';
import type { Behaviour } from '../behaviour.ts';

export const behaviours: readonly Behaviour[] = [
  {
    name: '--tls-cipher-list is the default list',
    flags: ['--tls-cipher-list=TLS_AES_256_GCM_SHA384:HIGH'],
    run: async (trial) => {
      trial.note('module', 'DEFAULT_CIPHERS', trial.tls.DEFAULT_CIPHERS);
      const client = trial.connect(await trial.listen(trial.nodeServer()));
      await trial.event(client, 'secureConnect');
      trial.note('client', 'cipher', client.getCipher().name);
    },
  },
  {
    name: 'NODE_OPTIONS has the flags, too',
    env: { NODE_OPTIONS: '--tls-cipher-list=TLS_AES_256_GCM_SHA384' },
    run: (trial) => trial.note('module', 'DEFAULT_CIPHERS', trial.tls.DEFAULT_CIPHERS),
  },
  {
    name: '--tls-max-v1.2 is the default version',
    flags: ['--tls-max-v1.2'],
    run: (trial) => trial.note('module', 'DEFAULT_MAX_VERSION', trial.tls.DEFAULT_MAX_VERSION),
  },
  {
    name: '--tls-keylog writes the key log',
    flags: ['--tls-keylog=keys.log'],
    run: async (trial) => {
      const client = trial.connect(await trial.listen(trial.nodeServer()));
      await trial.event(client, 'secureConnect');
      // Node writes the lines later.
      await trial.settle(300);
      const labels = readFileSync('keys.log', 'utf8').match(/^[A-Z0-9_]+/gm) ?? [];
      trial.note('file', 'labels', [...new Set(labels)].sort());
    },
  },
];
