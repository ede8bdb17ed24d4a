import { text } from 'node:stream/consumers';
import type { Client } from '@stowage/client';
import { unlessGone } from '@stowage/core';
import { withArgs } from '@stowage/oci-spec';

export interface Work {
  readonly client: Client;
  /** References that can be pulled. Each worker takes its own, so that pulls are real. */
  readonly images: readonly string[];
  readonly signal: AbortSignal;
}

/** How often what was done. */
export type Done = Record<'pulls' | 'runs' | 'execs' | 'removals', number>;

/** One worker, until the signal fires. @throws what went wrong. */
export async function work({ client, images, signal }: Work, lane: number, done: Done): Promise<void> {
  const reference = images[lane % images.length] ?? '';
  for (let round = 0; !signal.aborted; round++) {
    if (round % 8 === 0) {
      await unlessGone(client.services.images.delete(reference));
      done.removals++;
    }
    const image = await client.pull(reference, { unpack: true });
    done.pulls++;
    const args = ['/bin/sh', '-c', 'echo up; read end; exit 4'];
    await using container = await client.run({
      image,
      spec: [withArgs(...args)],
      io: { stdin: true, stdout: true },
    });
    const printed = container.stdout === undefined ? '' : text(container.stdout);
    done.runs++;
    for (let n = 0; n < 2; n++) {
      await using added = await container.exec({ args: ['/bin/echo', `added ${n}`], io: { stdout: true } });
      const said = added.stdout === undefined ? '' : text(added.stdout);
      const { exitStatus } = await added.exit;
      expect('exec', `${exitStatus} ${await said}`, `0 added ${n}\n`);
      done.execs++;
    }
    container.stdin?.end('end\n');
    const { exitStatus } = await container.exit;
    expect('run', `${exitStatus} ${await printed}`, '4 up\n');
  }
}

function expect(what: string, found: string, wanted: string): void {
  if (found !== wanted)
    throw new Error(`${what}: expected ${JSON.stringify(wanted)}, found ${JSON.stringify(found)}`);
}
