// A path to take away: as a file.
import { ask } from './api.js';
import { h } from './dom.js';
import { question } from './link.js';

/** What it can be taken away as: its name, in words, as a file, and of which type. @type {string[][]} */
const FORMS = [
  ['story', 'a story', 'election.txt', 'text/plain'],
  ['svg', 'a picture (SVG)', 'election.svg', 'image/svg+xml'],
  ['scenario', 'a scenario (raft-model play)', 'election.scenario.txt', 'text/plain'],
  ['tla', 'a behaviour in TLA+ (tla/tlc)', 'Election.tla', 'text/plain'],
  ['itf', 'a trace in ITF (Apalache, Quint)', 'election.itf.json', 'application/json'],
];

export function takeAway(app) {
  const choose = (event) => {
    const form = FORMS.find(([name]) => name === event.target.value);
    event.target.value = '';
    if (form) save(app, form);
  };
  return h(
    'label',
    { key: 'take' },
    h('span', { class: 'hidden' }, 'take the path away as '),
    h(
      'select',
      { onchange: choose, disabled: app.link.path.length === 0 },
      h('option', { value: '', selected: true }, 'take away…'),
      FORMS.map(([name, text]) => h('option', { key: name, value: name }, `as ${text}`)),
    ),
  );
}

async function save(app, form) {
  const [as, , name, type] = form;
  const { setting, path, at } = app.link;
  try {
    const { text } = await ask(
      `take?${question(setting, { as, path: path.slice(0, at).join(',') })}`,
    );
    const anchor = document.createElement('a');
    anchor.href = URL.createObjectURL(new Blob([text], { type }));
    anchor.download = name;
    anchor.click();
    URL.revokeObjectURL(anchor.href);
  } catch (error) {
    app.say(error.message);
  }
}
