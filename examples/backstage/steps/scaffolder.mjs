// What the steps of the scaffolder share.
import { guestToken } from '../callboard.mjs';

export const articleOf = screen => screen.page.getByRole('article').first();
export const boxOf = (screen, name) => screen.role('textbox', name, { exact: true });
export const next = screen => screen.click(screen.role('button', 'Next', { exact: true }));

// Chooses from a field that offers choices while one types.
export async function chooseFrom(screen, box, option) {
  await screen.click(box);
  await screen.click(screen.role('option', option, { exact: true }), `the option “${option}”`);
}

// The rows of the review, by the names of the fields.
export async function seeReview(screen, rows) {
  await screen.see(screen.role('button', 'Create', { exact: true }));
  const table = screen.page.getByRole('table').first();
  for (const [name, value] of Object.entries(rows)) await screen.see(table.getByRole('row', { name: `${name} ${value}`, exact: true }), table);
}

// Starts a task as a script does, with the guest's token unless it has one of its own.
export async function startTask(screen, template, values, { secrets, token } = {}) {
  token ??= await guestToken(screen.base);
  const response = await fetch(`${screen.base}/api/scaffolder/v2/tasks`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ templateRef: `template:default/${template}`, values, secrets }),
  });
  if (response.status !== 201) throw new Error(`create a task of ${template}: ${response.status} ${await response.text()}`);
  return (await response.json()).id;
}

// The steps of a task as they stand on its page: how long each took, "" for one that did not run.
export async function seeSteps(screen, steps) {
  const ran = name => screen.page.getByRole('button', { name: new RegExp(`^${name} \\d+ seconds?$`) });
  const idle = name => screen.role('button', name, { exact: true });
  for (const [name, did] of Object.entries(steps)) await screen.see(did === 'ran' ? ran(name) : idle(name));
}

// The log draws only the lines that fit on the screen, so each is searched for, as a person does in a long log.
export async function seeLog(screen, lines) {
  for (const line of lines) {
    await screen.fill(boxOf(screen, 'Search'), line);
    await screen.see(screen.page.getByText(line, { exact: true }));
  }
}
