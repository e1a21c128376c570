// The console: people come to a page and are led to a provider and back.
import { looks } from '../../console/visitor.mjs';
import { consent, fillIn, noted, refuse } from './provider.mjs';

const deep = '/console/catalog/default/component/harbour-map?from=a+link';
const withProvider = page => page.getByRole('link', { name: 'Sign in with OpenID Connect' });

async function signInFrom(visitor, rig, username = 'ann') {
  await withProvider(visitor.page).click();
  await fillIn(visitor.page, username, rig.idp.password);
}

// Cookies that are sent to the provider's routes, by name.
const kept = async (visitor, rig, id = 'oidc') => (await visitor.context.cookies(`${rig.base}/api/auth/${id}/refresh`)).map(cookie => cookie.name).filter(name => name.startsWith(`${id}-`));

async function thereAndOut(visitor, rig) {
  const { page } = visitor;
  if ((await visitor.goto(deep)) !== 401) visitor.complain('expected to be asked to sign in');
  await signInFrom(visitor, rig);
  await visitor.see('Where every ship lies');
  visitor.at(deep);
  await page.getByTitle('Signed in').filter({ hasText: 'ann' }).waitFor();
  const cookies = await visitor.context.cookies(`${rig.base}/console/`);
  const token = cookies.find(cookie => cookie.name === 'callboard-console');
  if (!token?.httpOnly || token.sameSite !== 'Lax' || token.path !== '/console') visitor.complain(`the cookie is ${JSON.stringify({ ...token, value: '…' })}`);
  if ((await page.content()).includes(token.value)) visitor.complain('the token is on the page');
  const names = await kept(visitor, rig);
  if (!names.includes('oidc-refresh-token')) visitor.complain(`no session with the provider is kept: ${names}`);
  await visitor.click('Sign out');
  await visitor.see('Sign in with OpenID Connect');
  const left = await kept(visitor, rig);
  if (left.length) visitor.complain(`after signing out there is ${left}`);
  await visitor.see('as last time');
}

export const inConsole = [
  { name: 'a deep link, the provider, the page, and out again', allowed: noted, walk: thereAndOut },
  { name: 'the same without scripts', allowed: noted, look: { ...looks.light, javaScriptEnabled: false }, walk: thereAndOut },
  {
    name: 'the same with GitHub',
    allowed: noted,
    skip: rig => !rig.idp.github,
    async walk(visitor, rig) {
      await visitor.goto(deep);
      await visitor.page.getByRole('link', { name: 'Sign in with GitHub' }).click();
      await consent(visitor.page);
      await visitor.see('Where every ship lies');
      visitor.at(deep);
      await visitor.page.getByTitle('Signed in').filter({ hasText: 'ann' }).waitFor();
      await visitor.click('Sign out');
      await visitor.see('Sign in with GitHub');
      if ((await kept(visitor, rig, 'github')).length) visitor.complain(`signing out left ${await kept(visitor, rig, 'github')}, ${(await visitor.context.cookies(rig.base + '/console/')).map(c => c.name)}`);
    },
  },
  {
    name: 'with the keyboard alone',
    allowed: noted,
    async walk(visitor, rig) {
      const { page } = visitor;
      await visitor.goto(deep);
      await page.keyboard.press('Enter'); // the first way has the focus
      await page.getByLabel('Name').waitFor();
      await page.keyboard.type('ann');
      await page.keyboard.press('Tab');
      await page.keyboard.type(rig.idp.password);
      await page.keyboard.press('Enter');
      await visitor.see('Where every ship lies');
      visitor.at(deep);
    },
  },
  {
    name: 'a wrong password, no, and then yes',
    allowed: noted,
    async walk(visitor, rig) {
      const { page } = visitor;
      await visitor.goto(deep);
      await withProvider(page).click();
      await fillIn(page, 'ann', 'wrong');
      await visitor.see('The name or the password is wrong.');
      await refuse(page);
      await visitor.see(/The sign-in with OpenID Connect was refused/);
      await page.getByRole('alert').waitFor();
      await visitor.inspect('refused');
      await visitor.picture(`${rig.out}/refused.png`);
      await signInFrom(visitor, rig);
      await visitor.see('Where every ship lies');
      visitor.at(deep);
    },
  },
  {
    name: 'somebody whom the catalog does not know',
    allowed: noted,
    async walk(visitor, rig) {
      await visitor.goto(deep);
      await signInFrom(visitor, rig, 'ben');
      await visitor.see(/nobody in the catalog here is you/);
      await visitor.see(/Ask the people who run this portal/);
      await visitor.inspect('unknown');
      const cookies = await visitor.context.cookies(`${rig.base}/console/`);
      if (cookies.some(cookie => cookie.name === 'callboard-console')) visitor.complain('somebody is signed in');
    },
  },
  {
    name: 'a provider that is down, and is back',
    allowed: noted,
    async walk(visitor, rig) {
      await visitor.goto(deep);
      await withProvider(visitor.page).click();
      await visitor.page.getByLabel('Name').fill('ann');
      await visitor.page.getByLabel('Password').fill(rig.idp.password);
      const form = await visitor.page.locator('form').evaluate(element => Object.fromEntries(new FormData(element)));
      // The code is redeemed after the provider has gone down.
      const sent = await visitor.page.request.post(`${rig.idp.issuer}/login`, { form: { ...form, answer: 'sign-in' }, maxRedirects: 0 });
      const code = await visitor.page.request.get(sent.headers().location, { maxRedirects: 0 });
      await rig.ail('down');
      await visitor.page.goto(code.headers().location);
      await rig.ail();
      await visitor.see(/The sign-in with OpenID Connect did not work/);
      await visitor.inspect('down');
      await visitor.picture(`${rig.out}/down.png`);
      await withProvider(visitor.page).click(); // the provider knows the browser by now
      await visitor.see('Where every ship lies');
      visitor.at(deep);
    },
  },
  {
    name: 'a session that ended goes on where it was',
    allowed: noted,
    async walk(visitor, rig) {
      await visitor.goto(deep);
      await signInFrom(visitor, rig);
      await visitor.see('Where every ship lies');
      const [cookie] = (await visitor.context.cookies(`${rig.base}/console/`)).filter(({ name }) => name === 'callboard-console');
      await visitor.context.addCookies([{ ...cookie, value: 'of-another-time' }]);
      await visitor.goto('/console/apis');
      await visitor.see('Your session has ended.');
      await visitor.see('as last time');
      await visitor.inspect('ended');
      await visitor.picture(`${rig.out}/ended.png`);
      await withProvider(visitor.page).click();
      await visitor.page.getByRole('heading', { name: 'APIs' }).waitFor();
      visitor.at('/console/apis');
    },
  },
  {
    name: 'a link with a text of somebody else',
    allowed: noted,
    async walk(visitor) {
      await visitor.goto('/console/sign-in/done?attempt=x&error=Call+0800+and+tell+your+password');
      await visitor.see('The sign-in did not work.');
      if ((await visitor.page.content()).includes('0800')) visitor.complain('the page says what the link says');
    },
  },
  ...Object.entries(looks).map(([name, look]) => ({
    name: `the page to sign in, ${name}`,
    allowed: noted,
    look,
    async walk(visitor, rig) {
      await visitor.goto('/console/catalog');
      await visitor.inspect('sign-in');
      await visitor.picture(`${rig.out}/sign-in-${name}.png`);
      await visitor.page.getByText('With a token').click();
      await visitor.page.getByLabel(/^The token of a signed-in user/).waitFor();
      await visitor.inspect('with a token');
    },
  })),
];
