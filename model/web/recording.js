// What real servers did: their traces at a moment of real time, recorded or live. The same picture,
// scrubbed; below it a lane a server, time to the right.
import { ask } from './api.js';
import { picture } from './cluster.js';
import { h } from './dom.js';
import { strip } from './strip.js';

/** How much of a live run is seen, in microseconds. */
const WINDOW = 6e6;

/** The run that is looked at. */
export const run = {
  /** @type {any} what the server said of all of it */ about: null,
  /** @type {any[]} in the order of time */ steps: [],
  /** @type {any[]} messages that arrived, with both their times */ flights: [],
  at: 0,
  from: 0,
  to: 0,
  isLive: false,
  follows: true,
  corrects: false,
  slower: 10,
  playing: 0,
  why: '',
  width: 1000,
};
/** @type {EventSource | undefined} */
let source;

/** Brings the run that the server was started with: the traces named there, or the cluster that it watches. */
export async function open(app) {
  if (run.about || run.why) return;
  if (app.catalogue.watches) return watch(app);
  if (!app.catalogue.records) {
    run.why =
      'No trace was named. Drop the *.trace files of all servers of a cluster on this page, or choose them.';
    return app.draw();
  }
  await show(app, ask('recording'));
}

/** Reads files that were dropped or chosen. */
export async function read(app, files) {
  if (files.length === 0) return;
  close();
  const list = [...files];
  const head = JSON.stringify(list.map(({ name, size }) => ({ name, size })));
  await show(app, ask('recording', { method: 'POST', body: new Blob([`${head}\n`, ...list]) }));
}

export function close() {
  source?.close();
  source = undefined;
  cancelAnimationFrame(run.playing);
  Object.assign(run, {
    about: null,
    steps: [],
    flights: [],
    isLive: false,
    follows: true,
    corrects: false,
    playing: 0,
    why: '',
  });
}

async function show(app, answer) {
  run.why = 'The traces are being replayed…';
  app.draw();
  try {
    const about = await answer;
    Object.assign(run, { about, why: '', corrects: false });
    order(about.steps);
    const [first, last] = ends();
    const since = about.elected.at(-1)?.us;
    Object.assign(run, { from: first, to: last, at: since ?? last });
    if (last - first > 2 * WINDOW)
      zoomTo(
        Math.max(first, (since ?? last) - WINDOW / 2),
        Math.min(last, (since ?? last) + WINDOW / 2),
      );
  } catch (error) {
    run.about = null;
    run.why = error.message;
  }
  app.draw();
}

function watch(app) {
  run.isLive = true;
  run.why = 'The cluster has not written anything yet.';
  source = new EventSource('api/live');
  source.onmessage = (event) => {
    const news = JSON.parse(event.data);
    run.about = news;
    if (news.cluster) run.why = '';
    if (news.steps.length) order([...run.steps, ...news.steps].slice(-20000));
    if (run.follows)
      Object.assign(run, { at: news.now_us, to: news.now_us, from: news.now_us - WINDOW });
    app.draw();
  };
  source.onerror = () => {
    run.why = run.about ? '' : 'The server does not answer.';
    app.draw();
  };
  app.draw();
}

/** When a step was taken, by clocks that agree, if that is asked for. */
const when = (step) => step.us - (run.corrects ? (run.about.ahead_us?.[step.server] ?? 0) : 0);

/** Puts steps in order, and finds for each message that arrived when it was sent. */
function order(steps) {
  for (const step of steps) step.t = when(step);
  run.steps = steps.toSorted((a, b) => a.t - b.t || a.server - b.server || a.id[1] - b.id[1]);
  const sent = new Map(run.steps.map((step) => [`${step.server} ${step.id}`, step]));
  run.flights = run.steps.flatMap((step) => {
    const by = step.received && sent.get(`${step.received.from} ${step.received.sent_in}`);
    return by
      ? [
          {
            ...step.received,
            to: step.server,
            sent: by.t,
            arrived: step.t,
            key: `${step.server} ${step.id}`,
          },
        ]
      : [];
  });
}

/** When the first and the last step were taken. @returns {[number, number]} */
export const ends = () => [run.steps[0]?.t ?? 0, run.steps.at(-1)?.t ?? 0];

/** The servers at the moment, silent ones too. */
function moment() {
  const { cluster } = run.about;
  const silence = 2000 * cluster.election_ms[1];
  const none = {
    term: 0,
    voted: null,
    role: 'follower',
    says: 'nothing is recorded yet',
    silent: true,
  };
  const servers = Array.from({ length: cluster.servers }, () => ({ ...none, last: -Infinity }));
  /** @type {any} */
  let last = null;
  for (const step of run.steps) {
    if (step.t > run.at) break;
    servers[step.server - 1] = { ...step.state, last: step.t };
    last = step;
  }
  servers.forEach((s, i) => {
    // Who comes up next was down since its last step.
    const next = run.steps.find((step) => step.server === i + 1 && step.t > run.at);
    s.silent = run.at - s.last > (next?.starts ? 0 : silence);
  });
  return { servers, last };
}

/** Goes to another moment. */
export function go(app, at) {
  const [first, last] = ends();
  run.at = Math.max(first, Math.min(run.isLive ? (run.about.now_us ?? last) : last, at));
  run.follows = false;
  if (run.at < run.from || run.at > run.to)
    zoomTo(run.at - (run.to - run.from) / 2, run.at + (run.to - run.from) / 2);
  app.draw();
}

function zoomTo(from, to) {
  Object.assign(run, { from, to });
}

function zoom(app, by) {
  const half = ((run.to - run.from) * by) / 2;
  zoomTo(run.at - half, run.at + half);
  run.follows = false;
  app.draw();
}

function stepBy(app, by) {
  const all = run.steps;
  const next = by > 0 ? all.find((s) => s.t > run.at) : all.findLast((s) => s.t < run.at);
  if (next) go(app, next.t);
}

function play(app) {
  if (run.playing) {
    cancelAnimationFrame(run.playing);
    run.playing = 0;
    return app.draw();
  }
  let before = performance.now();
  const frame = (now) => {
    const [, last] = ends();
    go(app, run.at + ((now - before) * 1000) / run.slower);
    before = now;
    if (run.at >= last) return void ((run.playing = 0), app.draw());
    run.playing = requestAnimationFrame(frame);
  };
  run.playing = requestAnimationFrame(frame);
  app.draw();
}

/** What a key does while a run is looked at; whether it does anything. */
export function key(app, { key }) {
  if (!run.about?.cluster) return false;
  const actions = {
    ArrowLeft: () => stepBy(app, -1),
    ArrowRight: () => stepBy(app, 1),
    Home: () => go(app, ends()[0]),
    End: () => follow(app),
    ' ': () => play(app),
    '+': () => zoom(app, 0.5),
    '-': () => zoom(app, 2),
  };
  if (!actions[key]) return false;
  actions[key]();
  return true;
}

function follow(app) {
  const [, last] = ends();
  if (!run.isLive) return go(app, last);
  run.follows = true;
  app.draw();
}

export const seconds = (us) => `${((us - ends()[0]) / 1e6).toFixed(4)} s`;

/** The page of a run, without its header. */
export function panels(app) {
  if (run.why || !run.about?.cluster)
    return [
      h(
        'main',
        { key: 'run', class: 'empty' },
        h('p', { class: 'panel' }, run.why, ' ', chooser(app)),
      ),
    ];
  const { servers, last } = moment();
  const { cluster } = run.about;
  const flying = run.flights
    .filter((f) => f.sent <= run.at && run.at < f.arrived)
    .map((f) => ({ ...f, progress: 0.12 + (0.76 * (run.at - f.sent)) / (f.arrived - f.sent) }));
  const shown = {
    cluster,
    servers,
    sent: [],
    flying,
    changed: last?.server,
    label: `the cluster ${cluster.name}`,
  };
  return [
    h(
      'main',
      { key: 'run', class: 'run' },
      h(
        'section',
        { key: 'stage', class: 'panel stage', 'aria-label': 'The cluster' },
        h(
          'p',
          { key: 'told', class: 'told' },
          h('b', null, seconds(run.at)),
          ' ',
          last ? `${last.says}.` : '',
        ),
        h(
          'div',
          { key: 'pictures', class: 'pictures' },
          h('figure', null, picture({ ...app, take: null, linking: false }, shown)),
        ),
      ),
      facts(app, last),
      h(
        'section',
        { key: 'path', class: 'panel path', 'aria-label': 'The run' },
        strip(app),
        controls(app),
      ),
    ),
  ];
}

export function chooser(app) {
  return h(
    'label',
    { key: 'chooser', class: 'chooser' },
    'Open traces… ',
    h('input', {
      type: 'file',
      multiple: true,
      onchange: (event) => app.openFiles(event.target.files),
    }),
  );
}

function facts(app, last) {
  const { about } = run;
  const [first, second] = about.cluster.election_ms;
  const near = run.steps.indexOf(last);
  const around = run.steps.slice(Math.max(0, near - 6), near + 7);
  const verdict = about.refused
    ? h('p', { class: 'warn' }, `✗ ${about.refused}.`)
    : h(
        'p',
        null,
        `✓ ${about.records.toLocaleString('en')} records, each the step that the specification takes; ${about.received.toLocaleString('en')} messages received, each sent by its sender.`,
      );
  const elected =
    about.elected ??
    run.steps
      .filter((s) => s.rule === 'Elected')
      .map((s) => ({ term: s.state.term, server: s.server, us: s.us }));
  return h(
    'section',
    { key: 'facts', class: 'panel facts', tabindex: 0, 'aria-label': 'What is known' },
    h(
      'h2',
      null,
      run.isLive ? 'Live ' : 'Recorded ',
      h('small', null, `cluster ‘${about.cluster.name}’, ${about.cluster.protocol}`),
    ),
    verdict,
    about.pending > 0 &&
      h('p', { class: 'soft' }, `Of ${about.pending} messages the sending is not read yet.`),
    about.left_out > 0 &&
      h('p', { class: 'soft' }, `The first ${about.left_out} steps are not shown.`),
    h(
      'p',
      { class: 'soft' },
      `Heartbeats every ${about.cluster.heartbeat_ms} ms, election timeouts of ${first} to ${second} ms.`,
    ),
    (about.notes ?? []).map((note) => h('p', { class: 'soft' }, note)),
    about.early > 0 && clocks(app),
    h('h3', null, 'Elections'),
    h(
      'ul',
      null,
      elected.slice(-12).map((e) =>
        h(
          'li',
          null,
          h(
            'button',
            {
              class: 'plain',
              onclick: () => go(app, e.us - (run.corrects ? (about.ahead_us?.[e.server] ?? 0) : 0)),
            },
            `S${e.server} leads term ${e.term}`,
          ),
        ),
      ),
    ),
    h('h3', null, 'Around this moment'),
    h(
      'ul',
      { class: 'nearby' },
      around.map((s) =>
        h(
          'li',
          { key: `${s.server} ${s.id}`, 'data-here': s === last, 'data-future': s.t > run.at },
          h('button', { class: 'plain', onclick: () => go(app, s.t) }, seconds(s.t)),
          ` ${s.says}`,
        ),
      ),
    ),
    run.isLive || chooser(app),
  );
}

function clocks(app) {
  const { early, ahead_us: ahead } = run.about;
  const told = Object.entries(ahead).filter(([, us]) => Math.abs(us) > 500);
  return h(
    'div',
    { class: 'clocks' },
    h(
      'p',
      { class: 'warn' },
      `The clocks of these machines disagree: ${early} messages were received before they were sent.`,
    ),
    h(
      'p',
      null,
      told
        .map(
          ([id, us]) =>
            `S${id}’s is ${(Math.abs(us) / 1000).toFixed(1)} ms ${us > 0 ? 'ahead' : 'behind'}`,
        )
        .join(', ') || 'By less than a millisecond.',
    ),
    h(
      'label',
      null,
      h('input', { type: 'checkbox', checked: run.corrects, onchange: () => correct(app) }),
      ' set them right',
    ),
  );
}

/** Other clocks: the same step, and as much of the run around it. */
function correct(app) {
  const here = run.steps.findLast((step) => step.t <= run.at);
  run.corrects = !run.corrects;
  order(run.steps);
  if (run.isLive) return app.draw();
  const [first, last] = ends();
  const span = Math.min(run.to - run.from, last - first);
  const at = here?.t ?? first;
  const from = Math.max(first, Math.min(at - span / 2, last - span));
  zoomTo(from, from + span);
  go(app, at);
}

function controls(app) {
  const [first, last] = ends();
  return h(
    'div',
    { class: 'tools' },
    h('button', { key: 'play', onclick: () => play(app) }, run.playing ? 'pause' : 'play'),
    h(
      'label',
      { key: 'slower' },
      'slower by ',
      h(
        'select',
        { onchange: (event) => ((run.slower = +event.target.value), app.draw()) },
        [1, 10, 100, 1000].map((n) => h('option', { value: n, selected: n === run.slower }, n)),
      ),
    ),
    h('input', {
      key: 'range',
      type: 'range',
      'aria-label': 'The moment',
      min: 0,
      max: 1000,
      value: last > first ? Math.round((1000 * (run.at - first)) / (last - first)) : 0,
      oninput: (event) => go(app, first + ((last - first) * +event.target.value) / 1000),
    }),
    h('button', { key: 'in', onclick: () => zoom(app, 0.5) }, 'zoom in'),
    h('button', { key: 'out', onclick: () => zoom(app, 2) }, 'zoom out'),
    run.isLive &&
      h(
        'button',
        { key: 'follow', 'aria-pressed': String(run.follows), onclick: () => follow(app) },
        'follow',
      ),
    h('span', { key: 'hint', class: 'soft' }, '← → a step, + − zoom'),
  );
}
