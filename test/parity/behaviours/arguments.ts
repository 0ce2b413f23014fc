// What the functions of the module throw, and what they return, for arguments alone.
import type { Behaviour } from '../behaviour.ts';

export const behaviours: readonly Behaviour[] = [
  {
    name: 'convertALPNProtocols takes lists and bytes',
    run: (trial) => {
      for (const protocols of [['h2', 'http/1.1'], [], Buffer.from('\x02h2', 'latin1'), new Uint8Array([1, 97])]) {
        const out: { ALPNProtocols?: Buffer } = {};
        trial.tls.convertALPNProtocols(protocols, out);
        trial.note('result', 'bytes', out.ALPNProtocols?.toString('latin1'));
      }
    },
  },
  {
    name: 'convertALPNProtocols refuses what is too long, and what is no string',
    run: (trial) => {
      trial.call('result', '256 characters', trial.tls.convertALPNProtocols, ['a'.repeat(256)], {});
      trial.call('result', 'a number', trial.tls.convertALPNProtocols, [5], {});
    },
  },
];
