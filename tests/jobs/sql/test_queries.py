"""`lossledger sql` runs queries and nothing else: whatever runs a program, opens a file or writes is refused unread."""

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from jobs.engines.identity import engine_of
from jobs.engines.pins import conf_file
from jobs.errors import ConfigurationError
from jobs.ledger import tables
from jobs.sql.engines.on_spark import FILES
from jobs.sql.language import queries
from jobs.sql.language.functions import functions
from jobs.sql.query import answered
from jobs.sql.views import VIEWS
from tests.world.two_nights import COOKBOOK

KNOWN = ("runs", "metrics", "metrics_latest", "statistics")
SOURCES = {("parquet", "data/impressions"), ("lake", "logs", "clicks")}
VIEW_FILES = [file.read_text(encoding="utf-8") for file in conf_file("sql").iterdir() if file.name != "cookbook.sql"]
PROOF = "proof_that_it_ran"
# The list has the functions of every tested Spark; those with such names came with 4.2.
NEWER = ("is_valid_variant", "measure", "time_", "tuple_", "vector_")
# Each is put behind other beginnings and into other places below.
EXPRESSIONS = [
    "reflect('java.lang.System', 'getenv', 'HOME')",
    "java_method('java.lang.System', 'setProperty', 'x.y', 'z')",
    "try_reflect('java.lang.System', 'getenv', 'HOME')",
    "`reflect`('java.lang.System', 'getenv', 'HOME')",
    "REFLECT /* a */ ('java.lang.System', 'getenv', 'HOME')",
    "system.builtin.reflect('java.lang.System', 'getenv', 'HOME')",
    "from_protobuf(x'00', 'M', '/etc/passwd')",
    "input_file_name()",
    "IDENTIFIER('reflect')('java.lang.System', 'getenv', 'HOME')",
    "(SELECT MAX(value) FROM text.`/etc/passwd`)",
    "ai_query('a', 'b')",
    "my_own_function(1)",
]
RELATIONS = [
    "text.`/etc/passwd`",
    "`text`.`/etc/passwd`",
    "csv.`/etc/passwd`",
    "binaryFile.`/etc/passwd`",
    "delta.`{folder}`",
    "IDENTIFIER('text.`/etc/passwd`')",
    "IDENTIFIER('text.' || '`/etc/passwd`')",
    "read_files('/etc/passwd')",
    "table_changes_by_path('{folder}', 0)",
    "STREAM(runs)",
    "spark_catalog.default.runs",
    "somebody_elses_table",
    "system.session.jobs",
    "runs VERSION AS OF 0",
    "runs TIMESTAMP AS OF '2020-01-01'",
    "runs@v0",
    "python_worker_logs()",
]
STATEMENTS = [
    "SELECT TRANSFORM(run_id) USING 'touch {proof}' AS a FROM runs",
    "FROM runs SELECT TRANSFORM(run_id) USING 'touch {proof}' AS a",
    "FROM runs MAP run_id USING 'touch {proof}' AS a",
    "FROM runs REDUCE run_id USING 'touch {proof}' AS a",
    "MAP run_id USING 'touch {proof}' AS a FROM runs",
    "WITH x AS (SELECT TRANSFORM(run_id) USING 'touch {proof}' AS a FROM runs) SELECT * FROM x",
    "SELECT * FROM (SELECT TRANSFORM(a) ROW FORMAT DELIMITED FIELDS TERMINATED BY 'x' USING 'touch {proof}' FROM runs)",
    # The next two hide in what one reader takes for a comment and another one does not.
    "SELECT 1 -- \\\n/*\n, reflect('java.lang.System', 'getenv', 'HOME') AS home\n-- */",
    "SELECT 1 /* /* */ , reflect('java.lang.System', 'getenv', 'HOME') AS home -- */",
    "SELECT U&'\\' , reflect('java.lang.System', 'getenv', 'HOME') , '\\''",
    "SELECT 1; DROP VIEW runs",
    "SELECT 1) ; DROP VIEW runs; SELECT * FROM (SELECT 2",
    "SELECT * INTO copy FROM runs",
    "SELECT * FROM runs FOR UPDATE",
    "SELECT * FROM runs WHERE run_id = :a",
    "SELECT ${{spark.app.name}}",
    "WITH x AS (SELECT 1) INSERT INTO runs SELECT * FROM x",
    "WITH x AS (SELECT 1 AS a) SELECT (WITH y AS (SELECT 2 AS b) SELECT MAX(b) FROM y) FROM y",
    "WITH x AS (SELECT * FROM somebody_elses_table), somebody_elses_table AS (SELECT 1) SELECT * FROM x",
    "FROM runs INSERT INTO runs SELECT *",
    "SELECT /*+ BROADCAST(runs) */ reflect('a', 'b') FROM runs",
    "EXPLAIN SELECT 1",
    "SET spark.sql.runSQLOnFiles=true",
    "RESET",
    "ADD JAR '/tmp/evil.jar'",
    "CALL system.optimize('runs')",
    "MERGE INTO runs USING runs AS r ON false WHEN NOT MATCHED THEN INSERT *",
    "CREATE TEMPORARY FUNCTION f AS 'java.lang.Runtime'",
    "REFRESH '/etc'",
    "DESCRIBE text.`/etc/passwd`",
    "DESCRIBE DETAIL delta.`/etc`",
    "DESCRIBE QUERY SELECT * FROM text.`/etc/passwd`",
    "SHOW TBLPROPERTIES runs",
    "SHOW COLUMNS IN text.`/etc/passwd`",
    "SHOW CREATE TABLE runs",
    "BEGIN SELECT 1; END",
    "EXECUTE IMMEDIATE 'SELECT 1'",
    "VALUES (reflect('a', 'b'))",
    "TABLE text.`/etc/passwd`",
    "SELECT * FROM runs |> SELECT reflect('a', 'b')",
]


def hostile():
    """Every expression and relation in several places, and the statements."""
    places = ("SELECT {}", "SELECT 1 FROM runs WHERE {} IS NULL", "WITH x AS (SELECT {} AS a) SELECT a FROM x")
    yield from (place.format(each) for each in EXPRESSIONS for place in places)
    places = ("SELECT * FROM {}", "/* a */ SELECT * FROM runs, {}", "SELECT 1 WHERE EXISTS (SELECT * FROM {})")
    yield from (place.format(each) for each in RELATIONS for place in places)
    yield from STATEMENTS


def refused(text):
    with pytest.raises(ConfigurationError) as caught:
        read, _ = queries.words(text)
        queries.read(read, KNOWN, SOURCES)
    assert len(str(caught.value).splitlines()) <= 2
    return str(caught.value)


def test_on_the_engine_no_hostile_query_is_answered(spark, ledger, tmp_path):
    folder, proof = f"{ledger.tables.path}/{ledger.evaluation}/runs", tmp_path / PROOF
    leaked = []
    for text in (each.format(folder=folder, proof=proof) for each in hostile()):
        try:
            answer = answered(spark, ledger, text).to_pylist()
        except ConfigurationError:
            continue
        # One reader's comment: the hidden half must not have come to light.
        if answer != [{"1": 1}]:
            leaked.append((text, answer))
    assert leaked == []
    assert not proof.exists()
    assert answered(spark, ledger, "SELECT COUNT(*) AS n FROM runs").to_pylist() == [{"n": 4}]


@pytest.mark.only_engine("spark")
@pytest.mark.parametrize(
    "text",
    [
        "SELECT TRANSFORM(run_id) USING 'touch {}' AS a FROM runs",
        "SELECT reflect('java.lang.System', 'getenv', 'HOME')",
    ],
)
def test_apache_sparks_own_plan_has_the_last_word(spark, ledger, tmp_path, monkeypatch, text):
    known = queries.Query(text.format(tmp_path / PROOF), frozenset({"runs"}), False)
    monkeypatch.setattr(queries, "read", lambda *_: known)
    with pytest.raises(ConfigurationError, match=r"ScriptTransformation|CallMethodViaReflection"):
        answered(spark, ledger, text)
    assert not (tmp_path / PROOF).exists()


@pytest.mark.only_engine("spark")
def test_apache_spark_takes_no_path_for_a_table_while_it_answers(spark, ledger, monkeypatch):
    text = "SELECT * FROM text.`/etc/passwd`"
    monkeypatch.setattr(queries, "read", lambda *_: queries.Query(text, frozenset(), False))
    with pytest.raises(ConfigurationError, match="TABLE_OR_VIEW_NOT_FOUND"):
        answered(spark, ledger, text)
    assert spark.conf.get(FILES) == "true"


def test_a_configured_source_may_be_read(spark, ledger):
    path = ledger.impressions.source.path
    assert answered(spark, ledger, f"SELECT COUNT(*) AS n FROM parquet.`{path}`").to_pylist() == [{"n": 360}]
    for other in (f"{path}/..", f"{path}/", path.upper()):
        with pytest.raises(ConfigurationError, match="a table that there is not"):
            answered(spark, ledger, f"SELECT COUNT(*) AS n FROM parquet.`{other}`")


@pytest.mark.parametrize("text", [*COOKBOOK, *VIEW_FILES])
def test_our_own_queries_are_understood(text):
    known = {"statistics", "shard_statistics", "metrics", "rejects", "runs", *tables.OPTIONAL, *VIEWS, "clip"}
    assert queries.read(queries.words(text)[0], known, ()).tables <= known


@pytest.mark.parametrize(
    "text",
    [
        "SELECT task, value FROM metrics WHERE value > 0.5D AND model LIKE 'a%' ORDER BY 2 DESC NULLS LAST LIMIT 5",
        "SELECT percentile_approx(value, 0.5), COUNT(DISTINCT task), MAX_BY(task, value) FROM metrics GROUP BY ALL",
        "SELECT *, ROW_NUMBER() OVER (PARTITION BY task ORDER BY value) AS r FROM metrics QUALIFY r = 1",
        "WITH a AS (SELECT 1 AS x), b AS (SELECT * FROM a) SELECT * FROM b UNION ALL (SELECT x FROM a)",
        "SELECT * FROM metrics PIVOT (SUM(value) FOR model IN ('a', 'b'))",
        "SELECT CAST(as_of AS DATE), EXTRACT(HOUR FROM as_of), DATE'2026-11-20' - INTERVAL 1 DAY FROM metrics",
        "SELECT from_json(inputs, 'a STRUCT<b: INT>').a.b, transform(array(1, 2), x -> x + 1)[0] FROM runs",
        "SELECT * FROM runs LATERAL VIEW explode(split(message, ' ')) w AS word",
        "SELECT task, GROUPING(task) FROM metrics GROUP BY CUBE (task, model) HAVING COUNT(*) > 1",
        "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t(x, y) LEFT SEMI JOIN metrics ON t.y = metrics.task",
        "SELECT m.task, p.value FROM metrics AS m JOIN parquet.`data/impressions` AS p USING (task)",
        "SELECT COUNT(*) FROM lake.logs.clicks",
        "SELECT 'it''s', \"a\", r'\\d', 'a -- b', '/* c */', x'1F', id FROM range(10)",
        "SELECT COUNT_IF(value IS NOT DISTINCT FROM 1) FILTER (WHERE NOT task RLIKE '^a') FROM metrics",
        "SELECT /*+ BROADCAST(m) */ array(1, 2)[0], 1 << 2, 8 >> 1, uuid() FROM metrics AS m",
        "SELECT timestampdiff(DAY, as_of, current_timestamp()), timestampadd(HOUR, 1, as_of) FROM metrics",
        "SELECT CAST(NULL AS STRUCT<x: INT, y: ARRAY<STRING>>), INTERVAL '1 2' DAY TO HOUR FROM metrics",
        "SELECT task FROM metrics DISTRIBUTE BY task SORT BY value",
        "SELECT task FROM metrics CLUSTER BY task",
    ],
)
def test_what_analysts_write_is_understood(text):
    assert queries.read(queries.words(text)[0], KNOWN, SOURCES).tables <= {*KNOWN, "clicks", "data/impressions"}


@pytest.mark.parametrize("text", [text for text in hostile() if "/* /*" not in text and "-- \\" not in text])
def test_what_is_hostile_is_refused_before_an_engine_sees_it(text):
    statement = text.format(folder="/x", proof="/y")
    if not statement.startswith(("DESCRIBE", "SHOW", "TABLE")):
        refused(statement)


def test_no_comment_is_left_for_an_engine_to_read_otherwise():
    text, _ = queries.words("-- a\n/* b */ SELECT 'a -- b', 1.0D /* c\n*/ + 2 -- d\n; -- e")
    assert text == "SELECT 'a -- b', 1.0D + 2"
    assert queries.words("SELECT /*+ BROADCAST(a) */ 1 /* c */")[0] == "SELECT 1"
    assert queries.words("SELECT DATE'2026-01-01', U&'x'")[0] == "SELECT DATE '2026-01-01', U& 'x'"


WORD = st.sampled_from(
    ["SELECT", "FROM", "runs", "(", ")", ",", "*", "reflect", "'a'", "`b`", "USING", "TRANSFORM", "--", "/*", "*/",
     "\n", "\\", "text.`/etc/passwd`", ";", "WITH x AS", "x", "AS", "JOIN", "1", "'", '"', "TABLE", "INSERT INTO",
     "|>", "$$", "LATERAL VIEW", "@", ":", "{", "}", "=>", "MAP", "EXISTS", "abs(1)", "r'", "IDENTIFIER(", "VALUES"]
)  # fmt: skip


@given(st.lists(WORD, max_size=14))
def test_any_words_are_a_harmless_query_or_one_message(words):
    try:
        read = queries.read(queries.words(" ".join(["SELECT", *words]))[0], KNOWN, SOURCES)
    except ConfigurationError as error:
        assert len(str(error).splitlines()) <= 2
        return
    for node in sqlglot.parse_one(read.text, dialect="spark").walk():
        assert not isinstance(node, exp.QueryTransform | exp.Command | exp.DML | exp.DDL | exp.Placeholder)
        assert not (isinstance(node, exp.Anonymous) and node.name.lower() in ("reflect", "identifier"))
        assert not (isinstance(node, exp.Table) and len(node.parts) > 1)


DEEP = {
    "ORs": lambda n: f"SELECT 1 AS x FROM runs WHERE {' OR '.join(f'rows_read = {i}' for i in range(n))}",
    "sums": lambda n: f"SELECT {' + '.join('1' for _ in range(n))} AS x",
    "brackets": lambda n: f"SELECT {'(' * n}1{')' * n} AS x",
    "cases": lambda n: f"SELECT {'CASE WHEN true THEN ' * n}1{' END' * n} AS x",
    "calls": lambda n: f"SELECT {'abs(' * n}1{')' * n} AS x",
    "nots": lambda n: f"SELECT {'NOT ' * n}true AS x",
    "signs": lambda n: f"SELECT {'- ' * n}1 AS x",
    "unions": lambda n: " UNION ALL ".join(["SELECT 1 AS x"] * n),
    "subqueries": lambda n: f"SELECT x FROM {'(SELECT x FROM ' * n}(SELECT 1 AS x){')' * n}",
    "lists": lambda n: f"SELECT 1 AS x FROM runs WHERE rows_read IN ({', '.join(map(str, range(n)))})",
}


@pytest.mark.parametrize(("kind", "size"), [("ORs", 700), ("sums", 600), ("brackets", 100), ("lists", 5000)])
def test_long_queries_are_answered(spark, ledger, kind, size):
    assert answered(spark, ledger, DEEP[kind](size)).column_names == ["x"]


@pytest.mark.parametrize("kind", [kind for kind in DEEP if kind != "lists"])
@pytest.mark.parametrize("size", [1500, 6000])
def test_deeper_ones_are_refused_in_words(kind, size):
    assert "too deep" in refused(DEEP[kind](size))


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize("kind", ["brackets", "cases", "nots", "subqueries"])
def test_the_deepest_that_are_understood_do_not_end_the_process(spark, ledger, kind):
    size = 900
    while True:
        try:
            queries.read(queries.words(DEEP[kind](size))[0], ("runs",), ())
            break
        except ConfigurationError:
            size -= 50
    try:
        assert answered(spark, ledger, DEEP[kind](size)).column_names == ["x"]
    except ConfigurationError as error:
        assert kind in ("nots", "signs"), error


def test_the_list_of_functions_is_in_order_and_leaves_out_what_does_more():
    text = conf_file("functions.txt").read_text(encoding="utf-8")
    assert text.split() == sorted(set(text.split()))
    assert not functions() & {"reflect", "java_method", "try_reflect", "input_file_name", "from_avro", "xpath"}


@pytest.mark.only_engine("spark")
def test_the_list_of_functions_is_of_this_spark(spark):
    assert engine_of(spark) == "spark"
    known = {row[0] for row in spark.sql("SHOW SYSTEM FUNCTIONS").collect()}
    syntax = {"cast", "case", "timestampadd", "timestampdiff"}
    lacking = functions() - known - syntax
    assert {name for name in lacking if spark.version != "4.1.4" or not name.startswith(NEWER)} == set()
