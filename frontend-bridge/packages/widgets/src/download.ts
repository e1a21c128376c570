// Files of the host, such as the CSV of a table.
import type { Surface } from './modules';

/** Fetches a file of the host, which a plain link could not: it brings no token. */
export async function download(path: string, name: string | null, surface: Surface) {
  try {
    const answer = await surface.session.send(path);
    if (!answer.ok) throw new Error(`the host answers ${answer.status}`);
    const told = /filename="?([^";]+)/.exec(answer.headers.get('Content-Disposition') ?? '')?.[1];
    const url = URL.createObjectURL(await answer.blob());
    const link = document.createElement('a');
    link.href = url;
    link.download = name || told || path.split(/[?#]/)[0]!.split('/').pop()!;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  } catch (problem) {
    surface.fail('download', problem);
  }
}
