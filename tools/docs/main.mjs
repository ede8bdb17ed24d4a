// npm run docs: the site of the documentation, in dist/docs: the guides of docs/, the README of each package, and the
// reference of all that packages export. What typedoc warns of is an error, as a link to a name that is not there; so is a
// link within the site that leads nowhere.
//
// typedoc reads types with the last TypeScript that is written in JavaScript, which is installed beside it, apart from the
// one that everything is compiled with.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { writePages } from './pages.mjs';
import { writeReference } from './reference.mjs';
import { brokenLinks } from './site-links.mjs';

const root = join(import.meta.dirname, '../..');
const out = join(root, 'dist/docs');

rmSync(out, { recursive: true, force: true });
const { problems, urls } = await writeReference(root, join(out, 'reference'));
const pages = writePages(root, out, new Map([...urls].map(([name, url]) => [name, `reference/${url}`])));
const bad = brokenLinks(out, pages);
for (const text of bad) console.error(text);
console.log(`${pages.length} pages and the reference of ${urls.size} modules in ${out}`);
process.exitCode = problems + bad.length > 0 ? 1 : 0;
