// What people do on the provider's own page.
export async function fillIn(page, username, password) {
  await page.getByLabel('Name').fill(username);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

// GitHub asks whether an app may know who somebody is.
export const consent = page => page.getByRole('button', { name: 'Continue as ann' }).click();

export const refuse = page => page.getByRole('button', { name: 'Refuse' }).click();

// Browsers note answers that are no success, and icons that a page has not.
export const noted = /Failed to load resource: the server responded with a status of (401|403|404|503)/;
