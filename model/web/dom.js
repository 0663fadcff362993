// Views are values: `h` says what should stand there, `fill` makes it so. What has the same key stays
// the same element, so that it keeps its focus and CSS can move it.

/**
 * @typedef {{ tag: string, props: Record<string, any>, children: Child[] }} View
 * @typedef {View | string} Child
 * @typedef {Child | number | boolean | null | undefined | Some[]} Some
 */

const SVG = 'http://www.w3.org/2000/svg';
const KEY = Symbol('key');
const PROPS = Symbol('props');

/**
 * An element; what is null or a boolean is left out of its children.
 * @param {string} tag
 * @param {Record<string, any> | null} [props] attributes; `on…` is a handler, `key` tells
 *   siblings apart, `painted` is called with the element when it is dressed
 * @param {...Some} children
 * @returns {View}
 */
export function h(tag, props, ...children) {
  /** @type {Child[]} */
  const kept = [];
  for (const child of /** @type {any[]} */ (children.flat(8))) {
    if (child === null || child === undefined || typeof child === 'boolean') continue;
    kept.push(typeof child === 'object' ? child : String(child));
  }
  return { tag, props: props ?? {}, children: kept };
}

/**
 * Lets these stand in an element, in this order, and nothing else.
 * @param {any} parent
 * @param {Child[]} children
 */
export function fill(parent, children) {
  const keyed = new Map();
  const loose = [];
  for (const node of parent.childNodes) {
    if (node[KEY] === undefined) loose.push(node);
    else keyed.set(node[KEY], node);
  }
  let at = parent.firstChild;
  for (const child of children) {
    const node = reused(child, keyed, loose) ?? created(child, parent);
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
    if (typeof child === 'string') {
      if (node.data !== child) node.data = child;
    } else {
      dress(node, child.props);
      fill(node, child.children);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

/** An element that is there already and can become this child. */
function reused(child, keyed, loose) {
  if (typeof child === 'string') {
    const index = loose.findIndex((node) => node.nodeType === Node.TEXT_NODE);
    return index < 0 ? undefined : loose.splice(0, index + 1)[index];
  }
  const key = child.props.key;
  if (key !== undefined) {
    const node = keyed.get(key);
    keyed.delete(key);
    return node?.localName === child.tag ? node : undefined;
  }
  const index = loose.findIndex((node) => node.localName === child.tag);
  return index < 0 ? undefined : loose.splice(0, index + 1)[index];
}

function created(child, parent) {
  if (typeof child === 'string') return document.createTextNode(child);
  const inSvg = child.tag === 'svg' || parent.namespaceURI === SVG;
  const node = inSvg ? document.createElementNS(SVG, child.tag) : document.createElement(child.tag);
  node[KEY] = child.props.key;
  return node;
}

/** Gives an element its attributes and handlers. */
function dress(node, props) {
  const before = node[PROPS] ?? {};
  for (const name in before) if (!(name in props)) put(node, name, null);
  for (const name in props) {
    const isLive = name === 'value' || name === 'checked' || name === 'selected';
    if (before[name] !== props[name] || isLive) put(node, name, props[name]);
  }
  node[PROPS] = props;
  props.painted?.(node);
}

function put(node, name, value) {
  if (name === 'key' || name === 'painted') return;
  // A handler that returns false would keep the event from what it does by itself.
  if (name.startsWith('on')) node[name] = value && ((event) => void value(event));
  else if (name === 'value' || name === 'checked' || name === 'selected') {
    if (node[name] !== value && value !== null) node[name] = value;
  } else if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? '' : String(value));
}
