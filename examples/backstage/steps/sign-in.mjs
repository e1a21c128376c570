import { StepError } from '../screen.mjs';

export const signIn = [
  {
    name: 'sign-in/page',
    always: true,
    async walk(screen) {
      await screen.open('/');
      await screen.see(screen.heading('Marram Line Portal'));
      await screen.see('Enter as a Guest User.');
      await screen.see(screen.role('button', 'Enter'));
    },
  },
  {
    name: 'sign-in/enter as guest',
    always: true,
    async walk(screen) {
      await screen.click(screen.role('button', 'Enter'));
      await screen.see(screen.heading('Marram Line Catalog'));
      // The groups of the guest user come with the sign-in, so its team's components stand there at once.
      await screen.see(screen.heading('Owned Components (7)'));
    },
  },
  {
    name: 'sign-in/stays after a reload',
    async walk(screen) {
      await screen.open('/');
      await screen.see(screen.heading('Owned Components (7)'));
    },
  },
  {
    name: 'sign-in/live connection',
    async walk(screen) {
      await screen.open('/');
      await screen.see(screen.heading('Marram Line Catalog'));
      // The shell listens for notifications as soon as it is loaded.
      await screen.eventually(
        'a WebSocket at /api/signals with a subscription to notifications',
        () => screen.watch.sockets.flatMap(socket => socket.sent),
        sent => sent.some(frame => /"action":"subscribe"/.test(frame) && /"channel":"notifications"/.test(frame)),
      );
      if (!screen.watch.sockets.at(-1).url.includes('/api/signals')) throw new StepError('the socket to be /api/signals', screen.watch.sockets.at(-1).url);
    },
  },
];
