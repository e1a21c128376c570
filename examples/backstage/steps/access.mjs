// Access to an API, asked for with the sample template, whose choices the plugin gateway gives.
import { ask } from './ask.mjs';
import { boxOf, next, seeReview, seeSteps } from './scaffolder.mjs';

async function choose(screen, field, option) {
  await screen.click(screen.role('button', field, { exact: true }), `the field ${field}`);
  await screen.click(screen.role('option', option), `the option ${option}`);
}

export const access = [
  {
    name: 'gateway/template asks for access',
    async walk(screen) {
      await ask(screen, 'gateway/v1/apps', { name: 'Berth Planner', owner: 'group:default/quayside-web' });
      await screen.open('/create/templates/default/api-access');
      await choose(screen, 'Application', 'Berth Planner');
      await choose(screen, 'API', /^Vessel Positions/);
      await choose(screen, 'Plan', /^Partner/);
      await next(screen);
      await screen.fill(boxOf(screen, 'Reason'), 'To know which berth is taken, and for how long');
      await screen.click(screen.role('button', 'Review'));
      await seeReview(screen, { Application: 'Berth Planner', Plan: 'Partner', Days: '90' });
      await screen.click(screen.role('button', 'Create', { exact: true }));
      await seeSteps(screen, { 'Ask for access': 'ran', 'Say what comes next': '', 'Say who is asked': 'ran' });
      await screen.see(/^Request .* is pending\.$/);
    },
  },
  {
    name: 'gateway/owners decide',
    async walk(screen) {
      const { items } = JSON.parse(await ask(screen, 'gateway/v1/requests'));
      const request = items.find(one => one.api === 'vessel-positions' && one.status === 'pending');
      await screen.eventually('the request of the template', async () => request?.reason ?? 'none', reason => reason.startsWith('To know which berth'));
      await ask(screen, `gateway/v1/requests/${request.id}/approve`, { comment: 'welcome aboard' });
      await screen.open('/notifications');
      await screen.see('Berth Planner has access to harbour/vessel-positions');
      await screen.see('welcome aboard');
    },
  },
];
