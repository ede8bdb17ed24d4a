import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import MarkdownIt from 'markdown-it';
import { slugOf } from '../checks/links.mjs';

const SOURCES = 'https://github.com/stowage/stowage/blob/main';

/** Documents that become pages: what they are of, and where they go. */
export function documents(root) {
  const pages = new Map([['README.md', 'index.html']]);
  if (existsSync(join(root, 'UPGRADING.md'))) pages.set('UPGRADING.md', 'upgrading.html');
  for (const name of readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.md')))
    pages.set(`docs/${name}`, `docs/${name.replace(/\.md$/, '.html')}`);
  for (const base of ['packages', 'apps'])
    for (const name of readdirSync(join(root, base)))
      if (existsSync(join(root, base, name, 'README.md')))
        pages.set(`${base}/${name}/README.md`, `${base}/${name}/index.html`);
  return pages;
}

/**
 * Writes a page for each document. Links among them lead to pages; those to other files of the repository, to where that
 * is published.
 *
 * @param urls - where the reference of each path that programs import is, from `out`.
 * @returns the pages, from `out`.
 */
export function writePages(root, out, urls) {
  const pages = documents(root);
  const titles = new Map(
    [...pages.keys()].map((file) => [file, titleOf(readFileSync(join(root, file), 'utf8'))]),
  );
  for (const [file, page] of pages) {
    const up = relative(dirname(page), '.') || '.';
    const body = render(root, file, page, pages);
    const name = packageOf(root, file);
    const paths = [...urls].filter(([path]) => path === name || path.startsWith(`${name}/`));
    const nav = [...pages].map(([other, at]) => link(`${up}/${at}`, titles.get(other), at === page));
    const aside = paths.map(([path, at]) => link(`${up}/${at}`, path, false));
    mkdirSync(join(out, dirname(page)), { recursive: true });
    writeFileSync(join(out, page), layout(titles.get(file), up, nav.join('\n'), body, aside.join('\n')));
  }
  return [...pages.values()];
}

function render(root, file, page, pages) {
  const md = new MarkdownIt({ html: true });
  const used = new Map();
  md.renderer.rules.heading_open = (tokens, i) => {
    const slug = slugOf(tokens[i + 1].content);
    const n = used.get(slug) ?? 0;
    used.set(slug, n + 1);
    return `<${tokens[i].tag} id="${n === 0 ? slug : `${slug}-${n}`}">`;
  };
  const plain =
    md.renderer.rules.link_open ?? ((tokens, i, options, _, self) => self.renderToken(tokens, i, options));
  md.renderer.rules.link_open = (tokens, i, ...rest) => {
    tokens[i].attrSet('href', target(root, file, page, pages, tokens[i].attrGet('href')));
    return plain(tokens, i, ...rest);
  };
  const image = md.renderer.rules.image;
  md.renderer.rules.image = (tokens, i, ...rest) => {
    tokens[i].attrSet('src', target(root, file, page, pages, tokens[i].attrGet('src')));
    return image(tokens, i, ...rest);
  };
  return md.render(readFileSync(join(root, file), 'utf8'));
}

function target(root, file, page, pages, href) {
  if (/^[a-z][a-z+.-]*:/i.test(href) || href.startsWith('#')) return href;
  const [path, anchor] = href.split('#');
  const at = relative(root, resolve(root, dirname(file), path));
  const other = pages.get(at) ?? pages.get(`${at}/README.md`);
  const there = other === undefined ? `${SOURCES}/${at}` : relative(dirname(page), other);
  return anchor === undefined ? there : `${there}#${anchor}`;
}

function packageOf(root, file) {
  const manifest = join(root, dirname(file), 'package.json');
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).name : undefined;
}

function titleOf(text) {
  return /^# +(.*)$/m.exec(text)?.[1] ?? 'Stowage';
}

function link(href, text, isHere) {
  const mark = isHere ? ' aria-current="page"' : '';
  return `<a href="${href}"${mark}>${text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('`', '')}</a>`;
}

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; display: grid; grid-template-columns: 16rem minmax(0, 52rem) 14rem; gap: 2rem; padding: 0 1rem; }
nav, aside { position: sticky; top: 0; max-height: 100vh; overflow: auto; padding: 1rem 0; font-size: 0.875rem; }
nav a, aside a { display: block; padding: 0.1rem 0; overflow-wrap: anywhere; }
[aria-current] { font-weight: bold; }
main { padding-bottom: 4rem; }
pre, code { font-family: ui-monospace, monospace; font-size: 0.875em; }
pre { overflow: auto; padding: 0.75rem; border: 1px solid #8886; border-radius: 4px; }
table { border-collapse: collapse; display: block; overflow: auto; }
th, td { border: 1px solid #8886; padding: 0.25rem 0.5rem; text-align: left; vertical-align: top; }
@media (max-width: 60rem) { body { display: block; } nav, aside { position: static; max-height: none; } }
`;

function layout(title, up, nav, body, aside) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title.replaceAll('`', '')}</title>
<style>${STYLE}</style>
</head>
<body>
<nav>
${nav}
<a href="${up}/reference/index.html">Reference</a>
</nav>
<main>
${body}</main>
<aside>${aside === '' ? '' : `<strong>Reference</strong>\n${aside}`}</aside>
</body>
</html>
`;
}
