// A frame of a stranger on a page with widgets: greets the page as a widget would, and each other frame as the page would.
const messages = [
  { callboard: 1, t: 'hello', nonce: 'a'.repeat(22) },
  { callboard: 1, t: 'size', h: 9000, w: 10, seq: 1 },
  { callboard: 1, t: 'navigate', href: 'https://evil.example/' },
  { callboard: 1, t: 'init', nonce: 'a'.repeat(22), token: 'forged', theme: 'dark', lang: 'en', tz: '', maxHeight: 0, tokens: {} },
];
globalThis.heard = [];
globalThis.sent = 0;

addEventListener('message', event => globalThis.heard.push(JSON.stringify(event.data)));
setInterval(() => {
  for (const message of messages) {
    parent.postMessage(message, '*');
    for (let i = 0; i < parent.frames.length; i++) {
      if (parent.frames[i] === self) continue;
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = event => globalThis.heard.push(JSON.stringify(event.data));
      parent.frames[i].postMessage(message, '*', [port2]);
    }
    globalThis.sent++;
  }
}, 20);
