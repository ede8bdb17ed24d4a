// npm drops an optional dependency that a registry lacks from the lock file without a word, and then `npm ci`
// refuses the lock elsewhere. This finds such gaps.
import { readFileSync } from 'node:fs';

const { packages } = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'));
let bad = 0;
for (const [at, manifest] of Object.entries(packages)) {
  for (const [name, range] of Object.entries(manifest.optionalDependencies ?? {})) {
    const parts = at.split('/node_modules/');
    const places = [
      `${at}/node_modules/${name}`,
      `node_modules/${name}`,
      ...parts.map((_, i) => `${parts.slice(0, i + 1).join('/node_modules/')}/node_modules/${name}`),
    ];
    if (places.some((place) => place in packages)) continue;
    bad++;
    console.error(`package-lock.json lacks ${name}@${range} (for ${at || '.'})`);
  }
}
process.exitCode = bad ? 1 : 0;
