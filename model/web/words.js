// What things are called on the page.

/** What a message says, in a word or two; by the letter that it has in links. */
export const KINDS = {
  q: { token: 'vote?', noun: 'request for a vote' },
  Q: { token: 'vote!', noun: 'handed-over request for a vote' },
  v: { token: 'vote ✓', noun: 'vote' },
  n: { token: 'no', noun: 'refusal' },
  h: { token: 'leads', noun: 'heartbeat' },
  a: { token: 'heard', noun: 'answer' },
  p: { token: 'would?', noun: 'question for a pre-vote' },
  y: { token: 'would ✓', noun: 'yes to a pre-vote' },
  z: { token: 'would not', noun: 'no to a pre-vote' },
  g: { token: 'take over', noun: 'order to take over' },
};

/** Which of seven hues a term has; 0 is grey, and so is one that is not known. */
export const hue = (term) => {
  if (term === null) return 0;
  const number = Number(BigInt(term) % 7n);
  return term === 0 ? 0 : ((number + 6) % 7) + 1;
};

/** The code of a step, in a few words. */
export function inWords(code) {
  const [, server, kind, from] = /^(\d)(\D)(\d*)/.exec(code) ?? [];
  if (!server) return code;
  const own = { t: `S${server}’s timer`, x: `S${server} restarts`, o: `S${server} hands over` };
  const links = { '!': `S${server} loses S${from}`, '~': `S${server} hears S${from} again` };
  return own[kind] ?? links[kind] ?? `${KINDS[kind]?.noun ?? '?'} S${from} → S${server}`;
}

/** A step in a word, for the lanes. */
export function caption({ action, rule, code, from }) {
  const words = {
    Campaigned: 'campaigns',
    PreCampaigned: 'asks',
    HeartbeatSent: 'heartbeat',
    RoundOpened: 'next round',
    ContactLost: 'contact over',
    QuorumLost: 'gives up',
    HandedOver: 'hands over',
    Started: 'restarts',
    VoteGranted: 'votes',
    VoteRefused: 'refuses',
    ContactKept: 'refuses',
    StaleRequestRefused: 'refuses',
    Elected: 'leads',
    VoteCounted: 'counts',
    HeartbeatAccepted: 'follows',
    SteppedDown: 'follows',
    AnswerCounted: 'counts',
    RoundAnswered: 'answered',
    HeartbeatAnswered: 'hears',
    NewerTermAdopted: 'newer term',
    PreVoteGranted: 'would vote',
    PreVoteRefused: 'would not',
    PreVoteCounted: 'counts',
  };
  if (action === 'Link') return code[1] === '!' ? `loses S${from}` : `hears S${from}`;
  return words[rule] ?? 'ignores';
}
