/** What the host answered instead of what was asked for; or that it answered nothing that can be read. */
export class CallboardError extends Error {
  constructor(
    /** The kind of the error, such as NotFoundError; ResponseError where the host named none. */
    override readonly name: string,
    message: string,
    /** Of the answer. */
    readonly status: number,
    /** Seconds after which the host wants to be asked again. */
    readonly retryAfter?: number,
  ) {
    super(message);
  }

  /** Reads the error of an answer. */
  static async of(answer: Response): Promise<CallboardError> {
    const { name, message } = named(await answer.text().catch(() => ''));
    const wait = Number(answer.headers.get('Retry-After')) || undefined;
    return new CallboardError(name ?? 'ResponseError', message ?? `the host answers ${answer.status}`, answer.status, wait);
  }
}

function named(text: string): { name?: string; message?: string } {
  try {
    const error: unknown = JSON.parse(text)?.error;
    if (typeof error !== 'object' || error === null) return {};
    const { name, message } = error as Record<string, unknown>;
    return { ...(typeof name === 'string' && { name }), ...(typeof message === 'string' && { message }) };
  } catch {
    return {};
  }
}
