// What a portal's server asks of Callboard. It is the only part of a portal that has the secret.

/** A client of one app. `url` is where browsers and this server reach the host. */
export function callboard({ url, app, secret }) {
  async function ask(method, path, body) {
    const answer = await fetch(`${url}/api/widgets/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${secret}`, ...(body && { 'content-type': 'application/json' }) },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
    return text && JSON.parse(text);
  }

  return {
    /** A token for pages of `origin` that `viewer` looks at: good for minutes, and never for more than the app. */
    token: ({ viewer, origin, seconds }) => ask('POST', '/tokens', { app, viewer, origins: [origin], ...(seconds && { expiresIn: seconds }) }),
    /** Ends a token and all that were got by refreshing it, at once. */
    revoke: id => ask('DELETE', `/tokens/${encodeURIComponent(id)}`),
    /** Ends all tokens of the app. */
    revokeAll: () => ask('POST', `/apps/${app}/revoke`),
    /** The address of a picture that needs no credentials, for browsers without JavaScript and for mails. */
    picture: async (widget, entityRef) => (await ask('POST', '/capabilities', { widget, entityRef, expiresIn: 24 * 3600 })).url,
  };
}
