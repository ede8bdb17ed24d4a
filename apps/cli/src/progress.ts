import type { Progress } from '@stowage/client';
import cliProgress from 'cli-progress';
import { formatSize } from './table.ts';

/** Shows how a pull goes: a bar per layer on a terminal, else a line per layer that is done. */
export interface ProgressView extends Disposable {
  update(progress: Progress): void;
}

export function progressView(stream: NodeJS.WriteStream, quiet: boolean): ProgressView {
  if (quiet) return { update() {}, [Symbol.dispose]() {} };
  return stream.isTTY ? bars(stream) : lines(stream);
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

function lines(stream: NodeJS.WriteStream): ProgressView {
  const said = new Set<string>();
  return {
    update({ stage, state, descriptor }) {
      if (state === 'running') return;
      const step = `${stage} ${descriptor.digest}`;
      if (said.has(step)) return;
      said.add(step);
      const what = state === 'exists' ? 'there already' : stage === 'fetch' ? 'fetched' : 'unpacked';
      stream.write(`${short(descriptor.digest)}: ${what} (${formatSize(descriptor.size)})\n`);
    },
    [Symbol.dispose]() {},
  };
}
