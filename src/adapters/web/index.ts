/**
 * `opentls` where there is no Node: TLS over a pair of WHATWG streams. Everything else is as in `opentls/core`,
 * `opentls/x509` and `opentls/crypto/noble`.
 *
 * @module opentls/web
 */

export * from '../../index.ts';
export { noble } from '../../providers/noble.ts';
export { type ByteTransport, type SecureTransport, wrapClient, wrapServer } from './streams.ts';
