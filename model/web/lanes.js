// The path as a sequence diagram, from left to right: a lane a server, a column a step, the steps
// that were undone faint; and below it the branches that were left.
import { h } from './dom.js';
import { KINDS, caption, hue, inWords } from './words.js';
import { onEnter } from './cluster.js';

export const COLUMN = 90;
const LEFT = 82;
const TOP = 26;
const BRANCH = 18;

/** For each message that arrives, the step in which it was sent; and what never arrives. */
function sendings(steps) {
  const arrows = [];
  const arrived = new Set();
  steps.forEach((step, j) => {
    if (!step.message) return;
    const code = step.code.slice(1);
    for (let k = j - 1; k > 0; k--) {
      const hit = steps[k].sends?.some(
        (e) => e.code === code && (e.to === null || e.to === step.server),
      );
      if (!hit) continue;
      arrows.push({ k, j, from: step.from, to: step.server, ...step.message });
      arrived.add(`${k} ${code} ${step.server}`);
      return;
    }
  });
  return { arrows, arrived };
}

export function lanes(app, { steps, at, loop, branches, stop, beside }) {
  const n = steps[0].servers.length;
  const lane = n > 5 ? 24 : n > 3 ? 30 : 36;
  const x = (k) => LEFT + k * COLUMN;
  const y = (id) => TOP + (id - 0.5) * lane;
  const last = steps.length - 1;
  const floor = TOP + n * lane;
  const isRound = loop !== null && loop <= last;
  const height = floor + (isRound ? 46 : 24);
  const shown = { steps, at, x, y, n, floor, height, last, beside };
  return h(
    'svg',
    {
      class: 'lanes',
      width:
        x(Math.max(last, 1)) +
        60 +
        (stop ? 24 + `${stop.code}: ${stop.why}`.length * 7 : 0) +
        (branches.length ? 240 : 0),
      height: height + branches.length * BRANCH,
      role: 'group',
      'aria-label': 'The path as a sequence diagram',
    },
    h(
      'g',
      { key: 'columns' },
      steps.map((step, k) => column(app, shown, step, k)),
    ),
    h(
      'g',
      { key: 'names' },
      steps[0].servers.map((_, i) =>
        h('text', { key: i, class: 'lane-name', x: 12, y: y(i + 1) + 4 }, `S${i + 1}`),
      ),
    ),
    h(
      'g',
      { key: 'lives' },
      steps.flatMap((step, k) => step.servers.map((s, i) => life(shown, s, i + 1, k))),
    ),
    h('g', { key: 'arrows' }, arrows(shown)),
    h(
      'g',
      { key: 'events' },
      steps.slice(1).map((step, i) => event(shown, step, i + 1)),
    ),
    isRound && round(shown, loop),
    stop &&
      h(
        'text',
        { key: 'stop', class: 'stop', x: x(last) + 52, y: y(1) + 4 },
        `✗ ${stop.code}: ${stop.why}`,
      ),
    h(
      'g',
      { key: 'branches' },
      branches.map((branch, row) => branched(app, shown, branch, row)),
    ),
  );
}

function column(app, { at, x, height }, step, k) {
  const name = k === 0 ? 'Everybody starts' : `${k}. ${step.says}`;
  return h(
    'g',
    {
      key: k,
      class: 'column',
      role: 'button',
      tabindex: -1,
      'aria-label': k === 0 ? 'start' : `${k}: ${step.says}`,
      'aria-current': k === at ? 'step' : null,
      'data-here': k === at,
      'data-future': k > at,
      'data-broken': !!step.broken?.length,
      onclick: () => app.at(k),
    },
    h('title', null, name),
    h('rect', { x: x(k) - COLUMN / 2 + 2, y: 0, width: COLUMN - 4, height: height - 2, rx: 6 }),
    h('text', { class: 'number', x: x(k), y: 15 }, k === 0 ? 'start' : k),
  );
}

function life({ x, y, at, last }, s, id, k) {
  const end = x(Math.min(k + 1, last + 0.35));
  return h('line', {
    key: `${k} ${id}`,
    class: 'life',
    'data-role': s.role,
    'data-contact': s.contact,
    'data-future': k > at,
    'data-hue': hue(s.term),
    x1: x(k),
    x2: end,
    y1: y(id),
    y2: y(id),
  });
}

function arrows({ steps, at, x, y, n }) {
  const { arrows, arrived } = sendings(steps);
  const found = arrows.map((a) => {
    const down = Math.sign(a.to - a.from);
    // Between neighbours in time a straight line; a later one goes round what happened between.
    const [x1, y1, x2, y2] = [x(a.k), y(a.from) + down * 6, x(a.j) - 7, y(a.to) - down * 5];
    const knee = x(a.j) - COLUMN * 0.62;
    const d =
      a.j - a.k === 1
        ? `M${x1},${y1} L${x2},${y2}`
        : `M${x1},${y1} C${x1 + 26},${y1 + down * 14} ${knee},${y1 + down * 10} ${x2},${y2}`;
    return h(
      'path',
      {
        key: `a${a.k} ${a.j}`,
        class: 'arrow',
        d,
        'data-future': a.j > at,
        'data-hue': hue(a.term),
        'marker-end': 'url(#head)',
      },
      h('title', null, `${KINDS[a.kind].noun} of S${a.from} to S${a.to}, term ${a.term}`),
    );
  });
  steps.forEach((step, k) => {
    for (const e of step.sends ?? []) {
      for (let to = 1; to <= n; to++) {
        const isFor = to !== e.from && (e.to === null || e.to === to);
        if (!isFor || arrived.has(`${k} ${e.code} ${to}`)) continue;
        const down = Math.sign(to - e.from);
        const d = `M${x(k)},${y(e.from) + down * 7} l13,${down * 11}`;
        found.push(
          h('path', {
            key: `u${k} ${e.code} ${to}`,
            class: 'stub',
            d,
            'data-future': k > at,
            'data-hue': hue(e.term),
          }),
        );
      }
    }
  });
  return found;
}

function event({ x, y, at, floor, beside }, step, k) {
  const isLink = step.action === 'Link';
  const marks = {
    Timeout: [h('circle', { r: 8 }), h('path', { d: 'M0,-4.5 V0 L3.4,1.6' })],
    Restart: [
      h('circle', { r: 8 }),
      h('path', { class: 'solid', d: 'M1.5,-6 L-4,1.2 H-.6 L-1.4,6 L4,-2 H.6 Z' }),
    ],
    Link: [h('circle', { r: 7 }), h('path', { d: 'M-3,-3 L3,3 M3,-3 L-3,3' })],
    HandOver: [h('circle', { r: 8 }), h('path', { d: 'M-4,0 H4 M1,-3 L4,0 L1,3' })],
  };
  const isUnlike = !!step.unlike || (beside && unlikeAt(step, beside[k]));
  return h(
    'g',
    {
      key: k,
      class: 'event',
      'data-future': k > at,
      'data-broken': !!step.broken.length,
      'data-unlike': isUnlike,
      'data-same': step.same && !isLink,
    },
    h(
      'g',
      { transform: `translate(${x(k)} ${y(step.server)})` },
      marks[step.action] ?? h('circle', { r: 5.5 }),
    ),
    h(
      'text',
      { class: 'caption', x: x(k), y: floor + 12 },
      step.broken.length ? `✗ ${caption(step)}` : isUnlike ? `≠ ${caption(step)}` : caption(step),
    ),
  );
}

/** Whether a step came to something else beside. */
const unlikeAt = (step, other) =>
  !!other &&
  (!!other.skipped ||
    step.servers.some(
      (s, i) => s.role !== other.servers[i].role || s.term !== other.servers[i].term,
    ));

function round({ x, floor, last }, loop) {
  const [from, to] = [x(Math.min(loop + 0.5, last)), x(last + 0.45)];
  const count = last - loop;
  const says =
    count === 0
      ? 'nothing happens any more, for ever'
      : `${count} ${count === 1 ? 'step repeats' : 'steps repeat'} for ever`;
  return h(
    'g',
    { key: 'round', class: 'round' },
    h('path', { d: `M${to},${floor + 16} v10 H${from} v-10`, 'marker-end': 'url(#head)' }),
    h('text', { x: (from + to) / 2, y: floor + 41 }, `↻ ${says}`),
  );
}

function branched(app, { x, height }, { path, fork }, row) {
  const y = height + row * BRANCH + 6;
  const steps = path.slice(fork);
  const name = `Branch after step ${fork}: ${steps.map(inWords).join(', ')}`;
  const follow = () => app.follow(row);
  const end = x(Math.min(path.length, fork + 8));
  return h(
    'g',
    {
      key: row,
      class: 'branch',
      role: 'button',
      tabindex: 0,
      'aria-label': name,
      onclick: follow,
      onkeydown: onEnter(follow),
    },
    h('title', null, name),
    h('rect', { x: x(fork), y: y - 9, width: end - x(fork) + 230, height: BRANCH, rx: 4 }),
    h('path', { d: `M${x(fork)},${height - 4} V${y - 6} q0,6 6,6 H${end}` }),
    steps.slice(0, 8).map((_, i) => h('circle', { cx: x(fork + i + 1), cy: y, r: 4 })),
    h('text', { x: end + 10, y: y + 4 }, brief(steps.map(inWords).join(', '))),
  );
}

const brief = (text) => (text.length > 34 ? `${text.slice(0, 33)}…` : text);
