// Failed requests and console errors that the stock frontend causes with its own backend as well, so they are nobody's
// news. A rule holds for steps whose name `step` matches and problems whose text `text` matches. Add one only after
// `e2e.mjs --stock --base URL` has shown it with a stock backend.
const allowed = [
  {
    step: /^component\/not found$/,
    text: /^GET \/api\/catalog\/entities\/by-name\/component\/default\/no-such-component(\/ancestry)? 404$/,
    reason: 'the page asks for an entity that does not exist; that is the point of the step',
  },
  {
    step: /^component\/unsafe links$/,
    text: /^Error: Link component rejected javascript: URL as a security precaution/,
    reason: 'the frontend refuses to draw the link, puts an error in its place and logs it',
  },
  {
    step: /^create\/(form finds mistakes|choices that cannot be had)$/,
    text: /^Form validation failed /,
    reason: 'the frontend logs as an error what it also shows at the fields; that is the point of the step',
  },
  {
    step: /^create\/editor finds mistakes$/,
    text: /^(POST \/api\/scaffolder\/v2\/dry-run 404$|ResponseError: Request failed with 404 )/,
    reason: 'the dry run is refused, and the frontend also throws what it shows; that is the point of the step',
  },
  {
    step: /^(sentry|sonarqube)\/no such project$/,
    text: /^GET \/api\/(proxy\/sentry\/api\/0\/projects\/marram-line\/no-such-project\/issues\/|sonarqube\/entities\/Component\/default\/lost-cargo\/summary)\?\S* 404$/,
    reason: 'the annotation names a project that does not exist; that is the point of the step',
  },
  {
    step: /^cards\/none of what may not be read$/,
    text: /^GET \/api\/widgets\/v1\/entities\/component\/default\/seat-allocator 404$/,
    reason: 'the step itself refuses it, as a host does for an entity that may not be read',
  },
  {
    step: /^legacy\/card tells that the host fails$/,
    text: /^GET \/api\/widgets\/v1\/entities\/component\/default\/booking-service 503$/,
    reason: 'the step itself puts the failure in the place of the answer',
  },
  {
    step: /^cards\/app starts without a remote that fails$/,
    text: /^Error: wrecked/,
    reason: 'what the step puts in the place of the remote throws it',
  },
];

// What a stock backend does wrong with the sample catalog and Callboard must do right.
const stockOnly = [
  {
    step: /^search\//,
    text: /^GET \/api\/search\/query\?.*types%5B0%5D=techdocs.* 500$/,
    reason: 'its in-memory search engine has no index for a type of which there is no document, and answers MissingIndexError',
  },
  {
    step: /^search\/type filter$/,
    text: /^to see “Sorry, no results were found”$/,
    reason: 'the same: the page shows that error',
  },
];

// A browser repeats each failed request on the console, without saying which one it was.
const echo = /^Failed to load resource:/;

// The problems that make a step fail. An expectation that was not met goes together with what was seen instead.
export function unexpected(step, problems, { stock = false } = {}) {
  const rules = (stock ? [...allowed, ...stockOnly] : allowed).filter(rule => rule.step.test(step));
  const known = problem => rules.some(rule => rule.text.test(problem.text));
  const requests = problems.some(problem => problem.kind === 'request');
  return problems.filter((problem, i) => {
    if (problem.kind === 'seen') return !known(problems[i - 1]);
    return !known(problem) && !(problem.kind === 'console' && echo.test(problem.text) && requests);
  });
}
