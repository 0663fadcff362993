// The explorer: one page, one link, one state. Everything about the protocol is asked of the server.
import { ask } from './api.js';
import { markers, picture } from './cluster.js';
import { fill, h } from './dom.js';
import { keys, help } from './keys.js';
import { COLUMN, lanes } from './lanes.js';
import { besideSetting, question, read, write } from './link.js';
import { bring, panel as mapPanel, turn as turnMap } from './map.js';
import { palette } from './palette.js';
import * as recording from './recording.js';
import { takeAway } from './take.js';
import { guide, start, tour } from './tour.js';
import { choices, judge, settings, unlike } from './panels.js';

/** How long a step stays while the path is played, in milliseconds. */
const BEAT = 900;

/** What the page knows. @type {any} */
const app = {
  link: read(location.hash),
  catalogue: null,
  /** What the server said of the path: steps, what can happen next, where it stops. */
  walk: null,
  /** The same path elsewhere. */
  other: null,
  branches: [],
  hovered: null,
  ghosts: false,
  linking: false,
  playing: false,
  help: false,
  note: '',
  take,
  at,
  hover,
  follow,
  oneTermMore,
  unlike: firstUnlike,
  elect,
  set,
  compare,
  toNode,
  draw,
  openFiles,
  goTo,
  say,
};

const root = /** @type {HTMLElement} */ (document.getElementById('app'));
/** @type {AbortController | undefined} */
let asked;

/** Changes the link, and shows what it says. */
function move(change, { isQuiet = false } = {}) {
  app.link = { ...app.link, ...change };
  const link = write(app.link);
  if (link !== location.hash) history[isQuiet ? 'replaceState' : 'pushState'](null, '', link);
  load();
}

/** Asks the server what is to be seen; what was asked before is not waited for. */
async function load() {
  asked?.abort();
  if (app.link.view === 'run') {
    root.dataset.link = location.hash;
    draw();
    return recording.open(app);
  }
  const { signal } = (asked = new AbortController());
  const { setting, path, at, beside } = app.link;
  try {
    const walked = { path: path.join(','), at };
    const [walk, other] = await Promise.all([
      ask(`walk?${question(setting, walked)}`, { signal }),
      beside ? ask(`beside?${question(besideSetting(app.link), walked)}`, { signal }) : null,
    ]);
    app.walk = gather(walk);
    app.other = other && gather(other);
    app.good = app.link;
    root.dataset.link = location.hash;
  } catch (error) {
    if (signal.aborted) return;
    const start = app.good ?? read('');
    app.note = `This link cannot be followed: ${error.message}.`;
    if (write(start) === write(app.link))
      return fill(root, [h('p', { class: 'loading' }, app.note)]);
    app.link = start;
    history.replaceState(null, '', write(app.link));
    return load();
  }
  draw();
  bring(app);
}

/** Shows traces that were dropped or chosen. */
function openFiles(files) {
  if (app.link.view !== 'run') {
    app.link = { ...app.link, view: 'run' };
    history.pushState(null, '', write(app.link));
  }
  recording.read(app, files);
}

/** Adds to each step all that was sent until then. */
function gather(walk) {
  const sent = new Map();
  for (const step of walk.steps) {
    for (const e of step.sends ?? []) sent.set(`${e.to} ${e.code}`, e);
    step.sent = [...sent.values()];
  }
  return walk;
}

/** Takes a step from where one is; the one that was taken before becomes a branch. */
function take(code) {
  const { path, at } = app.link;
  app.hovered = null;
  if (path[at] === code) return move({ at: at + 1 });
  change([...path.slice(0, at), code]);
}

/** Goes another path; the old one stays as a branch. */
function change(path, more = {}) {
  leave(app.link.path, path);
  move({ path, at: path.length, loop: null, ...more });
}

function leave(old, path) {
  const begins = (one, other) => other.slice(0, one.length).join() === one.join();
  const fork = (one) => one.findIndex((code, i) => code !== path[i]);
  const kept = app.branches.filter(
    (branch) => !begins(branch.path, path) || branch.path.length > path.length,
  );
  const all = begins(old, path) ? kept : [{ path: old }, ...kept];
  const seen = new Set();
  app.branches = all
    .filter(
      ({ path: other }) =>
        !begins(other, path) && !seen.has(other.join()) && seen.add(other.join()),
    )
    .slice(0, 4)
    .map(({ path: other }) => ({ path: other, fork: fork(other) }));
}

function follow(row) {
  if (app.branches[row]) change(app.branches[row].path);
}

function at(step) {
  move({ at: Math.max(0, Math.min(app.link.path.length, step)) }, { isQuiet: true });
}

function hover(code) {
  if (app.hovered === code) return;
  app.hovered = code;
  draw();
}

function oneTermMore() {
  set({ terms: String(+app.link.setting.terms + 1) });
}

function set(change) {
  move({ setting: { ...app.link.setting, ...change }, loop: null });
}

/** Another election, on the same path as far as it goes. */
function elect(name) {
  const { mutant, ...setting } = app.link.setting;
  const wrong = app.catalogue.mutants.find((m) => `mutant ${m.name}` === name);
  if (wrong) {
    const chosen = { ...setting, protocol: wrong.protocol, mutant: wrong.name };
    return move({ setting: chosen, beside: 'raft', loop: null, about: '' });
  }
  const beside = app.link.beside === name || app.link.beside === 'raft' ? '' : app.link.beside;
  move({ setting: { ...setting, protocol: name }, beside, loop: null, about: '' });
}

function compare(beside) {
  move({ beside });
}

/** Goes a shortest way to a step that differs beside. */
async function firstUnlike() {
  const { setting, beside } = app.link;
  const than = setting.mutant ? 'raft' : beside;
  if (!than) return say('Choose first what to compare with: “beside”, above.');
  say('Looking for the first difference…');
  try {
    const more = than === 'raft' ? {} : { than };
    const { path, looked_at: count } = await ask(`difference?${question(setting, more)}`);
    if (!path) return say(`No difference among ${count.toLocaleString('en')} pairs of states.`);
    app.note = '';
    change(path, { beside: than });
  } catch (error) {
    say(error.message);
  }
}

/** Goes to a state of the map by a shortest way. */
async function toNode(node) {
  try {
    const { path } = await ask(`way?${question(app.link.setting, { node })}`);
    if (!path) return say('No way there was found in whole states.');
    change(path);
  } catch (error) {
    say(error.message);
  }
}

function jump() {
  palette(app.catalogue, app.link.setting, go);
}

/** Goes where the palette says. */
async function go(item) {
  play(false);
  if (item.tour) return start(app);
  tour.at = -1;
  if (item.run) return move({ view: 'run' });
  if (app.link.view === 'run') leaveRun();
  if (item.wanted) return want(item.wanted);
  goTo(item.way, { beside: item.mutant ? 'raft' : '' });
}

/** Goes where a link says. */
function goTo(way, more = {}) {
  app.branches = [];
  app.note = '';
  move({ ...read(way), view: 'model', specification: '', ...more });
}

async function want(state) {
  say(`Looking for a state: ${state}…`);
  try {
    const { path } = await ask(`wanted?${question(app.link.setting, { state })}`);
    if (!path) return say(`There is none within these bounds, or it is far: ${state}.`);
    app.note = '';
    change(path);
  } catch (error) {
    say(error.message);
  }
}

export function say(note) {
  app.note = note;
  draw();
}

function random() {
  const { next } = app.walk;
  if (next.length) take(next[Math.floor(Math.random() * next.length)].code);
}

let beat = 0;

function play(isPlaying = !app.playing) {
  app.playing = isPlaying;
  clearInterval(beat);
  if (isPlaying) {
    if (app.link.at >= app.link.path.length && app.link.loop === null) at(0);
    beat = setInterval(() => {
      const { at: here, path, loop } = app.link;
      if (here < lastStep()) at(here + 1);
      else if (loop !== null && loop < path.length) at(loop + 1);
      else play(false);
    }, BEAT);
  }
  draw();
}

/** The last step that is possible. */
const lastStep = () => (app.walk ? app.walk.steps.length - 1 : 0);

function turn() {
  const dark = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  const { dataset } = document.documentElement;
  dataset.theme = (dataset.theme ?? dark) === 'dark' ? 'light' : 'dark';
  try {
    localStorage.setItem('theme', dataset.theme);
  } catch {
    // Nothing is remembered, then.
  }
  draw();
}

async function copy() {
  const specification = app.catalogue.specification;
  const link = new URL(write({ ...app.link, specification }), location.href).href;
  try {
    await navigator.clipboard.writeText(link);
    say('The link is copied.');
  } catch {
    say(link);
  }
}

/** The page, as it is. */
function view() {
  const body = app.link.view === 'run' ? recording.panels(app) : walked();
  const note = h(
    'p',
    { key: 'note', class: 'note', role: 'status' },
    app.note,
    h('button', { 'aria-label': 'close', onclick: () => say('') }, '×'),
  );
  return [markers(), header(), body, app.help && help(app), app.note && note];
}

function walked() {
  const { walk, other, link, catalogue } = app;
  const here = Math.min(link.at, walk.steps.length - 1);
  const step = walk.steps[here];
  const mutant = catalogue.mutants.find((m) => m.name === link.setting.mutant);
  const next = new Map(walk.next.map((one) => [one.code, one]));
  const beside = other?.steps[Math.min(here, other.steps.length - 1)];
  const shown = {
    cluster: walk.cluster,
    servers: step.servers,
    sent: step.sent,
    next,
    held: walk.held,
    ends: walk.ends,
    cuts: walk.cuts,
    broken: step.broken,
    fresh: step.sends,
    changed: step.server,
    ghosts: app.ghosts,
    other: beside,
    label: mutant ? mutant.name : walk.cluster.protocol,
  };
  return [
    h(
      'main',
      { key: 'main', 'data-beside': !!other },
      choices(app, {
        next: walk.next,
        servers: step.servers,
        held: walk.held,
        ends: walk.ends,
        witnesses: walk.cluster.witnesses,
      }),
      h(
        'section',
        { key: 'stage', class: 'panel stage', 'aria-label': 'The cluster' },
        guide(app, walk.steps),
        told(step, here),
        h(
          'div',
          { key: 'pictures', class: 'pictures', 'data-flat': step.servers.length < 3 },
          h(
            'figure',
            { key: 'here' },
            other && h('figcaption', null, shown.label),
            picture(app, shown),
          ),
          other && h('figure', { key: 'there' }, elsewhere(beside, other)),
        ),
        tools(),
      ),
      h(
        'div',
        { key: 'side', class: 'side' },
        mapPanel(app, { steps: walk.steps, at: here, next: walk.next }),
        judge(app, {
          catalogue,
          steps: walk.steps,
          at: here,
          protocol: link.setting.protocol,
          mutant,
          lasso: lasso(),
          exercise: exercise(),
          solved: walk.solved,
        }),
      ),
      h(
        'section',
        { key: 'path', class: 'panel path', id: 'path', tabindex: 0, 'aria-label': 'The path' },
        lanes(app, {
          steps: walk.steps,
          at: here,
          loop: link.loop,
          branches: app.branches,
          stop: walk.stop,
          beside: other?.steps,
        }),
      ),
    ),
  ];
}

/** What fails on a path that goes round for ever, if the link says so. */
function lasso() {
  const { loop, about } = app.link;
  const property = app.catalogue.liveness.find((one) => one.name === about);
  return loop !== null && property ? { property: property.name, says: property.says } : null;
}

/** The exercise that is looked at. */
function exercise() {
  const { mutant } = app.link.setting;
  return app.catalogue.exercises.find((one) => mutant === `exercise-${one.number}`);
}

function told(step, here) {
  const says =
    here > 0
      ? `${step.says}.`
      : 'Everybody has come up. Choose what happens: on the left, in the picture, or by its number.';
  return h(
    'p',
    { key: 'told', class: 'told', 'aria-live': 'polite' },
    here > 0 && h('b', null, `${here}. `),
    says,
    here === 0 &&
      tour.at < 0 &&
      app.link.path.length === 0 && [
        ' ',
        h('button', { class: 'plain', onclick: () => start(app) }, 'Take the tour'),
      ],
    here > 0 &&
      step.same &&
      step.action !== 'Link' &&
      h('span', { class: 'soft' }, ' Nothing changes.'),
    step.unlike && h('span', { class: 'unlike' }, ` ≠ ${unlike(step)}.`),
    (step.broken ?? []).map((b) => h('span', { class: 'warn' }, ` ✗ ${b.property}: ${b.says}.`)),
  );
}

function elsewhere(step, other) {
  const name = app.link.beside === 'raft' ? 'Raft' : app.link.beside;
  const why = step.skipped ? `not possible here: ${step.skipped}` : 'driven by the same causes';
  const { walk, link } = app;
  const here = walk.steps[Math.min(link.at, walk.steps.length - 1)];
  const shown = {
    cluster: walk.cluster,
    servers: step.servers,
    sent: step.sent,
    next: new Map(),
    fresh: step.sends,
    other: here,
    label: `${name}, driven by the same causes`,
  };
  return [
    h(
      'figcaption',
      { key: 'name' },
      h('b', null, name),
      ' ',
      h('span', { class: step.skipped ? 'warn' : '' }, why),
    ),
    picture({ ...app, take: null, linking: false }, shown),
  ];
}

function tools() {
  const { at: here, path } = app.link;
  const box = (name, text) =>
    h(
      'label',
      { key: name },
      h('input', {
        type: 'checkbox',
        checked: app[name],
        onchange: () => ((app[name] = !app[name]), draw()),
      }),
      ` ${text}`,
    );
  return h(
    'div',
    { key: 'tools', class: 'tools' },
    h('button', { key: 'undo', disabled: here === 0, onclick: () => at(here - 1) }, '← undo'),
    h(
      'button',
      { key: 'redo', disabled: here >= lastStep(), onclick: () => at(here + 1) },
      'redo →',
    ),
    h(
      'button',
      { key: 'play', disabled: path.length === 0, onclick: () => play() },
      app.playing ? 'pause' : 'play',
    ),
    h('button', { key: 'random', onclick: random }, 'random step'),
    h(
      'button',
      { key: 'over', disabled: path.length === 0, onclick: () => change([]) },
      'start over',
    ),
    takeAway(app),
    box('ghosts', 'all messages'),
    box('linking', 'cut links'),
  );
}

function leaveRun() {
  recording.close();
  move({ view: 'model' });
}

function header() {
  return h(
    'header',
    { key: 'header' },
    h('h1', null, 'Raft election explorer'),
    app.link.view === 'run'
      ? h(
          'div',
          { key: 'run', class: 'settings' },
          h('button', { onclick: leaveRun }, 'Back to the model'),
        )
      : settings(app, {
          setting: app.link.setting,
          catalogue: app.catalogue,
          beside: app.link.beside,
        }),
    h(
      'div',
      { class: 'buttons' },
      h('button', { onclick: jump }, 'Jump to… ', h('kbd', { 'aria-hidden': 'true' }, '/')),
      h('button', { onclick: copy }, 'Copy link'),
      h('button', { 'aria-label': 'dark or light', title: 'dark or light', onclick: turn }, '◐'),
      h(
        'button',
        {
          'aria-label': 'help',
          title: 'help',
          'aria-expanded': String(app.help),
          onclick: () => ((app.help = !app.help), draw()),
        },
        '?',
      ),
    ),
  );
}

export function draw() {
  if (!app.catalogue || !(app.walk || app.link.view === 'run')) return;
  const list = root.querySelector('.choices');
  const wasIn = !!list?.contains(document.activeElement);
  const shown = `${app.link.at} ${app.walk?.steps.length}`;
  fill(root, h('div', null, view()).children);
  if (wasIn && !root.querySelector('.choices')?.contains(document.activeElement)) {
    /** @type {HTMLElement | null} */ (root.querySelector('.choice'))?.focus();
  }
  if (root.dataset.shown !== shown) {
    root.dataset.shown = shown;
    const path = document.getElementById('path');
    path?.scrollTo({ left: app.link.at * COLUMN - path.clientWidth / 2 });
  }
}

async function begin() {
  try {
    const theme = localStorage.getItem('theme');
    if (theme) document.documentElement.dataset.theme = theme;
  } catch {
    // As the system says, then.
  }
  fill(root, [h('p', { class: 'loading' }, 'The model is being loaded…')]);
  try {
    app.catalogue = await ask('catalogue');
  } catch (error) {
    fill(root, [h('p', { class: 'loading' }, `The server does not answer: ${error.message}`)]);
    return;
  }
  const { specification } = app.link;
  if (specification && specification !== app.catalogue.specification) {
    app.note =
      'This link was made with another version of the protocol: it may stop, or end elsewhere.';
  }
  addEventListener('hashchange', () => {
    app.link = read(location.hash);
    load();
  });
  addEventListener('keydown', (event) =>
    keys(event, app, {
      at,
      random,
      play,
      turn,
      copy,
      draw,
      lastStep,
      compare,
      jump,
      map: () => turnMap(app),
    }),
  );
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    event.preventDefault();
    if (event.dataTransfer?.files.length) openFiles(event.dataTransfer.files);
  });
  await load();
}

begin();
