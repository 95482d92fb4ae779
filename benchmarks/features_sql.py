"""What a person who knows DuckDB well would write for the features of UsageDepth and FeatureBreadth.

The same rules: days, strictly before, rows known late, exposure, no evidence is NULL. The result is compared with
csrisk column by column, so that both do the same work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb
    import pyarrow as pa

WINDOWS = (7, 14, 30, 90, 180)
BREADTH = (30, 90, 180)

LOAD = """
CREATE TEMP TABLE ids AS
  SELECT account_id, (row_number() OVER (ORDER BY account_id))::INTEGER AS account,
         epoch_us(started_at) // 86400000000 AS started FROM '{folder}/accounts.parquet';
CREATE TEMP TABLE people AS SELECT user_id, (row_number() OVER ())::INTEGER AS person
  FROM (SELECT DISTINCT user_id FROM '{folder}/usage.parquet');
CREATE TEMP TABLE snap AS
  SELECT position::INTEGER AS snapshot, account, cut::INTEGER AS cut FROM pairs JOIN ids USING (account_id)
  ORDER BY account, cut;
CREATE TEMP VIEW use AS
  SELECT account, (epoch_us("at") // 86400000000)::INTEGER AS day,
         (epoch_us(greatest("at", coalesce(known_at, "at"))) // 86400000000)::INTEGER AS known,
         user_id, feature, product, quantity, value
  FROM '{folder}/usage.parquet' JOIN ids USING (account_id);
"""

ROLL = """
CREATE TEMP TABLE days AS
  SELECT account, day, known, count(*) AS n, sum(quantity)::DOUBLE AS quantity, sum(value) AS value,
         (known = min(known) OVER (PARTITION BY account, day))::INTEGER AS one
  FROM use GROUP BY account, day, known ORDER BY account, day;
CREATE TEMP TABLE persons AS
  SELECT account, person, day, known, count(*) AS n,
         (known = min(known) OVER (PARTITION BY account, person, day))::INTEGER AS one
  FROM use JOIN people USING (user_id) GROUP BY account, person, day, known ORDER BY account, day;
CREATE TEMP TABLE parts AS
  SELECT account, feature, day, known, count(*) AS n FROM use GROUP BY account, feature, day, known
  ORDER BY account, day;
CREATE TEMP TABLE products AS
  SELECT account, product, day, min(known) AS known FROM use GROUP BY account, product, day ORDER BY account, day;
CREATE TEMP TABLE first_person AS SELECT account, person, min(known) AS known FROM persons GROUP BY ALL;
CREATE TEMP TABLE first_part AS SELECT account, feature, min(known) AS known FROM parts GROUP BY ALL;
CREATE TEMP TABLE first_use AS SELECT account, min(known) AS known FROM days GROUP BY ALL;
CREATE TEMP TABLE book AS SELECT (SELECT min(known) FROM days) AS began;
"""


def _days() -> str:
    counts = ", ".join(
        f"sum(n) FILTER (age <= {w}) AS events_{w}, sum(one) FILTER (age <= {w}) AS days_{w}, "
        f"sum(quantity) FILTER (age <= {w}) AS quantity_{w}, sum(value) FILTER (age <= {w}) AS value_{w}"
        for w in WINDOWS
    )
    return f"""
CREATE TEMP TABLE by_day AS SELECT snapshot, {counts},
    sum(n) FILTER (age <= 30) AS t1, sum(n) FILTER (age > 30 AND age <= 60) AS t2,
    sum(n) FILTER (age > 60 AND age <= 90) AS t3,
    sum(n) FILTER (age <= 84) AS line_n, sum(n * age) FILTER (age <= 84) AS line_age,
    sum(n * exp(-age * ln(2) / 30)) AS decayed, min(age) AS newest, max(age) AS oldest
  FROM (SELECT snapshot, cut - day AS age, n, one, quantity, value FROM snap JOIN days USING (account)
        WHERE day < cut AND known < cut AND day >= cut - 180) GROUP BY snapshot"""


def _persons() -> str:
    users = ", ".join(f"count(*) FILTER (newest <= {w}) AS users_{w}" for w in WINDOWS)
    return f"""
CREATE TEMP TABLE by_person AS SELECT snapshot, {users},
    sum(before) AS users_before, sum(earlier) AS earlier_users,
    count(*) FILTER (earlier = 1 AND newest > 30) AS lost, sum(days_30) AS user_days,
    sum(n_30) AS user_events, sum(n_90) AS user_events_90, max(n_90) AS top_events,
    arg_max(newest, n_180 * 4096 - newest) AS top_silent
  FROM (SELECT snapshot, person, min(age) AS newest, coalesce(sum(n) FILTER (age <= 30), 0) AS n_30,
               coalesce(sum(one) FILTER (age <= 30), 0) AS days_30, coalesce(sum(n) FILTER (age <= 90), 0) AS n_90,
               sum(n) AS n_180, max((age > 30 AND age <= 90)::INTEGER) AS earlier,
               max((age > 30 AND age <= 60)::INTEGER) AS before
        FROM (SELECT snapshot, person, cut - day AS age, n, one FROM snap JOIN persons USING (account)
              WHERE day < cut AND known < cut AND day >= cut - 180) GROUP BY snapshot, person)
  GROUP BY snapshot"""


def _parts() -> str:
    outer = ", ".join(
        f"count(*) FILTER (newest <= {w}) AS used_{w}, sum(n_{w}) AS parts_{w}, max(n_{w}) AS top_{w}, "
        f"sum(n_{w} * ln(greatest(n_{w}, 1))) AS nlogn_{w}"
        for w in BREADTH
    )
    inner = ", ".join(f"coalesce(sum(n) FILTER (age <= {w}), 0) AS n_{w}" for w in BREADTH)
    return f"""
CREATE TEMP TABLE by_part AS SELECT snapshot, {outer}, count(*) FILTER (newest > 30 AND earlier = 1) AS dropped
  FROM (SELECT snapshot, feature, min(age) AS newest, max((age > 30 AND age <= 90)::INTEGER) AS earlier,
               {inner}
        FROM (SELECT snapshot, feature, cut - day AS age, n FROM snap JOIN parts USING (account)
              WHERE day < cut AND known < cut AND day >= cut - 180) GROUP BY snapshot, feature)
  GROUP BY snapshot"""


SMALL = """
CREATE TEMP TABLE by_product AS SELECT snapshot, count(*) FILTER (newest <= 30) AS products_30,
    count(*) FILTER (newest <= 90) AS products_90, count(*) AS products_180
  FROM (SELECT snapshot, product, min(cut - day) AS newest FROM snap JOIN products USING (account)
        WHERE day < cut AND known < cut AND day >= cut - 180 GROUP BY snapshot, product) GROUP BY snapshot;
CREATE TEMP TABLE by_first AS SELECT snapshot, count(*) AS ever, count(*) FILTER (cut - known <= 30) AS new_30,
    count(*) FILTER (cut - known <= 90) AS new_90,
    count(*) FILTER (cut - known <= 180) AS new_180 FROM snap JOIN first_part USING (account) WHERE known < cut
  GROUP BY snapshot;
CREATE TEMP TABLE by_new AS SELECT snapshot, count(*) AS new_users FROM snap JOIN first_person USING (account)
  WHERE known < cut AND known >= cut - 30 GROUP BY snapshot;
CREATE TEMP TABLE silent AS SELECT snapshot, min(cut - day) AS age FROM snap JOIN days USING (account)
  WHERE snapshot NOT IN (SELECT snapshot FROM by_day) AND day < cut AND known < cut GROUP BY snapshot;
CREATE TEMP TABLE open_to AS SELECT cut, (SELECT count(*) FROM (SELECT min(known) AS k FROM parts GROUP BY feature)
    WHERE k < cut) AS features, (SELECT count(*) FROM (SELECT min(known) AS k FROM products GROUP BY product)
    WHERE k < cut) AS goods FROM (SELECT DISTINCT cut FROM snap);
CREATE TEMP TABLE exposure AS SELECT snapshot, least(30, e) AS e30, least(60, e) AS e60, least(90, e) AS e90,
    least(84, e) AS e84, cut - begun AS tenure, cut - began AS recorded,
    CASE WHEN first_use.known < cut THEN first_use.known - begun END AS first_value
  FROM (SELECT *, nullif(greatest(least(cut - begun, cut - began), 0), 0) AS e FROM (
          SELECT snap.*, began, least(CASE WHEN started < cut THEN started END,
                                      CASE WHEN first_use.known < cut THEN first_use.known END) AS begun
          FROM snap JOIN ids USING (account) LEFT JOIN first_use USING (account), book))
  LEFT JOIN first_use USING (account)
"""


def _final() -> str:
    def zero(name: str) -> str:
        return f"coalesce({name}, 0)"

    def per(above: str, below: str) -> str:
        return f"({above})::DOUBLE / nullif({below}, 0)"

    columns = []
    for w in WINDOWS:
        columns += [f"{zero(f'{fact}_{w}')} AS {name}_{w}d" for fact, name in _COUNTS]
    r1, r2, r3 = "(coalesce(t1, 0) / e30)", "(coalesce(t2, 0) / nullif(e60 - e30, 0))", "(t3x / nullif(e90 - e60, 0))"
    r3 = r3.replace("t3x", "coalesce(t3, 0)")
    columns += [
        "coalesce(newest, silent.age) AS days_since_use",
        f"{zero('decayed')} AS decayed_events_30d",
        f"{per(zero('events_90'), 'e90')} AS events_per_day_90d",
        f"{per('events_90', 'days_90')} AS events_per_active_day_90d",
        f"{per(zero('days_90'), 'e90')} AS active_day_share_90d",
        f"{per('oldest - newest', 'days_180 - 1')} AS use_gap_180d",
        f"{per('coalesce(newest, silent.age)', per('oldest - newest', 'days_180 - 1'))} AS overdue_ratio_180d",
        f"{per(f'{r1} - {r2}', f'{r1} + {r2}')} AS events_trend_30d",
        f"CASE WHEN e60 > e30 THEN {per('users_30 - users_before', 'users_30 + users_before')} END"
        " AS active_users_trend_30d",
        f"{per(f'{r1} - 2 * {r2} + {r3}', f'{r1} + {r2} + {r3}')} AS events_acceleration_30d",
        "CASE WHEN e84 >= 14 THEN 84 * ((e84 + 1) / 2 - line_age::DOUBLE / nullif(line_n, 0)) / (e84 * e84 - 1) END"
        " AS events_slope_84d",
        "CASE WHEN tenure <= recorded THEN first_value END AS days_to_first_use",
        f"{per('user_days', 'users_30 * e30')} AS stickiness_30d",
        f"{per('user_events', 'users_30')} AS events_per_user_30d",
        "CASE WHEN recorded > 30 OR (tenure <= recorded AND recorded > 0) THEN coalesce(new_users, 0) END"
        " AS new_users_30d",
        f"{zero('lost')} AS lost_users_30d",
        f"1 - {per('lost', 'earlier_users')} AS user_retention_30d",
        f"{per('top_events', 'user_events_90')} AS top_user_share_90d",
        "top_silent AS top_user_silent_days_180d",
    ]
    for w in BREADTH:
        fresh = f"recorded > {w} OR (tenure <= recorded AND recorded > 0)"
        columns += [
            f"{zero(f'used_{w}')} AS features_used_{w}d",
            f"{per(zero(f'used_{w}'), 'open_to.features')} AS feature_share_{w}d",
            f"CASE WHEN parts_{w} > 0 THEN exp(ln(parts_{w}) - nlogn_{w} / parts_{w}) END AS effective_features_{w}d",
            f"{per(f'top_{w}', f'parts_{w}')} AS top_feature_share_{w}d",
            f"CASE WHEN {fresh} THEN {zero(f'new_{w}')} END AS features_adopted_{w}d",
            f"{zero(f'products_{w}')} AS products_used_{w}d",
        ]
    columns += [
        f"{zero('dropped')} AS features_dropped_30d",
        f"{zero('ever')} AS features_ever",
        f"open_to.goods - {zero('products_180')} AS products_untouched_180d",
    ]
    tables = ("by_day", "by_person", "by_part", "by_product", "by_first", "by_new", "silent", "exposure")
    joins = " ".join(f"LEFT JOIN {table} USING (snapshot)" for table in tables)
    return f"SELECT {', '.join(columns)} FROM snap {joins} JOIN open_to USING (cut) ORDER BY snapshot"


_COUNTS = (
    ("events", "events"),
    ("days", "active_days"),
    ("users", "active_users"),
    ("quantity", "quantity"),
    ("value", "spend"),
)


def execute(connection: duckdb.DuckDBPyConnection, *scripts: str) -> None:
    """Run scripts statement by statement."""
    for script in scripts:
        for statement in script.split(";"):
            if statement.strip():
                connection.execute(statement)


def run(connection: duckdb.DuckDBPyConnection, folder: Path) -> pa.Table:
    """Compute all features; the snapshots are in the table ``pairs``."""
    execute(connection, LOAD.format(folder=folder), ROLL, _days(), _persons(), _parts(), SMALL)
    return connection.sql(_final()).to_arrow_table()
