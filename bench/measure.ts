/** Medians of interleaved rounds: these machines are noisy, so what is compared runs turn and turn about. */
export interface Timed {
  readonly name: string;
  readonly run: () => void;
}

/**
 * @param rounds how often each is timed, for about `slice` milliseconds at a time
 * @param warmUp milliseconds each runs before anything is timed: V8 optimises what has run a few hundred times
 * @returns the median time of one call, milliseconds, by name
 */
export function interleaved(
  tasks: readonly Timed[],
  rounds = 15,
  slice = 60,
  warmUp = 3000,
): ReadonlyMap<string, number> {
  for (const task of tasks) warm(task, warmUp);
  const samples = new Map<string, number[]>(tasks.map(({ name }) => [name, []]));
  const repeats = new Map<string, number>(tasks.map((task) => [task.name, calibrate(task, slice)]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of tasks) {
      const count = repeats.get(name) ?? 1;
      const start = performance.now();
      for (let i = 0; i < count; i++) run();
      samples.get(name)?.push((performance.now() - start) / count);
    }
  }
  return new Map([...samples].map(([name, times]) => [name, median(times)]));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

function warm({ run }: Timed, milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end; ) run();
}

/** Finds how many calls fill a slice. */
function calibrate({ run }: Timed, slice: number): number {
  let count = 1;
  for (;;) {
    const start = performance.now();
    for (let i = 0; i < count; i++) run();
    const elapsed = performance.now() - start;
    if (elapsed >= slice) return Math.max(1, Math.round((count * slice) / elapsed));
    count = elapsed < slice / 10 ? count * 8 : Math.ceil((count * slice) / elapsed) + 1;
  }
}
