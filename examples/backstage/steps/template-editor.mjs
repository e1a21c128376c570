// The tools of those who write templates.
import fs from 'node:fs';
import path from 'node:path';
import { repository } from '../callboard.mjs';
import { articleOf, boxOf, next } from './scaffolder.mjs';

const sample = path.join(repository, 'examples/templates/static-site');

function filesOf(directory) {
  return fs
    .readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => path.join(entry.parentPath, entry.name))
    .map(file => ({ name: path.relative(directory, file).split(path.sep), text: fs.readFileSync(file, 'utf8') }));
}

// The editor asks for a folder of the person's own disk. The dialog of the operating system cannot be operated from here,
// so the page gets the browser's private file system as the answer, with the files in it.
async function offerDirectory(screen, files) {
  await screen.page.addInitScript(() => {
    window.showDirectoryPicker = () => navigator.storage.getDirectory();
  });
  await screen.open('/create/edit');
  await screen.page.evaluate(async files => {
    const top = await navigator.storage.getDirectory();
    for await (const name of top.keys()) await top.removeEntry(name, { recursive: true });
    for (const { name, text } of files) {
      let folder = top;
      for (const part of name.slice(0, -1)) folder = await folder.getDirectoryHandle(part, { create: true });
      const file = await folder.getFileHandle(name.at(-1), { create: true });
      const writable = await file.createWritable();
      await writable.write(text);
      await writable.close();
    }
  }, files);
}

const tab = (screen, name) => screen.click(screen.page.getByRole('tab', { name, exact: true }), `the tab ${name}`);

// Finds the action among all that are installed, and opens its description.
async function openAction(screen, id) {
  await screen.open('/create/actions');
  const rows = screen.page.getByRole('grid', { name: 'Installed actions' }).getByRole('row');
  await screen.eventually('the list of all actions', () => rows.count(), count => count > 20);
  await screen.fill(screen.role('searchbox', 'Search for an action'), id);
  await screen.eventually(`only ${id} in the list`, () => rows.allInnerTexts(), texts => texts.length === 1 && texts[0].startsWith(id));
  await screen.click(rows, id);
  await screen.see(screen.heading(id));
}

export const templateEditor = [
  {
    name: 'create/editor dry run',
    async walk(screen) {
      await offerDirectory(screen, filesOf(sample));
      await screen.click(screen.role('button', /^Load Template Directory/));
      for (const file of ['skeleton', 'template.yaml']) await screen.see(screen.role('treeitem', file));
      await screen.fill(boxOf(screen, 'Name'), 'harbour-news');
      await screen.click(screen.role('checkbox', 'nl', { exact: true }));
      await screen.click(screen.role('button', 'Review'));
      await screen.click(screen.role('button', 'Create', { exact: true }));
      await screen.see('Result 1');
      await screen.see(screen.role('treeitem', 'catalog-info.yaml'));
      await screen.see('name: harbour-news');
      await tab(screen, 'Log');
      for (const step of ['Write the pages', 'Describe it for the catalog', 'Show what was made']) await screen.see(screen.role('button', step));
      await screen.see('Finished step Write the pages');
      await tab(screen, 'Output');
      await screen.see(/harbour-news\*\* has pages in en, nl/);
    },
  },
  {
    name: 'create/editor finds mistakes',
    async walk(screen) {
      const files = filesOf(sample).map(file => ({ ...file, text: file.text.replace('action: fetch:template', 'action: fetch:no-such-thing') }));
      await offerDirectory(screen, files);
      await screen.click(screen.role('button', /^Load Template Directory/));
      await screen.fill(boxOf(screen, 'Name'), 'harbour-news');
      await screen.click(screen.role('button', 'Review'));
      await screen.click(screen.role('button', 'Create', { exact: true }));
      await screen.see(/^NotFoundError: Template action with ID 'fetch:no-such-thing' is not registered/);
    },
  },
  {
    name: 'create/form playground',
    async walk(screen) {
      await screen.open('/create/edit/template-form');
      await screen.click(screen.role('button', 'Templates', { exact: true }));
      await screen.click(screen.role('menuitem', 'Terraform Module'));
      await screen.see(boxOf(screen, 'Name'));
      await screen.see('The module');
    },
  },
  {
    name: 'create/custom fields',
    async walk(screen) {
      await screen.open('/create/edit/custom-fields');
      await screen.see('The host where the repository will be created');
      const picker = boxOf(screen, 'Choose Custom Field Extension');
      for (const field of ['EntityPicker', 'OwnerPicker', 'MultiEntityPicker']) {
        await screen.fill(picker, field);
        await screen.click(screen.role('option', field, { exact: true }));
        await screen.see(`${field} Example`);
      }
    },
  },
  {
    name: 'create/actions',
    async walk(screen) {
      await openAction(screen, 'notification:send');
      await screen.see(screen.role('rowheader', 'recipients *'));
      await screen.see('The recipient of the notification, either broadcast or entity');
      await screen.see('Sends a notification with minimal options');
      await screen.see(/recipients: broadcast/);
    },
  },
  {
    name: 'create/actions of the catalog',
    async walk(screen) {
      await openAction(screen, 'catalog:get-catalog-entity');
      await screen.see(screen.heading('Input', { exact: true }));
      await screen.see(screen.heading('Output', { exact: true }));
    },
  },
  {
    name: 'create/actions of a plugin',
    own: true,
    async walk(screen) {
      await openAction(screen, 'hello-go:greet');
      await screen.see(screen.role('rowheader', /^name/));
    },
  },
  {
    name: 'create/templating extensions',
    async walk(screen) {
      await screen.open('/create/templating-extensions');
      for (const filter of ['parseRepoUrl', 'parseEntityRef', 'pick', 'projectSlug']) await screen.see(screen.heading(filter, { exact: true }));
      await screen.see('Parses a repository URL into its constituent parts: owner, repository name, etc.');
      await screen.click(screen.role('button', 'Examples'));
      await screen.see('Say where the repository is');
    },
  },
  {
    name: 'create/templating extensions of a plugin',
    own: true,
    async walk(screen) {
      await screen.open('/create/templating-extensions');
      await screen.see(screen.heading('goShout', { exact: true }));
    },
  },
];
