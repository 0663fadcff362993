// A cluster that runs: what this server and the others say of themselves, asked again and again.
import { markers, picture } from './cluster.js';
import { fill, h } from './dom.js';
import { ago, changes, elections, everyone, follows, leaderOf, ms, scene, told } from './views.js';
import { hue } from './words.js';

/** How often each server is asked, in milliseconds, and how long it may take to answer. */
const EVERY = 500;
const PATIENCE = 2000;

const root = /** @type {HTMLElement} */ (document.getElementById('app'));
/** @type {import('./views.js').Views} */
const views = new Map();
/** What happened while this page was open, the latest first. */
let happened = [];
/** Where the servers answer that this one was told of, by number. */
let hosts = {};
/** What this server said last. @type {any} */
let own = null;

async function ask(url) {
  const signal = AbortSignal.timeout(PATIENCE);
  const response = await fetch(url, { signal, cache: 'no-store' });
  const report = await response.json();
  if (!response.ok) throw new Error(report.error);
  return report;
}

/** Takes note of an answer, or of none. */
function hear(id, report, fault) {
  const before = views.get(id);
  const at = Date.now();
  const news = report ? changes(before?.report, report) : [];
  if (fault && before && !before.fault) news.push(`S${id} does not answer`);
  if (report && before?.fault && before.report?.process === report.process)
    news.push(`S${id} answers again`);
  happened = [...news.map((says) => ({ says, at })), ...happened].slice(0, 30);
  // What a server said last is kept: it tells of elections.
  if (report) views.set(id, { report, at, fault: null });
  else views.set(id, { report: before?.report, at: before?.at ?? at, fault });
}

async function askAll() {
  try {
    own = await ask('status');
    hear(own.server, own, null);
  } catch {
    if (own) hear(own.server, null, 'does not answer');
  }
  if (!own) return;
  const others = Object.entries(hosts).filter(([id]) => Number(id) !== own.server);
  const asked = others.map(async ([id, host]) => {
    const number = Number(id);
    try {
      const report = await ask(`http://${host}/status`);
      // Another cluster may have its place by now.
      const isIt = report.cluster === own.cluster && report.server === number;
      hear(number, isIt ? report : null, isIt ? null : `another server is at ${host}`);
    } catch {
      hear(number, null, `does not answer at ${host}`);
    }
  });
  await Promise.all(asked);
}

const row = (id, cells) =>
  h(
    'tr',
    {
      key: id,
      'data-hue': views.get(id)?.report ? hue(views.get(id)?.report.term) : 0,
    },
    cells.map((cell, i) => h(i ? 'td' : 'th', i ? null : { scope: 'row' }, cell)),
  );

const table = (label, head, rows) =>
  h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label },
    h(
      'table',
      null,
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          head.map((name) => h('th', { scope: 'col' }, name)),
        ),
      ),
      h('tbody', null, rows),
    ),
  );

/** What is left of a lease, as a bar and in words. */
function lease(report) {
  if (!report.leadership) return '–';
  const left = report.leadership.left_us;
  const share = Math.min(1, left / report.lease_us);
  return [
    `${ms(left)} of ${ms(report.lease_us)}`,
    h(
      'svg',
      {
        class: 'lease',
        viewBox: '0 0 100 6',
        preserveAspectRatio: 'none',
        'aria-hidden': 'true',
      },
      h('rect', { width: 100, height: 6 }),
      h('rect', { class: 'left', width: 100 * share, height: 6 }),
    ),
  ];
}

function members() {
  const rows = everyone(own).map((id) => {
    const view = views.get(id);
    if (!view || view.fault) {
      const why = h('span', { class: 'soft' }, view?.fault ?? 'not asked');
      return h(
        'tr',
        { key: id },
        h('th', { scope: 'row' }, `S${id}`),
        h('td', { colspan: 4 }, why),
      );
    }
    const it = view.report;
    const isWitness = it.witnesses.includes(id) ? ', witness' : '';
    const leader = follows(it) ? `S${follows(it)}` : '–';
    return row(id, [
      [h('span', { class: 'dot', 'data-role': it.role }), `S${id}`],
      it.role + isWitness,
      it.term,
      leader,
      lease(it),
    ]);
  });
  return h(
    'section',
    { class: 'panel members' },
    h('h2', null, 'Members'),
    table('Members', ['server', 'role', 'term', 'follows', 'lease left'], rows),
  );
}

/** Who hears whom: each row is what one server says. */
function hearing() {
  const said = everyone(own).filter((id) => views.get(id)?.report && !views.get(id)?.fault);
  const rows = said.map((id) => {
    const peers = new Map(views.get(id)?.report.peers.map((peer) => [peer.server, peer]));
    const cells = everyone(own).map((other) => {
      const peer = peers.get(other);
      if (!peer) return '·';
      const isLeader = views.get(id)?.report.role === 'leader';
      const trip =
        isLeader && peer.round_trip_us !== null && h('small', null, `in ${ms(peer.round_trip_us)}`);
      const wrong = peer.rejected > 0 && h('small', { class: 'warn' }, `${peer.rejected} rejected`);
      return [ago(peer.heard_us_ago), trip, wrong];
    });
    return row(id, [`S${id}`, ...cells]);
  });
  const head = ['heard by', ...everyone(own).map((id) => `S${id}`)];
  return h(
    'section',
    { class: 'panel hearing' },
    h('h2', null, 'Who hears whom'),
    table('Who hears whom', head, rows),
    h(
      'small',
      null,
      'While there is a leader, the others hear only from it; it hears from them all.',
    ),
  );
}

function elected() {
  const list = elections(views).map(({ term, leader, known }) =>
    h(
      'li',
      { key: term, 'data-hue': hue(term) },
      h(
        'span',
        null,
        h('span', { class: 'dot', 'data-role': 'leader' }),
        `S${leader} in term ${term}, `,
      ),
      h('time', null, ago((Date.now() - known) * 1000)),
    ),
  );
  return h(
    'section',
    { class: 'panel happened elections', 'aria-label': 'Elections' },
    h('h2', null, 'Elections'),
    list.length
      ? h('ul', null, list)
      : h('p', { class: 'soft' }, 'None that these servers know of.'),
  );
}

function news() {
  const list = happened.map(({ says, at }, i) =>
    h(
      'li',
      { key: `${happened.length - i} ${at} ${says}` },
      h('time', null, new Date(at).toLocaleTimeString([], { hour12: false })),
      h('span', null, says),
    ),
  );
  return h(
    'section',
    { class: 'panel happened news', 'aria-label': 'Since this page is open' },
    h('h2', null, 'Since this page is open'),
    list.length ? h('ul', null, list) : h('p', { class: 'soft' }, 'Nothing has happened.'),
  );
}

/** Why not everything is shown that could be. */
function missing() {
  const known = Object.keys(hosts).length;
  if (known === 0 && own.servers > 1)
    return `Only S${own.server} is asked: http-servers in its configuration can name the others.`;
  const isListed = Object.values(hosts).includes(location.host);
  if (known > 0 && !isListed)
    return `The others answer only to pages of the servers in http-servers: open this one there.`;
  return null;
}

function draw() {
  const leader = leaderOf(views);
  const why = missing();
  document.title = `${own.cluster}: ${leader ? `S${leader.server} leads` : 'no leader'}`;
  fill(root, [
    markers(),
    h(
      'header',
      null,
      h('h1', null, `Cluster ${own.cluster}`),
      h(
        'span',
        { class: 'soft' },
        `${own.servers} servers, ${own.protocol}; seen from S${own.server}`,
      ),
    ),
    h(
      'main',
      { class: 'live' },
      h(
        'section',
        { class: 'panel stage', 'aria-label': 'The cluster' },
        h('p', { class: 'told', role: 'status' }, told(views, own)),
        why && h('p', { class: 'soft missing' }, why),
        picture({ hover: () => {}, hovered: null }, scene(views, own)),
      ),
      h('div', { class: 'side' }, members(), hearing(), elected(), news()),
    ),
  ]);
}

async function run() {
  for (;;) {
    // Nobody is asked for a page that nobody sees.
    if (!document.hidden) {
      await askAll();
      if (own) draw();
    }
    await new Promise((next) => setTimeout(next, EVERY));
  }
}

hosts = await ask('page/servers').catch(() => ({}));
await run();
