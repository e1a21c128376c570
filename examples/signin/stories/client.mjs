// Backstage's own classes for sign-in, on a page of another origin.
import { consent, fillIn, noted } from './provider.mjs';

const outcome = async (page, id, until) => {
  await page.waitForFunction(([id, until]) => new RegExp(until).test(document.querySelector(`#${id} output`).textContent), [id, until]);
  return JSON.parse(await page.locator(`#${id} output`).textContent());
};

async function signIn(visitor, id, pass) {
  const opened = visitor.page.waitForEvent('popup');
  await visitor.page.locator(`#${id} .in`).click();
  const popup = await opened;
  await pass(popup);
  return outcome(visitor.page, id, 'token|error');
}

async function walkClient(visitor, rig, id, pass) {
  const { page } = visitor;
  await page.goto(rig.frontend.base);
  if ((await outcome(page, id, '.')) !== null) visitor.complain('somebody is signed in before anybody was asked');
  const first = await signIn(visitor, id, pass);
  if (first.error) throw new Error(first.error);
  expect(visitor, first);
  await page.reload();
  const renewed = await outcome(page, id, '.');
  expect(visitor, renewed);
  await page.locator(`#${id} .out`).click();
  if ((await outcome(page, id, 'signed out|error')) !== 'signed out') visitor.complain('signing out failed');
  await page.reload();
  if ((await outcome(page, id, '.')) !== null) visitor.complain('somebody is signed in after signing out');
}

function expect(visitor, session) {
  if (session?.identity?.userEntityRef !== 'user:default/ann') visitor.complain(`the session is ${JSON.stringify(session)}`);
  if (!session?.identity?.ownershipEntityRefs.includes('group:default/crew')) visitor.complain(`ann owns ${session?.identity?.ownershipEntityRefs}`);
  if (session?.profile?.email !== 'ann@example.com') visitor.complain(`the profile is ${JSON.stringify(session?.profile)}`);
  if (session?.catalog !== 200) visitor.complain(`the catalog answers ${session?.catalog}`);
}

const form = rig => popup => fillIn(popup, 'ann', rig.idp.password);

export const client = [
  {
    name: "Backstage's OAuth2 with OpenID Connect, in a popup from another origin",
    allowed: noted,
    walk: (visitor, rig) => walkClient(visitor, rig, 'oidc', form(rig)),
  },
  {
    name: "Backstage's GithubAuth, in a popup from another origin",
    allowed: noted,
    skip: rig => !rig.idp.github,
    walk: (visitor, rig) => walkClient(visitor, rig, 'github', consent),
  },
  {
    name: 'an origin that the configuration does not name gets nothing',
    allowed: /Failed to load resource|has been blocked by CORS policy/,
    async walk(visitor, rig) {
      const { page } = visitor;
      await page.goto(rig.frontend.base);
      await signIn(visitor, 'oidc', form(rig));
      await page.goto(rig.stranger.base);
      if ((await outcome(page, 'oidc', '.')) !== null) visitor.complain('a session of the browser is told to a stranger');
      const { error } = await signIn(visitor, 'oidc', async popup => {
        await popup.getByText(`Origin '${rig.stranger.base}' is not allowed`).waitFor();
        await popup.close();
      });
      if (!/popup was closed/.test(error ?? '')) visitor.complain(`the stranger is told ${error}`);
      await page.locator('#oidc .out').click();
      const { error: refused } = await outcome(page, 'oidc', 'signed out|Logout');
      if (!refused) visitor.complain('a stranger signs people out');
      await page.goto(rig.frontend.base);
      if ((await outcome(page, 'oidc', '.'))?.identity?.userEntityRef !== 'user:default/ann') visitor.complain('the session did not survive the stranger');
    },
  },
];
