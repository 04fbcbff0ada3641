"""Tables and views in the catalogs of others: what is printed runs there, and what is made is found by its name."""

import json
import sys
from pathlib import Path

import duckdb
import duckdb_extension_delta
import pytest
import yaml
from typer.testing import CliRunner

from jobs import cli
from jobs.errors import ConfigurationError
from jobs.ledger import tables
from jobs.settings import parse
from jobs.sql import views
from jobs.sql.catalogs import creation, dbt, scripts
from jobs.sql.catalogs.columns import columns
from jobs.sql.query import answered
from jobs.storage import lake
from tests.world import child, duck_db
from tests.world.night import saved

ASKED = (
    "SELECT country, device, COUNT(log_loss) AS n FROM {}slice_summary WHERE task = 'ctr' "
    "GROUP BY country, device ORDER BY country NULLS FIRST, device NULLS FIRST"
)
LACKING = "unpaired_statistics"  # of which no row is there


def there(settings):
    return {name for name in tables.declared(settings) if Path(duck_db.path(settings, name)).exists()}


@pytest.fixture(scope="module")
def config(judged, tmp_path_factory):
    return saved(judged.document(), tmp_path_factory.mktemp("catalogs") / "a.yaml")


def told(*arguments):
    return CliRunner().invoke(cli.app, ["views", *map(str, arguments)])


@pytest.mark.only_engine("sail")
def test_duckdb_runs_what_is_printed_for_it(spark, judged, config):
    found = told(config, "--print", "--dialect", "duckdb", "--schema", 'my "own"')
    assert found.exit_code == 0, found.stderr
    package = Path(duckdb_extension_delta.__file__).parent
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        connection.execute(f"LOAD '{package}/extensions/v{duckdb.__version__}/delta.duckdb_extension'")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(found.stdout)
        ours = answered(spark, judged, ASKED.format(""))
        assert connection.execute(ASKED.format('"my ""own""".')).to_arrow_table().to_pylist() == ours.to_pylist()
        listed = "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE schema_name = 'my \"own\"'"
        comments = {row[:2]: row[2] for row in connection.execute(listed).fetchall()}
    for name in {*views.known(judged)} - {*tables.declared(judged)}:
        described = answered(spark, judged, f"DESCRIBE {name}").to_pylist()
        assert {row["col_name"]: row["comment"] for row in described} == {
            column: told for (view, column), told in comments.items() if view == name
        }


@pytest.mark.only_engine("sail")
def test_sail_runs_what_is_printed_for_it(spark, judged, config):
    script = told(config, "--print", "--dialect", "sail").stdout
    for statement in script.split(";\n"):
        if statement.strip():
            spark.sql(statement)
    name = f"{judged.evaluation}."
    assert spark.sql(ASKED.format(name)).toArrow().to_pylist() == answered(spark, judged, ASKED.format("")).to_pylist()


# A session on a metastore takes a while to start: the command makes it once, and all else is asked of one more.
OF_THE_CATALOG = """
import json, sys
from pathlib import Path
from jobs.engines.session import session
from jobs.errors import ConfigurationError
from jobs.settings import load
from jobs.sql.catalogs.creation import LASTING, created
from jobs.sql.catalogs.scripts import schema_of
config, other, query = sys.argv[1:]
ours, others = (load(Path(each)) for each in (config, other))
with session("spark", settings=LASTING) as spark:
    again = created(spark, ours, schema_of(ours, "ads"))
    try:
        refused = created(spark, others, schema_of(others, "ads"))
    except ConfigurationError as error:
        refused = str(error)
    rows = spark.sql(query).toArrow().to_pylist()
    columns = spark.sql("DESCRIBE ads.ledger").collect()
    print(json.dumps([again, refused, rows, {row[0]: row[2] for row in columns}]))
"""


@pytest.mark.only_engine("spark")
def test_apache_sparks_catalog_has_what_was_created_in_it(spark, judged, config, tmp_path):
    other = parse({**judged.document(), "tables": {"path": str(tmp_path / "other")}})
    for name in ("statistics", "shard_statistics", "metrics", "runs"):
        rows = lake.read(spark, lake.address(judged, name, "spark")).limit(1).toArrow()
        declared = tables.declared(judged)[name]
        lake.ensure(spark, lake.address(other, name, "spark"), declared)
        lake.append(spark, lake.address(other, name, "spark"), rows, {})
    here = {"PYTHONPATH": str(child.ROOT)}
    made = child.succeeded(*child.COMMAND, "views", config, "--create", "--schema", "ads", cwd=tmp_path, **here)
    assert "ads.ledger" in made.out.split()
    assert len(made.out.split()) == len(views.known(judged)) - 1
    script = (sys.executable, "-c", OF_THE_CATALOG, config, saved(other.document(), tmp_path / "other.yaml"))
    asked = child.succeeded(*script, ASKED.format("ads."), cwd=tmp_path, **here)
    again, refused, rows, comments = json.loads(asked.out)
    assert again == made.out.split()
    assert "a table of that name is there already" in refused
    # What is refused has replaced none of the views.
    assert rows == answered(spark, judged, ASKED.format("")).to_pylist()
    assert comments == {
        row["col_name"]: row["comment"] for row in answered(spark, judged, "DESCRIBE ledger").to_pylist()
    }


def test_what_would_not_last_is_not_created(spark, judged):
    with pytest.raises(ConfigurationError, match="would not last"):
        creation.created(spark, judged, scripts.schema_of(judged))


@pytest.mark.only_engine("sail")
def test_dbt_knows_every_table_view_and_column_with_what_it_means(spark, judged, config):
    (source,) = yaml.safe_load(told(config, "--dbt").stdout)["sources"]
    assert (source["name"], source["schema"]) == (f"lossledger_{judged.evaluation}", judged.evaluation)
    found = {table["name"]: table for table in source["tables"]}
    assert found.keys() == {*views.known(judged)}
    for name, table in found.items():
        assert all(column["description"] for column in table["columns"]), name
        if name != LACKING:
            described = answered(spark, judged, f"DESCRIBE {name}").to_pylist()
            assert [(c["name"], c["data_type"]) for c in table["columns"]] == [
                (row["col_name"], row["data_type"]) for row in described
            ]


@pytest.mark.only_engine("sail")
def test_columns_are_known_without_a_table(spark, judged):
    for name in there(judged):
        assert columns(judged)[name] == [
            (row["col_name"], row["data_type"]) for row in answered(spark, judged, f"DESCRIBE {name}").to_pylist()
        ]


CATALOG = {"tables": {"catalog": "lake", "schema": "metrics"}}


@pytest.mark.only_engine("sail")
def test_in_a_catalog_the_views_stand_beside_the_tables(spark, judged):
    settings = parse({**judged.document(), **CATALOG})
    schema = scripts.schema_of(settings)
    lines = "\n".join(scripts.script(settings, "spark", schema))
    prefix = f"`lake`.`metrics`.`{settings.evaluation}_"
    assert f"CREATE OR REPLACE VIEW {prefix}ledger`" in lines
    assert f"FROM {prefix}statistics` AS raw" in lines
    assert f"CROSS JOIN {prefix}price` AS price" in lines
    assert "CREATE TABLE" not in lines and "CREATE SCHEMA" not in lines
    source = yaml.safe_load(dbt.source(settings, schema))["sources"][0]
    assert (source["database"], source["schema"]) == ("lake", "metrics")
    assert {table["identifier"] for table in source["tables"]} >= {f"{settings.evaluation}_ledger"}
    with pytest.raises(ConfigurationError, match="beside their tables"):
        scripts.schema_of(settings, "elsewhere")
    assert scripts.schema_of(settings, "lake.metrics") == schema


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--create, --print or --dbt"),
        (["--print", "--dbt"], "none of them, or several"),
        (["--print", "--dialect", "duck"], "did you mean 'duckdb'?"),
        (["--create", "--engine", "sail"], "which has no lasting catalog"),
    ],
)
def test_what_is_wrong_is_told(spark, config, options, said):
    found = told(config, *options)
    assert (found.exit_code, found.stdout) == (2, "")
    assert said in found.stderr


def test_texts_cannot_leave_their_quotes():
    nasty = 'it\'s \\ "a" `b`\n; DROP'
    for name, end in (("spark", "\\'"), ("duckdb", "''")):
        dialect = scripts.dialect_of(name)
        text = dialect.literal(nasty)
        assert (text[0], text[-1], end in text) == ("'", "'", True)
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT {scripts.dialect_of('duckdb').literal(nasty)}").fetchone() == (nasty,)
