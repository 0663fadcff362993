// The link: everything that is looked at stands in the fragment of the page's address.

/**
 * @typedef {object} Link
 * @property {Record<string, string>} setting which election, as the server reads it
 * @property {string[]} path causes, one a step
 * @property {number} at the step that is looked at
 * @property {number | null} loop from which step on the rest repeats for ever
 * @property {string} beside which election is driven by the same causes: none, `raft` or a protocol
 * @property {string} about what the path shows: a mutant's name, say
 * @property {string} view `model`, or `run` for what real servers did
 * @property {string} specification a hash of the specification that the link was made with
 */

/** The parameters that say which election it is, in the order in which they are written. */
export const SETTING = [
  'protocol',
  'servers',
  'witness',
  'lost-disks',
  'terms',
  'first',
  'begin',
  'replies',
  'hand-over',
  'patience',
  'mutant',
];
const USUAL = { protocol: 'figure2', servers: '3', terms: '2' };

/**
 * @param {string} fragment
 * @returns {Link}
 */
export function read(fragment) {
  const query = new URLSearchParams(fragment.replace(/^#/, ''));
  /** @type {Record<string, string>} */
  const setting = { ...USUAL };
  for (const name of SETTING) {
    const value = query.get(name);
    if (value) setting[name] = value;
  }
  const path = (query.get('path') ?? '').split(',').filter(Boolean);
  const number = (name, otherwise) => {
    const text = query.get(name);
    return text !== null && /^\d{1,5}$/.test(text) ? Math.min(+text, path.length) : otherwise;
  };
  return {
    setting,
    path,
    at: number('at', path.length),
    loop: number('loop', null),
    beside: query.get('beside') ?? '',
    about: query.get('about') ?? '',
    view: query.get('view') === 'run' ? 'run' : 'model',
    specification: query.get('specification') ?? '',
  };
}

/**
 * @param {Link} link
 * @returns {string} with the `#`
 */
export function write(link) {
  if (link.view === 'run') return '#view=run';
  const parts = SETTING.filter((name) => link.setting[name]).map(
    (name) => `${name}=${encodeURIComponent(link.setting[name])}`,
  );
  if (link.path.length) parts.push(`path=${link.path.map(encodeURIComponent).join(',')}`);
  if (link.at !== link.path.length) parts.push(`at=${link.at}`);
  if (link.loop !== null) parts.push(`loop=${link.loop}`);
  if (link.beside) parts.push(`beside=${encodeURIComponent(link.beside)}`);
  if (link.about) parts.push(`about=${encodeURIComponent(link.about)}`);
  if (link.specification) parts.push(`specification=${encodeURIComponent(link.specification)}`);
  return `#${parts.join('&')}`;
}

/** The setting that is driven beside: the same without the mistake, or by another protocol. */
export function besideSetting(link) {
  const setting = { ...link.setting };
  delete setting.mutant;
  if (link.beside !== 'raft') setting.protocol = link.beside;
  return setting;
}

/** The part of the server's question that says which election it is. */
export function question(setting, more = {}) {
  const parts = SETTING.filter((name) => setting[name]).map((name) => [name, setting[name]]);
  return new URLSearchParams([...parts, ...Object.entries(more)]).toString();
}
