// The portal's own part: what is chosen at the top is set on the elements as attributes.
import { languages, ranges, services, themes, words } from '/sample.mjs';

const html = document.documentElement;
const by = id => document.getElementById(id);
const all = selector => document.querySelectorAll(selector);

function fill(select, options) {
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
}

function choices() {
  const word = words[html.lang];
  fill(by('service'), services.map(({ title }, index) => [index, title]));
  fill(by('range'), ranges.map(range => [range, word[range]]));
  fill(by('theme'), themes.map(theme => [theme, word[theme]]));
  fill(by('language'), Object.entries(languages));
}

function translate() {
  const word = words[html.lang];
  for (const element of all('[data-word]')) element.textContent = word[element.dataset.word];
  for (const id of ['range', 'theme']) for (const option of by(id).options) option.text = word[option.value];
}

choices();
by('range').value = '30d';

by('service').onchange = event => {
  const service = services[event.target.value];
  for (const element of all('[data-of]')) {
    element.setAttribute(element.localName === 'callboard-access-request' ? 'api' : 'entity', service[element.dataset.of]);
  }
};
by('range').onchange = event => all('[data-ranged]').forEach(element => element.setAttribute('range', event.target.value));
by('theme').onchange = event => (html.dataset.theme = event.target.value);
by('language').onchange = event => {
  html.lang = event.target.value;
  translate();
};
by('sign-out').onclick = async () => {
  await fetch('/sign-out', { method: 'POST' });
  by('signed-out').hidden = false;
  // The host refuses the tokens now; widgets that ask again say so.
  for (const element of all('callboard-widget, callboard-access-request')) element.refresh();
};
