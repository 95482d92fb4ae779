"""A query makes a table of the tables of the source, and can do nothing else."""

from __future__ import annotations

import os
import sqlite3
import time
import warnings
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from csrisk import CustomerData, RiskSpec
from csrisk._pipeline._load import open_source
from csrisk._pipeline._sources._sqlite import sqlite_tables
from csrisk.data._query import SEALED, answered, far_table, tables_of
from csrisk.exceptions import ConfigError, DataWarning

SUBS = "id,plan_id,start,state,jan,feb\n007,p1,2024-01-01,active,1,2\n008,p2,2024-02-01,trial,3,\n"
PLANS = "plan_id,price\np1,1200\np2,600.5\n"
JOINED = """
    SELECT id AS account_id, start AS start_at, price / 12 AS mrr, 'EUR' AS currency -- a constant
    FROM 'subs.csv' JOIN 'plans.csv' USING (plan_id) WHERE start < DATE '2024-06-01';
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of exports, a secret beside it, and links that lead there."""
    home = tmp_path_factory.mktemp("home")
    (home / "secret.csv").write_text("account_id,at\nx,2024-01-01\n")
    (home / "private").mkdir()
    (home / "private" / "deep.csv").write_text("account_id,at\nx,2024-01-01\n")
    folder = home / "exports"
    folder.mkdir()
    (folder / "subs.csv").write_text(SUBS)
    (folder / "plans.csv").write_text(PLANS)
    (folder / "notes.txt").write_text("no table here")
    (folder / "link.csv").symlink_to(home / "secret.csv")
    (folder / "linked").symlink_to(home / "private")
    (folder / "parts").mkdir()
    (folder / "parts" / "a.csv").symlink_to(home / "secret.csv")
    return folder


ATTACKS = {
    # places
    "a path upwards": ("SELECT * FROM '../secret.csv'", "not in the folder"),
    "a path upwards in the middle": ("SELECT * FROM 'parts/../../secret.csv'", "not in the folder"),
    "a path upwards the other way": ("SELECT * FROM '..\\secret.csv'", "not in the folder"),
    "an absolute path": ("SELECT * FROM '/etc/passwd'", "not in the folder"),
    "an absolute path of Windows": ("SELECT * FROM 'C:/Users/x.csv'", "not in the folder"),
    "a share": ("SELECT * FROM '\\\\host\\x.csv'", "not in the folder"),
    "a home": ("SELECT * FROM '~/x.csv'", "not in the folder"),
    "a pattern upwards": ("SELECT * FROM '../*.csv'", "not in the folder"),
    "http": ("SELECT * FROM 'https://example.com/x.csv'", "not in the folder"),
    "s3": ("SELECT * FROM 's3://bucket/x.parquet'", "not in the folder"),
    "file address": ("SELECT * FROM 'file:///etc/passwd'", "not in the folder"),
    "a link that leads out": ("SELECT * FROM 'link.csv'", "out of the folder by a link"),
    "the stem of a link": ("SELECT * FROM link", "out of the folder by a link"),
    "a linked folder": ("SELECT * FROM 'linked'", "out of the folder by a link"),
    "a file in a linked folder": ("SELECT * FROM 'linked/deep.csv'", "out of the folder by a link"),
    "a pattern over links": ("SELECT * FROM 'lin*.csv'", "out of the folder by a link"),
    "parts that are links": ("SELECT * FROM 'parts'", "out of the folder by a link"),
    "what is not there": ("SELECT * FROM 'nothing.csv'", "no file of the folder is called so"),
    "another schema": ("SELECT * FROM main.subs", "schema or database of its own"),
    "another database": ("SELECT * FROM system.main.duckdb_settings", "schema or database of its own"),
    "the catalogue": ("SELECT * FROM information_schema.tables", "schema or database of its own"),
    "a view of the catalogue": ("SELECT * FROM duckdb_tables", "no file of the folder"),
    "sqlite_master": ("SELECT * FROM sqlite_master", "no file of the folder"),
    "a view of the engine behind a WITH": (
        "SELECT * FROM (WITH duckdb_tables AS (SELECT 1 AS x) SELECT * FROM duckdb_tables) a, duckdb_tables b",
        "called like a view of the engine",
    ),
    "one file in two spellings": ("SELECT * FROM subs a JOIN SUBS b USING (id)", "differ in case alone"),
    "a Python variable": ("SELECT * FROM SUBS_FRAME", "no file of the folder"),
    # functions that read
    "read_csv": ("SELECT * FROM read_csv('/etc/passwd')", "read_csv.* reads something else"),
    "read_csv of the folder": ("SELECT * FROM read_csv('plans.csv')", "read_csv.* reads something else"),
    "read_csv_auto": ("SELECT * FROM read_csv_auto('x')", "reads something else"),
    "read_parquet": ("SELECT * FROM read_parquet(['x', '/y'])", "reads something else"),
    "read_json": ("SELECT * FROM read_json('x')", "reads something else"),
    "read_text": ("SELECT content FROM read_text('/etc/passwd')", "reads something else"),
    "read_blob": ("SELECT * FROM read_blob('/etc/*')", "reads something else"),
    "glob": ("SELECT * FROM glob('/*')", "reads something else"),
    "sniff_csv": ("SELECT * FROM sniff_csv('/etc/passwd')", "reads something else"),
    "parquet_metadata": ("SELECT * FROM parquet_metadata('/x')", "reads something else"),
    "parquet_schema": ("SELECT * FROM parquet_schema('/x')", "reads something else"),
    "settings": ("SELECT * FROM duckdb_settings()", "reads something else"),
    "secrets": ("SELECT * FROM duckdb_secrets()", "reads something else"),
    "which_secret": ("SELECT * FROM which_secret('s3://x', 's3')", "reads something else"),
    "extensions": ("SELECT * FROM duckdb_extensions()", "reads something else"),
    "a query in a query": ("SELECT * FROM query('SELECT 1')", "reads something else"),
    "query_table": ("SELECT * FROM query_table('subs')", "reads something else"),
    "serialised": ("SELECT * FROM json_execute_serialized_sql('{}')", "reads something else"),
    "a scan of Python": ("SELECT * FROM python_arrow_scan(1, 2, 3)", "reads something else"),
    "a pragma as a table": ("SELECT * FROM pragma_table_info('subs')", "reads something else"),
    "postgres_scan": ("SELECT * FROM postgres_scan('host=x', 'y', 'z')", "reads something else"),
    # functions that tell or do
    "the environment": ("SELECT getenv('HOME') AS account_id", "getenv is not on the list"),
    "a setting": ("SELECT current_setting('home_directory')", "current_setting is not on the list"),
    "a variable": ("SELECT getvariable('x')", "getvariable is not on the list"),
    "the query itself": ("SELECT current_query()", "current_query is not on the list"),
    "a log": ("SELECT write_log('x')", "write_log is not on the list"),
    "sleep": ("SELECT sleep_ms(100000)", "sleep_ms is not on the list"),
    "an error": ("SELECT error(id) FROM subs", "error is not on the list"),
    "the parser": ("SELECT json_serialize_sql('SELECT 1')", "json_serialize_sql is not on the list"),
    "long text": ("SELECT repeat('x', 2000000000)", "repeat is not on the list"),
    "padded text": ("SELECT lpad('x', 2000000000, 'y')", "lpad is not on the list"),
    "a function of a schema": ("SELECT main.lower('x')", "schema of its own"),
    "in an ORDER BY": ("SELECT id FROM subs ORDER BY getenv('HOME')", "getenv is not on the list"),
    "in a window": ("SELECT sum(1) OVER (ORDER BY getenv('HOME')) FROM subs", "getenv is not on the list"),
    "in a FILTER": ("SELECT count(*) FILTER (WHERE getenv('X') = '') FROM subs", "getenv is not on the list"),
    "in a LIMIT": ("SELECT id FROM subs LIMIT (SELECT length(getenv('X')))", "getenv is not on the list"),
    "in a subquery": ("SELECT (SELECT content FROM read_text('/etc/passwd'))", "reads something else"),
    "in a WITH": ("WITH t AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM t", "reads something else"),
    "in an unused WITH": ("WITH t AS (SELECT * FROM glob('/*')) SELECT 1 AS x", "reads something else"),
    "in a UNION": ("SELECT id FROM subs UNION ALL SELECT content FROM read_text('/x')", "reads something else"),
    "in a lambda": ("SELECT list_transform([1], lambda x: getenv('HOME'))", "is not on the list"),
    "in an UNPIVOT": (
        "SELECT * FROM (SELECT * FROM read_csv('x')) UNPIVOT (v FOR m IN (a, b))",
        "reads something else",
    ),
    # what differs from run to run
    "the clock": ("SELECT now() AS at", "now differs from run to run"),
    "the date": ("SELECT current_date AS at", "current_date differs from run to run"),
    "the user": ("SELECT current_user AS account_id", "current_user differs"),
    "a user of a table": ("SELECT s.id, session_user FROM subs s", "session_user differs"),
    "chance": ("SELECT random() AS value", "random differs from run to run"),
    "an id": ("SELECT uuid() AS account_id", "uuid differs from run to run"),
    "a sample": ("SELECT * FROM subs TABLESAMPLE 50%", "rows at random"),
    "using a sample": ("SELECT * FROM subs USING SAMPLE 1", "rows at random"),
    # statements
    "two statements": ("SELECT 1; SELECT 2", "2 statements"),
    "a hidden second": ("SELECT 1 /* ; */; -- ;\nDROP TABLE x", "2 statements"),
    "a statement behind a comment": ("-- SELECT 1\nCREATE TABLE t (a int)", "no SELECT but CREATE"),
    "nothing but a comment": ("-- SELECT 1", "0 statements"),
    "ATTACH": ("ATTACH '/tmp/x.db' AS y", "no SELECT but ATTACH"),
    "DETACH": ("DETACH asked", "no SELECT but DETACH"),
    "COPY to": ("COPY (SELECT 1) TO '/tmp/x.csv'", "no SELECT but COPY"),
    "COPY from": ("COPY subs FROM '/etc/passwd'", "no SELECT but COPY"),
    "EXPORT": ("EXPORT DATABASE '/tmp/x'", "no SELECT but EXPORT"),
    "IMPORT": ("IMPORT DATABASE '/tmp/x'", "no SELECT but|cannot be parsed"),
    "INSTALL": ("INSTALL httpfs", "no SELECT but LOAD"),
    "LOAD": ("LOAD httpfs", "no SELECT but LOAD"),
    "PRAGMA": ("PRAGMA enable_external_access", "no SELECT but|cannot be parsed"),
    "SET": ("SET enable_external_access = true", "no SELECT but SET"),
    "RESET": ("RESET lock_configuration", "no SELECT but"),
    "USE": ("USE memory", "no SELECT but"),
    "CALL": ("CALL pragma_version()", "no SELECT but CALL"),
    "CREATE": ("CREATE TABLE t AS SELECT 1", "no SELECT but CREATE"),
    "a macro": ("CREATE MACRO lower(x) AS getenv(x)", "no SELECT but CREATE"),
    "a secret": ("CREATE SECRET s (TYPE s3)", "no SELECT but|cannot be parsed"),
    "INSERT": ("INSERT INTO subs VALUES (1)", "no SELECT but INSERT"),
    "UPDATE": ("UPDATE subs SET id = 1", "no SELECT but UPDATE"),
    "DELETE": ("DELETE FROM subs", "no SELECT but DELETE"),
    "DROP": ("DROP TABLE subs", "no SELECT but DROP"),
    "an INSERT in a WITH": ("WITH t AS (INSERT INTO subs VALUES (1) RETURNING *) SELECT * FROM t", "INSERT|parsed"),
    "EXPLAIN": ("EXPLAIN ANALYZE SELECT 1", "no SELECT but EXPLAIN"),
    "PREPARE": ("PREPARE p AS SELECT 1", "no SELECT but PREPARE"),
    "EXECUTE": ("EXECUTE p", "no SELECT but EXECUTE"),
    "SHOW": ("SHOW TABLES", "SHOW"),
    "SHOW within": ("SELECT * FROM (SHOW ALL TABLES)", "SHOW|parsed"),
    "DESCRIBE": ("DESCRIBE subs", "SHOW|DESCRIBE"),
    "SUMMARIZE": ("SUMMARIZE subs", "SHOW|SUMMARIZE"),
    "CHECKPOINT": ("CHECKPOINT", "no SELECT but"),
    "VACUUM": ("VACUUM", "no SELECT but VACUUM"),
    "a parameter": ("SELECT $1 AS x", "PARAMETER"),
    "a name that is a word of SQL": ("SELECT id, at FROM subs", "stands in quotes"),
    # names and signs
    "a WITH called like a file that reads outside": (
        "WITH subs AS (SELECT * FROM '../secret.csv') SELECT * FROM subs",
        "not in the folder",
    ),
    "a path beside a WITH of its own": ("SELECT * FROM (WITH x AS (SELECT 1) FROM x) a, '/etc/passwd' b", "not in the"),
    "a path in double quotes": ('SELECT * FROM "../secret.csv"', "not in the folder"),
    "FROM before SELECT": ("FROM '/etc/passwd'", "not in the folder"),
    "TABLE": ("TABLE duckdb_settings", "no file of the folder"),
    "the folder above": ("SELECT * FROM '..'", "not in the folder|no file of the folder"),
    "what the process knows": ("SELECT * FROM '/proc/self/environ'", "not in the folder"),
    "a slash that only looks like one": ("SELECT * FROM '\u2025\u2215secret.csv'", "no file of the folder"),
    "dots of full width": ("SELECT * FROM '\uff0e\uff0e/secret.csv'", "not in the folder|no file of the folder"),
    "a sign without width before": ("SELECT * FROM '\u200b../secret.csv'", "not in the folder|no file of the folder"),
    "text from right to left": ("SELECT * FROM '\u202e../secret.csv'", "not in the folder|no file of the folder"),
    "an address behind a question mark": ("SELECT * FROM 'plans.csv?x=../../secret.csv'", "not in the|no file of"),
    "escapes": ("SELECT * FROM E'\\x2e\\x2e/secret.csv'", "cannot be parsed"),
    "an ASOF JOIN": ("SELECT * FROM subs ASOF JOIN '/etc/passwd' p ON subs.id >= p.id", "not in the folder"),
    "a PIVOT of another file": ("SELECT * FROM (FROM '/etc/passwd') PIVOT (count(*) FOR a IN ('x'))", "not in the"),
    # calls in other dress
    "letters of full width": ("SELECT \uff47etenv('HOME')", "is not on the list"),
    "a function in quotes": ("SELECT \"getenv\"('HOME')", "getenv is not on the list"),
    "a comment before the bracket": ("SELECT getenv/* */('HOME')", "getenv is not on the list"),
    "a function behind a dot": ("SELECT 'HOME'.getenv()", "getenv is not on the list"),
    "a reader behind a dot": ("SELECT '/etc/passwd'.read_text()", "read_text is not on the list"),
    "a LATERAL reader": ("SELECT * FROM subs, LATERAL (SELECT * FROM read_text(subs.id))", "reads something else"),
    "a POSITIONAL JOIN": ("SELECT * FROM subs POSITIONAL JOIN read_csv('/etc/passwd')", "reads something else"),
    "in an IN": ("SELECT * FROM subs WHERE id IN (SELECT content FROM read_text('/x'))", "reads something else"),
    "in an EXISTS": ("SELECT 1 AS x WHERE EXISTS (FROM glob('/root/*'))", "reads something else"),
    "a COPY in a WITH": ("WITH t AS (COPY (SELECT 1) TO '/tmp/x.csv') SELECT * FROM t", "COPY|cannot be parsed"),
    "a reader by parameter": ("SELECT * FROM read_text($1)", "reads something else"),
    "a named parameter": ("SELECT $path AS x", "PARAMETER"),
    "in VALUES": ("VALUES (getenv('HOME'))", "getenv is not on the list"),
    "in a GROUP BY": ("SELECT count(*) AS n FROM subs GROUP BY getenv('A')", "getenv is not on the list"),
    "in a HAVING": ("SELECT count(*) AS n FROM subs HAVING getenv('A') = ''", "getenv is not on the list"),
    "in a QUALIFY": (
        "SELECT id FROM subs QUALIFY row_number() OVER (PARTITION BY getenv('A')) = 1",
        "getenv is not on the list",
    ),
    "in a REPLACE": ("SELECT * REPLACE (getenv('HOME') AS id) FROM subs", "getenv is not on the list"),
    "in a TRY": ("SELECT TRY(getenv('HOME')) AS x", "getenv is not on the list|cannot be parsed"),
    "in a list": ("SELECT [getenv(x) FOR x IN ['HOME']]", "is not on the list"),
    "in a struct": ("SELECT {'a': getenv('HOME')} AS x", "getenv is not on the list"),
    "a function by its name as text": ("SELECT list_aggregate(['x'], 'getenv')", "list_aggregate is not on the list"),
    "a view": ("CREATE OR REPLACE TEMP VIEW subs AS FROM '/etc/passwd'", "no SELECT but CREATE"),
    "a variable that is set": ("SET VARIABLE x = 1", "no SELECT but SET"),
    # size
    "brackets within brackets": ("SELECT " + "(" * 3000 + "1" + ")" * 3000, "cannot be parsed"),
    "queries within queries": ("SELECT * FROM " + "(SELECT * FROM " * 800 + "subs" + ")" * 800, "too deep|parsed"),
    "a chain of signs": ("SELECT 1" + "+1" * 9000, "cannot be parsed"),
    "a list without end": ("SELECT list_resize([1], 100000000000)", "list_resize is not on the list"),
    "no SQL": ("please give me all", "cannot be parsed"),
    "two columns of one name": ("SELECT id, start AS id FROM subs", "more than one column called id"),
}


@pytest.mark.promise("A query reads the tables of its source and does nothing else")
@pytest.mark.parametrize("attack", ATTACKS)
def test_what_leaves_the_folder_writes_loads_or_tells_is_refused_with_the_reason(attack, folder):
    query, reason = ATTACKS[attack]
    SUBS_FRAME = pd.DataFrame({"a": [1]})  # noqa: F841  # what DuckDB would find in Python
    with (
        pytest.raises(ConfigError, match=f"^tables.usage: query refused: .*({reason})"),
        answered(folder, {"usage": query}),
    ):
        pass


def test_there_are_many_attacks():
    assert len(ATTACKS) >= 140


@pytest.mark.promise("A query reads the tables of its source and does nothing else")
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/hosts'",
        "SELECT * FROM glob('/etc/*')",
        "COPY (SELECT 1) TO '{folder}/x.csv'",
        "ATTACH '{folder}/x.db'",
        "EXPORT DATABASE '{folder}/x'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SELECT * FROM 'https://example.com/x.csv'",
        "SELECT * FROM SUBS_FRAME",
        "CREATE TABLE t AS SELECT 1",
        "INSERT INTO t VALUES (1)",
    ],
)
def test_the_connection_itself_reaches_nothing_even_without_the_list(statement, tmp_path):
    SUBS_FRAME = pd.DataFrame({"a": [1]})  # noqa: F841
    book = tmp_path / "book.duckdb"
    with duckdb.connect(str(book)) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a")
    with duckdb.connect(str(book), read_only=True, config=dict(SEALED)) as connection, pytest.raises(duckdb.Error):
        connection.execute(statement.format(folder=tmp_path)).fetchall()
    assert os.listdir(tmp_path) == ["book.duckdb"]


@pytest.mark.parametrize(
    "query",
    [
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r",
        "SELECT count(*) AS n FROM range(1000000) a, range(1000000) b, range(1000000) c",
        "SELECT a.range AS n FROM range(1000000) a, range(1000000) b",
        "SELECT max(a.range + b.range) AS n FROM range(1000000) a, LATERAL (FROM range(1000000)) b",
    ],
)
def test_a_query_without_end_is_stopped_at_its_limit(query, folder):
    start = time.monotonic()
    with (
        pytest.raises(ConfigError, match=r"stopped after its limit of 0.3 seconds"),
        answered(folder, {"usage": query}, seconds=0.3),
    ):
        pass
    assert time.monotonic() - start < 20


def test_a_query_that_needs_too_much_memory_is_stopped(folder):
    query = "SELECT list(a.range) AS n FROM range(100000000) a"
    with (
        pytest.raises(ConfigError, match=r"memory ran out|stopped after"),
        answered(folder, {"usage": query}, memory_limit="100MB", seconds=5),
    ):
        pass


def opened(source: Any, tables: dict[str, Any]) -> CustomerData:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return open_source(source, RiskSpec.from_dict({"tables": tables}), end="2025-01-01")


def test_a_join_makes_a_table_and_ids_keep_their_zeros(folder):
    """1200 and 600.5 a year are 100 and 50.0417 a month."""
    data = opened(folder, {"subscriptions": {"query": JOINED}})
    table = data.frame("subscriptions")
    assert table["account_id"].tolist() == ["007", "008"]
    assert table["mrr"].tolist() == [100.0, 600.5 / 12]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        same = CustomerData.from_folder(folder, queries={"subscriptions": JOINED}, end="2025-01-01")
    assert same.frame("subscriptions").equals(table)
    said = "\n".join(str(one.message) for one in caught)
    assert "'link.csv'" in said, "files that no query reads are named"
    assert "plans.csv" not in said, "those that one reads are used"


def test_wide_months_become_rows_and_declarations_hold_for_what_a_query_gives(folder):
    query = "SELECT id, month, quantity FROM (SELECT id, jan, feb FROM subs) UNPIVOT (quantity FOR month IN (jan, feb))"
    columns = {"account_id": "ID", "at": {"constant": "2024-03-01"}, "feature": "month"}
    usage = {"query": query, "columns": columns, "where": {"month": ["jan", "feb"]}}
    table = opened(folder, {"usage": usage}).frame("usage").sort_values(["account_id", "feature"])
    assert table[["account_id", "feature", "quantity"]].to_numpy().tolist() == [
        ["007", "feb", 2.0],
        ["007", "jan", 1.0],
        ["008", "jan", 3.0],
    ]


def test_text_that_is_plainly_a_number_or_date_is_one_and_other_text_is_not(tmp_path):
    rows = ["code,whole,part,day,moment,flag,zone,empty,mixed", "007,12,1.5,2024-01-31,2024-01-31 09:05,true,"]
    rows[1] += "2024-01-31T09:05:00Z,,1"
    (tmp_path / "t.csv").write_text("\n".join([*rows, "010,-3,2,2024-02-01,2024-02-01 10:00:01.5,FALSE,x,,y"]))
    query = "SELECT " + ", ".join(f"typeof({name}) AS {name}" for name in rows[0].split(",")) + " FROM t LIMIT 1"
    with answered(tmp_path, {"usage": query}) as answers:
        kinds = pd.read_parquet(answers.paths["usage"]).iloc[0].to_dict()
        path = answers.paths["usage"]
    assert kinds == {
        "code": "VARCHAR",
        "whole": "BIGINT",
        "part": "DOUBLE",
        "day": "DATE",
        "moment": "TIMESTAMP",
        "flag": "BOOLEAN",
        "zone": "VARCHAR",
        "empty": "VARCHAR",
        "mixed": "VARCHAR",
    }
    assert not path.exists(), "nothing is left"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["9.50", "1200.00"], "DOUBLE"),  # money
        (["5.0", "9.25", ""], "DOUBLE"),  # as pandas writes it
        (["5", "9.25"], "DOUBLE"),
        (["1.1", "1.10"], "VARCHAR"),  # versions, which are two
        (["1", "1.0"], "VARCHAR"),
        (["1e5", "2"], "VARCHAR"),
        (["+1", "2"], "VARCHAR"),
        (["12345678901234567890", "1"], "VARCHAR"),
    ],
    ids=str,
)
def test_no_two_texts_become_one_number(values, kind, tmp_path):
    (tmp_path / "t.csv").write_text("row,value\n" + "\n".join(f"{i},{value}" for i, value in enumerate(values)) + "\n")
    with answered(tmp_path, {"usage": "SELECT typeof(value) AS kind, value FROM t"}) as answers:
        found = pd.read_parquet(answers.paths["usage"])
    assert set(found["kind"]) == {kind}
    assert found["value"].nunique() == len(set(values) - {""})


def test_errors_of_a_query_hold_no_value_of_the_tables(folder):
    for query in ("SELECT CAST(state AS INTEGER) AS x FROM subs", "SELECT strptime(state, '%Y') AS x FROM subs"):
        with (
            pytest.raises(ConfigError, match=r"^tables.usage: query cannot be run: .*TRY_CAST") as caught,
            answered(folder, {"usage": query}),
        ):
            pass
        assert "trial" not in str(caught.value)
        assert "active" not in str(caught.value)


def test_names_of_a_with_are_no_files():
    query = "WITH a AS (SELECT * FROM subs), b AS (SELECT * FROM A) SELECT * FROM b JOIN 'plans.csv' USING (x)"
    assert sorted(tables_of(query)) == ["plans.csv", "subs"]


@pytest.fixture(scope="module", params=["duckdb", "sqlite"])
def database(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("base") / "book.db"
    plans = pd.DataFrame({"plan_id": ["p1", "p2"], "price": [1200.0, 600.0]})
    subs = pd.DataFrame({"id": ["007", "008"], "plan_id": ["p1", "p2"], "start_at": ["2024-01-01", "2024-02-01"]})
    if request.param == "sqlite":
        with sqlite3.connect(path) as connection:
            subs.to_sql("subs", connection, index=False)
            plans.to_sql("plans", connection, index=False)
    else:
        with duckdb.connect(str(path)) as connection:
            for name, table in {"subs": subs, "plans": plans}.items():
                connection.register("given", pa.Table.from_pandas(table))
                connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
    return path


def test_the_database_runs_its_query_itself(database):
    query = "SELECT id AS account_id, start_at, price / 12 AS mrr FROM subs JOIN plans USING (plan_id) ORDER BY id"
    table = opened(database, {"subscriptions": {"query": query}}).frame("subscriptions")
    assert table["account_id"].tolist() == ["007", "008"]
    assert table["mrr"].tolist() == [100.0, 50.0]


BASE_ATTACKS = [
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM nothing",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM pragma_table_info('subs')",
    "ATTACH '/tmp/x.db' AS y",
    "PRAGMA journal_mode = DELETE",
    "INSERT INTO subs VALUES ('x', 'y', 'z')",
    "WITH t AS (SELECT 1) DELETE FROM subs",
    "CREATE TABLE t (a int)",
    "CREATE TEMP TABLE t AS SELECT 1",
    "DROP TABLE subs",
    "SELECT 1; SELECT 2",
    "SELECT load_extension('x')",
    "SELECT random() AS x FROM subs",
    "SELECT current_timestamp AS x FROM subs",
    "SELECT getenv('HOME') AS x",
    "SELECT writefile('/tmp/x', 'y')",
    "SELECT id, id FROM subs",
    "VACUUM",
    "BEGIN",
]


@pytest.mark.parametrize("query", BASE_ATTACKS)
def test_a_database_file_is_read_by_one_select_alone(query, database):
    before = database.read_bytes()
    with pytest.raises(ConfigError, match=r"^tables.usage: query (refused|cannot be run): "):
        opened(database, {"usage": {"query": query}})
    assert database.read_bytes() == before


@pytest.mark.parametrize("clock", ["date('now')", "datetime( 'NOW' , '-1 day')", "date()", "current_date"])
def test_sqlite_is_not_asked_for_the_clock(clock, tmp_path):
    with sqlite3.connect(tmp_path / "b.db") as connection:
        connection.execute("CREATE TABLE t (a int)")
    with sqlite_tables(tmp_path / "b.db", "b.db") as book, pytest.raises(ConfigError, match=r"clock|not authorized"):
        book.answered("usage", f"SELECT {clock} AS x FROM t")


def test_a_view_that_reads_a_file_is_not_followed(tmp_path):
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with duckdb.connect(str(tmp_path / "b.db")) as connection:
        connection.execute(f"CREATE VIEW plans AS SELECT * FROM read_csv('{tmp_path}/secret.csv')")
    with pytest.raises(ConfigError, match=r"query (refused: it reaches out of the source|cannot be run)"):
        opened(tmp_path / "b.db", {"usage": {"query": "SELECT * FROM plans"}})


def test_a_query_for_a_table_that_is_none_says_which_was_meant(folder):
    with pytest.raises(ConfigError, match=r"unknown table '../x'"):
        CustomerData.from_folder(folder, queries={"../x": "SELECT 1 AS a"})
    with pytest.raises(ConfigError, match="did you mean 'usage'"):
        CustomerData.from_folder(folder, queries={"usages": "SELECT 1 AS a"})


def test_a_whole_folder_and_a_pattern_are_read_as_parts(tmp_path):
    for month in (1, 2):
        (tmp_path / f"use_{month}.csv").write_text(f"account_id,day\na,2024-0{month}-01\n")
    for name in (".", "use_*.csv", "./use_*.csv"):
        with answered(tmp_path, {"usage": f"SELECT account_id, day AS \"at\" FROM '{name}'"}) as answers:
            assert len(pd.read_parquet(answers.paths["usage"])) == 2


def test_a_query_of_sqlite_is_stopped_at_its_limit(tmp_path):
    with sqlite3.connect(tmp_path / "b.db") as connection:
        connection.execute("CREATE TABLE t (a int)")
    query = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) AS n FROM r"
    with sqlite_tables(tmp_path / "b.db", "b.db") as book, pytest.raises(ConfigError, match=r"limit of 0.2 seconds"):
        book.answered("usage", query, 0.2)


FAR_ATTACKS = [
    ("SELECT pg_read_file('/etc/passwd')", "pg_read_file"),
    ("SELECT * FROM read_csv('/etc/passwd')", "ReadCSV|by its name alone"),
    ("SELECT * FROM '/etc/passwd'", "no table of this name|by its name alone"),
    ("SELECT * FROM information_schema.tables", "by its name alone"),
    ("SELECT * FROM nothing", "no table of this name"),
    ("SELECT 1; DROP TABLE subs", "2 statements"),
    ("DROP TABLE subs", "no SELECT but DROP"),
    ("INSERT INTO subs VALUES (1)", "no SELECT but INSERT"),
    ("COPY subs TO '/tmp/x'", "no SELECT but COPY"),
    ("SET x = 1", "no SELECT but SET"),
    ("ATTACH '/tmp/x.db'", "no SELECT but ATTACH"),
    ("PRAGMA version", "no SELECT but PRAGMA"),
    ("SELECT current_timestamp", "CurrentTimestamp"),
    ("SELECT random()", "Rand"),
    ("SELECT * FROM subs FOR UPDATE", "Lock|parsed"),
    ("WITH t AS (DELETE FROM subs RETURNING *) SELECT * FROM t", "Delete|parsed"),
]


@pytest.mark.parametrize(("query", "reason"), FAR_ATTACKS, ids=[query[:40] for query, _ in FAR_ATTACKS])
def test_a_database_behind_an_address_is_asked_by_one_select_alone(query, reason):
    ibis = pytest.importorskip("ibis")
    connection = ibis.duckdb.connect()
    connection.raw_sql("CREATE TABLE subs AS SELECT 1 AS id")
    with pytest.raises(ConfigError, match=f"query refused: .*({reason})"):
        far_table(connection, query, ["subs"])


def test_a_database_behind_an_address_runs_its_query_itself(tmp_path):
    ibis = pytest.importorskip("ibis")
    with sqlite3.connect(tmp_path / "b.db") as connection:
        connection.execute(
            "CREATE TABLE subs AS SELECT 'a' AS id, '2024-01-01' AS day UNION ALL SELECT 'b', '2024-02-01'"
        )
    query = 'WITH t AS (SELECT id AS account_id, day AS "at" FROM subs) SELECT *, 2 AS quantity FROM t'
    table = far_table(ibis.sqlite.connect(tmp_path / "b.db"), query, ["subs"])
    data = CustomerData({"usage": table}, end="2025-01-01")
    assert sorted(data.frame("usage")["account_id"]) == ["a", "b"]


def test_a_query_beside_a_file_and_what_is_no_text_are_refused():
    for entry in ({"query": "SELECT 1", "file": "x.csv"}, {"query": 5}, {"query": " "}, {"query": "SELECT 1\0"}):
        with pytest.raises(ConfigError, match=r"tables.usage: .*query"):
            RiskSpec.from_dict({"tables": {"usage": entry}})


def test_a_file_that_breaks_inside_is_told_by_its_line_and_nothing_that_it_holds(tmp_path):
    (tmp_path / "subs.csv").write_text("id,start,mrr\n007,2024-01-01,Secret Ltd\n008,2024-01-01\n")
    said = r"'subs\.csv' cannot be read: line 3 has 2 cells, the header 3"
    query = {"subscriptions": "SELECT id AS account_id FROM 'subs.csv'"}
    with pytest.raises(ConfigError, match=said) as caught, answered(tmp_path, query):
        pass
    assert "Secret" not in str(caught.value)
