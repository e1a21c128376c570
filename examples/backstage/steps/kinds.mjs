const page = (kind, name) => `/catalog/default/${kind}/${name}`;

export const kinds = [
  {
    name: 'system/overview',
    async walk(screen) {
      await screen.open(page('system', 'booking'));
      await screen.see('Searches crossings, holds seats and cabins, sells tickets', screen.card('About'));
      await screen.seeLinks(screen.card('About'), ['Booking Crew', 'Ticketing'], 'About');
      await screen.seeLinks(screen.card('Has components'), ['Booking Service', 'Web Shop', 'Marram App', 'Ticket Counter (classic)'], 'Has components');
      await screen.seeLinks(screen.card('Has resources'), ['bookings-db', 'seat-hold-cache'], 'Has resources');
      await screen.seeGraph(screen.card('Relations'), ['Booking', 'Booking Service', 'Ticketing']);
    },
  },
  {
    name: 'domain/overview',
    async walk(screen) {
      await screen.open(page('domain', 'passengers'));
      await screen.see('business-area', screen.card('About'));
      await screen.seeLinks(screen.card('Has subdomains'), ['Ticketing'], 'Has subdomains');
      await screen.seeLinks(screen.card('Has systems'), ['Marram Miles', 'Timetable'], 'Has systems');
      await screen.seeGraph(screen.card('Relations'), ['Passengers', 'Ticketing', 'Timetable']);
    },
  },
  {
    name: 'resource/overview',
    async walk(screen) {
      await screen.open(page('resource', 'event-bus'));
      await screen.see('The message broker that all teams share', screen.card('About'));
      await screen.seeLinks(screen.card('About'), ['Harbour Platform', 'Developer Platform'], 'About');
      await screen.seeGraph(screen.card('Relations'), ['Event Bus', 'sailing-events-topic', 'engine-telemetry', 'lake-loader']);
    },
  },
  {
    name: 'location/overview',
    async walk(screen) {
      await screen.open(page('location', 'marram-line'));
      await screen.see('Every business area of the ferry company', screen.card('About'));
      await screen.see('./fleet/location.yaml', screen.card('About'));
    },
  },
  {
    name: 'template/overview',
    async walk(screen) {
      await screen.open(page('template', 'go-service'));
      await screen.see('A small HTTP service with health checks, metrics and a pipeline that passes on the first day', screen.card('About'));
    },
  },
  {
    name: 'group/team',
    async walk(screen) {
      await screen.open(page('group', 'booking-crew'));
      await screen.see('group:default/booking-crew');
      await screen.seeLinks(screen.card('Booking Crew'), ['Passenger Services'], 'Parent Group');
      const members = screen.card('Booking Crew members (3 of 3)');
      await screen.see(members.getByRole('heading', { name: 'Isla Brandt' }));
      await screen.see(members.getByRole('heading', { name: 'Tomas Vey' }));
      const ownership = screen.card('Ownership');
      await screen.see(ownership.getByRole('link', { name: '2 SERVICES Component' }));
      await screen.see(ownership.getByRole('link', { name: '2 SYSTEMS' }));
      await screen.seeGraph(screen.card('Relations'), ['Booking Crew', 'Passenger Services', 'Isla Brandt']);
    },
  },
  {
    name: 'group/department',
    async walk(screen) {
      await screen.open(page('group', 'passenger-services'));
      await screen.seeLinks(screen.card('Passenger Services'), ['Marram Line', 'Booking Crew', 'Quayside Web', 'Timetable Desk'], 'Parent and Child Groups');
      // What its teams own counts when the switch is on.
      const ownership = screen.card('Ownership');
      await screen.click(ownership.getByText('Include indirect ownership'));
      await screen.see(ownership.getByRole('link', { name: '4 SYSTEMS' }));
    },
  },
  {
    name: 'user/guest',
    async walk(screen) {
      await screen.open(page('user', 'guest'));
      await screen.seeLinks(screen.card('Guest'), ['Quayside Web'], 'the groups of Guest');
      await screen.see(screen.card('Ownership').getByRole('link', { name: '2 WEBSITES Component' }));
      await screen.seeGraph(screen.card('Relations'), ['Guest', 'Quayside Web']);
    },
  },
  {
    name: 'user/member of two teams',
    async walk(screen) {
      await screen.open(page('user', 'saoirse.dahl'));
      await screen.seeLinks(screen.card('Saoirse Dahl'), ['Bridge Systems', 'Data Lighthouse', 'saoirse.dahl@marram.example'], 'Saoirse Dahl');
    },
  },
  {
    name: 'graph/of an entity',
    async walk(screen) {
      await screen.open('/catalog-graph?rootEntityRefs[]=component:default/booking-service&maxDepth=1');
      await screen.seeGraph(screen.page.getByRole('main'), ['Booking Service', 'Bookings API', 'Timetable API', 'seat-allocator']);
    },
  },
  {
    name: 'graph/deeper',
    async walk(screen) {
      await screen.open('/catalog-graph?rootEntityRefs[]=domain:default/fleet&maxDepth=1');
      const graph = screen.page.getByRole('main');
      await screen.seeGraph(graph, ['Fleet', 'Vessel Tracking', 'Tide Gauges']);
      await screen.fill(screen.page.getByRole('spinbutton'), '2');
      await screen.seeGraph(graph, ['Fleet', 'Vessel Tracking', 'Vessel Tracker', 'crew-roster-service', 'tide-gauge-60']);
    },
  },
  {
    name: 'graph/from the entity page',
    async walk(screen) {
      await screen.open(page('system', 'payments'));
      await screen.click(screen.card('Relations').getByRole('link', { name: 'View graph' }));
      await screen.see(screen.heading('Catalog Graph'));
      await screen.seeGraph(screen.page.getByRole('main'), ['Payments', 'Payment Gateway', 'refund-worker', 'payments-db']);
    },
  },
];
