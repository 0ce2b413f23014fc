import type { ServerConfig } from '../../handshake/terms/config.ts';
import { whereRead } from '../../session/replay.ts';

/** Takes a server's 0-RTT data into a stream of its own, if there is one. */
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

  /** Lets the server accept 0-RTT data only where the application reads it. */
  guard(config: ServerConfig): ServerConfig {
    const { earlyData } = config;
    if (earlyData === undefined) return config;
    const isRead = () => this.#writer !== undefined && this.#writer.desiredSize !== null && !this.#closed;
    return { ...config, earlyData: { ...earlyData, replay: whereRead(earlyData.replay, isRead) } };
  }

  /** Rejects where the reader has gone. Unread data is kept: max_early_data_size bounds it. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#writer?.write(bytes);
  }

  /** Ends the stream: the handshake is complete. */
  close(): void {
    this.#writer?.close().catch(() => {});
  }

  abort(reason: unknown): void {
    this.#writer?.abort(reason).catch(() => {});
  }
}
