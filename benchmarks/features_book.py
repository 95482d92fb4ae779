"""A skewed book for the benchmark of features, written by DuckDB so that its size is no matter."""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb

START = "2023-01-01"
_SQL = {
    "accounts": """
        SELECT 'account-' || lpad(i::VARCHAR, 7, '0') AS account_id,
               TIMESTAMP '{start}' + to_days((random() * {days} * 0.4)::INTEGER) AS started_at,
               ['small', 'middle', 'large'][1 + (random() * 2.999)::INTEGER % 3] AS segment,
               exp(1.3 * sqrt(-2 * ln(1 - random())) * cos(6.2831853 * random())) AS weight
        FROM range({accounts}) t(i)""",
    # sessions of one person on one day, with about five events each over features of unequal weight
    "usage": """
        WITH share AS (SELECT *, weight / sum(weight) OVER () AS part FROM accounts),
             many AS (SELECT account_id, started_at,
                             greatest(1, (part * {events} / 5)::BIGINT) AS n,
                             greatest(1, (2 * sqrt(part * {events} / 100))::INTEGER) AS people FROM share),
             sessions AS (SELECT account_id, started_at, people, unnest(range(n)) AS k FROM many),
             dated AS (SELECT account_id, (random() * random() * people)::INTEGER AS person, random() < {late} AS late,
                              started_at + to_seconds((random()
                                  * epoch(TIMESTAMP '{start}' + to_days({days}) - started_at))::BIGINT) AS begun,
                              1 + (random() * 8)::INTEGER AS length FROM sessions),
             rows AS (SELECT *, unnest(range(length)) AS k FROM dated)
        SELECT account_id,
               begun + to_seconds(60 * k) AS "at",
               account_id || '/' || person AS user_id,
               'feature-' || (random() * random() * 20)::INTEGER AS feature,
               1 + (random() * 4)::INTEGER AS quantity,
               'product-' || (random() * random() * 3)::INTEGER AS product,
               (random() * 10000)::INTEGER / 100.0 AS value,
               late
        FROM rows""",
    "contacts": """
        WITH rows AS (SELECT account_id, started_at FROM accounts, range({contacts} // {accounts})),
             dated AS (SELECT account_id, started_at + to_seconds((random() * random()
                           * epoch(TIMESTAMP '{start}' + to_days({days}) - started_at))::BIGINT) AS opened_at FROM rows)
        SELECT account_id, opened_at,
               CASE WHEN random() < 0.9 THEN opened_at + to_seconds((random() * 400000)::BIGINT) END AS resolved_at,
               ['email', 'phone', 'chat'][1 + (random() * 2.999)::INTEGER % 3] AS channel,
               ['customer', 'vendor'][1 + (random() * 1.4)::INTEGER % 2] AS initiated_by,
               ['support', 'meeting', 'billing'][1 + (random() * 2.999)::INTEGER % 3] AS kind,
               'handler-' || (random() * 200)::INTEGER AS handler,
               (random() * random() * 4)::INTEGER AS transfers,
               random() < 0.1 AS reopened
        FROM dated""",
    "surveys": """
        WITH rows AS (SELECT account_id, started_at FROM accounts, range({surveys} // {accounts})),
             dated AS (SELECT account_id, started_at + to_seconds((random()
                           * epoch(TIMESTAMP '{start}' + to_days({days}) - started_at))::BIGINT) AS sent_at FROM rows),
             asked AS (SELECT *, CASE WHEN random() < 0.4 THEN sent_at + to_seconds((random() * 600000)::BIGINT) END
                           AS answered_at FROM dated)
        SELECT account_id, sent_at, answered_at,
               ['NPS', 'CSAT'][1 + (random() * 1.999)::INTEGER % 2] AS kind,
               CASE WHEN answered_at IS NOT NULL THEN 1 + (random() * 4)::INTEGER END AS score
        FROM asked""",
}


def write_book(
    folder: Path, *, events: int, accounts: int, contacts: int, surveys: int, days: int = 730, late: float = 0.01
) -> None:
    """Write the tables as Parquet."""
    folder.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.execute("SET threads=1")
    connection.execute("SELECT setseed(0.25)")
    numbers = {"events": events, "accounts": accounts, "contacts": contacts, "surveys": surveys, "days": days}
    end = f"TIMESTAMP '{START}' + to_days({days})"
    for name, text in _SQL.items():
        connection.execute(f"CREATE TABLE {name} AS {text.format(start=START, late=late, **numbers)}")
        columns = "* EXCLUDE (weight)" if name == "accounts" else "*"
        keep = "true"
        if name == "usage":
            columns = '* EXCLUDE (late), CASE WHEN late THEN "at" + INTERVAL 3 DAY END AS known_at'
            keep = f'"at" < {end}'
        target = folder / f"{name}.parquet"
        connection.execute(f"COPY (SELECT {columns} FROM {name} WHERE {keep}) TO '{target}' (FORMAT parquet)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scale", type=float, default=0.05, help="1 is 20M events and 50k accounts")
    arguments = parser.parse_args()
    scale = arguments.scale
    write_book(
        arguments.folder,
        events=int(20_000_000 * scale),
        accounts=int(50_000 * scale),
        contacts=int(1_000_000 * scale),
        surveys=int(200_000 * scale),
    )


if __name__ == "__main__":
    main()
