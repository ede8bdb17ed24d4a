import type { RequestListener } from 'node:http';
import { blobDescriptor } from '../support/stub.ts';
import { endlessly, OTHER, pushBlob, saying } from './answers.ts';
import type { Misbehaviour, Scene } from './scene.ts';

type Step = 'POST' | 'PUT' | 'PATCH' | 'GET' | 'DELETE' | 'HEAD';

/** A registry that takes uploads as it should, but for some steps. */
const but =
  (steps: Partial<Record<Step, (scene: Scene) => RequestListener>>) =>
  (scene: Scene): RequestListener =>
  (request, response) => {
    const own = steps[request.method as Step];
    if (own !== undefined) return own(scene)(request, response);
    request.resume().on('end', () => {
      const location = '/upload/1';
      if (request.method === 'HEAD' || request.method === 'GET') response.writeHead(404).end();
      else if (request.method === 'PUT') response.writeHead(201).end();
      else response.writeHead(202, { location }).end();
    });
  };

const begun =
  (headers: (scene: Scene) => Record<string, string>) =>
  (scene: Scene): RequestListener =>
    saying(headers(scene), '', 202);
const taking: RequestListener = (request, response) =>
  void request.resume().on('end', () => response.writeHead(201).end());
const ranging = (range: string) => (): RequestListener => (request, response) =>
  void request.resume().on('end', () => response.writeHead(202, { location: '/upload/1', range }).end());
const inChunks = (scene: Scene) => pushBlob(scene, { chunkBytes: 100_000 });
const mounting = (scene: Scene) => pushBlob(scene, { mountFrom: ['y'] });

async function sent(pushed: Promise<string>): Promise<void> {
  const how = await pushed;
  if (how !== 'sent') throw new Error(`it was ${how}`);
}

function notAsked({ other }: Scene): void {
  if (other.log.length !== 0) throw new Error('the other host was asked');
}

/** Where and how a blob is taken. */
export const uploads: readonly Misbehaviour[] = [
  {
    id: 'upload-elsewhere',
    answer: but({ POST: begun(({ other }) => ({ location: `${other.origin}/upload?key=x` })) }),
    elsewhere: taking,
    ask: (scene) => sent(pushBlob(scene)),
    kind: 'fine',
    check: ({ other }) => {
      const [asked] = other.log;
      if (other.log.length !== 1 || !asked?.line.startsWith('PUT /upload?key=x&digest='))
        throw new Error(`asked ${asked?.line}`);
    },
  },
  {
    id: 'upload-elsewhere-wants-password',
    answer: but({ POST: begun(({ other }) => ({ location: other.origin })) }),
    elsewhere: (request, response) =>
      void request
        .resume()
        .on('end', () => response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()),
    ask: pushBlob,
    kind: 'unauthenticated',
  },
  {
    id: 'upload-not-encrypted',
    isSecure: true,
    answer: but({ POST: begun(({ other }) => ({ location: other.origin })) }),
    ask: pushBlob,
    kind: 'failed_precondition',
    check: notAsked,
  },
  {
    id: 'upload-to-file',
    answer: but({ POST: begun(() => ({ location: 'file:///tmp/x' })) }),
    ask: pushBlob,
    kind: 'failed_precondition',
  },
  {
    id: 'upload-to-metadata-service',
    answer: but({ POST: begun(() => ({ location: 'http://169.254.169.254/' })) }),
    ask: pushBlob,
    kind: 'permission_denied',
  },
  {
    id: 'upload-with-password',
    answer: but({ POST: begun(({ other }) => ({ location: `http://a:b@${other.host}/` })) }),
    ask: pushBlob,
    kind: 'failed_precondition',
    check: notAsked,
  },
  {
    id: 'upload-nowhere',
    answer: but({ POST: begun(() => ({})) }),
    ask: pushBlob,
    kind: 'failed_precondition',
    says: /where to upload/,
  },
  {
    id: 'upload-part-elsewhere',
    answer: but({
      PATCH: (scene) => (request, response) =>
        void request
          .resume()
          .on('end', () =>
            response.writeHead(202, { location: `${scene.other.origin}/go-on`, range: '0-99999' }).end(),
          ),
    }),
    elsewhere: taking,
    ask: inChunks,
    kind: 'unknown',
  },
  {
    id: 'upload-claims-more',
    answer: but({ PATCH: ranging('0-999999') }),
    ask: inChunks,
    kind: 'failed_precondition',
    says: /1000000 bytes of the 100000/,
  },
  {
    id: 'upload-never-gets-further',
    answer: but({ PATCH: ranging('0-0') }),
    ask: inChunks,
    kind: 'unavailable',
    says: /does not get further/,
  },
  { id: 'upload-goes-back', answer: but({ PATCH: ranging('0-49999') }), ask: inChunks, kind: 'unavailable' },
  {
    id: 'upload-range-nonsense',
    answer: but({ PATCH: ranging('bytes 5-6/7') }),
    ask: inChunks,
    kind: 'failed_precondition',
  },
  {
    id: 'upload-wants-endless-parts',
    answer: but({
      POST: begun(() => ({ location: '/upload/1', 'oci-chunk-min-length': '999999999999999' })),
    }),
    ask: inChunks,
    kind: 'fine',
  },
  {
    id: 'upload-always-out-of-step',
    answer: but({
      PATCH: () => saying({}, '', 416),
      GET: () => saying({ range: '0-0', location: '/upload/1' }, '', 204),
    }),
    ask: inChunks,
    kind: 'unavailable',
  },
  {
    id: 'upload-fails-at-the-end',
    answer: but({ PUT: () => saying({}, '', 500) }),
    ask: pushBlob,
    kind: 'unavailable',
    check: ({ own: { log } }) => {
      if (log.length > 25) throw new Error(`it was asked ${log.length} times`);
    },
  },
  {
    id: 'upload-done-but-not-answered',
    answer: (scene) => {
      let isThere = false;
      const steps = but({
        HEAD: () => (_, response) => void (isThere ? response.writeHead(200) : response.writeHead(404)).end(),
        PUT: () => (request) =>
          void request.resume().on('end', () => {
            isThere = true;
            request.socket.destroy();
          }),
      });
      return steps(scene);
    },
    ask: (scene) => sent(pushBlob(scene)),
    kind: 'fine',
    check: ({ own: { log } }) => {
      const puts = log.filter(({ line }) => line.startsWith('PUT')).length;
      if (puts !== 1) throw new Error(`it was sent ${puts} times`);
    },
  },
  {
    id: 'upload-refused-for-a-moment',
    answer: (scene) => {
      let count = 0;
      const steps = but({
        PUT: () => (request, response) =>
          void request.resume().on('end', () => {
            if (++count < 3) response.writeHead(429, { 'retry-after': '0' }).end();
            else response.writeHead(201).end();
          }),
      });
      return steps(scene);
    },
    ask: (scene) => sent(pushBlob(scene)),
    kind: 'fine',
    check: ({ own: { log } }) => {
      if (log.some(({ line }) => line.startsWith('GET'))) throw new Error('it was taken for broken');
    },
  },
  {
    id: 'upload-too-large',
    answer: but({ PUT: () => saying({}, '', 413) }),
    ask: pushBlob,
    kind: 'resource_exhausted',
  },
  {
    id: 'upload-wrong-digest',
    answer: but({ PUT: () => saying({}, '{"errors":[{"code":"DIGEST_INVALID"}]}', 400) }),
    ask: pushBlob,
    kind: 'failed_precondition',
    says: /DIGEST_INVALID/,
  },
  {
    id: 'upload-takes-other-bytes',
    answer: but({ PUT: () => saying({ 'docker-content-digest': OTHER }, '', 201) }),
    ask: pushBlob,
    kind: 'failed_precondition',
    says: /other bytes/,
  },
  {
    id: 'upload-unread',
    answer: but({ PUT: () => () => undefined }),
    options: { idleTimeoutMs: 50 },
    ask: pushBlob,
    kind: 'unavailable',
  },
  {
    id: 'upload-answer-endless',
    answer: but({
      PUT: () => (_, response) => {
        response.writeHead(201);
        endlessly(response);
      },
    }),
    ask: pushBlob,
    kind: 'fine',
  },
  { id: 'mount-begins-upload', answer: but({}), ask: (scene) => sent(mounting(scene)), kind: 'fine' },
  {
    id: 'mount-of-other-bytes',
    answer: but({ POST: () => saying({ 'docker-content-digest': OTHER }, '', 201) }),
    ask: mounting,
    kind: 'failed_precondition',
  },
  {
    id: 'mount-denied',
    answer: but({
      POST: () => (request, response) =>
        void (request.url?.includes('mount=')
          ? response.writeHead(403).end()
          : response.writeHead(202, { location: '/upload/1' }).end()),
    }),
    ask: (scene) => sent(mounting(scene)),
    kind: 'fine',
  },
  {
    id: 'exists-with-other-size',
    answer: but({ HEAD: () => saying({ 'content-length': 5 }) }),
    ask: pushBlob,
    kind: 'failed_precondition',
    says: new RegExp(`5 bytes, not ${blobDescriptor.size}`),
  },
];
