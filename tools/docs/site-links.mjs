import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/**
 * @param pages - those to look at, from `out`; what they lead to may be others.
 * @returns links within a site that lead nowhere, a line each.
 */
export function brokenLinks(out, pages) {
  const ids = new Map();
  const idsOf = (file) => {
    if (!ids.has(file))
      ids.set(file, new Set([...readFileSync(file, 'utf8').matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)));
    return ids.get(file);
  };
  const bad = [];
  for (const page of pages) {
    const text = readFileSync(join(out, page), 'utf8');
    for (const [, , href] of text.matchAll(/ (href|src)="([^"]+)"/g)) {
      if (/^[a-z][a-z+.-]*:/i.test(href)) continue;
      const [path, anchor] = decodeURI(href).split('#');
      const at = path === '' ? join(out, page) : resolve(out, dirname(page), path);
      if (!existsSync(at) || !statSync(at).isFile()) bad.push(`${page}: ${href}: there is no such page`);
      else if (anchor && !idsOf(at).has(anchor)) bad.push(`${page}: ${href}: there is no such place on it`);
    }
  }
  return bad;
}
