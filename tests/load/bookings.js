// Guests who book, at an open arrival rate; and answers without any work, to compare with.
// Driven by tests/load/guests.py through the environment; the summary goes to the file OUT.
import exec from 'k6/execution';
import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';

const seconds = Number(__ENV.SECONDS);
const calendars = JSON.parse(__ENV.CALENDARS);
const counts = Object.fromEntries(['confirmed', 'in_time', 'waiting', 'refused', 'failed'].map((name) => [name, new Counter(name)]));
const took = new Trend('took', true);

export const options = {
  scenarios: {
    guests: {
      executor: 'constant-arrival-rate',
      rate: Number(__ENV.RATE),
      timeUnit: '1s',
      duration: `${seconds}s`,
      preAllocatedVUs: Number(__ENV.VUS),
      maxVUs: Number(__ENV.VUS),
      gracefulStop: '20s',
    },
  },
  summaryTrendStats: ['med', 'p(99)', 'max'],
  discardResponseBodies: true,
};

export default function () {
  const answer = __ENV.PLAIN ? http.get(`${__ENV.URL}/bookings/current`) : book(exec.scenario.iterationInTest);
  took.add(answer.timings.duration);
  const inTime = exec.instance.currentTestRunDuration <= seconds * 1000;
  if (__ENV.PLAIN) {
    counts[answer.status !== 401 ? 'failed' : inTime ? 'in_time' : 'waiting'].add(1);
    return;
  }
  const name = { 201: 'confirmed', 202: 'waiting', 409: 'refused' }[answer.status] || 'failed';
  counts[name].add(1);
  if (name === 'confirmed' && inTime) counts.in_time.add(1);
}

// Every booking asks for a start of its own: what is measured is the way, not the refusal.
function book(iteration) {
  const n = Number(__ENV.FIRST) + iteration;
  const start = new Date(Number(__ENV.BASE) + Math.floor(n / calendars.length) * 30 * 60000);
  const body = {
    calendar: calendars[n % calendars.length],
    start: start.toISOString(),
    tz: 'Europe/Berlin',
    guest: { name: `Guest ${n}`, email: `guest${n}@example.org` },
  };
  return http.post(`${__ENV.URL}/bookings`, JSON.stringify(body), { headers: { 'Content-Type': 'application/json' } });
}

export function handleSummary(data) {
  const told = { dropped: data.metrics.dropped_iterations ? data.metrics.dropped_iterations.values.count : 0 };
  for (const name of Object.keys(counts)) told[name] = data.metrics[name] ? data.metrics[name].values.count : 0;
  const values = data.metrics.took ? data.metrics.took.values : {};
  told.p50_ms = values.med;
  told.p99_ms = values['p(99)'];
  told.max_ms = values.max;
  return { [__ENV.OUT]: JSON.stringify(told) };
}
