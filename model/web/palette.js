// Jump to…: every way worth going, searched by words.
import { fill, h } from './dom.js';

/**
 * Everything that one can jump to.
 * @param {any} catalogue
 * @param {Record<string, string>} setting which election is looked at
 */
function items(catalogue, setting) {
  const isGuarded = setting.protocol !== 'figure2';
  const caught = (by) =>
    by === 'counts'
      ? 'its states are counted'
      : by.test
        ? `tests/${by.test}`
        : (by.safety ?? by.liveness);
  return [
    {
      name: 'A tour',
      says: 'elects a leader, splits a vote, breaks an election',
      group: 'First',
      tour: true,
    },
    ...catalogue.wanted
      .filter((one) => isGuarded || !one.guarded)
      .map((one) => ({
        name: one.name,
        says: one.says,
        group: `States to see, of ${setting.servers} servers`,
        wanted: one.name,
      })),
    ...catalogue.scenarios.map((one) => ({
      name: one.name,
      says: one.says,
      group: 'Scenarios of the tests',
      way: one.way,
    })),
    ...catalogue.lassos.map((one) => ({
      name: `without ${one.without}`,
      says: one.says,
      tag: one.protocol,
      group: 'Runs for ever: what an assumption of liveness buys',
      way: one.way,
      lasso: one,
    })),
    ...catalogue.exercises.map((one) => ({
      name: `Exercise ${one.number}`,
      says: `break ${one.property}; ${one.steps} steps are enough`,
      group: 'Exercises: an election that is wrong, without its name',
      way: one.way,
      exercise: true,
    })),
    ...catalogue.topologies.map((one) => ({
      name: one.name,
      says: one.says,
      tag: one.protocol,
      group: 'Links: where some servers do not hear each other, and no leader stays',
      way: one.way,
    })),
    ...catalogue.mutants.map((one) => ({
      name: one.name,
      says: one.says,
      tag: caught(one.caught_by),
      group: 'Mistakes, each with a way to what it breaks',
      way: one.way,
      mutant: one,
    })),
  ];
}

/** Those in which each word stands somewhere; if it stands in the name, first. */
function found(all, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const says = (item) => `${item.name} ${item.says} ${item.tag ?? ''} ${item.group}`.toLowerCase();
  const hits = all.filter((item) => words.every((word) => says(item).includes(word)));
  const isNamed = (item) =>
    words.length > 0 && words.every((word) => item.name.toLowerCase().includes(word));
  return [...hits.filter(isNamed), ...hits.filter((item) => !isNamed(item))];
}

/** Opens the palette; `go` is told what was chosen. */
export function palette(catalogue, setting, go) {
  const dialog = document.createElement('dialog');
  dialog.className = 'palette';
  dialog.setAttribute('aria-label', 'Jump to');
  document.body.append(dialog);
  const all = items(catalogue, setting);
  let text = '';
  const close = () => dialog.close();
  dialog.onclose = () => dialog.remove();
  dialog.onclick = (event) => event.target === dialog && close();
  const choose = (item) => {
    close();
    go(item);
  };
  /** @returns {HTMLElement[]} */
  const stops = () => [...dialog.querySelectorAll(/** @type {'input'} */ ('input, li button'))];
  dialog.onkeydown = (event) => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (!by) return;
    event.preventDefault();
    const list = stops();
    const here = list.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    list[Math.max(0, Math.min(list.length - 1, here + by))]?.focus();
  };
  const draw = () => {
    const shown = found(all, text);
    let group = '';
    const rows = shown.map((item, index) => {
      const head =
        item.group !== group && h('li', { class: 'group', key: `g${index}` }, (group = item.group));
      const row = h(
        'li',
        { key: `${item.group} ${item.name} ${item.tag ?? ''}` },
        h(
          'button',
          { onclick: () => choose(item) },
          h('b', null, item.name),
          ' ',
          h('span', null, item.says),
          item.tag && [' ', h('code', null, item.tag)],
        ),
      );
      return [head, row];
    });
    const view = h(
      'div',
      null,
      h('input', {
        type: 'search',
        'aria-label': 'What to jump to',
        placeholder: 'A state, a scenario, a mistake, a run for ever…',
        oninput: (event) => ((text = event.target.value), draw()),
        onkeydown: (event) => event.key === 'Enter' && shown[0] && choose(shown[0]),
      }),
      h(
        'ul',
        { 'aria-label': 'Found' },
        rows,
        shown.length === 0 && h('li', { class: 'group' }, 'nothing'),
      ),
    );
    fill(dialog, view.children);
  };
  draw();
  dialog.showModal();
}
