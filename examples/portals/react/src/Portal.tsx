import { CallboardAccessRequest, CallboardApiDocs, CallboardBadge, CallboardConfig, CallboardWidget } from '@callboard/widgets-react';
import { useEffect, useState, type ReactNode } from 'react';
import { languages, ranges, services, themes, words } from '../../shared/sample.mjs';

interface Props {
  base: string;
  app: string;
  title: string;
  viewer: string;
}

export function Portal({ base, app, title, viewer }: Props) {
  const [service, setService] = useState(0);
  const [range, setRange] = useState('30d');
  const [theme, setTheme] = useState('auto');
  const [lang, setLang] = useState('en');
  const [session, setSession] = useState(0); // another one makes the widgets anew
  const [signedOut, setSignedOut] = useState(false);
  const word = words[lang as keyof typeof words];
  const { entity, api } = services[service]!;

  useEffect(() => {
    document.documentElement.lang = lang;
    document.documentElement.dataset.theme = theme;
  }, [lang, theme]);

  const signOut = async () => {
    await fetch('/sign-out', { method: 'POST' });
    setSignedOut(true);
    setSession(session + 1);
  };

  return (
    <CallboardConfig key={session} base={base} app={app} tokenProvider="/callboard-token" lang={lang}>
      <header className="bar">
        <h1>
          {title}
          <small>
            {word.signedIn} {viewer}
          </small>
        </h1>
        <Choice label={word.service} value={service} options={services.map(({ title }, index) => [index, title])} onChoose={index => setService(Number(index))} />
        <Choice label={word.range} value={range} options={ranges.map(range => [range, word[range as '7d']])} onChoose={setRange} />
        <Choice label={word.theme} value={theme} options={themes.map(theme => [theme, word[theme as 'auto']])} onChoose={setTheme} />
        <Choice label={word.language} value={lang} options={Object.entries(languages)} onChoose={setLang} />
        <button type="button" onClick={signOut}>
          {word.signOut}
        </button>
      </header>

      <main>
        {signedOut && (
          <p className="notice" role="status">
            {word.signedOut}
          </p>
        )}

        <Section title={word.health} aside={<CallboardBadge name="sonarqube/sonarqube-hotspots" entity={entity} />}>
          <Card width="third" widget={<CallboardWidget name="sentry/crash-free" entity={entity} height={280} headingLevel={3} />} />
          <Card width="third" widget={<CallboardWidget name="sonarqube/sonarqube-gate" entity={entity} height={280} headingLevel={3} />} />
          <Card width="third" widget={<CallboardWidget name="sentry/open-issues" entity={entity} height={280} headingLevel={3} />} />
        </Section>

        <Section title={word.cost}>
          <Card width="wide" widget={<CallboardWidget name="cost/cost-over-time" entity={entity} range={range} height={320} headingLevel={3} />} />
          <Card width="third" widget={<CallboardWidget name="cost/cost-budget" entity={entity} height={320} headingLevel={3} />} />
          <Card widget={<CallboardWidget name="cost/cost-top-entities" height={480} headingLevel={3} />} />
        </Section>

        <Section title={word.usage}>
          <Card width="half" widget={<CallboardWidget name="gateway/gateway-requests" entity={api} height={300} headingLevel={3} />} />
          {/* In a frame: what the widget shows is kept apart from this page. */}
          <Card width="half tall" widget={<CallboardWidget name="gateway/gateway-latency" entity={api} mode="frame" headingLevel={3} />} />
          <Card width="half" widget={<CallboardWidget name="gateway/keys" height={240} headingLevel={3} />} />
          <Card width="half taller" widget={<CallboardAccessRequest api={api} headingLevel={3} />} />
        </Section>

        <Section title={word.docs}>
          <Card widget={<CallboardApiDocs entity={api} headingLevel={3} />} />
        </Section>
      </main>
    </CallboardConfig>
  );
}

function Section({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <section>
      <h2>
        {title} {aside}
      </h2>
      <div className="cards">{children}</div>
    </section>
  );
}

function Card({ width = '', widget }: { width?: string; widget: ReactNode }) {
  return <div className={`card ${width}`}>{widget}</div>;
}

interface ChoiceProps {
  label: string;
  value: string | number;
  options: (readonly [string | number, string])[];
  onChoose(value: string): void;
}

function Choice({ label, value, options, onChoose }: ChoiceProps) {
  return (
    <label>
      {label}
      <select value={value} onChange={event => onChoose(event.target.value)}>
        {options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
