const page = name => `/catalog/default/api/${name}`;

// A definition counts as shown when its viewer has drawn parts that stand deep inside of it.
const definition = (name, viewer, parts, raw) => ({
  name: `api/definition ${viewer} ${name}`,
  async walk(screen) {
    await screen.open(`${page(name)}/definition`);
    await screen.see(screen.page.getByRole('tab', { name: viewer, exact: true, selected: true }));
    await screen.click(screen.page.getByRole('tab', { name: 'Raw', exact: true }), 'the tab Raw');
    await screen.see(raw);
    await screen.click(screen.page.getByRole('tab', { name: viewer, exact: true }), `the tab ${viewer}`);
    for (const part of parts) await screen.see(part);
  },
});

export const apis = [
  {
    name: 'api/explorer',
    async walk(screen) {
      await screen.open('/api-docs');
      await screen.see(screen.heading('All APIS (11)', { exact: true, level: 2 }));
      await screen.seeLinks(screen.page.locator('table').first(), ['Bookings API', 'Vessel Positions', 'Sailing Events', 'Storefront Graph'], 'the list');
    },
  },
  {
    name: 'api/overview',
    async walk(screen) {
      await screen.open(page('bookings'));
      await screen.see('Hold seats, turn holds into bookings, change and cancel them', screen.card('About'));
      await screen.seeLinks(screen.card('Consumers'), ['disruption-notifier', 'loyalty-service', 'storefront-gateway', 'Ticket Counter (classic)'], 'Consumers');
      await screen.seeLinks(screen.card('Providers'), ['Booking Service'], 'Providers');
      await screen.seeGraph(screen.card('Relations'), ['Bookings API', 'Booking Service', 'loyalty-service']);
    },
  },
  {
    name: 'api/definition by click',
    async walk(screen) {
      await screen.open(page('timetable'));
      await screen.click(screen.role('button', 'Documentation'));
      await screen.click(screen.role('menuitemradio', 'Definition'));
      await screen.see('Sailings between two ports on a day');
    },
  },
  definition('bookings', 'OpenAPI', ['Turn a hold into a booking', 'HoldRequest', /Seats that are kept for a short time/], /operationId: createHold/),
  definition('payments', 'OpenAPI', ['Reserve an amount', 'OAS 3.1'], /operationId: capturePayment/),
  definition('manifests', 'OpenAPI', ['Add a truck, trailer or container', 'OAS 2.0'], /operationId: closeManifest/),
  definition('sailing-events', 'AsyncAPI', ['sailing.cancelled', 'events.marram.example:9093', 'A sailing will not leave at all'], /asyncapi: 2\.6\.0/),
  definition('storefront', 'GraphQL', ['Root Types', 'HoldSeatsPayload', 'SailingStatus'], /type Traveller implements Node/),
  definition('vessel-positions', 'gRPC', [/service Positions/, /rpc WatchArea/], /package marram\.fleet\.positions\.v1/),
  {
    name: 'api/operation opens',
    async walk(screen) {
      await screen.open(`${page('bookings')}/definition`);
      await screen.click(screen.page.getByRole('button', { name: 'post /bookings', exact: true }), 'POST /bookings');
      await screen.see('Idempotency-Key');
      await screen.see('The hold has expired');
    },
  },
  {
    name: 'api/graph type opens',
    async walk(screen) {
      await screen.open(`${page('storefront')}/definition`);
      await screen.click(screen.role('link', 'Sailing', { exact: true }), 'the type Sailing');
      await screen.see('Cheapest fare for one adult');
    },
  },
];
