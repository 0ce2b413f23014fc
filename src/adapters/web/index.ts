/**
 * `opentls` outside of Node: TLS over a pair of WHATWG streams. It also exports what `opentls/core` and
 * `opentls/crypto/noble` do.
 *
 * @module opentls/web
 */

export * from '../../index.ts';
export { noble } from '../../providers/noble.ts';
export { type ByteTransport, type SecureTransport, wrapClient, wrapServer } from './streams.ts';
