// Gives fields what Grafana calls their configuration: units, thresholds, texts, colours, links.
import { applyFieldOverrides, cacheFieldDisplayNames, FieldType, standardTransformers, standardTransformersRegistry, transformDataFrame } from '@grafana/data';
import { lastValueFrom } from 'rxjs';

const numeric = (field) => field.type === FieldType.number;
const always = () => true;
const standard = {
  unit: numeric, min: numeric, max: numeric, decimals: numeric, color: numeric,
  displayName: always, thresholds: always, mappings: always, noValue: always, links: always, filterable: always,
};

const item = (id) => {
  const isCustom = id.startsWith('custom.');
  const name = isCustom ? id.slice('custom.'.length) : id;
  return { id, path: name, isCustom, process: (value) => value, shouldApply: isCustom ? numeric : standard[id] };
};

// registry is what applyFieldOverrides asks which options there are: Grafana's own is not in its packages.
function registry(defaults) {
  const ids = [...Object.keys(standard), ...Object.keys(defaults.custom ?? {}).map((name) => `custom.${name}`)];
  return { list: () => ids.map(item), getIfExists: (id) => (standard[id] || id.startsWith('custom.') ? item(id) : undefined) };
}

export function configured(panel, frames, theme, replaceVariables) {
  const fieldConfig = structuredClone(panel.fieldConfig ?? { defaults: {}, overrides: [] });
  const all = applyFieldOverrides({
    data: frames, fieldConfig, fieldConfigRegistry: registry(fieldConfig.defaults), theme, replaceVariables, timeZone: 'browser',
  });
  cacheFieldDisplayNames(all);
  return all;
}

// known are the transformations that the packages have and the preview knows.
const known = { organize: standardTransformers.organizeFieldsTransformer, merge: standardTransformers.mergeTransformer, sortBy: standardTransformers.sortByTransformer };
standardTransformersRegistry.setInit(() =>
  Object.values(known).map((t) => ({ id: t.id, name: t.name, description: t.description, transformation: async () => t, editor: () => null })),
);

export async function transformed(panel, frames) {
  const unknown = (panel.transformations ?? []).filter((t) => !known[t.id]);
  if (unknown.length > 0) {
    throw new Error(`The preview does not know the transformation ${unknown[0].id}`);
  }
  return lastValueFrom(transformDataFrame(panel.transformations ?? [], frames));
}
