"""Bookings, moves, cancellations and load per host, from Turnus' events into DuckDB. See README.md beside it.

Rows first, then offsets: a crash in between brings the same events again, and a row that is there already is left alone
(a fact is told apart by its booking and version). The consumer group belongs to the file: a new file reads everything.
"""

import argparse
import asyncio

import duckdb
from aiokafka import AIOKafkaConsumer

from turnus_contracts import BookingConcluded, BookingConfirmed, BookingMoved, BookingReleased, Settled

FACTS: dict[str, type[Settled]] = {
    fact.topic(): fact for fact in (BookingConfirmed, BookingMoved, BookingReleased, BookingConcluded)
}
SCHEMA = """
CREATE TABLE IF NOT EXISTS me AS SELECT 'analytics-' || uuid() AS consumer_group;
CREATE TABLE IF NOT EXISTS facts (booking_id TEXT, version INT, calendar_id TEXT, status TEXT, attempt INT,
    revision INT, host_ids TEXT[], start TIMESTAMPTZ, minutes INT, PRIMARY KEY (booking_id, version));
CREATE OR REPLACE VIEW bookings AS -- of the four facts the one with the highest version says what a booking is
    FROM facts WHERE attempt > 0 QUALIFY row_number() OVER (PARTITION BY booking_id ORDER BY version DESC) = 1;
CREATE OR REPLACE VIEW calendars AS
    SELECT calendar_id, count(*) AS bookings, sum(revision)::INT AS moves, count(*) FILTER (status = 'cancelled')
    AS cancelled FROM bookings GROUP BY ALL ORDER BY ALL;
CREATE OR REPLACE VIEW hosts AS
    SELECT host_id, count(*) AS bookings, sum(minutes)::INT AS minutes
    FROM bookings, unnest(host_ids) AS served(host_id) WHERE status != 'cancelled' GROUP BY ALL ORDER BY ALL;
"""


def row(fact: Settled) -> tuple[object, ...]:
    status = getattr(fact, "status", "confirmed")  # known: cancelled, expired, attended, no_show
    settled = (fact.booking_id, fact.version, fact.calendar_id, status, fact.attempt, fact.revision)
    return (*settled, list(fact.host_ids), fact.start, int((fact.end - fact.start).total_seconds() // 60))


async def follow(kafka: str, db: duckdb.DuckDBPyConnection) -> None:
    group = str(db.sql("FROM me").fetchall()[0][0])
    async with AIOKafkaConsumer(
        *FACTS, bootstrap_servers=kafka, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False
    ) as consumer:
        while True:
            print(db.sql("FROM calendars"), db.sql("FROM hosts"), sep="\n", flush=True)
            while not (found := await consumer.getmany(timeout_ms=60_000)):
                pass
            facts = [FACTS[one.topic].model_validate_json(one.value or b"") for part in found.values() for one in part]
            db.executemany("INSERT OR IGNORE INTO facts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", list(map(row, facts)))
            await consumer.commit()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kafka", help="address of the broker, host:port")
    parser.add_argument("file", help="the DuckDB database, made if it is not there")
    asked = parser.parse_args()
    with duckdb.connect(asked.file) as connection:
        connection.execute(SCHEMA)
        asyncio.run(follow(asked.kafka, connection))
