// Asks the portal as the guest, outside of the page.
import { guestToken } from '../callboard.mjs';
import { StepError } from '../screen.mjs';

export async function ask(screen, path, body, method = body ? 'POST' : 'GET') {
  const headers = { authorization: `Bearer ${await guestToken(screen.base)}`, 'content-type': 'application/json' };
  const response = await fetch(`${screen.base}/api/${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new StepError(`${path} to be answered`, `${response.status} ${text}`);
  return text;
}
