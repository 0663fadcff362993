// The picture of a cluster: servers on a ring, votes as chords, messages on arcs. The hue is the
// term, the form is the role; both are also written.
import { h } from './dom.js';
import { H, R, arc, dot, place, segment, spread, towards } from './geometry.js';
import { KINDS, hue } from './words.js';

/** More messages than these on one way are not drawn one by one. */
const MANY = 4;

const CLOCK = [h('circle', { r: 8 }), h('path', { d: 'M0,-5 V0 L4,2' })];
const GLASS = [h('path', { d: 'M-6,-8 H6 M-6,8 H6 M-5,-8 C-5,-2 5,2 5,8 M5,-8 C5,-2 -5,2 -5,8' })];
const PULSE = [h('path', { d: 'M-9,0 H-4 L-2,-7 L2,7 L4,0 H9' })];
const BOLT = [h('path', { class: 'solid', d: 'M2,-9 L-6,2 H-1 L-2,9 L6,-3 H1 Z' })];
const CROWN = 'M-17,9 L-20,-9 L-9,0 L0,-13 L9,0 L20,-9 L17,9 Z';

/** The markers that arrows end with; once a page. */
export const markers = () =>
  h(
    'svg',
    { class: 'markers', width: 0, height: 0, 'aria-hidden': 'true' },
    h(
      'defs',
      null,
      h(
        'marker',
        {
          id: 'head',
          viewBox: '0 0 10 10',
          refX: 9,
          refY: 5,
          markerWidth: 9,
          markerHeight: 9,
          markerUnits: 'userSpaceOnUse',
          orient: 'auto',
        },
        h('path', { d: 'M0,0.5 L10,5 L0,9.5 z', fill: 'context-stroke' }),
      ),
    ),
  );

/** The votes, or the answers, of a server: a ring of as many pieces as there are servers. */
function ring(s, n) {
  const has = s.answered ?? s.votes;
  const gap = n > 1 ? 0.12 : 0;
  return Array.from({ length: n }, (_, i) => {
    const from = (2 * Math.PI * i) / n + gap;
    const to = (2 * Math.PI * (i + 1)) / n - gap - (n === 1 ? 0.001 : 0);
    const isThere =
      has === undefined || has.length === 0 ? s.role === 'leader' : has.includes(i + 1);
    return h('path', {
      key: `ring${i}`,
      class: 'segment',
      d: segment(R + 7, from, to),
      'data-has': isThere,
    });
  });
}

/** What a server is, in the words under its name. */
function roleWords(s, isWitness) {
  if (s.silent) return ['silent', ''];
  if (s.role === 'follower')
    return [isWitness ? 'witness' : 'follower', s.contact ? 'in contact' : ''];
  if (s.role === 'leader' && s.answered?.length) {
    return ['leader', `round ${s.round}${s.beats ? `, asked ${s.beats + 1}×` : ''}`];
  }
  return [s.role, ''];
}

/** A button beside a server. */
function knob(app, { key, at, label, code, step, why, icon }) {
  const act = step && app.take ? () => app.take(code) : null;
  return h(
    'g',
    {
      key,
      class: 'knob',
      transform: `translate(${dot(at)})`,
      'data-enabled': String(!!act),
      'data-hot': app.hovered === code,
      'data-broken': !!step?.broken.length,
      role: 'button',
      tabindex: act ? 0 : -1,
      'aria-disabled': String(!act),
      'aria-label': act ? label : `${label}: ${why}`,
      onclick: act,
      onkeydown: act && onEnter(act),
      onmouseenter: () => app.hover(code),
      onmouseleave: () => app.hover(null),
    },
    h('title', null, step ? `${step.says}. ${step.effect}` : `${label}: ${why}`),
    h('circle', { class: 'knob-back', r: 14 }),
    icon,
  );
}

export const onEnter = (act) => (event) => {
  if (event.key !== 'Enter' && event.key !== ' ') return;
  event.preventDefault();
  act();
};

function knobs(app, scene, id, s) {
  const { next, held, cluster } = scene;
  const [at, middle] = [scene.spots[id - 1], scene.middle];
  const out = scene.n === 1 ? 0 : Math.atan2(at.y - middle.y, at.x - middle.x);
  const spot = (by) => ({ x: (R + 28) * Math.cos(out + by), y: (R + 28) * Math.sin(out + by) });
  const isUnderCrown = s.role === 'leader' && at.y < middle.y && Math.abs(at.x - middle.x) < 90;
  const by = isUnderCrown ? 0.7 : 0.29;
  const isWitness = cluster.witnesses.includes(id);
  const [icon, timer] =
    s.role === 'leader'
      ? [PULSE, 'heartbeat timer fires']
      : s.contact
        ? [GLASS, 'contact is over']
        : [CLOCK, 'election timer fires'];
  const why = held.includes(id)
    ? scene.ends
    : isWitness && !s.contact
      ? 'a witness never campaigns'
      : 'would change nothing';
  const [t, x] = [`${id}t`, `${id}x`];
  return [
    knob(app, {
      key: t,
      at: spot(-by),
      label: `S${id}: ${timer}`,
      code: t,
      step: next.get(t),
      why,
      icon,
    }),
    knob(app, {
      key: x,
      at: spot(by),
      label: `S${id}: crashes and comes up`,
      code: x,
      step: next.get(x),
      why: 'would change nothing',
      icon: BOLT,
    }),
  ];
}

function server(app, scene, id, s) {
  const { n, evidence } = scene;
  const isWitness = scene.cluster.witnesses.includes(id);
  const [role, more] = roleWords(s, isWitness);
  const r = R - 2;
  return h(
    'g',
    {
      key: `s${id}`,
      class: 'server',
      transform: `translate(${dot(scene.spots[id - 1])})`,
      'data-hue': hue(s.term),
      'data-role': s.role,
      'data-silent': s.silent,
      'data-changed': scene.changed === id,
      'data-differs': scene.differs.has(id),
    },
    h(
      'g',
      { key: 'body', class: 'body', role: 'img', 'aria-label': `S${id}: ${s.says}` },
      h('title', null, `S${id}: ${s.says}`),
      s.contact && h('circle', { key: 'contact', class: 'contact', r: R + 6 }),
      s.role !== 'follower' && h('g', { key: 'ring' }, ring(s, n)),
      evidence.servers.has(id) && h('circle', { key: 'evidence', class: 'evidence', r: R + 14 }),
      isWitness
        ? h('rect', {
            key: 'disc',
            class: 'disc',
            x: -r,
            y: -r,
            width: 2 * r,
            height: 2 * r,
            rx: 14,
          })
        : h('circle', { key: 'disc', class: 'disc', r: R }),
      s.role === 'leader' &&
        h('path', { key: 'crown', class: 'crown', transform: `translate(0 ${-R - 17})`, d: CROWN }),
      h('text', { key: 'name', class: 'name', y: more ? -14 : -9 }, `S${id}`),
      s.term !== null &&
        h('text', { key: 'term', class: 'term', y: more ? 5 : 11 }, `term ${short(s.term)}`),
      h('text', { key: 'role', class: 'role', y: more ? 20 : 27 }, role),
      more && h('text', { key: 'more', class: 'role', y: 33 }, more),
    ),
    s.disk &&
      badge(
        'disk',
        0,
        `disk: term ${short(s.disk.term)}, ${s.disk.voted ? `S${s.disk.voted}` : 'no vote'}`,
      ),
    s.lease && badge('lease', s.disk ? 24 : 0, 'has a lease'),
    app.take && knobs(app, scene, id, s),
  );
}

/** A long term, in its last digits. */
const short = (term) => (String(term).length > 6 ? `…${String(term).slice(-4)}` : term);

function badge(kind, down, text) {
  const w = text.length * 6.4 + 16;
  return h(
    'g',
    { key: kind, class: `badge ${kind}`, transform: `translate(0 ${R + 15 + down})` },
    h('rect', { x: -w / 2, y: -10, width: w, height: 20, rx: 10 }),
    h('text', { y: 4 }, text),
  );
}

/** Who has voted for whom, in the term that both are in. */
function votes(scene) {
  return scene.servers.map((s, i) => {
    if (!s.voted || s.voted === i + 1 || !scene.spots[s.voted - 1] || s.silent) return null;
    const [a, b] = [scene.spots[i], scene.spots[s.voted - 1]];
    const [from, to] = [towards(a, b, R + 3), towards(b, a, R + 13)];
    return h(
      'g',
      { key: `v${i}`, class: 'vote', 'data-hue': hue(s.term) },
      h('title', null, `S${i + 1} has voted for S${s.voted} in term ${s.term}`),
      h('line', { x1: from.x, y1: from.y, x2: to.x, y2: to.y, 'marker-end': 'url(#head)' }),
    );
  });
}

/** Every message that can arrive somewhere. */
export function deliveries(sent, n) {
  const found = [];
  for (const e of sent) {
    for (let to = 1; to <= n; to++) {
      if (to !== e.from && (e.to === null || e.to === to))
        found.push({ ...e, to, key: `${to}${e.code}` });
    }
  }
  return found;
}

export const wide = (text) => text.length * 7.4 + 22;

function message(app, scene, m) {
  const step = scene.next.get(m.key);
  const act = step && app.take ? () => app.take(m.key) : null;
  const { token } = KINDS[m.kind];
  const at = m.way.at(m.t);
  const name = `${token} ${m.term}`;
  return h(
    'g',
    {
      key: `m${m.key}`,
      class: 'message',
      transform: `translate(${dot(at)})`,
      'data-hue': hue(m.term),
      'data-hot': app.hovered === m.key,
      'data-broken': !!step?.broken.length,
      'data-evidence': scene.evidence.messages.has(m.code),
      'data-only': scene.only.has(m.key),
      'data-spent': !step && scene.isModel,
      'data-fresh': scene.fresh.has(m.code),
      'data-lost': m.lost,
      role: act ? 'button' : 'img',
      tabindex: act ? 0 : null,
      'aria-label': `${name}, from S${m.from} to S${m.to}${act ? ': deliver' : ''}`,
      onclick: act,
      onkeydown: act && onEnter(act),
      onmouseenter: () => app.hover(m.key),
      onmouseleave: () => app.hover(null),
    },
    h(
      'title',
      null,
      step ? `${step.says}. ${step.effect}` : `${m.says}, from S${m.from} to S${m.to}`,
    ),
    h('rect', { x: -m.w / 2, y: -H / 2, width: m.w, height: H, rx: H / 2 }),
    h('text', { y: 4.5 }, `${token} `, h('tspan', { class: 'of' }, short(m.term))),
  );
}

/** The messages of each way, where they are drawn, and how many are not. */
function layOut(scene, drawn) {
  const ways = new Map();
  for (const m of drawn) {
    const name = `${m.from}>${m.to}`;
    if (!ways.has(name)) ways.set(name, { name, way: scene.way(m.from, m.to), list: [], more: 0 });
    ways.get(name).list.push(m);
  }
  for (const way of ways.values()) {
    const isKept = (m) => scene.evidence.messages.has(m.code) || scene.fresh.has(m.code);
    while (way.list.length > MANY && !way.list.every(isKept)) {
      way.list.splice(
        way.list.findIndex((m) => !isKept(m)),
        1,
      );
      way.more += 1;
    }
    way.list.forEach((m, i) => {
      m.way = way.way;
      m.w = wide(`${KINDS[m.kind].token} ${short(m.term)}`);
      m.home = m.progress ?? 0.57 + (i - (way.list.length - 1) / 2) * 0.2;
    });
  }
  const discs = scene.spots.map((spot) => ({ ...spot, w: 2 * R + 4, h: 2 * R + 4 }));
  const all = [...ways.values()].flatMap((way) => way.list);
  if (all.every((m) => m.progress === undefined)) spread(all, discs);
  else for (const m of all) m.t = m.home;
  return [...ways.values()];
}

/**
 * @param {any} app what is common to the page: `take`, `hover`, `hovered`
 * @param {any} shown `cluster`, `servers`, `sent`, and for a model `next`, `held`, `ends`, `broken`, `fresh`,
 *   `changed`, `cuts`; for a comparison `other`
 */
export function picture(app, shown) {
  const n = shown.servers.length;
  const spots = shown.servers.map((_, i) => place(i + 1, n));
  const broken = shown.broken ?? [];
  const scene = {
    ...shown,
    n,
    spots,
    middle: { x: sum(spots, 'x') / n, y: sum(spots, 'y') / n },
    next: shown.next ?? new Map(),
    held: shown.held ?? [],
    isModel: !!shown.next,
    fresh: new Set((shown.fresh ?? []).map((e) => e.code)),
    evidence: {
      servers: new Set(broken.flatMap((b) => b.servers)),
      messages: new Set(broken.flatMap((b) => b.messages.map((e) => e.code))),
    },
    differs: new Set(shown.other ? differing(shown.servers, shown.other.servers) : []),
    way: (from, to) => arc(spots[from - 1], spots[to - 1]),
  };
  const all = shown.flying ?? deliveries(shown.sent, n);
  const others = new Set(shown.other ? shown.other.sent.map((e) => e.code) : []);
  // Beside another protocol, what was sent on one side only is shown though it may change nothing.
  scene.only = new Set(shown.other ? all.filter((m) => !others.has(m.code)).map((m) => m.key) : []);
  const isDrawn = (m) =>
    !scene.isModel ||
    scene.next.has(m.key) ||
    scene.only.has(m.key) ||
    scene.evidence.messages.has(m.code);
  const drawn =
    shown.flying ?? all.filter((m) => shown.ghosts || isDrawn(m)).map((m) => ({ ...m }));
  const ways = layOut(scene, drawn);
  const [xs, ys] = [spots.map((p) => p.x), spots.map((p) => p.y)];
  const [left, top] = [Math.min(...xs) - 112, Math.min(...ys) - 96];
  const [width, height] = [Math.max(...xs) + 112 - left, Math.max(...ys) + 100 - top];
  return h(
    'svg',
    {
      key: 'picture',
      class: 'cluster',
      viewBox: `${left} ${top} ${width} ${height}`,
      role: 'group',
      'aria-label': shown.label,
    },
    h('g', { key: 'votes' }, votes(scene)),
    h(
      'g',
      { key: 'ways' },
      ways.map((way) =>
        h('path', { key: way.name, class: 'way', d: way.way.d, 'marker-end': 'url(#head)' }),
      ),
    ),
    h('g', { key: 'links' }, links(app, scene)),
    h(
      'g',
      { key: 'servers' },
      shown.servers.map((s, i) => server(app, scene, i + 1, s)),
    ),
    h(
      'g',
      { key: 'messages' },
      ways.flatMap((way) => way.list).map((m) => message(app, scene, m)),
    ),
    h(
      'g',
      { key: 'more' },
      ways.filter((way) => way.more).map((way) => more(way)),
    ),
  );
}

const sum = (list, name) => list.reduce((all, one) => all + one[name], 0);

function more({ way, name, more }) {
  const at = way.at(0.05);
  return h('text', { key: name, class: 'hidden-messages', x: at.x, y: at.y }, `+${more}`);
}

/** The servers that are something else there. */
export function differing(here, there) {
  const looks = (s) => JSON.stringify([s.term, s.voted, s.role, s.votes, s.disk]);
  return here.map((_, i) => i + 1).filter((id) => looks(here[id - 1]) !== looks(there[id - 1]));
}

/** Links that are cut; and while they are chosen, all others, to cut and to mend them. */
function links(app, scene) {
  const cuts = new Set((scene.cuts ?? []).map(([from, to]) => `${from}>${to}`));
  const isChosen = app.linking && app.take;
  const found = [];
  for (let from = 1; from <= scene.n; from++) {
    for (let to = 1; to <= scene.n; to++) {
      const isCut = cuts.has(`${from}>${to}`);
      if (from === to || !(isCut || isChosen)) continue;
      if (isCut && !isChosen && cuts.has(`${to}>${from}`)) {
        if (from < to) found.push(apart(app, scene, from, to));
        continue;
      }
      const code = `${to}${isCut ? '~' : '!'}${from}`;
      found.push(
        link(`l${from}>${to}`, scene.way(from, to), 0.3, {
          isCut,
          label: isCut ? `S${to} does not hear S${from}: mend` : `S${to} hears S${from}: cut`,
          act: app.take ? () => app.take(code) : null,
        }),
      );
    }
  }
  return found;
}

/** Both ways are cut: one line, unless it is to be chosen which of them is mended. */
function apart(app, { spots }, from, to) {
  const choose = () => ((app.linking = true), app.draw());
  return link(`l${from}=${to}`, arc(spots[from - 1], spots[to - 1], 0), 0.5, {
    isCut: true,
    isBoth: true,
    label: `S${from} and S${to} do not hear each other: choose which way to mend`,
    act: app.take ? choose : null,
  });
}

function link(key, way, part, { isCut, isBoth = false, label, act }) {
  const at = way.at(part);
  const sign = isCut
    ? `M${at.x - 5},${at.y - 5} l10,10 M${at.x + 5},${at.y - 5} l-10,10`
    : `M${at.x - 5},${at.y} l10,0`;
  return h(
    'g',
    {
      key,
      class: 'link',
      'data-cut': isCut,
      role: 'button',
      tabindex: 0,
      'aria-label': label,
      onclick: act,
      onkeydown: act && onEnter(act),
    },
    h('title', null, label),
    h('path', { d: way.d, 'marker-end': isBoth ? null : 'url(#head)' }),
    h('circle', { cx: at.x, cy: at.y, r: 11 }),
    h('path', { class: 'sign', d: sign }),
  );
}
