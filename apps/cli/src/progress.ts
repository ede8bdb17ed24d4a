import type { Progress } from '@stowage/client';
import type { BlobCheck } from '@stowage/content';
import { Bars, barLine } from './bars.ts';
import type { ProgressFlags } from './commands/registry-options.ts';
import { jsonLine } from './json.ts';
import { liveLines } from './live.ts';
import { rateOf } from './rate.ts';
import { screenOf } from './screen.ts';
import { formatSize } from './table.ts';

/** Shows how a pull or push goes: a bar per blob on a terminal, else a line per blob that is done. */
export interface ProgressView extends Disposable {
  readonly update: (progress: Progress) => void;
}

export function progressView(
  stream: NodeJS.WriteStream,
  { quiet, progress }: ProgressFlags = { quiet: false, progress: 'auto' },
): ProgressView {
  if (quiet) return { update() {}, [Symbol.dispose]() {} };
  if (progress === 'json') return jsonLines(stream);
  return stream.isTTY && progress === 'auto' ? bars(stream) : lines(stream);
}

/** For programs: each step as it comes, bytes included. */
function jsonLines(stream: NodeJS.WriteStream): ProgressView {
  return {
    update({ stage, state, descriptor: { digest, mediaType, size }, bytes }) {
      stream.write(jsonLine({ stage, state, digest, mediaType, bytes, size }));
    },
    [Symbol.dispose]() {},
  };
}

const short = (digest: string) => digest.replace(/^\w+:/, '').slice(0, 12);

/** Often enough to look alive. */
const PERIOD_MS = 100;

function bars(stream: NodeJS.WriteStream): ProgressView {
  const known = new Bars();
  const drawing = redrawn(stream, () => known.lines(screenOf(stream), stream.rows || 24, performance.now()));
  return {
    update(progress) {
      known.update(progress);
      drawing.begin();
    },
    [Symbol.dispose]: drawing[Symbol.dispose],
  };
}

/** Draws lines from the first change on, over and over, and once more at the end. */
function redrawn(
  stream: NodeJS.WriteStream,
  lines: () => readonly string[],
): Disposable & { readonly begin: () => void } {
  const live = liveLines(stream);
  let timer: NodeJS.Timeout | undefined;
  const draw = () => live.draw(lines());
  return {
    begin() {
      if (timer !== undefined) return;
      draw();
      timer = setInterval(draw, PERIOD_MS).unref();
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      if (timer !== undefined) draw();
      timer = undefined;
      live[Symbol.dispose]();
    },
  };
}

const WORD = { exists: 'there already', mounted: 'taken from another repository', done: undefined } as const;
const DONE = { fetch: 'fetched', unpack: 'unpacked', push: 'pushed', convert: 'converted' } as const;

function lines(stream: NodeJS.WriteStream): ProgressView {
  const said = new Set<string>();
  return {
    update({ stage, state, descriptor }) {
      if (state === 'running') return;
      const step = `${stage} ${descriptor.digest}`;
      if (said.has(step)) return;
      said.add(step);
      const what = WORD[state] ?? DONE[stage];
      stream.write(`${short(descriptor.digest)}: ${what} (${formatSize(descriptor.size)})\n`);
    },
    [Symbol.dispose]() {},
  };
}

/** Shows how verifying goes: a bar on a terminal, else a line per blob that is not whole. */
export interface VerifyView extends Disposable {
  update(check: BlobCheck): void;
}

export function verifyView(
  stream: NodeJS.WriteStream,
  total: { readonly blobs: number; readonly bytes: bigint },
  quiet: boolean,
): VerifyView {
  if (quiet) return { update() {}, [Symbol.dispose]() {} };
  return stream.isTTY ? verifyBar(stream, total) : verifyLines(stream);
}

function verifyBar(
  stream: NodeJS.WriteStream,
  total: { readonly blobs: number; readonly bytes: bigint },
): VerifyView {
  let [before, now, done, bad] = [0n, 0n, 0, 0];
  const rate = rateOf();
  const drawing = redrawn(stream, () => {
    const what = `${done}/${total.blobs} blobs, ${bad} not whole`;
    return [
      barLine(what, before + now, total.bytes, rate(before + now, performance.now()), stream.columns || 80),
    ];
  });
  drawing.begin();
  return {
    update({ state, checkedBytes, sizeBytes }) {
      now = state === 'running' ? checkedBytes : 0n;
      if (state === 'running') return;
      before += sizeBytes;
      done++;
      if (state !== 'whole') bad++;
    },
    [Symbol.dispose]: drawing[Symbol.dispose],
  };
}

function verifyLines(stream: NodeJS.WriteStream): VerifyView {
  return {
    update({ digest, state, reason }) {
      if (state === 'corrupt' || state === 'missing') stream.write(`${short(digest)}: ${state}, ${reason}\n`);
    },
    [Symbol.dispose]() {},
  };
}
