import type { RequestListener } from 'node:http';
import { BLOB, blobDescriptor } from '../support/stub.ts';
import { fetchBlob, pushBlob } from './answers.ts';
import type { Misbehaviour, Scene } from './scene.ts';

const to =
  (location: (scene: Scene) => string, status = 307) =>
  (scene: Scene): RequestListener =>
  (_, response) =>
    void response.writeHead(status, { location: location(scene) }).end();

const giving: RequestListener = (_, response) => void response.end(BLOB);
const refusing =
  (challenge: string): RequestListener =>
  (_, response) =>
    void response.writeHead(401, { 'www-authenticate': challenge }).end();

function askedOnce({ other }: Scene): void {
  if (other.log.length !== 1) throw new Error(`the other host was asked ${other.log.length} times`);
}

function notAsked({ other }: Scene): void {
  if (other.log.length !== 0) throw new Error('the other host was asked');
}

/** Where a fetch is sent on to. */
export const redirects: readonly Misbehaviour[] = [
  {
    id: 'redirect-same-host',
    answer: (scene) => (request, response) =>
      void (request.url === '/elsewhere'
        ? giving(request, response)
        : to(() => '/elsewhere')(scene)(request, response)),
    ask: fetchBlob,
    kind: 'fine',
    check: ({ own }) => {
      if (own.log.at(-1)?.headers.authorization === undefined)
        throw new Error('it was not sent its own password');
    },
  },
  {
    id: 'redirect-other-host',
    answer: to(({ other }) => `${other.origin}/cdn?signature=x`),
    elsewhere: giving,
    ask: fetchBlob,
    kind: 'fine',
    check: askedOnce,
  },
  {
    id: 'redirect-other-port',
    answer: to(({ other }) => `http://127.0.0.1:${other.host.split(':')[1]}/`),
    elsewhere: giving,
    ask: fetchBlob,
    // Nobody listens at this address; the rule is that it is tried without the password.
    kind: 'unavailable',
  },
  {
    id: 'redirect-from-https-to-http',
    isSecure: true,
    answer: to(({ other }) => other.origin),
    elsewhere: giving,
    ask: fetchBlob,
    kind: 'failed_precondition',
    check: notAsked,
  },
  {
    id: 'redirect-loop',
    answer: to(() => '/again'),
    ask: fetchBlob,
    kind: 'failed_precondition',
    says: /10 redirects/,
  },
  {
    id: 'redirect-to-metadata-service',
    answer: to(() => 'http://169.254.169.254/latest/meta-data'),
    ask: fetchBlob,
    kind: 'permission_denied',
  },
  {
    id: 'redirect-to-metadata-service-by-number',
    answer: to(() => 'http://2852039166/'),
    ask: fetchBlob,
    kind: 'permission_denied',
  },
  {
    id: 'redirect-to-metadata-service-by-ipv6',
    answer: to(() => 'http://[::ffff:a9fe:a9fe]/'),
    ask: fetchBlob,
    kind: 'permission_denied',
  },
  {
    id: 'redirect-to-file',
    answer: to(() => 'file:///etc/passwd'),
    ask: fetchBlob,
    kind: 'failed_precondition',
    says: /file:/,
  },
  { id: 'redirect-to-data', answer: to(() => 'data:,x'), ask: fetchBlob, kind: 'failed_precondition' },
  {
    id: 'redirect-to-nowhere',
    answer: () => (_, response) => void response.writeHead(302).end(),
    ask: fetchBlob,
    kind: 'failed_precondition',
  },
  {
    id: 'redirect-with-password',
    answer: to(({ other }) => `http://a:b@${other.host}/`),
    ask: fetchBlob,
    kind: 'failed_precondition',
    check: notAsked,
  },
  {
    id: 'redirect-other-host-wants-password',
    answer: to(({ other }) => other.origin),
    elsewhere: refusing('Basic realm="cdn"'),
    ask: fetchBlob,
    kind: 'unauthenticated',
    check: askedOnce,
  },
  {
    id: 'redirect-other-host-names-realm',
    answer: to(({ other }) => other.origin),
    elsewhere: refusing('Bearer realm="http://127.0.0.2:1/token",service="x"'),
    ask: fetchBlob,
    kind: 'unauthenticated',
    check: askedOnce,
  },
  {
    id: 'redirect-there-and-back',
    answer: (scene) => (request, response) => {
      const back = `http://${scene.other.host}/?back=${scene.own.host}`;
      to(() => back)(scene)(request, response);
    },
    elsewhere: (request, response) => {
      const back = new URL(request.url ?? '', 'http://x').searchParams.get('back');
      response.writeHead(307, { location: `http://${back}/came-back` }).end();
    },
    ask: fetchBlob,
    kind: 'unauthenticated',
    check: ({ own }) => {
      const last = own.log.filter(({ line }) => line.endsWith('/came-back'));
      if (last.length === 0 || last.some(({ headers }) => headers.authorization !== undefined))
        throw new Error('the password came back over another host');
    },
  },
  {
    id: 'redirect-of-delete',
    answer: to(({ other }) => other.origin),
    ask: ({ registry, host }) => registry.deleteBlob(`${host}/x`, blobDescriptor.digest),
    kind: 'failed_precondition',
    says: /redirects a DELETE/,
    check: notAsked,
  },
  {
    id: 'redirect-of-upload',
    answer: (scene) => (request, response) =>
      void (request.method === 'HEAD'
        ? response.writeHead(404).end()
        : to(() => scene.other.origin, 308)(scene)(request, response)),
    ask: pushBlob,
    kind: 'failed_precondition',
    says: /redirects a POST/,
    check: notAsked,
  },
];
