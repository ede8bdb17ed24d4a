import type { Progress } from '@stowage/client';
import type { BlobCheck } from '@stowage/content';
import cliProgress from 'cli-progress';
import type { ProgressFlags } from './commands/registry-options.ts';
import { jsonLine } from './json.ts';
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

function bars(stream: NodeJS.WriteStream): ProgressView {
  const multi = new cliProgress.MultiBar(
    {
      format: '{name} {stage} [{bar}] {percentage}% {size}',
      clearOnComplete: false,
      hideCursor: true,
      stream,
      barsize: 30,
    },
    cliProgress.Presets.rect,
  );
  const known = new Map<string, cliProgress.SingleBar>();
  return {
    update({ stage, descriptor, bytes }) {
      const total = Number(descriptor.size);
      const fields = {
        name: short(descriptor.digest),
        stage: stage.padEnd(7),
        size: formatSize(descriptor.size),
      };
      const bar = known.get(descriptor.digest) ?? multi.create(total, 0, fields);
      known.set(descriptor.digest, bar);
      bar.update(Number(bytes), fields);
    },
    [Symbol.dispose]() {
      multi.stop();
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
  const format = '[{bar}] {percentage}% of {size}, {done} of {blobs} blobs, {bad} not whole';
  const bar = new cliProgress.SingleBar(
    { format, hideCursor: true, stream, barsize: 30 },
    cliProgress.Presets.rect,
  );
  let [before, done, bad] = [0n, 0, 0];
  const fields = () => ({ size: formatSize(total.bytes), blobs: total.blobs, done, bad });
  bar.start(Number(total.bytes), 0, fields());
  return {
    update({ state, checkedBytes, sizeBytes }) {
      if (state !== 'running') {
        before += sizeBytes;
        done++;
        if (state !== 'whole') bad++;
      }
      bar.update(Number(state === 'running' ? before + checkedBytes : before), fields());
    },
    [Symbol.dispose]() {
      bar.stop();
    },
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
