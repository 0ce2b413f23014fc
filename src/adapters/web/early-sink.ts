import type { ServerConfig } from '../../handshake/terms/config.ts';
import { whereRead } from '../../session/replay.ts';

/** Where a server's 0-RTT data goes: to a stream of its own, or nowhere. */
export class EarlySink {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;

  #closed = false;

  constructor(stream: WritableStream<Uint8Array> | undefined) {
    this.#writer = stream?.getWriter();
    const closed = (): void => {
      this.#closed = true;
    };
    this.#writer?.closed.then(closed, closed);
  }

  /** Nothing is taken, and no client told that it was, without somebody to read it. */
  guard(config: ServerConfig): ServerConfig {
    const { earlyData } = config;
    if (earlyData === undefined) return config;
    const isRead = () => this.#writer !== undefined && this.#writer.desiredSize !== null && !this.#closed;
    return { ...config, earlyData: { ...earlyData, replay: whereRead(earlyData.replay, isRead) } };
  }

  /** Rejects where the reader has gone. What it has not read is kept: there is no more of it than was allowed. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#writer?.write(bytes);
  }

  /** The handshake is over. */
  close(): void {
    this.#writer?.close().catch(() => {});
  }

  abort(reason: unknown): void {
    this.#writer?.abort(reason).catch(() => {});
  }
}
