// Links within the repository lead somewhere: the file is there, and has a heading of that name. Looked at in all READMEs
// and docs; what leads out of it is not followed.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** @returns what is wrong, a line each, with file and line. */
export function badLinks(root, files) {
  const anchors = new Map();
  const anchorsOf = (file) => {
    if (!anchors.has(file)) anchors.set(file, headingAnchors(readFileSync(file, 'utf8')));
    return anchors.get(file);
  };
  const bad = [];
  for (const name of files) {
    const file = join(root, name);
    for (const { target, line } of linksOf(readFileSync(file, 'utf8'))) {
      if (/^[a-z][a-z+.-]*:/i.test(target)) continue;
      const [path, anchor] = decodeURI(target).split('#');
      const at = path === '' ? file : resolve(dirname(file), path);
      const fail = (why) => bad.push(`${name}:${line}: ${target}: ${why}`);
      if (relative(root, at).startsWith('..')) fail('it leads out of the repository');
      else if (!existsSync(at)) fail('there is no such file');
      else if (anchor !== undefined) {
        const page = statSync(at).isDirectory() ? join(at, 'README.md') : at;
        if (!page.endsWith('.md') || !existsSync(page)) fail('it has no headings');
        else if (!anchorsOf(page).has(anchor))
          fail(`there is no heading of that name in ${relative(root, page)}`);
      }
    }
  }
  return bad;
}

/** Lines of a text, without what is code. */
function* proseLines(text) {
  let fence;
  for (const [i, line] of text.split('\n').entries()) {
    const [, mark] = /^ *(```+|~~~+)/.exec(line) ?? [];
    if (fence === undefined && mark !== undefined) fence = mark;
    else if (fence !== undefined && mark?.startsWith(fence)) fence = undefined;
    else if (fence === undefined) yield [i + 1, line];
  }
}

function* linksOf(text) {
  for (const [line, prose] of proseLines(text)) {
    const bare = prose.replace(/(`+).*?\1/g, (code) => '`'.repeat(code.length));
    for (const [, target] of bare.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)) yield { target, line };
    const [, defined] = /^ {0,3}\[[^\]]+\]: *<?(\S+?)>?(?: |$)/.exec(bare) ?? [];
    if (defined !== undefined) yield { target: defined, line };
  }
}

/** As GitHub names them. */
export function headingAnchors(text) {
  const anchors = new Set();
  const add = (slug) => {
    let name = slug;
    for (let n = 1; anchors.has(name); n++) name = `${slug}-${n}`;
    anchors.add(name);
  };
  for (const [, line] of proseLines(text)) {
    const [, title] = /^ {0,3}#{1,6} +(.*?) *#*$/.exec(line) ?? [];
    if (title !== undefined) add(slugOf(title));
    for (const [, id] of line.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id);
  }
  return anchors;
}

export function slugOf(title) {
  const plain = title.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, '');
  return plain
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
}

if (process.argv[1] === import.meta.filename) {
  const root = join(import.meta.dirname, '../..');
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '*.md'];
  const files = execFileSync('git', list, { cwd: root, encoding: 'utf8' }).split('\0');
  const documents = files.filter((f) => f !== '' && !f.endsWith('CHANGELOG.md') && existsSync(join(root, f)));
  const bad = badLinks(root, documents);
  for (const text of bad) console.error(text);
  console.log(`looked at ${documents.length} documents`);
  process.exitCode = bad.length > 0 || documents.length === 0 ? 1 : 0;
}
