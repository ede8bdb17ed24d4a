/** The directory of the page's files that this package brings. What bundles the package takes them along. */
export const builtPage: URL = new URL('../dist/bundle/', import.meta.url);
