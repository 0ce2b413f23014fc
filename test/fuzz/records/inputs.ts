import { defaultLimits } from '#opentls/limits';
import { ContentType, HandshakeType, SignatureScheme } from '#opentls/wire/enums';
import { writeExtensions } from '#opentls/wire/extensions';
import { encodeMessage } from '#opentls/wire/messages';
import { record } from '../../record/records.ts';
import { mutate, type Numbers } from '../mutate.ts';
import type { Input, Live, Verdict } from './pen.ts';

type Make = (live: Live, number: Numbers) => Input;

const { alert, handshake, application_data: data } = ContentType;
const unexpected = ['unexpected_message'];
const badMac = ['bad_record_mac'];

/** What a connection goes on after, mostly. */
export const lawful: Readonly<Record<string, Make>> = {
  'application data': (live, number) => {
    const content = bytes(number, lengths[number(lengths.length)] ?? 1);
    const padding = number(2) * number(0x4001 - content.length);
    return { bytes: live.pen.content(data, content, padding), verdict: hears(live, content) };
  },
  'application data, in many records': (live, number) => {
    const all = Array.from({ length: 2 + number(20) }, () => bytes(number, 1 + number(300)));
    for (const content of all) hears(live, content);
    return { bytes: Buffer.concat(all.map((content) => live.pen.content(data, content))), verdict: 'on' };
  },
  'an empty record': (live, number) => ({
    bytes: live.pen.content(data, none, number(2) * number(300)),
    verdict: ++live.empties > defaultLimits.emptyRecords ? unexpected : 'on',
  }),
  KeyUpdate: (live, number) => {
    const bytes = live.pen.content(handshake, keyUpdate(number(2)), number(2) * number(50));
    live.pen.update();
    return { bytes, verdict: pays(live, 'on') };
  },
  'a KeyUpdate in pieces': (live, number) => {
    const message = keyUpdate(number(2));
    const cut = 1 + number(message.length - 1);
    const bytes = Buffer.concat([
      live.pen.content(handshake, message.subarray(0, cut)),
      live.pen.content(handshake, message.subarray(cut), number(30)),
    ]);
    live.pen.update();
    return { bytes, verdict: pays(live, 'on') };
  },
};

const lengths = [1, 1, 17, 100, 512, 3000, 0x3fff, 0x4000];

/** What must come out, and what it pays for. */
function hears(live: Live, content: Uint8Array): Verdict {
  live.expected.push(content);
  live.empties = 0;
  live.debt = Math.max(0, live.debt - content.length);
  return 'on';
}

/** RFC 9846 §6 */
function alerts(): Readonly<Record<string, Make>> {
  return {
    'an alert': (live, number) => {
      const level = [1, 2, 1, 2, number(256)][number(5)] ?? 0;
      const description = [0, 90, 90, 90, 10, number(256)][number(6)] ?? 0;
      const bytes = live.pen.content(alert, Uint8Array.of(level, description), number(2) * number(50));
      if (level !== 1 && level !== 2) return { bytes, verdict: ['illegal_parameter'] };
      if (description === 0) return { bytes, verdict: 'end' };
      if (description !== 90) return { bytes, verdict: 'silence' };
      return { bytes, verdict: ++live.warnings > defaultLimits.warnings ? unexpected : 'on' };
    },
    'an alert of another length': (live, number) => {
      const length = [1, 3, 4, 100][number(4)] ?? 3;
      return { bytes: live.pen.content(alert, new Uint8Array(length).fill(1)), verdict: ['decode_error'] };
    },
  };
}

/** RFC 9846 §4.7, and what is none of it. */
function messages(): Readonly<Record<string, Make>> {
  return {
    'a KeyUpdate that is none': (live, number) => ({
      bytes: live.pen.content(handshake, Uint8Array.of(24, 0, 0, 1, 2 + number(254))),
      verdict: pays(live, ['illegal_parameter']),
    }),
    'a KeyUpdate, and more in its record': (live, number) => ({
      bytes: live.pen.content(handshake, Buffer.concat([keyUpdate(number(2)), bytes(number, 1 + number(3))])),
      verdict: pays(live, unexpected),
    }),
    'a KeyUpdate of another length': (live, number) => ({
      bytes: live.pen.content(handshake, Uint8Array.of(24, 0, 0, 2, 0, number(256))),
      verdict: ['decode_error'],
    }),
    NewSessionTicket: (live, number) => ({
      bytes: live.pen.content(handshake, ticket(number)),
      verdict: pays(live, live.role === 'client' ? 'on' : unexpected),
    }),
    CertificateRequest: (live, number) => ({
      bytes: live.pen.content(handshake, certificateRequest(number)),
      verdict: pays(live, live.answers ? 'on' : unexpected),
    }),
    'a message of the handshake': (live, number) => {
      const type = [1, 2, 5, 8, 11, 15, 20, 25, 254, number(256)][number(10)] ?? 1;
      const length = number(40);
      const known =
        type === HandshakeType.key_update ||
        type === HandshakeType.new_session_ticket ||
        type === HandshakeType.certificate_request;
      const message = Buffer.concat([Uint8Array.of(type, 0, 0, length), bytes(number, length)]);
      const verdict = known ? undefined : ['unexpected_message', 'decode_error'];
      return { bytes: live.pen.content(handshake, message), verdict };
    },
    'a mutated message': (live, number) => {
      const [original = none, donor = none] = [ticket, certificateRequest, () => keyUpdate(1)]
        .sort(() => number(3) - 1)
        .map((make) => make(number));
      const mutated = mutate(original, donor, number);
      return { bytes: live.pen.content(handshake, mutated.length === 0 ? original : mutated), verdict: undefined };
    },
    'a message that is too long': (live, number) => ({
      bytes: live.pen.content(handshake, Uint8Array.of(4, 2 + number(250), number(256), 1, 0)),
      verdict: ['decode_error'],
    }),
    'data inside of a message': (live, number) => {
      const message = ticket(number);
      const bytes = Buffer.concat([
        live.pen.content(handshake, message.subarray(0, 1 + number(message.length - 1))),
        live.pen.content([data, alert][number(2)] ?? data, Uint8Array.of(1, 0)),
      ]);
      return { bytes, verdict: unexpected };
    },
  };
}

/** Records that are wrong, replayed, out of order, or no records. */
function broken(): Readonly<Record<string, Make>> {
  return {
    'a flipped bit': (live, number) => {
      const sealed = live.pen.content(data, bytes(number, 1 + number(100)), number(20));
      const at = [1, 2, 5 + number(sealed.length - 5), sealed.length - 1][number(4)] ?? 5;
      sealed[at] = (sealed[at] ?? 0) ^ (1 << number(8));
      return { bytes: sealed, verdict: badMac };
    },
    'a record once more': (live, number) => {
      const content = bytes(number, 1 + number(100));
      const sealed = live.pen.content(data, content);
      hears(live, content);
      return { bytes: Buffer.concat([sealed, sealed]), verdict: badMac };
    },
    'a record that is missing': (live, number) => {
      for (let i = 0; i <= number(3); i++) live.pen.skip();
      return { bytes: live.pen.content(data, bytes(number, 1 + number(100))), verdict: badMac };
    },
    'two records in the wrong order': (live, number) => {
      const [first, second] = [live.pen.content(data, bytes(number, 5)), live.pen.content(data, bytes(number, 5))];
      return { bytes: Buffer.concat([second, first]), verdict: badMac };
    },
    'a record under the next key': (live, number) => {
      live.pen.update();
      return { bytes: live.pen.content(data, bytes(number, 1 + number(20))), verdict: badMac };
    },
    'another type inside': (live, number) => {
      const type = [20, 24, 1 + number(20), 24 + number(232)][number(4)] ?? 24;
      return { bytes: live.pen.content(type, bytes(number, number(50)), number(20)), verdict: unexpected };
    },
    'another type outside': (live, number) => {
      const type = [20, 21, 22, 24, number(20), 24 + number(232)][number(6)] ?? 20;
      return { bytes: live.pen.seal(Uint8Array.of(...bytes(number, 3), data), type), verdict: unexpected };
    },
    'padding alone': (live, number) => ({ bytes: live.pen.seal(new Uint8Array(number(600))), verdict: unexpected }),
    'an empty message or alert': (live, number) => ({
      bytes: live.pen.content([handshake, alert][number(2)] ?? alert, none, number(100)),
      verdict: unexpected,
    }),
    'more than fits': (live, number) => {
      const length = 0x4001 + number(230);
      const content = number(length + 1);
      return { bytes: live.pen.content(data, new Uint8Array(content), length - content), verdict: ['record_overflow'] };
    },
    'a length beyond all': (_, number) => ({
      bytes: record(data, none, 0x4101 + number(0x10000 - 0x4101)),
      verdict: ['record_overflow'],
    }),
    'a record that is not protected': (_, number) => {
      const type = [20, 21, 22, 23][number(4)] ?? 23;
      return { bytes: record(type, bytes(number, number(60))), verdict: type === data ? badMac : unexpected };
    },
    garbage: (_, number) => ({ bytes: bytes(number, 1 + number(200)), verdict: undefined }),
    'part of a record': (live, number) => {
      const sealed = live.pen.content(data, bytes(number, 1 + number(100)));
      return { bytes: sealed.subarray(0, 1 + number(sealed.length - 1)), verdict: undefined };
    },
  };
}

/** Each message is one more that data has to pay for. */
function pays(live: Live, otherwise: Verdict): Verdict {
  const { postHandshakeBytes: price, postHandshakeMessages: free } = defaultLimits;
  live.debt += price;
  if (live.debt <= free * price) return otherwise;
  return otherwise === 'on' ? unexpected : ['unexpected_message', ...otherwise];
}

function keyUpdate(requestUpdate: number): Uint8Array {
  return encodeMessage(HandshakeType.key_update, { requestUpdate });
}

function ticket(number: Numbers): Uint8Array {
  return encodeMessage(HandshakeType.new_session_ticket, {
    ticketLifetime: number(3) * 1000,
    ticketAgeAdd: number(1000),
    ticketNonce: bytes(number, number(9)),
    ticket: bytes(number, 1 + number(100)),
    extensions: number(2) === 0 ? [] : [{ type: 0x4000 + number(100), data: bytes(number, number(100)) }],
  });
}

function certificateRequest(number: Numbers): Uint8Array {
  const extensions = writeExtensions('CR', { signature_algorithms: [SignatureScheme.ecdsa_secp256r1_sha256] });
  return encodeMessage(HandshakeType.certificate_request, { certificateRequestContext: bytes(number, 8), extensions });
}

/** Unlike real data, never all zero. */
function bytes(number: Numbers, length: number): Uint8Array {
  return new Uint8Array(length).fill(1 + number(255));
}

const none: Uint8Array = new Uint8Array(0);

/** The inputs by their names: what is said to a live connection, and what has to come of it. */
export const inputs: Readonly<Record<string, Make>> = { ...lawful, ...alerts(), ...messages(), ...broken() };
