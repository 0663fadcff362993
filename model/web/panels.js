// Beside the picture: what can happen now, what was promised, and which election it is.
import { h } from './dom.js';
import { hue } from './words.js';

/** What can happen now, by server, numbered for the keys. */
export function choices(app, { next, servers, held, ends, witnesses }) {
  const groups = servers.map((s, i) => {
    const id = i + 1;
    const own = next
      .map((step, index) => ({ step, index }))
      .filter(({ step }) => step.server === id);
    return h(
      'li',
      { key: id },
      h(
        'h3',
        null,
        h('i', { class: 'dot', 'data-hue': hue(s.term), 'data-role': s.role }),
        `S${id} `,
        h(
          'small',
          null,
          `${witnesses.includes(id) && s.role === 'follower' ? 'witness' : s.role}, term ${s.term}${s.contact ? ', in contact' : ''}`,
        ),
      ),
      own.length === 0 && h('p', { class: 'soft' }, 'nothing that would change anything'),
      h(
        'ol',
        null,
        own.map(({ step, index }) => choice(app, step, index)),
      ),
    );
  });
  return h(
    'section',
    { key: 'choices', class: 'panel choices', tabindex: 0, 'aria-label': 'What can happen now' },
    h('h2', null, 'What can happen now ', h('small', null, next.length)),
    h('ul', null, groups),
    held.length > 0 &&
      h(
        'p',
        { class: 'held' },
        `${held.map((id) => `S${id}`).join(', ')} cannot campaign: ${ends}. `,
        h('button', { class: 'plain', onclick: app.oneTermMore }, 'One term more'),
      ),
  );
}

function choice(app, step, index) {
  const { code } = step;
  return h(
    'li',
    { key: code },
    h(
      'button',
      {
        class: 'choice',
        'data-code': code,
        'data-hot': app.hovered === code,
        onclick: () => app.take(code),
        onmouseenter: () => app.hover(code),
        onmouseleave: () => app.hover(null),
        onfocus: () => app.hover(code),
        onblur: () => app.hover(null),
      },
      h('kbd', { 'aria-hidden': 'true' }, index < 9 ? index + 1 : ''),
      h(
        'span',
        null,
        h('span', { class: 'says' }, step.says),
        ' ',
        h('span', { class: 'effect' }, step.effect),
        step.broken.map((b) => h('span', { class: 'warn' }, ` ✗ breaks ${b.property}: ${b.says}`)),
        step.unlike && h('span', { class: 'unlike' }, ` ≠ ${unlike(step)}`),
      ),
    ),
  );
}

/** In words, what Raft would have done instead. */
export function unlike(step) {
  const { says, effect, rule } = step.unlike;
  const does = effect ? ` (${effect})` : ', and changes nothing';
  if (says !== step.says) return `in Raft, ${says}${does}`;
  if (effect !== step.effect) return `in Raft: ${effect || 'nothing changes'}`;
  return rule === step.rule
    ? 'in Raft the timer runs otherwise'
    : `in Raft, by another rule: ${rule}`;
}

/** The properties: which hold so far, which are broken, by which step, and why. */
export function judge(app, { catalogue, steps, at, protocol, mutant, lasso, exercise, solved }) {
  const hasLeases = protocol === 'guarded' || protocol === 'check-quorum';
  const judged = catalogue.properties.filter((p) => hasLeases || p.name !== 'LeaseSafety');
  const rows = judged.map((property) => {
    const first = steps.findIndex((s) => s.broken?.some((b) => b.property === property.name));
    const isBroken = first > 0 && first <= at;
    const why = isBroken && steps[first].broken.find((b) => b.property === property.name).says;
    const verdict = isBroken ? 'broken' : first > 0 ? 'will be broken' : 'holds so far';
    return h(
      'li',
      { key: property.name, 'data-broken': isBroken },
      h('span', { class: 'mark', 'aria-hidden': 'true' }, isBroken ? '✗' : '✓'),
      h(
        'span',
        null,
        h('b', null, property.name),
        h('span', { class: 'hidden' }, ` ${verdict}`),
        first > 0 && ' ',
        first > 0 &&
          h(
            'button',
            { class: 'plain', onclick: () => app.at(first) },
            `${verdict} by step ${first}`,
          ),
        h('br', null),
        h('span', { class: isBroken ? 'warn' : 'soft' }, why ? `${why}.` : property.says),
      ),
    );
  });
  return h(
    'section',
    { key: 'judge', class: 'panel judge', tabindex: 0, 'aria-label': 'Properties' },
    lasso &&
      h(
        'p',
        { class: 'lasso' },
        h('b', { class: 'warn' }, `✗ ${lasso.property}`),
        ` fails on this run: it says that ${lasso.says}. That never happens here, and everybody gets what is owed.`,
      ),
    h('h2', null, 'Properties ', h('small', null, 'on this path, so far')),
    h('ul', null, rows),
    exercise && aboutExercise(app, exercise, solved),
    mutant && aboutMutant(app, mutant),
  );
}

function aboutExercise(app, { number, property, steps }, solved) {
  const mutant = app.catalogue.mutants.find((one) => one.name === solved);
  const next = app.catalogue.exercises.find((one) => one.number === number + 1);
  return h(
    'div',
    { class: 'mutant' },
    h('h2', null, `Exercise ${number}`),
    mutant
      ? h(
          'p',
          null,
          h('b', null, 'You have found it. '),
          `This was ${mutant.name}: ${mutant.says}.`,
        )
      : h(
          'p',
          null,
          `This election is wrong. Find a run that breaks ${property}: ${steps} steps are enough. Nothing warns you before.`,
        ),
    mutant &&
      h(
        'p',
        null,
        h(
          'button',
          { class: 'plain', onclick: () => app.goTo(mutant.way, { beside: 'raft' }) },
          'The shortest way, beside Raft',
        ),
      ),
    next &&
      h(
        'p',
        null,
        h('button', { class: 'plain', onclick: () => app.goTo(next.way) }, 'The next exercise'),
      ),
  );
}

function aboutMutant(app, mutant) {
  const caught = mutant.caught_by;
  const by =
    caught === 'counts'
      ? 'No property is seen to break; the number of states is not the specification’s.'
      : caught.test
        ? `No model sees it: tests/${caught.test} does.`
        : `Caught by ${caught.safety ?? caught.liveness}.`;
  return h(
    'div',
    { class: 'mutant' },
    h('h2', null, mutant.name),
    h('p', null, `Wrong on purpose: ${mutant.says}. ${by}`, mutant.remark && ` ${mutant.remark}`),
    mutant.source &&
      h(
        'p',
        null,
        'Seen in ',
        h('a', { href: mutant.source, rel: 'noreferrer', target: '_blank' }, host(mutant.source)),
      ),
    h(
      'p',
      null,
      h('button', { class: 'plain', onclick: app.unlike }, 'The first step unlike Raft'),
    ),
  );
}

const host = (url) =>
  url.replace(/^https?:\/\/(github\.com\/)?/, '').replace(/\/(issues|pull)\//, ' #');

/** Which election it is, in the header. */
export function settings(app, { setting, catalogue, beside }) {
  const option = (value, text, chosen) =>
    h('option', { key: value, value, selected: chosen }, text);
  const mutants = (protocol) => catalogue.mutants.filter((m) => m.protocol === protocol);
  const chosen = setting.mutant ? `mutant ${setting.mutant}` : setting.protocol;
  const isExercise = setting.mutant?.startsWith('exercise-');
  const besides = isExercise
    ? []
    : setting.mutant
      ? [['raft', 'Raft']]
      : catalogue.protocols.filter((p) => p.name !== setting.protocol).map((p) => [p.name, p.name]);
  const terms = [1, 2, 3, 4, 5, 6, 8, 10, 15, 20];
  const isOdd = !terms.includes(+setting.terms);
  return h(
    'div',
    { key: 'settings', class: 'settings' },
    h(
      'label',
      null,
      'election ',
      h(
        'select',
        { id: 'election', onchange: (event) => app.elect(event.target.value) },
        isExercise && option(chosen, setting.mutant, true),
        h(
          'optgroup',
          { label: 'the specification' },
          catalogue.protocols.map((p) => option(p.name, p.name, p.name === chosen)),
        ),
        catalogue.protocols.map((p) =>
          mutants(p.name).length === 0
            ? null
            : h(
                'optgroup',
                { key: p.name, label: `wrong on purpose (${p.name})` },
                mutants(p.name).map((m) =>
                  option(`mutant ${m.name}`, m.name, `mutant ${m.name}` === chosen),
                ),
              ),
        ),
      ),
    ),
    h(
      'label',
      null,
      'servers ',
      h(
        'select',
        { onchange: (event) => app.set({ servers: event.target.value }) },
        [1, 2, 3, 4, 5, 6, 7].map((n) => option(`${n}`, n, `${n}` === setting.servers)),
      ),
    ),
    h(
      'label',
      null,
      'last term ',
      h(
        'select',
        { onchange: (event) => app.set({ terms: event.target.value }) },
        terms.map((t) => option(`${t}`, t, `${t}` === setting.terms)),
        isOdd && option(setting.terms, setting.terms, true),
      ),
    ),
    h(
      'label',
      null,
      'beside ',
      h(
        'select',
        { onchange: (event) => app.compare(event.target.value) },
        option('', 'nothing', !beside),
        besides.map(([value, text]) => option(value, text, value === beside)),
      ),
    ),
  );
}
