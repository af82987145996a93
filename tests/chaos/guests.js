// Guests at an open arrival rate who do not give up: they book, some move, some cancel, some click twice, and whoever
// gets no answer asks again with the same Idempotency-Key. Each says in JSON lines what happened to them.
// Driven by tests/chaos/guests.py through the environment.
import exec from 'k6/execution';
import http from 'k6/http';
import { sleep } from 'k6';

const PATIENCE = 240; // seconds
const HALF_HOUR = 30 * 60000;
const calendars = JSON.parse(__ENV.CALENDARS);
const first = Number(__ENV.FIRST);
const base = Number(__ENV.BASE);

http.setResponseCallback(null);
export const options = {
  scenarios: {
    guests: {
      executor: 'constant-arrival-rate',
      rate: Number(__ENV.RATE),
      timeUnit: '1s',
      duration: `${__ENV.SECONDS}s`,
      preAllocatedVUs: Number(__ENV.VUS),
      maxVUs: Number(__ENV.MOST_VUS),
      gracefulStop: `${3 * PATIENCE}s`,
    },
  },
  noVUConnectionReuse: false,
};

const say = (told) => console.log(JSON.stringify({ ...told, at: Date.now() }));

// One guest's chances: the same for the same seed and number.
function chances(n) {
  let state = (Number(__ENV.SEED) * 0x9e3779b1) ^ (n * 0x85ebca6b);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// Ask until there is an answer; `clicks` requests at once.
function insist(method, path, body, headers, clicks) {
  const until = Date.now() + PATIENCE * 1000;
  const request = {
    method,
    url: `${__ENV.URL}${path}`,
    body: body === null ? null : JSON.stringify(body),
    params: { headers: { 'Content-Type': 'application/json', ...headers }, timeout: '20s' },
  };
  for (let tries = 0; ; tries++) {
    const answers = clicks > 1 && tries === 0 ? http.batch(Array(clicks).fill(request)) : [http.request(method, request.url, request.body, request.params)];
    const answer = answers.find((one) => one.status > 0 && one.status < 500 && one.status !== 429);
    if (answer) return { status: answer.status, body: read(answer), tries, others: answers.length > 1 ? answers.map((one) => one.status) : [] };
    if (Date.now() > until) return { status: 0, body: {}, tries, others: [] };
    sleep(Math.min(0.2 * 2 ** tries, 4) * (0.5 + Math.random()));
  }
}

function read(answer) {
  try {
    return answer.json() || {};
  } catch (_) {
    return {};
  }
}

// Look until `done`; null when nobody answers for too long.
function look(id, bearer, done) {
  const until = Date.now() + PATIENCE * 1000;
  for (let looks = 0; Date.now() < until; looks++) {
    const seen = insist('GET', `/bookings/${id}`, null, bearer, 1);
    if (seen.status === 200 && done(seen.body)) return seen.body;
    if (seen.status !== 200) return { status: `http ${seen.status}` };
    sleep(Math.min(1.5 ** looks, 8) * (0.7 + 0.6 * Math.random()));
  }
  return null;
}

// Every tenth asks for a time that ten others want too.
function wanted(n, chance, area) {
  const place = chance() < 0.1 ? Math.floor(n / 240) * 25 : n;
  const start = new Date(base + area + Math.floor(place / calendars.length) * HALF_HOUR);
  return { calendar: calendars[place % calendars.length], start: start.toISOString() };
}

export default function () {
  const n = first + exec.scenario.iterationInTest;
  const chance = chances(n);
  const guest = { name: `Guest ${n}`, email: `guest${n}@chaos.example.net` };
  const { calendar, start } = wanted(n, chance, 0);
  say({ what: 'asks', n });
  const clicks = chance() < 0.05 ? 2 : 1;
  const booked = insist('POST', '/bookings', { calendar, start, tz: 'Europe/Berlin', guest }, { 'Idempotency-Key': `book-${n}` }, clicks);
  const { id, token } = booked.body;
  let status = booked.body.status || null;
  say({ what: 'answered', n, http: booked.status, id, status, start: booked.body.start, code: booked.body.code, tries: booked.tries, others: booked.others });
  if (booked.status === 202) {
    const seen = look(id, { Authorization: `Bearer ${token}` }, (one) => one.status !== 'requested');
    status = seen && seen.status;
    say({ what: 'decided', n, id, status, code: seen && seen.code });
  }
  if (status !== 'confirmed') return;
  const bearer = { Authorization: `Bearer ${token}` };
  const fate = chance();
  if (fate < 0.25) sleep(5 * chance());
  if (fate < 0.12) move(n, id, bearer, wanted(n, chance, 180 * 24 * 60 * 60000).start);
  else if (fate < 0.22) cancel(n, id, bearer);
  else if (fate < 0.25) moveAndCancel(n, id, bearer, wanted(n, chance, 180 * 24 * 60 * 60000).start);
}

function move(n, id, bearer, start) {
  say({ what: 'moves', n, id, start });
  const moved = insist('POST', `/bookings/${id}/reschedule`, { start }, { ...bearer, 'Idempotency-Key': `move-${n}` }, 1);
  let outcome = { 200: 'moved', 409: 'refused', 0: 'unknown' }[moved.status] || `http ${moved.status}`;
  if (moved.status === 202) {
    const seen = look(id, bearer, (one) => one.move === null);
    outcome = seen === null ? 'undecided' : Date.parse(seen.start) === Date.parse(start) ? 'moved' : 'refused';
  }
  say({ what: 'moved', n, id, start, outcome, code: moved.body.code });
}

function cancel(n, id, bearer) {
  say({ what: 'cancels', n, id });
  const done = insist('POST', `/bookings/${id}/cancel`, {}, bearer, 1);
  say({ what: 'cancelled', n, id, outcome: done.status === 200 ? 'cancelled' : `http ${done.status}` });
}

// In two tabs at once; the cancel counts.
function moveAndCancel(n, id, bearer, start) {
  say({ what: 'moves', n, id, start });
  const headers = { 'Content-Type': 'application/json', ...bearer };
  http.batch([
    ['POST', `${__ENV.URL}/bookings/${id}/reschedule`, JSON.stringify({ start }), { headers: { ...headers, 'Idempotency-Key': `move-${n}` }, timeout: '20s' }],
    ['POST', `${__ENV.URL}/bookings/${id}/cancel`, '{}', { headers, timeout: '20s' }],
  ]);
  cancel(n, id, bearer);
}

export function handleSummary(data) {
  const value = (name) => (data.metrics[name] ? data.metrics[name].values.count : 0);
  return { [__ENV.OUT]: JSON.stringify({ dropped: value('dropped_iterations'), offered: value('iterations') }) };
}
