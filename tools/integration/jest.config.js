import { fileURLToPath } from 'node:url';
import base from '../../jest.config.js';

export default { ...base, testEnvironment: fileURLToPath(new URL('environment.mjs', import.meta.url)) };
