// Guests who book. Driven by tests/load/guests.py through the environment; the summary goes to the file OUT.
// MODE arrivals: RATE a second, whoever waits for an answer. crowd: VUS guests, each asks again when answered.
// race: VUS guests ask once, all for one start. plain: answers without any work, to compare with.
import exec from 'k6/execution';
import http from 'k6/http';
import { sleep } from 'k6';
import { Counter, Trend } from 'k6/metrics';

const mode = __ENV.MODE;
const seconds = Number(__ENV.SECONDS);
const guests = Number(__ENV.VUS);
const urls = JSON.parse(__ENV.URLS);
const calendars = JSON.parse(__ENV.CALENDARS);
const counts = Object.fromEntries(
  ['asked', 'confirmed', 'in_time', 'waiting', 'refused', 'failed'].map((name) => [name, new Counter(name)]),
);
const codes = Object.fromEntries(
  ['slot_taken', 'slot_not_offered', 'request_expired', 'other'].map((name) => [name, new Counter(name)]),
);
const took = new Trend('took', true);
const answered = new Trend('answered', true);
const json = { 'Content-Type': 'application/json', ...(mode === 'race' ? { Prefer: 'wait=30' } : {}) };

const often = { duration: `${seconds}s`, gracefulStop: '40s' };
const scenarios = {
  arrivals: {
    executor: 'constant-arrival-rate',
    rate: Number(__ENV.RATE),
    timeUnit: '1s',
    preAllocatedVUs: guests,
    maxVUs: guests,
    ...often,
  },
  crowd: { executor: 'constant-vus', vus: guests, ...often },
  plain: { executor: 'constant-vus', vus: guests, ...often },
  race: { executor: 'per-vu-iterations', vus: guests, iterations: 1, maxDuration: '120s' },
};

export const options = {
  scenarios: { guests: scenarios[mode] },
  summaryTrendStats: ['med', 'p(90)', 'p(99)', 'p(99.9)', 'max'],
  discardResponseBodies: mode !== 'race',
};

export default function () {
  const n = exec.scenario.iterationInTest;
  const url = urls[n % urls.length];
  const began = Date.now();
  let answer = mode === 'plain' ? http.get(`${url}/bookings/current`) : book(url, n);
  took.add(answer.timings.duration);
  counts.asked.add(1);
  const inTime = exec.instance.currentTestRunDuration <= seconds * 1000;
  if (mode === 'plain') {
    counts[answer.status !== 401 ? 'failed' : inTime ? 'in_time' : 'waiting'].add(1);
    return;
  }
  if (answer.status === 202) counts.waiting.add(1);
  if (mode === 'race') answer = followed(url, answer);
  answered.add(Date.now() - exec.scenario.startTime);
  if (answer.status === 201) counts.confirmed.add(1);
  else if (answer.status === 409) counts.refused.add(1);
  else if (answer.status !== 202) counts.failed.add(1);
  if (answer.status === 201 && inTime) counts.in_time.add(1);
}

// No start is asked for twice, unless in a race: what is measured is the way, not the refusal.
function book(url, iteration) {
  const n = Number(__ENV.FIRST) + iteration;
  const start = Math.floor(n / calendars.length) % Number(__ENV.STARTS);
  const body = {
    calendar: calendars[n % calendars.length],
    start: new Date(Number(__ENV.BASE) + (mode === 'race' ? 0 : start * 30 * 60000)).toISOString(),
    tz: 'Europe/Berlin',
    guest: { name: `Guest ${n}`, email: `guest${n}@example.org` },
  };
  return http.post(`${url}/bookings`, JSON.stringify(body), { headers: json, timeout: '100s' });
}

// Whoever is told to wait asks again, less and less often, until it is decided; and how those who lost were answered is counted.
function followed(url, first) {
  let answer = first;
  let pause = 1;
  let seen = first.status === 202 ? first.json() : null;
  while (seen !== null && seen.status === 'requested') {
    sleep(pause);
    pause = Math.min(pause * 2, 8);
    const again = http.get(`${url}/bookings/${seen.id}`, { headers: { Authorization: `Bearer ${first.json().token}` } });
    if (again.status !== 200) return again;
    seen = again.json();
    if (seen.status !== 'requested') answer = { status: seen.status === 'confirmed' ? 201 : 409, json: () => seen };
  }
  if (answer.status === 409) (codes[answer.json().code] || codes.other).add(1);
  return answer;
}

export function handleSummary(data) {
  const value = (name, of) => (data.metrics[name] ? data.metrics[name].values[of] : 0);
  const told = { dropped: value('dropped_iterations', 'count'), codes: {} };
  for (const name of Object.keys(counts)) told[name] = value(name, 'count');
  for (const name of Object.keys(codes)) told.codes[name] = value(name, 'count');
  told.p50_ms = value('took', 'med');
  told.p90_ms = value('took', 'p(90)');
  told.p99_ms = value('took', 'p(99)');
  told.p999_ms = value('took', 'p(99.9)');
  told.max_ms = value('took', 'max');
  told.last_ms = value('answered', 'max');
  return { [__ENV.OUT]: JSON.stringify(told) };
}
