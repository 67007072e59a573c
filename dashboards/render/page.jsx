// SPDX-License-Identifier: Apache-2.0
//
// Draws a dashboard from what Prometheus answered, with Grafana's own components. `render` leaves
// both in window.given: {dashboard, answers, from, to, width}.
//
// What stat, time series and table show is computed and drawn by @grafana/data and @grafana/ui:
// units, mappings, thresholds, overrides, joined rows. State timelines and heatmaps are plug-ins
// inside of Grafana and not in these packages: they are drawn here, after their looks.
// By require, so that all of Grafana comes as CommonJS: its modules for import take CommonJS packages
// in a way that bundlers do not share.
import 'uplot/dist/uPlot.min.css';
const React = require('react');
const { createRoot } = require('react-dom/client');
const {
  applyFieldOverrides, createTheme, dateTime, FieldConfigOptionsRegistry, FieldType,
  getDisplayProcessor, getFieldDisplayValues, standardTransformers, standardTransformersRegistry,
  ThemeContext, toDataFrame, transformDataFrame,
} = require('@grafana/data');
const { BigValue, PanelChrome, PanelContextProvider, Table, TimeSeries, VizLegend } = require('@grafana/ui');

const { dashboard, answers, from, to, width } = window.given;
const theme = createTheme({ colors: { mode: 'dark' } });
const range = { from: dateTime(from), to: dateTime(to), raw: { from: dateTime(from), to: dateTime(to) } };
const ROW = 30, GAP = 8;

standardTransformersRegistry.setInit(() =>
  [...new Map(Object.values(standardTransformers).map((one) => [one.id, one])).values()].map((one) => ({
    id: one.id, name: one.name, transformation: async () => one, editor: () => null,
  })));

// The properties that the dashboards use; Grafana registers them with editors, not needed here.
const PROPERTIES = ['unit', 'min', 'max', 'decimals', 'displayName', 'noValue', 'thresholds', 'mappings',
  'links', 'color'];
const CUSTOM = ['drawStyle', 'lineWidth', 'fillOpacity', 'showPoints', 'lineInterpolation', 'spanNulls',
  'gradientMode', 'axisSoftMin', 'stacking', 'thresholdsStyle', 'scaleDistribution', 'lineStyle', 'align',
  'cellOptions', 'filterable', 'width'];
const registry = new FieldConfigOptionsRegistry(() => [
  ...PROPERTIES.map((name) => property(name, name, false)),
  ...CUSTOM.map((name) => property('custom.' + name, name, true)),
]);

function property(id, path, isCustom) {
  return {
    id, path, isCustom, name: id, settings: {}, editor: () => null, override: () => null,
    process: (value) => value, shouldApply: () => true,
  };
}

// ---- data ----

function legend(format, labels, expr) {
  if (format === '__auto') {
    return undefined;
  }
  return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? '');
}

/** A frame for each series, as Grafana's Prometheus data source makes them. */
function seriesFrames(target, result) {
  return result.map(({ metric, values, value }) => {
    const samples = values ?? [value];
    const name = legend(target.legendFormat, metric, target.expr);
    return toDataFrame({
      refId: target.refId,
      fields: [
        { name: 'Time', type: FieldType.time, config: {}, values: samples.map(([time]) => time * 1000) },
        {
          name: 'Value', type: FieldType.number, labels: metric, config: { displayNameFromDS: name },
          values: samples.map(([, text]) => (text === null ? null : Number(text))),
        },
      ],
    });
  });
}

/** One frame: a column for each label, and the value under the name of the query. */
function tableFrame(target, result) {
  const labels = [...new Set(result.flatMap(({ metric }) => Object.keys(metric)))].sort();
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, config: {}, values: result.map(({ value }) => value[0] * 1000) },
      ...labels.map((name) => ({
        name, type: FieldType.string, config: {}, values: result.map(({ metric }) => metric[name] ?? ''),
      })),
      {
        name: 'Value #' + target.refId, type: FieldType.number, config: {},
        values: result.map(({ value }) => Number(value[1])),
      },
    ],
  });
}

function frames(panel) {
  return panel.targets.flatMap((target, index) => {
    const result = answers[panel.id][index];
    return target.format === 'table' ? [tableFrame(target, result)] : seriesFrames(target, result);
  });
}

function finish(panel, data) {
  return applyFieldOverrides({
    data, fieldConfig: panel.fieldConfig, replaceVariables: (text) => text, theme, timeZone: 'utc',
    fieldConfigRegistry: registry,
  });
}

// ---- panels ----

function Nothing({ panel, height }) {
  const text = panel.fieldConfig.defaults.noValue ?? 'No data';
  return <div style={{ height, display: 'flex', alignItems: 'center', justifyContent: 'center',
    color: theme.colors.text.secondary }}>{text}</div>;
}

/** Grafana's own way to fill the room with tiles: as many columns as make them widest. */
function grid(count, width, height, orientation) {
  let best = { columns: count, area: -1 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const w = width / columns, h = height / rows;
    const area = Math.min(w, h * 2.6) * Math.min(h, w);
    if (area > best.area) {
      best = { columns, area };
    }
  }
  return { columns: best.columns, rows: Math.ceil(count / best.columns) };
}

function Stat({ panel, data, width, height }) {
  const { options } = panel;
  const values = getFieldDisplayValues({
    data, fieldConfig: panel.fieldConfig, reduceOptions: options.reduceOptions, theme,
    replaceVariables: (text) => text, sparkline: options.graphMode === 'area', timeZone: 'utc',
  });
  const { columns, rows } = grid(values.length, width, height);
  const style = { display: 'grid', gap: 6, gridTemplateColumns: `repeat(${columns}, 1fr)` };
  return <div style={style}>
    {values.map((value, index) => <BigValue key={index} theme={theme} value={value.display}
      width={(width - 6 * (columns - 1)) / columns} height={(height - 6 * (rows - 1)) / rows}
      colorMode={options.colorMode} graphMode={options.graphMode} justifyMode={options.justifyMode}
      textMode={options.textMode} sparkline={value.sparkline}
      alignmentFactors={{ title: 'recommendations', text: options.textMode === 'name' ? '' : longest(values) }}
      count={values.length} />)}
  </div>;
}

function longest(values) {
  return values.map(({ display }) => (display.prefix ?? '') + display.text + (display.suffix ?? ''))
    .sort((a, b) => b.length - a.length)[0];
}

function Lines({ panel, data, width, height }) {
  const context = { canAddAnnotations: () => false, eventBus: { publish() {}, getStream: () => ({
    pipe: () => ({ subscribe: () => ({ unsubscribe() {} }) }), subscribe: () => ({ unsubscribe() {} }) }) },
  sync: () => 0 };
  return <PanelContextProvider value={context}>
    <TimeSeries frames={data} timeRange={range} timeZone="utc" width={width} height={height}
      legend={panel.options.legend} options={panel.options} />
  </PanelContextProvider>;
}

/** Runs of equal values: [{text, color, start, end}] in milliseconds. Where there is none, none. */
function runs(field, times, processor) {
  const found = [];
  field.values.forEach((value, index) => {
    if (value === null)
      return;
    const shown = processor(value);
    const last = found[found.length - 1];
    const end = times[index + 1] ?? to;
    if (last && last.text === shown.text && last.end === times[index]) {
      last.end = end;
    } else {
      found.push({ text: shown.text, color: shown.color, start: times[index], end });
    }
  });
  return found;
}

function Timeline({ panel, data, width, height }) {
  const longestName = Math.max(...data.map((frame) => frame.fields[1].config.displayNameFromDS.length));
  const left = 20 + 7 * longestName, legendHeight = 28, axis = 18;
  const rowHeight = (height - legendHeight - axis) / data.length;
  const scale = (width - left - 8) / (to - from);
  const mapping = Object.values(panel.fieldConfig.defaults.mappings[0].options);
  const used = new Set();
  const bars = data.map((frame, row) => {
    const [time, field] = frame.fields;
    const processor = getDisplayProcessor({ field, theme });
    return runs(field, time.values, processor).map((run, index) => {
      used.add(run.text);
      const space = (run.end - run.start) * scale;
      return <div key={row + '-' + index} style={{ position: 'absolute', left: left + (run.start - from) * scale,
        width: Math.max(1, space - 0.5), top: row * rowHeight + rowHeight * 0.075, height: rowHeight * 0.85,
        background: run.color, opacity: 0.85, color: theme.colors.getContrastText(run.color), overflow: 'hidden',
        fontSize: 12, lineHeight: rowHeight * 0.85 + 'px', textAlign: 'center' }}>
        {space > 70 ? run.text : ''}</div>;
    });
  });
  const names = data.map((frame, row) => <div key={row} style={{ position: 'absolute', left: 0, width: left - 10,
    top: row * rowHeight, height: rowHeight, lineHeight: rowHeight + 'px', textAlign: 'right', fontSize: 12, whiteSpace: 'nowrap' }}>
    {frame.fields[1].config.displayNameFromDS}</div>);
  const ticks = [1, 2, 3, 4, 5].map((part) => {
    const time = from + (to - from) * part / 6;
    return <div key={part} style={{ position: 'absolute', left: left + (time - from) * scale - 20, width: 40,
      top: data.length * rowHeight, textAlign: 'center', fontSize: 12, color: theme.colors.text.secondary }}>
      {new Date(time).toISOString().slice(11, 16)}</div>;
  });
  const items = mapping.filter(({ text }) => used.has(text)).map(({ text, color }) => ({
    label: text, color: theme.visualization.getColorByName(color), yAxis: 1 }));
  return <div style={{ position: 'relative', width, height }}>{names}{bars}{ticks}
    <div style={{ position: 'absolute', bottom: 0, left: 0 }}>
      <VizLegend items={items} displayMode="list" placement="bottom" /></div>
  </div>;
}

function bound(le) {
  return le === '+Inf' ? Infinity : Number(le);
}

/** Cumulated buckets become the number in each; the darker, the more. */
function Heatmap({ panel, data, width, height }) {
  const rows = data.map((frame) => ({ le: bound(frame.fields[1].labels.le), values: frame.fields[1].values,
    times: frame.fields[0].values })).sort((a, b) => a.le - b.le);
  const counts = rows.map((row, index) => row.values.map((value, column) =>
    Math.max(0, value - (index ? rows[index - 1].values[column] : 0))));
  const first = counts.findIndex((row) => row.some((value) => value > 0.01));
  let last = counts.length - 1;
  while (last > first && !counts[last].some((value) => value > 0.01)) last--;
  const shown = counts.slice(Math.max(0, first - 1), last + 1);
  const bounds = rows.slice(Math.max(0, first - 1), last + 1).map(({ le }) => le);
  const most = Math.max(...shown.flat());
  const left = 60, bottom = 20, cell = (height - bottom) / shown.length;
  const times = rows[0].times, across = (width - left - 8) / (to - from), step = times[1] - times[0];
  const processor = getDisplayProcessor({ field: { type: FieldType.number, config: { unit: 's' } }, theme });
  const cells = shown.flatMap((row, index) => row.map((value, column) => value > 0.01 &&
    <div key={index + '-' + column} style={{ position: 'absolute', left: left + (times[column] - from) * across,
      width: Math.max(1, step * across - 1), top: (shown.length - 1 - index) * cell, height: cell - 1,
      background: `hsl(${38 - 16 * Math.sqrt(value / most)} 90% ${18 + 42 * Math.sqrt(value / most)}%)` }} />));
  const labels = bounds.map((le, index) => { const { text, suffix } = processor(le);
    return <div key={le} style={{ position: 'absolute', left: 0, width: left - 8, textAlign: 'right', fontSize: 12,
      top: (shown.length - 1 - index) * cell - 8 }}>{le === Infinity ? '+Inf' : text + (suffix ?? '')}</div>; });
  const ticks = [1, 2, 3, 4, 5].map((part) => { const time = from + (to - from) * part / 6;
    return <div key={part} style={{ position: 'absolute', left: left + (time - from) * across - 20, width: 40,
      top: height - bottom + 2, textAlign: 'center', fontSize: 12, color: theme.colors.text.secondary }}>
      {new Date(time).toISOString().slice(11, 16)}</div>; });
  return <div style={{ position: 'relative', width, height }}>{cells}{labels}{ticks}</div>;
}

function Rows({ panel, data, width, height }) {
  return <Table data={data[0]} width={width} height={height} columnMinWidth={80} cellHeight="sm"
    initialSortBy={panel.options.sortBy} enablePagination={false} />;
}

const KINDS = { stat: Stat, timeseries: Lines, 'state-timeline': Timeline, heatmap: Heatmap, table: Rows };

function Panel({ panel, data, box }) {
  const Kind = KINDS[panel.type];
  const isEmpty = data.length === 0 || data.every((frame) => frame.length === 0);
  return <div style={{ position: 'absolute', ...box }}>
    <PanelChrome title={panel.title} description={panel.description} width={box.width} height={box.height}
      padding={panel.type === 'table' ? 'none' : 'md'}>
      {(width, height) => isEmpty ? <Nothing panel={panel} height={height} />
        : <Kind panel={panel} data={data} width={width} height={height} />}
    </PanelChrome>
  </div>;
}

// ---- the page ----

function boxOf({ x, y, w, h }) {
  const column = (width - 2 * GAP + GAP) / 24;
  return { left: GAP + x * column, top: 72 + y * (ROW + GAP), width: w * column - GAP, height: h * (ROW + GAP) - GAP };
}

function Heading() {
  const picks = dashboard.picks.map(([name, value]) => <span key={name} style={{ marginRight: 12, fontSize: 12,
    border: '1px solid ' + theme.colors.border.medium, borderRadius: 2, display: 'inline-flex' }}>
    <span style={{ padding: '4px 8px', background: theme.colors.background.secondary }}>{name}</span>
    <span style={{ padding: '4px 8px' }}>{value}</span></span>);
  const clock = (time) => new Date(time).toISOString().slice(0, 16).replace('T', ' ');
  return <div style={{ padding: '8px 8px 0' }}>
    <div style={{ display: 'flex', justifyContent: 'space-between', fontSize: 14, height: 26 }}>
      <b>{dashboard.title}</b><span>{clock(from)} to {clock(to)} UTC</span></div>
    {picks}</div>;
}

async function main() {
  const drawn = [];
  for (const panel of dashboard.panels) {
    const box = boxOf(panel.gridPos);
    if (panel.type === 'row') {
      drawn.push(<div key={panel.id} style={{ position: 'absolute', ...box, fontSize: 16, fontWeight: 500,
        lineHeight: box.height + 'px' }}>⌄ {panel.title}</div>);
      continue;
    }
    const raw = frames(panel);
    const joined = panel.transformations
      ? await new Promise((done) => transformDataFrame(panel.transformations, raw).subscribe(done)) : raw;
    drawn.push(<Panel key={panel.id} panel={panel} data={finish(panel, joined)} box={box} />);
  }
  createRoot(document.getElementById('page')).render(
    <ThemeContext.Provider value={theme}><Heading />{drawn}</ThemeContext.Provider>);
}

// What Grafana's own style sheet sets for all elements.
const style = document.createElement('style');
style.textContent = `* { box-sizing: border-box } button { color: inherit; background: none; border: 0;
  font: inherit; padding: 0 } th { font-weight: 500 }`;
document.head.append(style);
Object.assign(document.body.style, { margin: 0, background: theme.colors.background.canvas,
  color: theme.colors.text.primary, fontFamily: theme.typography.fontFamily });
main();
