// Everything by the keyboard.
import { h } from './dom.js';
import * as recording from './recording.js';

const KEYS = [
  ['1 … 9', 'take a step'],
  ['↑ ↓', 'through the steps, then Enter'],
  ['← →', 'undo, redo'],
  ['Home End', 'to the start, to the end'],
  ['[ ]', 'another branch'],
  ['r', 'a random step'],
  ['space', 'play the path'],
  ['/', 'jump to…'],
  ['m', 'map: phases, leaders, states'],
  ['c', 'compare'],
  ['u', 'to the first difference'],
  ['l', 'cut and mend links'],
  ['d', 'dark or light'],
  ['y', 'copy the link'],
  ['?', 'this help'],
];

export function help(app) {
  return h(
    'div',
    { key: 'help', class: 'help', role: 'region', 'aria-label': 'Help' },
    h('h2', null, 'Keys'),
    h(
      'dl',
      null,
      KEYS.flatMap(([key, says]) => [
        h(
          'dt',
          null,
          key.split(' ').map((one) => (one === '…' ? ' … ' : h('kbd', null, one))),
        ),
        h('dd', null, says),
      ]),
    ),
    h('h2', null, 'The picture'),
    h(
      'p',
      null,
      'The colour is the term. An outline is a follower, dots a pre-candidate, dashes a candidate, a crown a leader; a ring shows votes, or answers to a leader’s round. A double line is contact: a promise to help nobody else to office. Only messages that would change something are drawn.',
    ),
    h('h2', null, 'Links'),
    h(
      'p',
      null,
      'The address says what happened, not how it looked: it can be tried with other servers, terms and protocols, and says where it stops.',
    ),
  );
}

/** What a key does. */
export function keys(event, app, does) {
  const { target, key } = event;
  if (event.metaKey || event.altKey || (event.ctrlKey && key !== 'z')) return;
  if (target.matches('input:not([type=checkbox]), select, textarea') || target.closest('dialog'))
    return;
  if (app.link.view === 'run') {
    if (recording.key(app, event)) event.preventDefault();
    const common = {
      '/': does.jump,
      d: does.turn,
      '?': () => ((app.help = !app.help), does.draw()),
    };
    if (common[key]) {
      event.preventDefault();
      common[key]();
    }
    return;
  }
  if (!app.walk) return;
  const { at, path } = app.link;
  const steps = app.walk.next;
  const actions = {
    ArrowLeft: () => does.at(at - 1),
    ArrowRight: () => does.at(Math.min(at + 1, does.lastStep())),
    ArrowUp: () => walk(-1),
    ArrowDown: () => walk(1),
    Home: () => does.at(0),
    End: () => does.at(path.length),
    '[': () => app.follow(0),
    ']': () => app.follow(app.branches.length - 1),
    r: does.random,
    ' ': () => does.play(),
    c: () => does.compare(app.link.beside ? '' : other(app.link.setting)),
    '/': does.jump,
    m: does.map,
    u: app.unlike,
    l: () => ((app.linking = !app.linking), does.draw()),
    d: does.turn,
    y: does.copy,
    z: () => event.ctrlKey && does.at(at - 1),
    '?': () => ((app.help = !app.help), does.draw()),
    Escape: () => ((app.help = false), (app.note = ''), does.draw()),
  };
  if (key === ' ' && target.matches('button, input, [role=button]')) return;
  const digit = /^[1-9]$/.test(key) ? +key : 0;
  const act = digit ? steps[digit - 1] && (() => app.take(steps[digit - 1].code)) : actions[key];
  if (!act) return;
  event.preventDefault();
  act();
}

/** What an election is compared with, unless something else is chosen. */
function other({ mutant, protocol }) {
  if (mutant) return 'raft';
  return protocol === 'guarded' ? 'figure2' : 'guarded';
}

/** Moves the focus through what can happen. */
function walk(by) {
  /** @type {HTMLElement[]} */
  const all = [...document.querySelectorAll('.choice')].map(
    (one) => /** @type {HTMLElement} */ (one),
  );
  const here = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  all[here < 0 ? (by > 0 ? 0 : all.length - 1) : (here + by + all.length) % all.length]?.focus();
}
