// The page: /d/UID draws the dashboard UID as the server hands it out, with all variables filled in.
// ?from and ?to are milliseconds, or now and what is taken off it, as in Grafana's addresses; ?theme=light is the other theme.
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { createTheme, dateMath, dateTimeFormat, ThemeContext } from '@grafana/data';
import { GlobalStyles } from '@grafana/ui';
import '@fontsource/inter/latin-400.css';
import '@fontsource/inter/latin-500.css';
import { regions as askAlerts } from './prometheus.js';
import { Panel } from './panel.jsx';

const COLUMNS = 24;
const ROW = 30;
const GAP = 8;
const MARGIN = 16;
const HEADER = 88;

const query = new URLSearchParams(location.search);
const theme = createTheme({ colors: { mode: query.get('theme') === 'light' ? 'light' : 'dark' } });

function timeRange(dashboard) {
  const raw = { from: query.get('from') ?? dashboard.time.from, to: query.get('to') ?? dashboard.time.to };
  const moment = (s) => dateMath.toDateTime(/^\d+$/.test(s) ? new Date(Number(s)) : s, {});
  const [from, to] = [moment(raw.from), moment(raw.to)];
  if (!from?.isValid() || !to?.isValid() || !from.isBefore(to)) {
    throw new Error(`from=${raw.from}&to=${raw.to} is no range of time`);
  }
  return { from, to, raw };
}

async function get(path) {
  const response = await fetch(path);
  if (!response.ok) {
    throw new Error((await response.text()) || response.statusText);
  }
  return response.json();
}

// place is where a panel is on the page, in pixels.
function place({ x, y, w, h }, width) {
  const column = (width - 2 * MARGIN + GAP) / COLUMNS;
  return {
    position: 'absolute', left: MARGIN + x * column, top: HEADER + y * (ROW + GAP), width: w * column - GAP, height: h * (ROW + GAP) - GAP,
  };
}

function Header({ dashboard, range }) {
  const choices = dashboard.templating.list.map((v) => [v.label ?? v.name, query.get(`var-${v.name}`) ?? [v.current?.text ?? ''].flat().join(', ')]);
  const box = { border: `1px solid ${theme.colors.border.medium}`, borderRadius: 2, padding: '2px 8px', marginRight: 8, fontSize: 12, whiteSpace: 'nowrap' };
  const time = (t) => dateTimeFormat(t, { format: 'HH:mm' });
  return (
    <div style={{ position: 'absolute', left: MARGIN, right: MARGIN, top: 12 }}>
      <div style={{ display: 'flex', alignItems: 'baseline', marginBottom: 12 }}>
        <span style={{ fontSize: 18, fontWeight: 500, flex: 1 }}>{dashboard.title}</span>
        <span style={{ color: theme.colors.text.secondary }}>
          {`${dateTimeFormat(range.to, { format: 'YYYY-MM-DD' })} ${time(range.from)} to ${time(range.to)}`}
        </span>
      </div>
      <div style={{ display: 'flex', overflow: 'hidden' }}>
        {choices.map(([name, value]) => (
          <span key={name} style={box}><span style={{ color: theme.colors.text.secondary }}>{name} </span>{value}</span>
        ))}
        <span style={{ flex: 1 }} />
        {dashboard.links.map((l) => <a key={l.url} href={l.url + location.search} style={{ ...box, marginRight: 0, marginLeft: 8 }}>{l.title}</a>)}
      </div>
    </div>
  );
}

function Dashboard({ dashboard }) {
  const [range] = useState(() => timeRange(dashboard));
  const [regions, setRegions] = useState();
  const width = useRef(document.documentElement.clientWidth).current;
  const panels = useMemo(() => dashboard.panels.filter((p) => p.type !== 'row'), [dashboard]);
  const done = useRef(new Map());

  useEffect(() => {
    askAlerts(dashboard.annotations.list, range).then(setRegions, (error) => {
      done.current.set('annotations', String(error.message));
      setRegions([]);
    });
  }, [dashboard, range]);

  // When all panels are drawn the server is told what went wrong: nobody has to find it in a picture.
  const onDone = useCallback((panel, error) => {
    const first = done.current.get(panel.id) === undefined;
    done.current.set(panel.id, error ? `${panel.title}: ${error.message}` : '');
    if (first && panels.every((p) => done.current.has(p.id))) {
      const tell = () => {
        const problems = [...done.current.values()].filter((problem) => problem !== '');
        return fetch('/drawn', { method: 'POST', body: JSON.stringify({ uid: dashboard.uid, panels: panels.length, height: document.documentElement.scrollHeight, problems }) });
      };
      requestAnimationFrame(() => requestAnimationFrame(tell));
    }
  }, [dashboard, panels]);

  const bottom = Math.max(...dashboard.panels.map((p) => p.gridPos.y + p.gridPos.h));
  return (
    <div style={{ position: 'relative', height: HEADER + bottom * (ROW + GAP) + ROW }}>
      <Header dashboard={dashboard} range={range} />
      {regions && dashboard.panels.map((p) => {
        const at = place(p.gridPos, width);
        return p.type === 'row' ? (
          <div key={p.id} style={{ ...at, display: 'flex', alignItems: 'center', fontWeight: 500, fontSize: 16 }}>{p.title}</div>
        ) : (
          <div key={p.id} style={at}>
            <Panel panel={p} width={at.width} height={at.height} range={range} regions={regions} onDone={onDone} />
          </div>
        );
      })}
      <div style={{ ...place({ x: 0, y: bottom, w: COLUMNS, h: 1 }, width), color: theme.colors.text.disabled, fontSize: 12, display: 'flex', alignItems: 'center' }}>
        Drawn by dashboards/preview with Grafana&apos;s npm components; state timelines, alerts in graphs and this frame are its own. Grafana looks a little different.
      </div>
    </div>
  );
}

function Page() {
  const [found, setFound] = useState({});
  const uid = location.pathname.match(/^\/d\/([\w-]+)/)?.[1];
  useEffect(() => {
    get(uid ? `/dashboards/${uid}${location.search}` : '/dashboards').then(
      (answer) => setFound({ answer }),
      (error) => setFound({ error }),
    );
  }, [uid]);
  if (found.error) {
    return <p style={{ margin: MARGIN }}>{found.error.message}</p>;
  }
  if (!found.answer) {
    return null;
  }
  if (uid) {
    return <Dashboard dashboard={found.answer} />;
  }
  return (
    <ul style={{ margin: 2 * MARGIN }}>
      {found.answer.map((d) => <li key={d.uid}><a href={`/d/${d.uid}`}>{d.title}</a>: {d.description}</li>)}
    </ul>
  );
}

// Texts are measured before they are drawn: their font has to be there.
await Promise.all(['400 12px Inter', '500 12px Inter'].map((font) => document.fonts.load(font)));

createRoot(document.getElementById('page')).render(
  <ThemeContext.Provider value={theme}>
    <GlobalStyles />
    <Page />
  </ThemeContext.Provider>,
);
