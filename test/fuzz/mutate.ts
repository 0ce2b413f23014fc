/** A number in 0..bound-1. */
export type Numbers = (bound: number) => number;

/** One to four changes of the kinds that parsers get wrong: bits, bytes, lengths, lost, doubled and foreign parts. */
export function mutate(original: Uint8Array, donor: Uint8Array, number: Numbers): Uint8Array {
  let bytes = original;
  for (let left = 1 + number(4); left > 0 && bytes.length > 0; left--)
    bytes = changes[number(changes.length)]?.(bytes, donor, number) ?? bytes;
  return bytes;
}

type Change = (bytes: Uint8Array, donor: Uint8Array, number: Numbers) => Uint8Array;

const changes: readonly Change[] = [
  (bytes, _donor, number) => set(bytes, number, (byte) => byte ^ (1 << number(8))),
  (bytes, _donor, number) => set(bytes, number, () => number(256)),
  (bytes, _donor, number) => set(bytes, number, (byte) => byte + 1),
  (bytes, _donor, number) => set(bytes, number, (byte) => byte - 1),
  (bytes, _donor, number) => set(bytes, number, () => interesting[number(interesting.length)] ?? 0),
  longerLength,
  (bytes, _donor, number) => splice(bytes, number(bytes.length), 1 + number(4), new Uint8Array(0)),
  (bytes, _donor, number) => splice(bytes, number(bytes.length), 0, Uint8Array.of(number(256))),
  (bytes, donor, number) => {
    const from = number(donor.length);
    return splice(bytes, number(bytes.length), number(16), donor.subarray(from, from + number(16)));
  },
];

/** Tags and lengths at the edges: indefinite, one and more bytes of length, high tag numbers, sign bits. */
const interesting = [0x00, 0x01, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff, 0x05, 0x1f, 0x30, 0x31, 0x24, 0xa0, 0xa3];

/** A short length in the long form: BER, not DER. */
function longerLength(bytes: Uint8Array, _donor: Uint8Array, number: Numbers): Uint8Array {
  const at = number(bytes.length);
  const length = bytes[at] ?? 0;
  return length < 0x80 ? splice(bytes, at, 1, Uint8Array.of(0x81, length)) : bytes;
}

function set(bytes: Uint8Array, number: Numbers, change: (byte: number) => number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = number(bytes.length);
  copy[at] = change(copy[at] ?? 0);
  return copy;
}

function splice(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  const tail = bytes.subarray(Math.min(bytes.length, at + remove));
  const result = new Uint8Array(at + insert.length + tail.length);
  result.set(bytes.subarray(0, at));
  result.set(insert, at);
  result.set(tail, at + insert.length);
  return result;
}
