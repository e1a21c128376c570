import { client } from './client.mjs';
import { inConsole } from './console.mjs';

export const stories = [...inConsole, ...client];
