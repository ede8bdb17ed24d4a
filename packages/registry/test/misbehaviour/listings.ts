import type { RequestListener } from 'node:http';
import { MEDIA_TYPE } from '@stowage/core';
import { DIGEST, endlessly, OTHER, saying } from './answers.ts';
import type { Misbehaviour, Scene } from './scene.ts';

const tags = ({ registry, host }: Scene) => Array.fromAsync(registry.tags(`${host}/x`));
const referrers = ({ registry, host }: Scene, artifactType?: string) =>
  Array.fromAsync(registry.referrers(`${host}/x`, DIGEST['docker-content-digest'], { artifactType }));
const page = (link: string, list = '{"tags":["a"]}') => saying({ link }, list);
const index = { 'content-type': MEDIA_TYPE.ociIndex };
const listed = (one: object) => JSON.stringify({ schemaVersion: 2, manifests: [one] });
const referrer = { mediaType: MEDIA_TYPE.ociManifest, digest: OTHER, size: 5, artifactType: 'a/b' };

function notAsked({ other }: Scene): void {
  if (other.log.length !== 0) throw new Error('the other host was asked');
}

const endlessPages = (): RequestListener => {
  let count = 0;
  return (request, response) => page(`</v2/x/tags/list?last=${count++}>; rel="next"`)(request, response);
};

/** Lists of tags and referrers. */
export const listings: readonly Misbehaviour[] = [
  {
    id: 'tags-in-circles',
    answer: () => page('</v2/x/tags/list?n=1000>; rel="next"'),
    ask: tags,
    kind: 'failed_precondition',
    says: /circles/,
  },
  {
    id: 'tags-without-end',
    answer: endlessPages,
    ask: tags,
    kind: 'failed_precondition',
    says: /1000 pages/,
  },
  {
    id: 'tags-elsewhere',
    answer: ({ other }) => page(`<${other.origin}/v2/x/tags/list?n=5>; rel="next"`),
    ask: tags,
    kind: 'failed_precondition',
    check: notAsked,
  },
  {
    id: 'tags-of-another-repository',
    answer: () => page('</v2/y/tags/list?n=5>; rel="next"'),
    ask: tags,
    kind: 'failed_precondition',
  },
  {
    id: 'tags-link-nonsense',
    answer: () => page('<http://[>; rel="next"'),
    ask: tags,
    kind: 'failed_precondition',
  },
  {
    id: 'tags-page-endless',
    answer: () => (_, response) => endlessly(response),
    ask: tags,
    kind: 'resource_exhausted',
  },
  {
    id: 'tags-no-list',
    answer: () => saying({}, '{"tags":{"0":"a"}}'),
    ask: tags,
    kind: 'failed_precondition',
  },
  { id: 'tags-no-json', answer: () => saying({}, '<html>'), ask: tags, kind: 'failed_precondition' },
  {
    id: 'tags-that-climb',
    answer: () => saying({}, '{"tags":["../../x"]}'),
    ask: tags,
    kind: 'failed_precondition',
  },
  { id: 'tags-null', answer: () => saying({}, '{"tags":null}'), ask: tags, kind: 'fine' },
  {
    id: 'referrers-digest-climbs',
    answer: () => saying(index, listed({ ...referrer, digest: 'sha256:../x' })),
    ask: referrers,
    kind: 'failed_precondition',
  },
  {
    id: 'referrers-size-below-zero',
    answer: () => saying(index, listed({ ...referrer, size: -1 })),
    ask: referrers,
    kind: 'failed_precondition',
  },
  {
    id: 'referrers-no-list',
    answer: () => saying(index, '{"manifests":5}'),
    ask: referrers,
    kind: 'failed_precondition',
  },
  {
    id: 'referrers-in-circles',
    answer: () =>
      saying(
        { ...index, link: `</v2/x/referrers/${DIGEST['docker-content-digest']}>; rel="next"` },
        listed(referrer),
      ),
    ask: referrers,
    kind: 'failed_precondition',
  },
  {
    id: 'referrers-not-filtered',
    answer: () => saying({ ...index, 'oci-filters-applied': 'artifactType' }, listed(referrer)),
    ask: async (scene) => {
      if ((await referrers(scene, 'c/d')).length !== 0) throw new Error('what was not asked for came');
    },
    kind: 'fine',
  },
  {
    id: 'referrers-web-page',
    answer: () => (request, response) =>
      void (
        request.url?.includes('/referrers/')
          ? saying({ 'content-type': 'text/html' }, '<html>')
          : saying(index, listed(referrer))
      )(request, response),
    ask: async (scene) => {
      if ((await referrers(scene)).length !== 1) throw new Error('the fallback was not asked');
    },
    kind: 'fine',
  },
  {
    id: 'referrers-fallback-is-no-index',
    answer: () => (request, response) =>
      void (
        request.url?.includes('/referrers/')
          ? saying({}, '', 404)
          : saying({ 'content-type': MEDIA_TYPE.ociManifest }, '{}')
      )(request, response),
    ask: referrers,
    kind: 'failed_precondition',
  },
];
