import { misuse } from '../errors.ts';
import type { RecordLayer } from '../handshake/terms/record-layer.ts';
import { revealForKeylog } from '../keys/schedule.ts';
import type { Receiving } from '../record/receiving.ts';
import type { Sending } from '../record/sending.ts';
import type { EarlyData } from './early-data.ts';
import type { Event } from './events.ts';

/** The parts of a connection that its scripts act on. */
export interface Parts {
  readonly sending: Sending;
  readonly receiving: Receiving;
  readonly early: EarlyData;
  readonly events: Event[];
  readonly keylog: boolean;
}

/** What the handshake scripts may do with a connection. */
export function recordLayerOf({ sending, receiving, early, events, keylog }: Parts): RecordLayer {
  return {
    send: (message) => sending.handshake(message),
    changeCipherSpec: () => sending.changeCipherSpec(),
    protect: (direction, suite, secret) => {
      if (direction === 'write') return sending.protect(suite, secret);
      receiving.protect(suite, secret);
      early.endRead();
    },
    checkAligned: () => receiving.checkAligned(),
    expectRetriedHello: (size) => receiving.expectRetriedHello(size),
    retrySent: () => void events.push({ type: 'retry' }),
    unprotectWrite: () => sending.unprotect(),
    allowEarlyWrite: (size, exporter) => early.beginWrite(size, exporter),
    earlyDecided: (accepted) => {
      if (!accepted) early.endWrite();
      events.push({ type: 'early', accepted });
    },
    endEarlyWrite: () => early.endWrite(),
    takeEarlyData: (size, exporter) => {
      early.beginRead(size, exporter);
      receiving.limitEarlyData(size);
    },
    allowHalfRoundTrip: () => early.allowHalfRoundTrip(),
    skipEarlyData: (size) => receiving.skipEarlyData(size),
    limitRecords: (direction, content) => {
      if (direction === 'write') sending.limitRecords(content);
      else receiving.limitRecords(content);
    },
    verifyData: (direction, hash) => {
      const half = direction === 'write' ? sending : receiving;
      return half.verifyData(hash) ?? misuse('ERR_TLS_INVALID_STATE', `no key to ${direction} with`);
    },
    log: (label, clientRandom, secret) => {
      if (keylog) events.push({ type: 'secret', label, clientRandom, secret: revealForKeylog(secret) });
    },
  };
}
