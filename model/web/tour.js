// A tour of six steps: it elects a leader, splits a vote, and breaks an election.
import { h } from './dom.js';

const STOPS = [
  {
    says: 'Three servers want one of them to lead. Nobody hears a leader, so that each timer may fire. Press 1: S1 campaigns.',
    way: 'protocol=figure2&servers=3&terms=2',
    until: (steps) => steps.some((s) => s.rule === 'Campaigned'),
  },
  {
    says: 'S1 stands in term 1 and has voted for itself. Its request is on the way to both others. Deliver it to S2: click the message, or its line on the left.',
    way: 'protocol=figure2&servers=3&terms=2&path=1t',
    until: (steps) => steps.some((s) => s.rule === 'VoteGranted'),
  },
  {
    says: 'Two votes of three are a quorum. Deliver the vote to S1, and it leads: a crown, and a heartbeat at once.',
    way: 'protocol=figure2&servers=3&terms=2&path=1t,2q1.1',
    until: (steps) => steps.some((s) => s.rule === 'Elected'),
  },
  {
    says: 'A split vote: four servers, two candidates, two votes each, and no quorum. Go on with a timer, and a later term decides. ← and → undo and redo.',
    way: 'protocol=figure2&servers=4&terms=2&path=1t,2t,3q1.1,4q2.1,1v3.1,2v4.1',
    until: () => false,
  },
  {
    says: 'An election that is wrong on purpose: a server that restarts forgets its vote. Below, Raft does the same for as long as it can. S1 has voted twice in term 1: the red rings show by what one sees it.',
    mutant: 'vote-forgotten-on-restart',
    until: () => false,
  },
  {
    says: 'This way also behind guards, which keep a leader in office: S1 asked first, leads, and has a lease, since S2 has promised to help nobody else. Now “Jump to…” (/) has all the rest.',
    way: 'protocol=guarded&servers=3&terms=2&path=1t,2t,3t,1t,2p1.1.1,1y2.1.1,2q1.1,1v2.1,2h1.1,1a2.1.1',
    until: () => false,
  },
];

export const tour = { at: -1 };

export function start(app) {
  goTo(app, 0);
}

function goTo(app, number) {
  tour.at = number;
  const stop = STOPS[number];
  if (!stop) {
    tour.at = -1;
    return app.draw();
  }
  const mutant = app.catalogue.mutants.find((m) => m.name === stop.mutant);
  app.goTo(mutant ? mutant.way : stop.way, { beside: mutant ? 'raft' : '' });
}

/** The words of the tour, above the picture. */
export function guide(app, steps) {
  const stop = STOPS[tour.at];
  if (!stop) return null;
  const isDone = stop.until(steps);
  const isLast = tour.at === STOPS.length - 1;
  return h(
    'aside',
    { key: 'tour', class: 'tour', 'aria-label': 'Tour' },
    h('p', null, h('b', null, `${tour.at + 1} of ${STOPS.length}. `), stop.says),
    h(
      'div',
      { class: 'tools' },
      tour.at > 0 && h('button', { key: 'back', onclick: () => goTo(app, tour.at - 1) }, 'Back'),
      h(
        'button',
        { key: 'next', class: isDone ? 'due' : '', onclick: () => goTo(app, tour.at + 1) },
        isLast ? 'The end' : isDone ? 'Done: next' : 'Next',
      ),
      h('button', { key: 'leave', onclick: () => goTo(app, -1) }, 'Leave the tour'),
    ),
  );
}
