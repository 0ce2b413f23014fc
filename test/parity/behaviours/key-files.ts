// Private keys in the forms that files have, and passphrases.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Behaviour } from '../behaviour.ts';
import type { Trial } from '../trial.ts';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const edwards = generateKeyPairSync('ed25519').privateKey;

function pem(key: KeyObject, type: 'pkcs1' | 'pkcs8' | 'sec1', cipher?: string): string {
  const encryption = cipher === undefined ? {} : { cipher, passphrase: 'right' };
  return key.export({ type, format: 'pem', ...encryption } as { type: 'pkcs8'; format: 'pem' }).toString();
}

/** Notes what createSecureContext() makes of a key: the code, or that it takes it. */
function note(trial: Trial, label: string, options: object): void {
  try {
    trial.tls.createSecureContext(options);
    trial.note('key', label, 'taken');
  } catch (error) {
    trial.note('key', label, error instanceof Error ? Reflect.get(error, 'code') : undefined);
  }
}

function passphrases(name: string, key: string): Behaviour {
  return {
    name,
    run: (trial) => {
      for (const passphrase of ['right', 'wrong', '', undefined, null])
        note(trial, String(passphrase), { key, passphrase });
      note(trial, 'of the entry', { key: [{ pem: key, passphrase: 'right' }], passphrase: 'wrong' });
      note(trial, 'of all', { key: [{ pem: key }], passphrase: 'right' });
      note(trial, 'as bytes', { key: Buffer.from(key), passphrase: 'right' });
      note(trial, 'of another type', { key, passphrase: {} });
    },
  };
}

const plain = pem(ec, 'pkcs8');
const lines = plain.trimEnd().split('\n');

export const behaviours: readonly Behaviour[] = [
  ...['aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc'].flatMap((cipher) => [
    passphrases(`PKCS#8 under ${cipher}`, pem(ec, 'pkcs8', cipher)),
    passphrases(`SEC 1 under ${cipher}`, pem(ec, 'sec1', cipher)),
    passphrases(`PKCS#1 under ${cipher}`, pem(rsa, 'pkcs1', cipher)),
  ]),
  {
    name: 'keys in the clear, with a passphrase and without',
    run: (trial) => {
      const keys = [plain, pem(ec, 'sec1'), pem(rsa, 'pkcs1'), pem(rsa, 'pkcs8'), pem(edwards, 'pkcs8')];
      for (const [index, key] of keys.entries()) {
        note(trial, `${index}`, { key });
        note(trial, `${index} with a passphrase`, { key, passphrase: 'x' });
      }
    },
  },
  {
    name: 'text around a key, and the ends of its lines',
    run: (trial) => {
      const forms = {
        CRLF: lines.join('\r\n'),
        'no last line feed': lines.join('\n'),
        'text before': `Bag Attributes\n    friendlyName: x\n${plain}`,
        'text behind': `${plain}\nthe end\n`,
        'a certificate before': `${trial.credentials.server.cert}${plain}`,
        'a certificate behind': `${plain}${trial.credentials.server.cert}`,
        'a byte order mark': `\ufeff${plain}`,
        'spaces behind the lines': lines.join('  \n'),
      };
      for (const [label, key] of Object.entries(forms)) note(trial, label, { key });
    },
  },
  {
    name: 'what is no key',
    run: (trial) => {
      const none = {
        certificate: trial.credentials.server.cert,
        'an empty block': '-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n',
        'a block of zeros': '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
        'half a key': plain.slice(0, plain.length / 2),
        path: 'key.pem',
        bytes: Buffer.from([1, 2, 3]),
      };
      for (const [label, key] of Object.entries(none)) note(trial, label, { key });
    },
  },
  {
    name: 'a key that is not that of the certificate',
    run: (trial) => {
      note(trial, 'mismatch', { key: plain, cert: trial.credentials.server.cert });
      note(trial, 'alone', { key: plain });
      note(trial, 'certificate alone', { cert: trial.credentials.server.cert });
    },
  },
];
