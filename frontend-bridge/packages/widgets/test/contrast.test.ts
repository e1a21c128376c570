import { beforeEach, describe, expect, test, vi } from 'vitest';
import { check, contrast } from '../src/contrast';
import { page, put } from './page';

page();

/** An element with tokens, and the body inside of it. */
function themed(tokens: Record<string, string>, around = 'background:#ffffff') {
  const element = put<HTMLElement>(`<section style="${around}"><div></div></section>`);
  for (const [name, value] of Object.entries(tokens)) element.style.setProperty('--callboard-' + name, value);
  return { element, body: element.firstElementChild as HTMLElement };
}

describe('contrast', () => {
  test.each([
    ['black on white', [0, 0, 0, 1], [255, 255, 255, 1], 21],
    ['white on white', [255, 255, 255, 1], [255, 255, 255, 1], 1],
    ['the limit of grey on white', [118, 118, 118, 1], [255, 255, 255, 1], 4.54],
    ['red on black', [255, 0, 0, 1], [0, 0, 0, 1], 5.25],
  ] as const)('%s', (_, a, b, ratio) => expect(contrast([...a], [...b])).toBeCloseTo(ratio, 2));

  test('of colours that are seen through is unknown', () => expect(contrast([0, 0, 0, 0.5], [255, 255, 255, 1])).toBeUndefined());
});

describe('a theme', () => {
  let warnings: ReturnType<typeof vi.spyOn>;
  beforeEach(() => void (warnings = vi.spyOn(console, 'warn').mockImplementation(() => {})));

  test('that can be read stays', () => {
    const { element, body } = themed({ text: 'rgb(20, 20, 20)', surface: 'rgb(250, 250, 250)', accent: 'rgb(0, 80, 200)' });
    check(element, body);
    expect(body.style.getPropertyValue('--callboard-text')).toBe('');
    expect(warnings).not.toHaveBeenCalled();
  });

  test.each([
    ['its text on a light page', { text: 'rgb(150, 150, 150)' }, 'rgb(255, 255, 255)', '--callboard-text on what is behind it is 3.0:1'],
    ['its text on a dark page', { text: 'rgb(90, 90, 90)' }, 'rgb(60, 60, 60)', '--callboard-text on what is behind it'],
    ['its text on its surface', { text: 'rgb(0, 0, 0)', surface: 'rgb(40, 40, 40)' }, 'rgb(255, 255, 255)', '--callboard-text on --callboard-surface'],
    ['its remarks', { 'text-muted': 'rgb(200, 200, 200)' }, 'rgb(255, 255, 255)', '--callboard-text-muted on what is behind it'],
    ['its links', { accent: 'rgb(255, 200, 0)' }, 'rgb(255, 255, 255)', '--callboard-accent on what is behind it'],
  ])('falls back as a whole, with a word in the console, when %s cannot be read', (_, tokens, behind, said) => {
    const { element, body } = themed(tokens, 'background:' + behind);
    check(element, body);
    for (const name of ['text', 'bg', 'surface', 'accent']) expect(body.style.getPropertyValue('--callboard-' + name)).toBe('initial');
    expect(warnings.mock.calls[0]?.[0]).toContain(said);
  });

  test('a background that the theme names and nobody paints does not make it readable', () => {
    const { element, body } = themed({ text: 'rgb(240, 240, 240)', bg: 'rgb(20, 20, 20)' });
    check(element, body);
    expect(body.style.getPropertyValue('--callboard-text')).toBe('initial');
  });

  test('what the fragment paints behind itself counts', () => {
    const { element, body } = themed({ text: 'rgb(240, 240, 241)' });
    body.innerHTML = '<figure style="background: rgb(20, 20, 20)"></figure>';
    check(element, body);
    expect(body.style.getPropertyValue('--callboard-text')).toBe('');
  });

  test('that is mended is taken again', () => {
    const { element, body } = themed({ text: 'rgb(160, 160, 160)' });
    check(element, body);
    element.style.setProperty('--callboard-text', 'rgb(0, 0, 0)');
    check(element, body);
    expect(body.style.getPropertyValue('--callboard-text')).toBe('');
  });
});
