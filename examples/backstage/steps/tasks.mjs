// Tasks of the scaffolder: running, watching, cancelling, trying again.
import { scriptToken } from '../callboard.mjs';
import { StepError } from '../screen.mjs';
import { articleOf, boxOf, chooseFrom, next, seeLog, seeReview, seeSteps, startTask } from './scaffolder.mjs';

const drill = (bell, wait, leak, clear, log) => ({ 'Ring the bell': bell, 'Wait for the crew': wait, 'Look for leaks': leak, 'Sound the all-clear': clear, "Write the ship's log": log });
const row = (screen, id) => articleOf(screen).getByRole('row').filter({ hasText: id });

async function openTask(screen, id) {
  await screen.open(`/create/tasks/${id}`);
  await screen.see(screen.page.getByRole('navigation', { name: 'Breadcrumbs' }).getByText(id));
}

async function seeFinished(screen, id) {
  await openTask(screen, id);
  await screen.see(screen.heading('Report'));
}

async function seeStatus(screen, id, template, status) {
  await screen.open('/create/tasks');
  await screen.see(row(screen, id).getByText(status, { exact: true }), row(screen, id));
  await screen.seeLinks(row(screen, id), [id, template, 'Guest'], 'the row of the task');
}

async function fillDrill(screen, leak) {
  await screen.open('/create/templates/default/fire-drill');
  await screen.fill(boxOf(screen, 'Leak'), leak);
  // The form takes over a secret 300 ms after the last key.
  await screen.page.waitForTimeout(400);
  await screen.click(screen.role('button', 'Review'));
  await seeReview(screen, { Seconds: '1', Leak: '******' });
}

export const tasks = [
  {
    name: 'create/run',
    async walk(screen) {
      await screen.open('/create/templates/default/go-service');
      await screen.fill(boxOf(screen, 'Name'), 'tide-table');
      await chooseFrom(screen, boxOf(screen, 'Owner'), 'Quayside Web');
      await next(screen);
      await next(screen);
      await screen.click(screen.role('button', 'Review'));
      await screen.click(screen.role('button', 'Create', { exact: true }));
      await screen.see(screen.heading('Next'));
      await screen.see('is ready. In its folder,');
      await seeSteps(screen, { 'Fill in the skeleton': 'ran', 'Leave out the pipeline': '', 'Show what was made': 'ran', 'Publish on GitHub': '', 'Publish by git': '', 'Add it to the catalog': '' });
      await seeLog(screen, ['tide-table for group:default/quayside-web is ready to be published', '- main_test.go', 'Skipping step github because its if condition was false']);
    },
  },
  {
    name: 'create/run with a loop',
    async walk(screen) {
      await screen.open('/create/templates/default/static-site');
      await screen.fill(boxOf(screen, 'Name'), 'harbour-news');
      for (const language of ['de', 'nl']) await screen.click(screen.role('checkbox', language, { exact: true }));
      await screen.click(screen.role('button', 'Review'));
      await screen.click(screen.role('button', 'Create', { exact: true }));
      await screen.see('has pages in de, en, nl.');
      await seeLog(screen, ['- de/index.html', '- en/index.html', '- nl/index.html']);
    },
  },
  {
    name: 'create/live log',
    async walk(screen) {
      await openTask(screen, await startTask(screen, 'fire-drill', { seconds: 3 }));
      await seeSteps(screen, drill('ran', 'ran', '', '', ''));
      await screen.see(screen.page.getByRole('button', { name: 'Sound the all-clear', exact: true, disabled: true }));
      await screen.see(screen.heading('Report'));
      await seeSteps(screen, drill('ran', 'ran', 'ran', 'ran', 'ran'));
    },
  },
  {
    name: 'create/task later',
    async walk(screen) {
      const id = await startTask(screen, 'fire-drill', { seconds: 1 });
      await seeFinished(screen, id);
      await screen.open(`/create/tasks/${id}`);
      await screen.see(screen.heading('Fire Drill'));
      await seeSteps(screen, drill('ran', 'ran', 'ran', 'ran', 'ran'));
      await screen.see(screen.role('link', 'The crew'));
      await screen.see(screen.page.locator('a[href="https://wiki.marram.example/drill"]'));
      await screen.see('The crew stood by after');
      await seeLog(screen, ['All hands on deck', 'Finished step Ring the bell']);
      await screen.click(screen.role('link', 'The crew'));
      await screen.see(screen.heading('Quayside Web'));
    },
  },
  {
    name: 'create/task list',
    async walk(screen) {
      const others = await startTask(screen, 'fire-drill', { seconds: 1 }, { token: scriptToken });
      const id = await startTask(screen, 'fire-drill', { seconds: 1 });
      await seeFinished(screen, id);
      await seeStatus(screen, id, 'Fire Drill', 'completed');
      if (await row(screen, others).count()) throw new StepError('only own tasks under Owned', await screen.excerpt(articleOf(screen)));
      await screen.click(screen.role('menuitem', 'All'));
      await screen.see(row(screen, others).getByText('completed'));
      await screen.click(row(screen, id).getByRole('link', { name: id }), 'the task');
      await screen.see(screen.heading('Report'));
    },
  },
  {
    name: 'create/failed and tried again',
    async walk(screen) {
      await fillDrill(screen, 'bilge-no-7');
      await screen.click(screen.role('button', 'Create', { exact: true }));
      // The name of the leak is a secret, and an error message that it is a part of.
      await screen.see(screen.heading('Error: Entity *** not found'));
      await seeSteps(screen, drill('ran', 'ran', 'ran', '', 'ran'));
      await seeLog(screen, ['Skipping step clear because a previous step failed']);
      await screen.click(screen.role('button', 'Retry'));
      await screen.see(screen.heading('Report'));
      await seeSteps(screen, drill('ran', 'ran', 'ran', 'ran', 'ran'));
      await seeLog(screen, ['The drill is over']);
      await seeStatus(screen, screen.page.url().split('/').at(-1), 'Fire Drill', 'completed');
    },
  },
  {
    name: 'create/start over',
    async walk(screen) {
      const id = await startTask(screen, 'fire-drill', { seconds: 2 }, { secrets: { leak: 'bilge-no-8' } });
      await openTask(screen, id);
      await screen.see(screen.heading('Error: Entity *** not found'));
      await screen.click(screen.role('button', 'Start Over'));
      await screen.eventually('the form with the values of the failed task', () => screen.role('spinbutton', 'Seconds').inputValue(), value => value === '2');
      await screen.see(boxOf(screen, 'Leak'));
    },
  },
  {
    name: 'create/cancel',
    async walk(screen) {
      const id = await startTask(screen, 'fire-drill', { seconds: 300 });
      await openTask(screen, id);
      await seeSteps(screen, drill('ran', 'ran', '', '', ''));
      await screen.click(screen.role('button', 'Cancel', { exact: true }));
      await screen.see(screen.page.getByRole('button', { name: 'Cancel', exact: true, disabled: true }));
      await screen.see(screen.page.getByRole('button', { name: 'Start Over', disabled: false }));
      await seeStatus(screen, id, 'Fire Drill', 'failed');
    },
  },
];
