import {
  Boolean as AsnBoolean,
  Set as AsnSet,
  type AsnType,
  BaseBlock,
  BitString,
  Constructed,
  fromBER,
  Integer,
  Sequence,
} from 'asn1js';

/**
 * What of X.690 §10 and §11 an encoding breaks, by the tree that asn1js reads: an independent reader of BER, so that
 * a cursor for DER can be held against it. Undefined where nothing is broken.
 */
export function notCanonical(der: Uint8Array): string | undefined {
  const { offset, result } = read(der);
  if (offset === -1) return `no BER: ${result.error}`;
  if (offset !== der.length) return 'bytes left over';
  return wrongIn(result);
}

/** asn1js throws for some of what it cannot read. */
function read(der: Uint8Array): ReturnType<typeof fromBER> {
  try {
    return fromBER(Uint8Array.from(der).buffer);
  } catch (error) {
    const { result } = fromBER(new ArrayBuffer(0));
    result.error = String(error);
    return { offset: -1, result };
  }
}

function wrongIn(node: AsnType): string | undefined {
  if (!(node instanceof BaseBlock)) return undefined;
  const { lenBlock } = node;
  if (lenBlock.isIndefiniteForm) return 'an indefinite length';
  const minimal = lenBlock.length < 0x80 ? 1 : 1 + Math.ceil(lenBlock.length.toString(16).length / 2);
  if (lenBlock.blockLength !== minimal) return `a length of ${lenBlock.blockLength} bytes where ${minimal} do`;
  if (node instanceof AsnBoolean) return wrongBoolean(node);
  if (node instanceof Integer) return wrongInteger(node.valueBlock.valueHexView);
  if (node instanceof BitString && node.idBlock.isConstructed) return 'a BIT STRING in parts';
  if (node instanceof Sequence || node instanceof AsnSet || node instanceof Constructed) {
    for (const child of node.valueBlock.value) {
      const wrong = wrongIn(child as AsnType);
      if (wrong !== undefined) return wrong;
    }
  }
  return undefined;
}

function wrongBoolean(node: AsnBoolean): string | undefined {
  const [value, ...more] = node.valueBlock.valueHexView;
  return more.length === 0 && (value === 0 || value === 0xff) ? undefined : 'a BOOLEAN that is not 00 or ff';
}

function wrongInteger(content: Uint8Array): string | undefined {
  const [first = 0, second = 0] = content;
  if (content.length === 0) return 'an empty INTEGER';
  const padded = (first === 0 && second < 0x80) || (first === 0xff && second >= 0x80);
  return content.length > 1 && padded ? 'an INTEGER that is not minimal' : undefined;
}
