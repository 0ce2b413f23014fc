import { outOfRangeBecause } from './errors.ts';

/** What `ALPNProtocols` may be: names, or the list as it stands on the wire (each name after its length byte). */
export type AlpnOption = readonly string[] | NodeJS.ArrayBufferView;

/** Sets `out.ALPNProtocols` to the wire form of `protocols`, in memory of its own; does nothing for another type. */
export function convertALPNProtocols(protocols: unknown, out: { ALPNProtocols?: unknown }): void {
  if (Array.isArray(protocols)) {
    out.ALPNProtocols = encode(protocols);
  } else if (ArrayBuffer.isView(protocols)) {
    out.ALPNProtocols = Buffer.from(Buffer.from(protocols.buffer, protocols.byteOffset, protocols.byteLength));
  }
}

/** The names of a wire form; what is empty or cut off is left out, for it cannot be negotiated. */
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
    // Node's own check: it throws for what is no string, with Node's code and text.
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
