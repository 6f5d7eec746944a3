// Draws alerts into a graph, as Grafana draws annotations.
import { useLayoutEffect } from 'react';
import { useTheme2 } from '@grafana/ui';

export function Alerts({ builder, regions }) {
  const theme = useTheme2();
  useLayoutEffect(() => {
    builder.addHook('draw', (u) => {
      const { left, top, width, height } = u.bbox;
      const inside = (t) => Math.min(Math.max(u.valToPos(t, 'x', true), left), left + width);
      u.ctx.save();
      for (const r of regions) {
        const color = theme.visualization.getColorByName(r.color ?? 'red');
        const [from, to] = [inside(r.from), inside(r.to)];
        u.ctx.globalAlpha = 0.08;
        u.ctx.fillStyle = color;
        u.ctx.fillRect(from, top, to - from, height);
        u.ctx.globalAlpha = 1;
        u.ctx.strokeStyle = color;
        u.ctx.lineWidth = 1;
        u.ctx.setLineDash([5, 5]);
        u.ctx.beginPath();
        for (const at of [from, to]) {
          u.ctx.moveTo(at, top);
          u.ctx.lineTo(at, top + height);
        }
        u.ctx.stroke();
        u.ctx.fillRect(from, top + height, Math.max(to - from, 4), 4);
      }
      u.ctx.restore();
    });
  }, [builder, regions, theme]);
  return null;
}
