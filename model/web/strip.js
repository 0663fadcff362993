// The lanes of a run in real time: roles as bars, messages as lines, the moment as a mark.
import { h } from './dom.js';
import { ends, go, run, seconds } from './recording.js';
import { KINDS, hue } from './words.js';

/** So many messages are drawn at a time. */
const MOST = 1500;
const [LEFT, RIGHT, TOP, LANE] = [44, 20, 30, 40];

export function strip(app) {
  const n = run.about.cluster.servers;
  const { from, to, width } = run;
  const height = TOP + n * LANE;
  const x = (t) => LEFT + ((width - LEFT - RIGHT) * (t - from)) / Math.max(1, to - from);
  const y = (id) => TOP + (id - 0.5) * LANE;
  const pointer = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    go(app, from + ((event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT)) * (to - from));
  };
  const flights = run.flights.filter((f) => f.arrived >= from && f.sent <= to).slice(-MOST);
  return h(
    'svg',
    {
      key: 'strip',
      class: 'strip lanes',
      width: '100%',
      height,
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': `The run from ${seconds(from)} to ${seconds(to)}`,
      painted: (node) => fit(app, node),
      onpointerdown: pointer,
      onpointermove: (event) => event.buttons && pointer(event),
    },
    ticks(x, height),
    Array.from({ length: n }, (_, i) =>
      h('text', { key: `n${i}`, class: 'lane-name', x: 8, y: y(i + 1) + 4 }, `S${i + 1}`),
    ),
    h('g', { key: 'lives' }, lives(n, x, y)),
    h(
      'g',
      { key: 'flights' },
      flights.map((f) =>
        h(
          'line',
          {
            key: f.key,
            class: 'flight',
            'data-hue': hue(f.term),
            'data-kind': f.kind,
            x1: x(f.sent),
            y1: y(f.from),
            x2: x(f.arrived),
            y2: y(f.to),
          },
          h('title', null, `${KINDS[f.kind].noun} of S${f.from} to S${f.to}, term ${f.term}`),
        ),
      ),
    ),
    run.at >= from &&
      run.at <= to &&
      h(
        'g',
        { key: 'now' },
        h('line', { class: 'now', x1: x(run.at), x2: x(run.at), y1: 18, y2: height }),
        h('circle', { class: 'now', cx: x(run.at), cy: 18, r: 5 }),
      ),
  );
}

/** Draws once more when there is another width. */
function fit(app, node) {
  requestAnimationFrame(() => {
    const { width } = node.getBoundingClientRect();
    if (width > 0 && Math.abs(width - run.width) > 2) {
      run.width = width;
      app.draw();
    }
  });
}

function ticks(x, height) {
  const span = run.to - run.from;
  const step = 10 ** Math.floor(Math.log10(Math.max(span, 10) / 4));
  const each =
    [1, 2, 5, 10].map((by) => by * step).find((by) => span / by <= Math.max(3, run.width / 110)) ??
    10 * step;
  const [first] = ends();
  const marks = [];
  for (let t = first + Math.ceil((run.from - first) / each) * each; t <= run.to; t += each) {
    marks.push(
      h(
        'g',
        { key: Math.round((t - first) / each), class: 'tick' },
        h('line', { x1: x(t), x2: x(t), y1: 18, y2: height }),
        h('text', { x: x(t), y: 12 }, label(t - first, each)),
      ),
    );
  }
  return h('g', { key: 'ticks' }, marks);
}

const label = (us, each) =>
  each < 1e3
    ? `${(us / 1e3).toFixed(2)} ms`
    : each < 1e6
      ? `${(us / 1e6).toFixed(each < 1e4 ? 3 : 2)} s`
      : `${Math.round(us / 1e6)} s`;

/** What each server was, from step to step; nothing where it was silent. */
function lives(n, x, y) {
  const silence = 2000 * run.about.cluster.election_ms[1];
  const now = run.isLive ? run.about.now_us : ends()[1];
  const bars = [];
  for (let id = 1; id <= n; id++) {
    /** @type {any} what the server is since some step */
    let open = null;
    const own = run.steps.filter((s) => s.server === id);
    const shut = (end) => {
      const stop = Math.min(end, open.last + silence);
      if (stop >= run.from && open.t <= run.to) {
        const { role, term, contact } = open.state;
        bars.push(
          h('line', {
            key: `${id} ${open.id}`,
            class: 'life',
            'data-role': role,
            'data-contact': contact,
            'data-hue': hue(term),
            x1: x(Math.max(open.t, run.from)),
            x2: x(Math.min(stop, run.to)),
            y1: y(id),
            y2: y(id),
          }),
        );
        if (role === 'leader' && open.rule === 'Elected' && open.t >= run.from)
          bars.push(
            h('path', {
              key: `crown ${open.id}`,
              class: 'crown',
              'data-hue': hue(term),
              transform: `translate(${x(open.t)} ${y(id) - 14}) scale(.5)`,
              d: 'M-17,9 L-20,-9 L-9,0 L0,-13 L9,0 L20,-9 L17,9 Z',
            }),
          );
      }
    };
    for (const s of own) {
      const looks = `${s.state.role} ${s.state.term} ${s.state.contact}`;
      if (open && (looks !== open.looks || s.starts || s.t - open.last > silence)) {
        shut(s.starts ? Math.min(s.t, open.last) : s.t);
        open = null;
      }
      open ??= { ...s, looks };
      open.last = s.t;
    }
    if (open) shut(now);
  }
  return bars;
}
