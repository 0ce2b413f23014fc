import { expect } from 'vitest';
import { Connection } from '#opentls/connection/connection';
import { TlsError } from '#opentls/errors';
import type { AskName } from '#opentls/handshake/terms/script';
import { other, type Side, sides } from '../../kit/pair.ts';
import { Answers, type Fate, heard, type Pick } from './answers.ts';
import { clientOf, external, serverOf } from './config.ts';
import { type Deed, End } from './end.ts';
import { type Plan, planOf } from './plan.ts';
import { Ledger } from './provider.ts';

// One run, from the first byte until both sides are buried.

const MOST_STEPS = 5000;
const earlyData = new Uint8Array(700).fill(77);

/** One run: both ends, the bytes on their way between them, and the steps that are left. */
export class Run {
  readonly plan: Plan;
  readonly ends: Readonly<Record<Side, End>>;
  readonly answers: Answers;
  readonly #pick: Pick;
  readonly #wires: Record<Side, Uint8Array> = { client: new Uint8Array(0), server: new Uint8Array(0) };
  readonly #written: Readonly<Record<Side, Uint8Array>>;
  #earlyWritten = false;
  #steps = 0;
  #requests = 0;
  #flips = false;
  /** It said close_notify while all was well. */
  #halfClosed: End | undefined;

  constructor(index: number, pick: Pick) {
    this.#pick = pick;
    const plan = planOf(index, pick);
    this.plan = plan;
    const fates = (what: AskName): Fate => {
      if (plan.trouble.ask?.what === what) return plan.trouble.ask.fate;
      return pick(2) === 0 ? 'at once' : 'later';
    };
    this.answers = new Answers(pick, fates);
    const { asked } = this.answers;
    const ledgers = { client: new Ledger(), server: new Ledger() };
    const connections = {
      client: Connection.client(clientOf(plan, ledgers.client, asked)),
      server: Connection.server(serverOf(plan, ledgers.server, asked)),
    };
    const deeds = { client: this.#deedsOf('client'), server: this.#deedsOf('server') };
    const end = (side: Side): End =>
      new End(side, connections[side], ledgers[side], deeds[side], plan.pumped[side], pick, (slabs) => {
        this.#wires[side] = Buffer.concat([this.#wires[side], ...slabs]);
      });
    this.ends = { client: end('client'), server: end('server') };
    const written = (side: Side): Uint8Array =>
      Buffer.concat(deeds[side].flatMap((deed) => (typeof deed === 'object' ? [deed.write] : [])));
    this.#written = { client: written('client'), server: written('server') };
  }

  #deedsOf(side: Side): Deed[] {
    const pick = this.#pick;
    return Array.from({ length: 1 + pick(4) }, (): Deed => {
      const chance = pick(8);
      if (chance === 0) return 'update';
      if (chance === 1) return 'update both';
      if (chance === 2) return 'export';
      if (chance === 3 && side === 'server') return 'request';
      return { write: new Uint8Array(1 + pick(3000)).fill(1 + pick(255)) };
    });
  }

  /** Until nothing more can happen. */
  async rest(): Promise<void> {
    for (;;) {
      const possible = sides.flatMap((side) => this.#possible(side));
      if (this.answers.open) possible.push(() => this.answers.settle());
      const act = possible[this.#pick(possible.length)];
      if (act === undefined) return;
      if (++this.#steps > MOST_STEPS) throw new Error('it does not come to an end');
      await act();
      this.#intervene();
    }
  }

  #possible(side: Side): (() => void | Promise<void>)[] {
    const end = this.ends[side];
    const acts: (() => void | Promise<void>)[] = [];
    if (end.restless) acts.push(() => end.run(1 + this.#pick(6)));
    if (this.#wires[side].length > 0) acts.push(() => this.#carry(side));
    if (end.deeds.length > 0 && end.connection.writable && this.#mayDo(end)) acts.push(() => this.#do(end));
    if (side === 'client' && !this.#earlyWritten && end.connection.earlyRoom !== undefined && !end.over) {
      acts.push(() => {
        end.connection.writeEarly(earlyData);
        this.#earlyWritten = true;
        end.stir();
      });
    }
    return acts;
  }

  /** A certificate is asked for once the handshake is over. */
  #mayDo({ deeds, established }: End): boolean {
    return typeof deeds[0] === 'object' || established;
  }

  #carry(from: Side): void {
    const to = this.ends[other[from]];
    const wire = this.#wires[from];
    const { inputRoom } = to.connection;
    const size = Math.min(Math.ceil((wire.length * (1 + this.#pick(8))) / 8), inputRoom);
    const chunk = wire.slice(0, size);
    this.#wires[from] = wire.subarray(size);
    if (this.#flips) {
      this.#flips = false;
      const at = this.#pick(chunk.length);
      chunk[at] = (chunk[at] ?? 0) ^ (1 << this.#pick(8));
    }
    to.stir();
    if (!to.transportEnded) to.connection.receive(chunk);
  }

  #do(end: End): void {
    const { connection } = end;
    const deed = end.deeds.shift();
    end.stir();
    if (deed === 'update' || deed === 'update both') connection.updateKeys(deed === 'update both');
    else if (deed === 'export') connection.exportKey('EXPORTER-test', undefined, 32);
    else if (deed === 'request') this.#request(connection);
    else if (deed !== undefined) connection.write([deed.write]);
  }

  #request(server: Connection): boolean {
    // RFC 9846 §4.4.2: not of a client that shares an external PSK.
    if (server.facts?.postHandshakeAuth !== true || this.plan.external) return false;
    server.requestCertificate();
    this.#requests++;
    return true;
  }

  #intervene(): void {
    const { intervention } = this.plan.trouble;
    if (intervention === undefined || intervention.after !== this.#steps) return;
    const end = this.ends[intervention.side];
    switch (intervention.kind) {
      case 'destroy':
        return this.#destroy(end);
      case 'closeWrite':
        return this.closeWrite(end);
      case 'abort':
        end.connection.abort(new TlsError('ERR_TLS_INTERNAL', 'enough', { alert: 'internal_error' }));
        end.stir();
        return;
      case 'transport ends':
        end.transportEnded = true;
        end.connection.receiveEnd();
        end.stir();
        return;
      case 'bit flips':
        this.#flips = true;
    }
  }

  closeWrite(end: End): void {
    const inHandshake = end.connection.facts === undefined;
    end.connection.closeWrite();
    end.stir();
    end.deeds.length = 0;
    end.writeClosed = true;
    if (inHandshake && !end.failed) end.destroyed = true;
    else if (!end.over) this.#halfClosed = end;
  }

  #destroy(end: End): void {
    end.connection.destroy();
    end.destroyed = true;
    end.stir();
  }

  /** A side that has closed its own direction still gets all data, and its peer gets the close_notify (RFC 9846 §6.1). */
  checkHalfClosed(): void {
    const end = this.#halfClosed;
    if (end === undefined) return;
    const error = sides.flatMap((side) => this.ends[side].events).find(({ type }) => type === 'error');
    if (error?.type === 'error') throw error.error;
    expect(this.ends[other[end.side]].events.at(-1)).toEqual({ type: 'end', closeNotify: true });
    const received = Buffer.concat(end.received);
    expect(received.length).toBeGreaterThanOrEqual(this.#written[other[end.side]].length);
  }

  /** Both are done with, and so are their secrets; whoever was not told anything is not told anything now. */
  async bury(): Promise<void> {
    for (const side of sides) {
      const end = this.ends[side];
      // An error is the end of all secrets by itself.
      if (end.failed) this.#checkWiped(end);
      this.#destroy(end);
      end.connection.destroy();
    }
    while (this.answers.open) await this.answers.settle();
    await heard();
    for (const side of sides) {
      const end = this.ends[side];
      end.run(10);
      this.#checkWiped(end);
      expect(end.connection.poll()).toBeUndefined();
      expect([end.connection.writable, end.connection.earlyRoom]).toEqual([false, undefined]);
      expect(() => end.connection.exportKey('EXPORTER-test', undefined, 32)).toThrow();
    }
    expect(external.secret.wiped).toBe(false);
  }

  #checkWiped({ side, ledger }: End): void {
    const { survivors } = ledger;
    if (survivors.length > 0) throw new Error(`the ${side} keeps ${[...new Set(survivors)].join(', ')}`);
  }

  /** Nothing stood in the way: it has to have come to a good end. */
  async finish(): Promise<void> {
    const { client, server } = this.ends;
    expect([client.connection.phase, server.connection.phase]).toEqual(['open', 'open']);
    const early = this.#earlyWritten && client.connection.facts?.earlyData === 'accepted';
    const expected = {
      client: Buffer.concat([...(early ? [earlyData] : []), this.#written.client]),
      server: this.#written.server,
    };
    for (const side of sides) {
      expect(this.ends[side].deeds).toEqual([]);
      const received = Buffer.concat(this.ends[other[side]].received);
      expect(received.equals(expected[side])).toBe(true);
    }
    expect(server.events.filter(({ type }) => type === 'authenticated')).toHaveLength(this.#requests);
    for (const side of sides) expect(this.ends[side].ledger.survivors).not.toEqual([]);
    expect(client.connection.exportKey('l', undefined, 32)).toEqual(server.connection.exportKey('l', undefined, 32));
    await this.#part();
    for (const side of sides) {
      expect(this.ends[side].connection.phase).toBe('closed');
      expect(this.ends[side].events.at(-1)).toEqual({ type: 'end', closeNotify: true });
    }
  }
  /** Each says goodbye in its turn: a last request is answered, if at all, before that. */
  async #part(): Promise<void> {
    const { client, server } = this.ends;
    const asked = this.#pick(2) === 0 && this.#request(server.connection);
    const [first, last] = this.#pick(2) === 0 ? [client, server] : [server, client];
    this.closeWrite(first);
    const inTime = this.#pick(2) === 0;
    if (inTime) await this.rest();
    this.closeWrite(last);
    await this.rest();
    const unanswered = this.#requests - server.events.filter(({ type }) => type === 'authenticated').length;
    // A client that has heard the goodbye finishes the answer that it has begun.
    expect(unanswered).toBe(asked && !(inTime && first === server) ? 1 : 0);
  }
}
