import { outOfRangeBecause } from './errors.ts';

/** The type of `ALPNProtocols`: names, or the list in the form of the wire (each name after its length byte). */
export type AlpnOption = readonly string[] | NodeJS.ArrayBufferView;

/** Sets `out.ALPNProtocols` to a new Buffer with the wire form of `protocols`; ignores a value of another type. */
export function convertALPNProtocols(protocols: unknown, out: { ALPNProtocols?: unknown }): void {
  if (Array.isArray(protocols)) {
    out.ALPNProtocols = encode(protocols);
  } else if (ArrayBuffer.isView(protocols)) {
    out.ALPNProtocols = Buffer.from(Buffer.from(protocols.buffer, protocols.byteOffset, protocols.byteLength));
  }
}

/** The names in a list of the wire form, without those that are empty or cut off: no peer can negotiate them. */
export function parseAlpn(wire: unknown): Uint8Array[] {
  if (!(wire instanceof Uint8Array)) return [];
  const names: Uint8Array[] = [];
  for (let offset = 0; offset < wire.length; ) {
    const end = offset + 1 + (wire[offset] ?? 0);
    if (end > offset + 1 && end <= wire.length) names.push(wire.subarray(offset + 1, end));
    offset = end;
  }
  return names;
}

function encode(protocols: readonly unknown[]): Buffer {
  const parts = protocols.flatMap((protocol, index) => {
    // byteLength throws for a value that is no string, with the code and text of `node:tls`.
    const length = Buffer.byteLength(protocol as string);
    if (length > 255) {
      const reason = `The byte length of the protocol at index ${index} exceeds the maximum length.`;
      throw outOfRangeBecause(reason, '<= 255', length);
    }
    const name = Buffer.from(protocol as string);
    return [Buffer.of(name.length), name];
  });
  return Buffer.concat(parts);
}
