// A state timeline. Grafana's own is not in its packages: this one is drawn here, after it.
import { dateTimeFormat, getFieldDisplayName, formattedValueToString } from '@grafana/data';
import { measureText, useTheme2 } from '@grafana/ui';

const FONT = 12;
const AXIS = 22;
const GAP = 8;

// spans joins neighbouring points of the same text. No point for longer than three intervals is a gap.
function spans(time, field, end) {
  const interval = time.config.interval ?? 15000;
  const all = [];
  field.values.forEach((value, i) => {
    const from = time.values[i];
    const shown = field.display(value);
    const text = formattedValueToString(shown);
    const last = all[all.length - 1];
    if (last && last.text === text && from - last.to <= 3 * interval) {
      last.to = from + interval;
    } else {
      if (last && from - last.to <= 3 * interval) {
        last.to = from;
      }
      all.push({ from, to: from + interval, text, color: shown.color });
    }
  });
  return all.map((s) => ({ ...s, to: Math.min(s.to, end) })).filter((s) => s.to > s.from);
}

function ticks(range, width) {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440].map((minutes) => minutes * 60000);
  const length = range.to.valueOf() - range.from.valueOf();
  const every = steps.find((s) => (length / s) * 70 < width) ?? length;
  const first = Math.ceil(range.from.valueOf() / every) * every;
  return Array.from({ length: Math.max(0, Math.floor((range.to.valueOf() - first) / every) + 1) }, (_, i) => first + i * every);
}

export function StateTimeline({ frames, options, range, width, height }) {
  const theme = useTheme2();
  const rows = frames.flatMap((frame) => {
    const [time, ...fields] = frame.fields;
    return fields.map((field) => ({ name: getFieldDisplayName(field, frame, frames), spans: spans(time, field, range.to.valueOf()) }));
  });
  const text = theme.colors.text.primary;
  const left = Math.max(...rows.map((r) => measureText(r.name, FONT).width)) + GAP;
  const body = Math.max(width - left, 1);
  const rowHeight = (height - AXIS) / rows.length;
  const bar = rowHeight * (options.rowHeight ?? 0.9);
  const x = (t) => left + ((Math.max(t, range.from.valueOf()) - range.from.valueOf()) / (range.to.valueOf() - range.from.valueOf())) * body;
  return (
    <svg width={width} height={height} style={{ display: 'block', letterSpacing: 0, fontSize: FONT, fontFamily: theme.typography.fontFamily }}>
      {ticks(range, body).map((t) => (
        <g key={t}>
          <line x1={x(t)} x2={x(t)} y1={0} y2={height - AXIS} stroke={theme.colors.border.weak} />
          <text x={Math.min(x(t), width - 18)} y={height - 6} fill={text} textAnchor="middle">{dateTimeFormat(t, { format: 'HH:mm' })}</text>
        </g>
      ))}
      {rows.map((row, i) => (
        <g key={row.name}>
          <text x={left - GAP} y={(i + 0.5) * rowHeight} fill={text} textAnchor="end" dominantBaseline="middle">{row.name}</text>
          {row.spans.map((s) => {
            const wide = x(s.to) - x(s.from);
            const color = theme.visualization.getColorByName(s.color);
            return (
              <g key={s.from}>
                <rect x={x(s.from)} y={i * rowHeight + (rowHeight - bar) / 2} width={wide} height={bar} fill={color} fillOpacity={(options.fillOpacity ?? 80) / 100} />
                {measureText(s.text, FONT).width + 8 < wide && bar > FONT && (
                  <text x={x(s.from) + 4} y={(i + 0.5) * rowHeight} fill={theme.colors.getContrastText(color, 3)} dominantBaseline="middle">{s.text}</text>
                )}
              </g>
            );
          })}
        </g>
      ))}
    </svg>
  );
}
