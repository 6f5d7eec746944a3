// Asks Prometheus through the server, and turns its answers into Grafana's data frames.
import { FieldType, toDataFrame } from '@grafana/data';

// Grafana's data source takes this for the interval of scrapes unless it is told another one.
const SCRAPE_SECONDS = 15;

async function ask(kind, parameters) {
  const response = await fetch(`/api/v1/${kind}`, { method: 'POST', body: new URLSearchParams(parameters) });
  const reply = await response.json().catch(() => ({ error: `${response.status} ${response.statusText}` }));
  if (reply.status !== 'success') {
    throw new Error(reply.error);
  }
  return reply.data.result;
}

// step is the number of seconds between points: as many points as there are pixels, but none between scrapes.
export function step(range, pixels) {
  const seconds = (range.to.valueOf() - range.from.valueOf()) / 1000;
  return Math.max(SCRAPE_SECONDS, Math.ceil(seconds / Math.max(pixels, 1)));
}

export async function samplesOverTime(expr, range, seconds) {
  const align = (t) => Math.floor(t.valueOf() / 1000 / seconds) * seconds;
  return ask('query_range', { query: expr, start: align(range.from), end: align(range.to), step: seconds });
}

// frames are the data of one query of a panel.
export async function frames(target, range, pixels) {
  if (target.format === 'table') {
    return [table(target, await ask('query', { query: target.expr, time: range.to.valueOf() / 1000 }))];
  }
  if (target.instant) {
    const result = await ask('query', { query: target.expr, time: range.to.valueOf() / 1000 });
    return result.map((series) => overTime(target, series.metric, [series.value]));
  }
  const seconds = step(range, pixels);
  const result = await samplesOverTime(target.expr, range, seconds);
  return result.map((series) => overTime(target, series.metric, series.values, seconds));
}

function overTime(target, labels, samples, seconds) {
  return toDataFrame({
    refId: target.refId,
    fields: [
      // A longer pause than the interval is a gap, not a line.
      { name: 'Time', type: FieldType.time, values: samples.map(([t]) => t * 1000), config: seconds ? { interval: seconds * 1000 } : {} },
      { name: 'Value', type: FieldType.number, labels, values: samples.map(([, v]) => Number(v)), config: { displayNameFromDS: legend(target, labels) } },
    ],
  });
}

// legend fills the labels into a legend; a label that a series lacks is left out.
export function legend(target, labels) {
  if (target.legendFormat) {
    return target.legendFormat.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, name) => labels[name] ?? '');
  }
  const inner = Object.entries(labels).filter(([name]) => name !== '__name__').map(([name, value]) => `${name}="${value}"`);
  return `${labels.__name__ ?? ''}{${inner.join(', ')}}`;
}

function table(target, result) {
  const names = [...new Set(result.flatMap((series) => Object.keys(series.metric)))].sort();
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: result.map((series) => series.value[0] * 1000) },
      ...names.map((name) => ({ name, type: FieldType.string, values: result.map((series) => series.metric[name] ?? '') })),
      { name: 'Value', type: FieldType.number, values: result.map((series) => Number(series.value[1])) },
    ],
  });
}

// regions are the alerts that the dashboard draws into its graphs: since when, until when.
export async function regions(annotations, range) {
  const found = [];
  for (const annotation of annotations.filter((a) => a.enable && a.expr)) {
    const seconds = step(range, 1000);
    for (const series of await samplesOverTime(annotation.expr, range, seconds)) {
      let region;
      for (const [t] of series.values) {
        if (region && t - region.to <= seconds) {
          region.to = t;
        } else {
          region = { from: t, to: t, color: annotation.iconColor, title: legend({ legendFormat: annotation.titleFormat }, series.metric) };
          found.push(region);
        }
      }
    }
  }
  return found.map((r) => ({ ...r, from: r.from * 1000, to: r.to * 1000 }));
}
