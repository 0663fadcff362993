// What the servers say, put together: each server as itself and others see it, and what happened.

/**
 * What a server answered at /status, and when; or why there is no answer.
 * @typedef {{ report: any, at: number, fault: string | null }} View
 * @typedef {Map<number, View>} Views by the number of the server that answered
 */

/** A term as a number, if JavaScript has that number. */
const number = (term) => (Number(term) <= Number.MAX_SAFE_INTEGER ? Number(term) : term);

/** Every server's number. */
export const everyone = (own) => Array.from({ length: own.servers }, (_, i) => i + 1);

/** How long ago it was, in words. */
export function ago(us) {
  if (us === null || us === undefined) return 'never';
  const ms = Math.round(us / 1000);
  if (ms < 1000) return `${ms} ms ago`;
  const s = Math.floor(ms / 1000);
  if (s < 120) return `${s} s ago`;
  return s < 7200 ? `${Math.floor(s / 60)} min ago` : `${Math.floor(s / 3600)} h ago`;
}

export const ms = (us) =>
  us < 10_000 ? `${(us / 1000).toFixed(1)} ms` : `${Math.round(us / 1000)} ms`;

/** The last one that may be acted on, of all leaders that say so: it has the latest term. */
export function leaderOf(/** @type {Views} */ views) {
  const leaders = [...views.values()].filter((view) => view.report && !view.fault);
  const led = leaders.map((view) => view.report).filter((it) => it.role === 'leader');
  led.sort((a, b) => (BigInt(a.term) < BigInt(b.term) ? 1 : -1));
  return led[0] ?? null;
}

/** Whom a server follows; while it stands for election it may still know who led before. */
export const follows = (report) => (report.role === 'follower' ? report.leader : null);

/** Who leads, in a sentence. */
export function told(/** @type {Views} */ views, own) {
  const leader = leaderOf(views);
  if (leader) {
    const acts = leader.leadership ? 'and may act on it' : 'and may not act on it yet';
    return `S${leader.server} leads term ${leader.term}, ${acts}.`;
  }
  if (follows(own)) return `S${own.leader} leads term ${own.term}, as S${own.server} has heard.`;
  return `Nobody leads, as far as S${own.server} knows. It is in term ${own.term}.`;
}

/** A server, as the picture wants it. */
function drawn(/** @type {Views} */ views, own, id) {
  const view = views.get(id);
  if (view?.report && !view.fault) {
    const it = view.report;
    return {
      term: number(it.term),
      role: it.role,
      voted: it.voted_for,
      contact: it.in_contact,
      lease: !!it.leadership,
      says: `${it.role} in term ${it.term}`,
    };
  }
  // Not this page, but its own server may hear it.
  const leads = follows(own) === id && !views.get(own.server)?.fault;
  if (view && !leads)
    return {
      term: null,
      role: 'follower',
      silent: true,
      says: 'does not answer',
    };
  return {
    term: leads ? number(own.term) : null,
    role: leads ? 'leader' : 'not asked',
    says: leads ? `leads term ${own.term}, as S${own.server} has heard` : 'not asked by this page',
  };
}

/** The cluster, as the picture wants it. */
export function scene(/** @type {Views} */ views, own) {
  return {
    cluster: { witnesses: own.witnesses },
    servers: everyone(own).map((id) => drawn(views, own, id)),
    sent: [],
    label: told(views, own),
  };
}

/** The leaders that anybody knows of, the latest first. */
export function elections(/** @type {Views} */ views) {
  const found = new Map();
  for (const { report, at } of views.values()) {
    for (const { term, leader, known_us_ago } of report?.elections.last ?? []) {
      const known = at - known_us_ago / 1000;
      const before = found.get(term);
      if (!before || known < before.known) found.set(term, { term, leader, known });
    }
  }
  const all = [...found.values()];
  return all.sort((a, b) => (BigInt(a.term) < BigInt(b.term) ? 1 : -1)).slice(0, 8);
}

/** What has changed between two answers of one server, in words. */
export function changes(before, now) {
  const id = `S${now.server}`;
  if (!before) return [];
  if (before.process !== now.process) return [`${id} has come up again`];
  if (before.role === now.role && before.term === now.term) {
    const news = before.leader !== now.leader && now.leader && now.role !== 'leader';
    return news ? [`${id} follows S${now.leader} in term ${now.term}`] : [];
  }
  if (now.role === 'leader') return [`${id} is elected in term ${now.term}`];
  if (before.role === 'leader') return [`${id} has left office`];
  if (now.role === 'candidate') return [`${id} campaigns in term ${now.term}`];
  if (now.role === 'pre-candidate') return [`${id} asks whether it would be elected`];
  if (!now.leader) return [`${id} is in term ${now.term}, and knows no leader`];
  return [`${id} follows S${now.leader} in term ${now.term}`];
}
