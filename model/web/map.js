// All states: phases, leaders, or one by one; and where the path is among them.
import { ask } from './api.js';
import { h } from './dom.js';
import { onEnter } from './cluster.js';
import { question } from './link.js';

const VIEWS = [
  ['phases', 'phases'],
  ['leaders', 'leaders'],
  ['states', 'states'],
];
/** So many states are drawn as dots that one can click. */
const MOST_CLICKED = 2000;
/** The colours of stages in the raw map, as in the style sheet. */
const STAGES = ['--stage-0', '--stage-1', '--stage-2', '--stage-3', '--stage-4', '--stage-5'];

/** What is known of the map of a setting. */
export const map = {
  view: 'phases',
  of: '',
  /** @type {any} */ classes: null,
  /** @type {any} */ states: null,
  /** @type {number[]} */ places: [],
  placesOf: '',
  why: '',
  asked: false,
  count: 0,
};

/** Whether all states are few enough to look at them unasked. */
const isSmall = ({ protocol, servers, terms, mutant, first }) => {
  const size = +servers * +terms;
  if (mutant || first) return size <= 2;
  return protocol === 'figure2' ? size <= 10 && +terms <= 3 : size <= 3;
};

/** @type {AbortController | undefined} */
let running;

/** Brings what the chosen view needs, if it is small or was asked for. */
export async function bring(app, { isAsked = false } = {}) {
  const { setting, path } = app.link;
  const name = question(setting);
  if (map.of !== name) {
    running?.abort();
    Object.assign(map, {
      of: name,
      classes: null,
      states: null,
      places: [],
      placesOf: '',
      why: '',
      asked: false,
      count: 0,
    });
  }
  if (isAsked) map.asked = true;
  if (map.why || (!map.asked && !isSmall(setting))) return;
  const by = map.view === 'leaders' ? 'leaders' : 'phases';
  const needsClasses = map.view !== 'states' && map.classes?.by !== by;
  const needsStates = map.view === 'states' && !map.states;
  const walked = `${name} ${path.join(',')}`;
  const needsPlaces = map.view === 'states' && map.placesOf !== walked;
  if (!needsClasses && !needsStates && !needsPlaces) return;
  running?.abort();
  const { signal } = (running = new AbortController());
  const watch = setInterval(async () => {
    const { states } = await ask('progress').catch(() => ({ states: 0 }));
    map.count = states;
    if (!signal.aborted) app.draw();
  }, 500);
  try {
    if (needsClasses)
      map.classes = { by, ...(await ask(`map?${question(setting, { by })}`, { signal })) };
    if (needsStates) map.states = await ask(`states?${question(setting)}`, { signal });
    if (needsPlaces) {
      map.places = await ask(`places?${question(setting, { path: path.join(',') })}`, { signal });
      map.placesOf = walked;
    }
  } catch (error) {
    if (!signal.aborted) map.why = error.message;
  } finally {
    clearInterval(watch);
  }
  if (!signal.aborted) app.draw();
}

/** The next view, for the key. */
export function turn(app) {
  const names = VIEWS.map(([name]) => name);
  look(app, names[(names.indexOf(map.view) + 1) % names.length]);
}

function look(app, view) {
  map.view = view;
  app.draw();
  bring(app);
}

export function panel(app, { steps, at, next }) {
  const { classes, states, view } = map;
  const known = view === 'states' ? states : classes;
  const number = (n) => n.toLocaleString('en');
  const count = known && number(view === 'states' ? states.levels.length : classes.states);
  return h(
    'section',
    { key: 'map', class: 'panel map', 'aria-label': 'Where you are' },
    h(
      'div',
      { class: 'head' },
      h('h2', null, 'Where you are'),
      h(
        'div',
        { class: 'tabs', role: 'group', 'aria-label': 'What the map shows' },
        VIEWS.map(([name, text]) =>
          h(
            'button',
            { key: name, 'aria-pressed': String(name === view), onclick: () => look(app, name) },
            text,
          ),
        ),
      ),
    ),
    body(app, { steps, at, next }),
    known && remarks(known, view, `${count} states, ${number(known.steps)} steps.`),
  );
}

function remarks(known, view, size) {
  const all = [size];
  if (known.whole === false)
    all.push(`There are more: this is the first ${known.levels?.length ?? known.states} of them.`);
  if (view === 'states' && !known.all_edges)
    all.push('Of the steps only those are drawn by which a state was reached first.');
  if (known.reduced) all.push('States that behave alike are one: servers have no names.');
  return h('p', { class: 'soft' }, all.join(' '));
}

function body(app, scene) {
  if (map.why) return h('p', { class: 'soft' }, `${map.why}.`);
  if (map.view === 'states' && map.states) return raw(app, scene);
  if (map.view === 'phases') return phases(app, scene);
  if (map.view === 'leaders' && map.classes?.by === 'leaders') return leaders(app, scene);
  return waiting(app);
}

function waiting(app) {
  if (map.asked || isSmall(app.link.setting)) {
    return h(
      'p',
      { class: 'soft' },
      `Looking at all states… ${map.count ? map.count.toLocaleString('en') : ''}`,
    );
  }
  return h(
    'p',
    null,
    h('button', { onclick: () => bring(app, { isAsked: true }) }, 'Look at all states'),
    h('span', { class: 'soft' }, ' There are many; it may take a while.'),
  );
}

/** A table of circles: what the highest term has come to, to the right the terms. */
function phases(app, { steps, at, next }) {
  const path = steps.slice(0, at + 1).map((s) => s.phase.name);
  const ahead = new Set(next.map((s) => s.phase.name));
  const has = map.classes?.by === 'phases' ? map.classes : null;
  const names = [
    'nobody stands',
    'somebody asks',
    'one stands',
    'several stand',
    'one leads',
    'two lead',
  ];
  const known = has
    ? has.classes
    : [...new Set([...path, ...ahead])].map((name) => ({ name, count: null }));
  const at_ = (name) => name.split(' ');
  const terms = [...new Set(known.map((c) => at_(c.name)[0]))]
    .sort((a, b) => Number(BigInt(a) - BigInt(b)))
    .slice(-6);
  const rows = names.map((_, i) => i).filter((i) => known.some((c) => +at_(c.name)[1] === i));
  const [left, top, wide, tall] = [96, 20, 62, 37];
  const spot = (name) => ({
    x: left + 30 + terms.indexOf(at_(name)[0]) * wide,
    y: top + 18 + rows.indexOf(+at_(name)[1]) * tall,
  });
  const isShown = (name) => terms.includes(at_(name)[0]);
  const most = Math.max(1, ...known.map((c) => c.count ?? 1));
  const radius = (count) =>
    count === null ? 9 : 7 + 9 * Math.sqrt(Math.log1p(count) / Math.log1p(most));
  const used = new Set(path.slice(1).map((name, i) => `${path[i]}>${name}`));
  const size = new Map(known.map((c) => [c.name, radius(c.count)]));
  const flow = (from, to, isUsed) => {
    const [a, b] = [spot(from), spot(to)];
    return h('path', {
      key: `f${from}>${to}`,
      class: 'flow',
      'data-used': isUsed,
      d: bow(a, b, size.get(from) ?? 9, size.get(to) ?? 9),
      'marker-end': 'url(#head)',
    });
  };
  const arrows = (has?.arrows ?? []).map(([from, to]) => [
    has.classes[from].name,
    has.classes[to].name,
  ]);
  const drawn = arrows.filter(
    ([from, to]) => isShown(from) && isShown(to) && !used.has(`${from}>${to}`),
  );
  const went = [...used]
    .map((name) => name.split('>'))
    .filter(([from, to]) => from !== to && isShown(from) && isShown(to));
  const width = Math.max(left + 30 + terms.length * wide, 300);
  return h(
    'div',
    { class: 'phases' },
    h(
      'svg',
      {
        viewBox: `0 0 ${width} ${top + rows.length * tall + 4}`,
        role: 'group',
        'aria-label': 'Phases of the election',
      },
      terms.map((term, i) =>
        h(
          'text',
          { key: `t${term}`, class: 'axis', x: left + 30 + i * wide, y: 14 },
          `term ${term.length > 6 ? `…${term.slice(-4)}` : term}`,
        ),
      ),
      rows.map((row, i) =>
        h('text', { key: `r${row}`, class: 'row', x: 2, y: top + 22 + i * tall }, names[row]),
      ),
      h(
        'g',
        { key: 'flows' },
        drawn.map(([from, to]) => flow(from, to, false)),
        went.map(([from, to]) => flow(from, to, true)),
      ),
      h(
        'g',
        { key: 'classes' },
        known
          .filter((c) => isShown(c.name))
          .map((c) =>
            circle(app, c, {
              spot: spot(c.name),
              r: size.get(c.name),
              here: path.at(-1) === c.name,
              been: path.includes(c.name),
              ahead: ahead.has(c.name),
              stage: at_(c.name)[1],
              says: `${names[+at_(c.name)[1]]}, highest term ${at_(c.name)[0]}`,
            }),
          ),
      ),
    ),
    !has && waiting(app),
  );
}

/** A bent arrow from the rim of one circle to the rim of another. */
function bow(a, b, ra, rb) {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const c = { x: (a.x + b.x) / 2 - dy * 0.22, y: (a.y + b.y) / 2 + dx * 0.22 };
  const rim = (p, q, r) => {
    const length = Math.hypot(q.x - p.x, q.y - p.y) || 1;
    return `${(p.x + ((q.x - p.x) * r) / length).toFixed(1)},${(p.y + ((q.y - p.y) * r) / length).toFixed(1)}`;
  };
  return `M${rim(a, c, ra + 1)} Q${c.x.toFixed(1)},${c.y.toFixed(1)} ${rim(b, c, rb + 3)}`;
}

function circle(app, c, { spot, r, here, been, ahead, stage, says }) {
  const count =
    c.count === null ? '' : `${c.count.toLocaleString('en')} ${c.count === 1 ? 'state' : 'states'}`;
  const act = c.node === undefined ? null : () => app.toNode(c.node);
  return h(
    'g',
    {
      key: `c${c.name}`,
      class: 'class',
      transform: `translate(${spot.x} ${spot.y})`,
      'data-stage': stage,
      'data-here': here,
      'data-been': been,
      'data-ahead': ahead,
      role: act ? 'button' : 'img',
      tabindex: act ? 0 : null,
      'aria-label': `${count}: ${says}${here ? ', here' : ''}${act ? ': go there' : ''}`,
      onclick: act,
      onkeydown: act && onEnter(act),
    },
    h(
      'title',
      null,
      `${says}${count && `: ${count}`}${act ? '. Click to go there by a shortest way.' : ''}`,
    ),
    h('circle', { r }),
    h('text', { y: 3.5 }, c.count === null ? '' : brief(c.count)),
  );
}

const brief = (n) =>
  n < 1000 ? n : n < 10000 ? `${(n / 1000).toFixed(1)}k` : `${Math.round(n / 1000)}k`;

/** Who leads which term, as a list: the largest classes. */
function leaders(app, { steps, at, next }) {
  const here = steps[at].phase.leaders;
  const ahead = new Set(next.map((s) => s.phase.leaders));
  const all = map.classes.classes.toSorted((a, b) => b.count - a.count);
  const most = Math.max(...all.map((c) => c.count));
  return h(
    'ul',
    { class: 'leaders' },
    all
      .slice(0, 60)
      .map((c) =>
        h(
          'li',
          { key: c.name, 'data-here': c.name === here, 'data-ahead': ahead.has(c.name) },
          h('button', { class: 'plain', onclick: () => app.toNode(c.node) }, c.name),
          h('progress', { max: most, value: c.count, 'aria-label': `states: ${c.name}` }),
          h('span', null, c.count.toLocaleString('en')),
        ),
      ),
    all.length > 60 && h('li', { class: 'soft' }, `and ${all.length - 60} more`),
  );
}

/** Every state as a dot, by level to the right; the path in between. */
function raw(app, scene) {
  const paint = (canvas) => requestAnimationFrame(() => drawRaw(canvas, scene));
  return h('canvas', {
    key: 'raw',
    class: 'raw',
    role: 'img',
    'aria-label': `Every state, by its distance from the start; the path is drawn through ${map.places.length} of them`,
    onclick: (event) => pick(app, event),
    painted: paint,
  });
}

/** Where each state is drawn, in parts of the canvas. */
function layout() {
  if (map.states.spots) return map.states.spots;
  const { levels, stages } = map.states;
  const depth = Math.max(1, ...levels);
  /** @type {number[][]} */
  const byLevel = Array.from({ length: depth + 1 }, () => []);
  levels.forEach((level, node) => byLevel[level].push(node));
  const tallest = Math.max(...byLevel.map((nodes) => nodes.length));
  const spots = new Float32Array(levels.length * 2);
  byLevel.forEach((nodes, level) => {
    nodes.sort((a, b) => stages[a] - stages[b] || a - b);
    const height = Math.sqrt(nodes.length / tallest);
    nodes.forEach((node, i) => {
      spots[2 * node] = 0.03 + (0.94 * level) / depth;
      spots[2 * node + 1] = 0.5 + ((i + 0.5) / nodes.length - 0.5) * height * 0.94;
    });
  });
  return (map.states.spots = spots);
}

function drawRaw(canvas, { at }) {
  const box = canvas.getBoundingClientRect();
  const ratio = devicePixelRatio || 1;
  const [w, tall] = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
  if (!map.states || !w || !tall) return;
  [canvas.width, canvas.height] = [w, tall];
  // A canvas knows no variables: an element is asked what the colour comes to.
  const colour = (name) => {
    canvas.style.color = `var(${name})`;
    return getComputedStyle(canvas).color;
  };
  const pen = canvas.getContext('2d');
  const spots = layout();
  const { edges, stages } = map.states;
  const line = (list) => {
    pen.beginPath();
    for (let i = 0; i + 1 < list.length; i += 2) {
      pen.moveTo(spots[2 * list[i]] * w, spots[2 * list[i] + 1] * tall);
      pen.lineTo(spots[2 * list[i + 1]] * w, spots[2 * list[i + 1] + 1] * tall);
    }
    pen.stroke();
  };
  pen.strokeStyle = colour('--soft');
  pen.globalAlpha = Math.min(0.5, Math.max(0.03, 600 / edges.length));
  pen.lineWidth = ratio * 0.8;
  line(edges);
  pen.globalAlpha = 1;
  const dot = stages.length > 5000 ? ratio : stages.length > 500 ? 2 * ratio : 4 * ratio;
  for (let stage = 0; stage < STAGES.length; stage++) {
    pen.fillStyle = colour(STAGES[stage]);
    for (let node = 0; node < stages.length; node++) {
      if (stages[node] === stage)
        pen.fillRect(spots[2 * node] * w - dot / 2, spots[2 * node + 1] * tall - dot / 2, dot, dot);
    }
  }
  const path = map.places.slice(0, at + 1).filter((node) => node !== null);
  pen.strokeStyle = pen.fillStyle = colour('--accent');
  pen.lineWidth = 2.5 * ratio;
  line(path.slice(1).flatMap((node, i) => [path[i], node]));
  path.forEach((node, i) => {
    pen.beginPath();
    pen.arc(
      spots[2 * node] * w,
      spots[2 * node + 1] * tall,
      (i === path.length - 1 ? 6 : 3) * ratio,
      0,
      7,
    );
    pen.fill();
  });
}

/** Goes to the state that was clicked, if they are few enough to be told apart. */
function pick(app, event) {
  const count = map.states.levels.length;
  if (count > MOST_CLICKED) return;
  const box = event.currentTarget.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const spots = layout();
  let [best, near] = [-1, 14];
  for (let node = 0; node < count; node++) {
    const far = Math.hypot(spots[2 * node] * box.width - x, spots[2 * node + 1] * box.height - y);
    if (far < near) [best, near] = [node, far];
  }
  if (best >= 0) app.toNode(best);
}
