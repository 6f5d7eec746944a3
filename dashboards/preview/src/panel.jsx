// One panel: asks for its data, and draws it with Grafana's component for its type.
import { Component, useEffect, useMemo, useState } from 'react';
import { applyNullInsertThreshold, FieldType, getFieldDisplayValues, LoadingState } from '@grafana/data';
import { BarGauge, BigValue, PanelChrome, TimeSeries, useTheme2, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { frames as ask } from './prometheus.js';
import { configured, transformed } from './fields.js';
import { StateTimeline } from './statetimeline.jsx';
import { Alerts } from './alerts.jsx';

const drawers = { stat: Stat, bargauge: Bars, timeseries: Graph, table: List, 'state-timeline': StateTimeline, text: Text };
// Drawn without data all the same: by itself, or by Grafana's component.
const alwaysDrawn = ['stat', 'bargauge', 'text'];

// fill puts what only a row of data knows into a link.
function fill(text, variables) {
  const { frame, rowIndex } = variables?.__dataContext?.value ?? {};
  return (text ?? '').replace(/\$\{__data\.fields\.(\w+)\}/g, (_, name) => frame?.fields.find((f) => f.name === name)?.values[rowIndex] ?? '');
}

function values(panel, frames, theme) {
  return getFieldDisplayValues({
    fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions, replaceVariables: fill, theme, data: frames, timeZone: 'browser',
  });
}

function Stat({ panel, frames, width, height }) {
  const theme = useTheme2();
  const { options } = panel;
  return (
    <VizRepeater
      getValues={() => values(panel, frames, theme)} source={frames} width={width} height={height} orientation={options.orientation} autoGrid
      renderValue={(p) => (
        <BigValue value={p.value.display} count={p.count} width={p.width} height={p.height} theme={theme}
          colorMode={options.colorMode} graphMode={options.graphMode} justifyMode={options.justifyMode} textMode={options.textMode} />
      )}
    />
  );
}

function Bars({ panel, frames, width, height }) {
  const theme = useTheme2();
  return (
    <VizRepeater
      getValues={() => values(panel, frames, theme)} source={frames} width={width} height={height} orientation={panel.options.orientation}
      renderValue={(p) => (
        <BarGauge value={p.value.display} field={p.value.field} display={p.value.view?.getFieldDisplayProcessor(p.value.colIndex)}
          width={p.width} height={p.height} theme={theme} orientation={p.orientation} displayMode={panel.options.displayMode} />
      )}
    />
  );
}

// graphable leaves a gap where points are missing, and draws nothing for what is no number or without end: an axis cannot show it.
const graphable = (frames) =>
  frames.map((given) => {
    const frame = applyNullInsertThreshold({ frame: given });
    const fields = frame.fields.map((f) => (f.type === FieldType.number ? { ...f, values: f.values.map((v) => (Number.isFinite(v) ? v : null)) } : f));
    return { ...frame, fields };
  });

function Graph({ panel, frames, range, regions, width, height }) {
  return (
    <TimeSeries frames={useMemo(() => graphable(frames), [frames])} width={width} height={height} timeRange={range} timeZone="browser" legend={panel.options.legend}>
      {(builder) => <Alerts builder={builder} regions={regions} />}
    </TimeSeries>
  );
}

function List({ panel, frames, width, height }) {
  return <TableNG data={frames[0]} width={width} height={height} noHeader={!panel.options.showHeader} fieldConfig={panel.fieldConfig} transparent enableVirtualization={false} />;
}

function Text({ panel }) {
  return <div style={{ whiteSpace: 'pre-wrap', padding: 8 }}>{panel.options.content}</div>;
}

function Message({ children }) {
  return <div style={{ display: 'flex', height: '100%', alignItems: 'center', justifyContent: 'center', textAlign: 'center' }}>{children}</div>;
}

class Guard extends Component {
  state = {};

  static getDerivedStateFromError(error) {
    return { error };
  }

  componentDidCatch(error) {
    this.props.onError(error);
  }

  render() {
    return this.state.error ? <Message>{`The preview failed: ${this.state.error.message}`}</Message> : this.props.children;
  }
}

const empty = (frames) => frames.every((f) => f.length === 0 || f.fields.length === 0);

export function Panel({ panel, width, height, range, regions, onDone }) {
  const theme = useTheme2();
  const [data, setData] = useState({ loading: true });
  const Drawer = drawers[panel.type];

  useEffect(() => {
    let current = true;
    const load = async () => {
      if (!Drawer) {
        throw new Error(`The preview cannot draw panels of the type ${panel.type}`);
      }
      const asked = await Promise.all((panel.targets ?? []).map((target) => ask(target, range, width)));
      return configured(panel, await transformed(panel, asked.flat()), theme, fill);
    };
    load().then(
      (frames) => current && setData({ frames }),
      (error) => current && setData({ error }),
    );
    return () => {
      current = false;
    };
  }, [panel, range, theme, width, Drawer]);

  const { loading, error, frames } = data;
  useEffect(() => {
    if (!loading) {
      onDone(panel, error);
    }
  }, [loading, error, onDone, panel]);

  let draw = () => null;
  if (error) {
    draw = () => <Message>{error.message}</Message>;
  } else if (frames && empty(frames) && !alwaysDrawn.includes(panel.type)) {
    draw = () => <Message>{panel.fieldConfig.defaults.noValue ?? 'No data'}</Message>;
  } else if (frames) {
    draw = (inner, high) => (
      <Guard onError={(e) => onDone(panel, e)}>
        <Drawer panel={panel} options={panel.options} frames={frames} range={range} regions={regions} width={inner} height={high} />
      </Guard>
    );
  }
  return (
    <PanelChrome title={panel.title} description={panel.description} width={width} height={height} loadingState={loading ? LoadingState.Loading : LoadingState.Done}
      statusMessage={error?.message}
      actions={(panel.links ?? []).map((l) => <a key={l.url} href={l.url} title={l.title} style={{ color: theme.colors.text.link }}>»</a>)}>
      {draw}
    </PanelChrome>
  );
}
