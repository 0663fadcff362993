// Where things stand in the picture of a cluster.

/** The radius of a server. */
export const R = 46;
/** The height of a message. */
export const H = 24;

/**
 * @typedef {{ x: number, y: number }} Point
 * @typedef {{ d: string, at: (t: number) => Point, length: number }} Way
 */

/**
 * Where a server stands, of so many.
 * @returns {Point}
 */
export function place(id, n) {
  if (n === 1) return { x: 320, y: 250 };
  if (n === 2) return { x: id === 1 ? 150 : 490, y: 250 };
  const angle = -Math.PI / 2 + (2 * Math.PI * (id - 1)) / n;
  const [rx, ry] = n === 3 ? [232, 180] : n === 4 ? [240, 186] : n === 5 ? [256, 200] : [286, 218];
  return { x: 320 + rx * Math.cos(angle), y: 260 + ry * Math.sin(angle) };
}

/**
 * An arc from the rim of one server to that of another; the way back bends to the other side.
 * @param {Point} a
 * @param {Point} b
 * @param {number} [by] how far it bends: 0 is a straight line
 * @returns {Way}
 */
export function arc(a, b, by) {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const distance = Math.hypot(dx, dy);
  const bend = by ?? (distance < 320 ? 0.25 : 0.17);
  const c = { x: (a.x + b.x) / 2 + dy * bend, y: (a.y + b.y) / 2 - dx * bend };
  const from = towards(a, c, R + 8);
  const to = towards(b, c, R + 13);
  const at = (t) => ({
    x: (1 - t) ** 2 * from.x + 2 * t * (1 - t) * c.x + t * t * to.x,
    y: (1 - t) ** 2 * from.y + 2 * t * (1 - t) * c.y + t * t * to.y,
  });
  return { d: `M${dot(from)} Q${dot(c)} ${dot(to)}`, at, length: distance - 2 * R };
}

/** The point that is so far from `a` on the way to `b`. */
export function towards(a, b, by) {
  const length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
  return { x: a.x + ((b.x - a.x) * by) / length, y: a.y + ((b.y - a.y) * by) / length };
}

export const dot = ({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`;

/** A piece of a ring, between two angles from the top. */
export function segment(r, from, to) {
  const point = (angle) => dot({ x: r * Math.sin(angle), y: -r * Math.cos(angle) });
  const isLong = to - from > Math.PI ? 1 : 0;
  return `M${point(from)} A${r},${r} 0 ${isLong} 1 ${point(to)}`;
}

/** How far two boxes lie over each other: 0 if they do not. */
function overlap(a, b) {
  const x = (a.w + b.w) / 2 + 5 - Math.abs(a.x - b.x);
  const y = (a.h + b.h) / 2 + 4 - Math.abs(a.y - b.y);
  return x > 0 && y > 0 ? x * y : 0;
}

/**
 * Finds a place on its way for each message, so that no two lie over each other if that can be.
 * @param {{ way: Way, w: number, home: number, t?: number }[]} messages
 * @param {{ x: number, y: number, w: number, h: number }[]} obstacles
 */
export function spread(messages, obstacles) {
  const box = (message, t) => ({ ...message.way.at(t), w: message.w, h: H });
  for (const message of messages) message.t = message.home;
  for (let sweep = 0; sweep < 3; sweep++) {
    for (const message of messages) {
      const others = messages.filter((other) => other !== message);
      const boxes = [...others.map((other) => box(other, other.t)), ...obstacles];
      let best = Infinity;
      for (let t = 0.16; t <= 0.87; t += 0.03) {
        const here = box(message, t);
        const over = boxes.reduce((sum, other) => sum + overlap(here, other), 0);
        const cost = over + 60 * Math.abs(t - message.home);
        if (cost < best) [best, message.t] = [cost, t];
      }
    }
  }
}
