import type { Collector } from '../collector.ts';

/** Which program it is, as containerd tells it. */
export function buildCollector(labels: { readonly version: string; readonly revision: string }): Collector {
  const { version, revision } = labels;
  return {
    name: 'build',
    collect: () => [
      {
        name: 'containerd_build_info_total',
        help: 'Version and revision of what serves the API.',
        type: 'counter',
        samples: [{ labels: { version, revision }, value: 1 }],
      },
    ],
  };
}
