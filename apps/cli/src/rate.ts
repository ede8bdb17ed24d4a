/** Over which a rate is taken: shorter it would flicker, longer it would lie. */
const WINDOW_MS = 3000;

/** Tells how fast a number grows, each second, by what it was at some moments before. Nothing if it does not grow. */
export function rateOf(): (bytes: bigint, atMs: number) => number {
  let samples: Array<{ readonly bytes: bigint; readonly atMs: number }> = [];
  return (bytes, atMs) => {
    // A step that begins anew begins at nothing.
    if (bytes < (samples.at(-1)?.bytes ?? 0n)) samples = [];
    samples.push({ bytes, atMs });
    while (samples.length > 2 && (samples[1]?.atMs ?? atMs) <= atMs - WINDOW_MS) samples.shift();
    const first = samples[0];
    return first === undefined || first.atMs === atMs
      ? 0
      : (Number(bytes - first.bytes) / (atMs - first.atMs)) * 1000;
  };
}
