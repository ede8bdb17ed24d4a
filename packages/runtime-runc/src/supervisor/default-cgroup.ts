import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Spec {
  readonly linux?: Readonly<Record<string, unknown>>;
}

/** JSON.parse and stringify as of ES2025, which the type checker does not know yet. */
const json = JSON as unknown as {
  parse(
    text: string,
    revive: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
};

/**
 * Puts a container whose spec names no cgroup where clients of containerd put theirs: `/<namespace>/<id>`. Left to itself,
 * a runtime makes one below the supervisor's own, the same for equal ids of all namespaces.
 *
 * @returns the path.
 * @see containerd pkg/oci/spec.go populateDefaultUnixSpec
 */
export async function setCgroupsPath(bundle: string, namespace: string, id: string): Promise<string> {
  const path = join(bundle, 'config.json');
  const cgroupsPath = `/${namespace}/${id}`;
  const { mode } = await stat(path);
  // Limits may be larger than a double can hold.
  const exact = (_: string, value: unknown, { source }: { source?: string }) =>
    typeof value === 'number' && source !== undefined ? json.rawJSON(source) : value;
  const spec = json.parse(await readFile(path, 'utf8'), exact) as Spec;
  const text = JSON.stringify({ ...spec, linux: { ...spec.linux, cgroupsPath } });
  await writeFile(`${path}.new`, text, { mode: mode & 0o777 });
  await rename(`${path}.new`, path);
  return cgroupsPath;
}
