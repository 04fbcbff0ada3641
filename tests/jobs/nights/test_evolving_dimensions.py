"""Dimensions that come and go: sums over all days stay right, and no day is held against what it has not recorded."""

import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from jobs.errors import ContractError
from jobs.judgement.slices.ledger import Ledger
from jobs.judgement.worst import Asked, worst_of
from jobs.planning import changed
from jobs.results.outcome import Outcome
from jobs.settings import Evaluation, parse
from jobs.sql.engines import duck
from jobs.sql.query import answered
from jobs.storage.schema import NOT_RECORDED
from tests.world import duck_db, evolving
from tests.world.evolving import COLUMNS, DAYS, NEW, OLD, configured, continued, counted, log_loss
from tests.world.night import table

SAIL = pytest.mark.only_engine("sail")
ADDED = {
    "dimensions": ["country", "browser", "device"],
    "slices": [[], ["country"], ["country", "device"], ["browser"], ["country", "browser"]],
}
RETIRED = {"dimensions": ["country"], "slices": [[], ["country"]]}
KNOWN = {
    "added": {**dict.fromkeys(OLD, ("country", "device")), **dict.fromkeys(NEW, COLUMNS)},
    "retired": {**dict.fromkeys(OLD, ("country", "device")), **dict.fromkeys(NEW, ("country",))},
}
SUMS = "SUM(n) AS rows, SUM(positive_weight) AS clicks"
OWN = "task = 'ctr' AND model = 'champion'"


@dataclass(frozen=True)
class World:
    """An evaluation that has changed after two of its four days."""

    name: str
    settings: Evaluation
    outcomes: dict[date, Outcome]

    def rows(self, name: str, day: date) -> pa.Table:
        return table(self.settings.document(), name, day)

    def by(self, names: tuple[str, ...]) -> dict[tuple[str, ...], int]:
        return dict(counted(DAYS, names, KNOWN[self.name]))


@pytest.fixture(scope="module")
def first(spark, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("evolving")
    evolving.written(folder)
    evolving.evaluated(spark, folder, OLD)
    return folder


@pytest.fixture(scope="module")
def worlds(spark, first, tmp_path_factory):
    """By name the evaluation as it goes on, once with the configuration of the first days."""
    found = {}
    for name, sections in (("unchanged", {}), ("added", ADDED), ("retired", RETIRED)):
        folder = tmp_path_factory.mktemp(name)
        outcomes = continued(spark, first, folder, **sections)
        found[name] = World(name, parse(configured(first, NEW[-1], folder / "tables", **sections)), outcomes)
    return found


def asked(names, table):
    listed = ", ".join(names)
    return f"SELECT {listed}, {SUMS} FROM {table} WHERE {OWN} GROUP BY {listed}"


def found_of(rows, names):
    """Answers as `counted` has them."""
    own = {(what, *(row[name] for name in names)): int(row[what]) for row in rows for what in ("rows", "clicks")}
    assert len(own) == 2 * len(rows)
    return own


@SAIL
@pytest.mark.parametrize("name", ["added", "retired"])
@pytest.mark.parametrize("by", [("browser",), ("device",), ("country",), ("country", "device"), COLUMNS])
def test_sums_over_old_and_new_days_are_those_of_the_logs(spark, worlds, name, by):
    world = worlds[name]
    if name == "retired":
        by = tuple(column for column in by if column != "browser") or ("device",)
    ledger = asked(by, "ledger").replace("positive_weight", "positives")
    with duck.connected() as connection:
        for session in (spark, connection):
            for text in (asked(by, "statistics"), ledger):
                assert found_of(answered(session, world.settings, text).to_pylist(), by) == world.by(by)
    with duck_db.connected(world.settings) as connection:
        rows = connection.execute(ledger).to_arrow_table().to_pylist()
    assert found_of(rows, by) == world.by(by)


@SAIL
@pytest.mark.parametrize("name", ["added", "retired"])
def test_losses_over_old_and_new_days_are_those_of_the_logs(spark, worlds, name):
    text = f"SELECT country, SUM(nll) / SUM(weight) AS loss FROM ledger WHERE {OWN} GROUP BY country"
    found = {row["country"]: row["loss"] for row in answered(spark, worlds[name].settings, text).to_pylist()}
    assert found == pytest.approx({v: log_loss(DAYS, country=v) for v in ("DE", "FR")}, rel=1e-12)


@SAIL
@pytest.mark.parametrize("name", ["added", "retired"])
def test_slices_have_all_dimensions_as_columns(spark, worlds, name):
    of = {"added": "browser", "retired": "device"}[name]
    text = (
        f"SELECT event_date, {of}, value FROM slice_metrics WHERE {OWN} AND metric = 'log_loss' AND {of} IS NOT NULL "
        f"AND country {'IS NULL' if name == 'added' else '= ' + chr(39) + 'DE' + chr(39)}"
    )
    found = answered(spark, worlds[name].settings, text).to_pylist()
    days = NEW if name == "added" else OLD
    fixed = {} if name == "added" else {"country": "DE"}
    values = ("chrome", "safari", "lynx") if name == "added" else ("ios", "web", "(null)")
    assert {(row["event_date"], row[of]): row["value"] for row in found} == pytest.approx(
        {(day, value): log_loss([day], **fixed, **{of: value}) for day in days for value in values}, rel=1e-12
    )
    with duck_db.connected(worlds[name].settings) as connection:
        rows = connection.execute(text).to_arrow_table().to_pylist()
    assert sorted(map(str, rows)) == sorted(map(str, found))
    with duck.connected() as connection:
        rows = answered(connection, worlds[name].settings, text).to_pylist()
        described = [
            answered(s, worlds[name].settings, "DESCRIBE slice_metrics").to_pylist() for s in (spark, connection)
        ]
    assert sorted(map(str, rows)) == sorted(map(str, found))
    assert described[0] == described[1]


@SAIL
def test_days_before_are_the_same_to_the_last_bit(worlds):
    for name in ("added", "retired"):
        for of in ("statistics", "shard_statistics", "metrics", "score_bins"):
            for day in OLD:
                rows = worlds[name].rows(of, day)
                expected = worlds["unchanged"].rows(of, day)
                assert rows.select(expected.column_names) == expected
    assert worlds["added"].rows("statistics", OLD[0])["browser"].null_count > 0
    assert set(worlds["retired"].rows("statistics", NEW[0])["device"].to_pylist()) == {NOT_RECORDED}


@SAIL
def test_what_an_added_dimension_is_held_against(worlds):
    """Days before say nothing of it; of all other slices they say what they said without it, causes included."""
    for day in NEW:
        found, usual = (worlds[name].rows("changes", day) for name in ("added", "unchanged"))
        with_it = pc.match_substring(found["slice"], "browser=")
        # A discovery among more slices is another one.
        own = found.filter(pc.invert(with_it)).drop_columns(["p_adjusted"])
        if day == NEW[0]:
            assert own == usual.drop_columns(["p_adjusted"])
        rows = found.filter(with_it).to_pylist()
        assert rows
        for row in rows:
            recorded = day == NEW[1] and row["against"] == "1d"
            assert row["reason"] == (None if recorded else "not_recorded")
            assert (row["ci_reason"] is None) >= recorded
            assert (row["before"] is None) == (row["difference"] is None) == (not recorded)
            assert row["now"] is not None
            assert recorded or {row[name] for name in ("within", "mix", "p", "ci_low", "p_adjusted")} == {None}


@SAIL
def test_causes_are_by_the_dimensions_that_both_days_have(worlds):
    for name in ("added", "retired"):
        rows = worlds[name].rows("changes", NEW[0]).to_pylist()
        losses = [row for row in rows if row["metric"] == "log_loss" and row["difference"] is not None]
        assert {row["slice"] for row in losses} >= {"", "country=DE"}
        for row in losses:
            assert math.fsum(row[part] for part in ("within", "mix", "interaction")) == row["difference"]
            assert abs(row["within"]) > 1e-6


@SAIL
def test_what_is_left_of_a_retired_dimension(worlds):
    found, usual = (worlds[name].rows("changes", NEW[0]) for name in ("retired", "unchanged"))
    assert set(found["slice"].to_pylist()) == {"", "country=DE", "country=FR"}
    same = ["task", "model", "slice", "metric", "against", "before", "now", "difference", "ci_low", "ci_high", "p"]
    expected = usual.filter(pc.invert(pc.match_substring(usual["slice"], "device=")))
    assert found.select(same) == expected.select(same)


@SAIL
@pytest.mark.parametrize("name", ["added", "retired"])
def test_comparisons_run_on(worlds, name):
    shown = ["task", "slice", "metric", "difference", "ci_low", "running_value", "running_low", "running_since"]
    found, usual = (worlds[each].rows("comparisons", NEW[1]).select(shown) for each in (name, "unchanged"))
    common = pc.is_in(found["slice"], value_set=usual["slice"].combine_chunks())
    expected = usual.filter(pc.is_in(usual["slice"], value_set=found["slice"].combine_chunks()))
    # A baseline that knows the rate of every cell knows others by other cells.
    of_cells = pc.match_substring(expected["metric"], "[stratified]")
    assert found.filter(common).filter(pc.invert(of_cells)) == expected.filter(pc.invert(of_cells))
    assert pc.any(of_cells).as_py()
    losses = {row["slice"]: row["running_since"] for row in found.to_pylist() if row["metric"] == "log_loss"}
    assert losses[""] == OLD[0]
    if name == "added":
        assert losses["browser=chrome"] == NEW[0]


@SAIL
def test_the_first_night_says_what_it_costs_and_what_mends_it(worlds):
    (told,) = (warning for warning in worlds["added"].outcomes[NEW[0]].warnings if warning.startswith("new: "))
    assert "dimension browser, slices by browser, slices by country, browser" in told
    assert "2 earlier days (2026-03-18 to 2026-03-19), dimensions are (not recorded) there" in told
    assert told.endswith("backfill CONFIG --from 2026-03-18 --to 2026-03-19 --ages 0h")
    (told,) = (warning for warning in worlds["retired"].outcomes[NEW[0]].warnings if "no longer recorded" in warning)
    assert told.startswith("no longer recorded, from 2026-03-20 on: dimension device, slices by country, device;")
    for name in worlds:
        assert not any("recorded" in warning for warning in worlds[name].outcomes[NEW[1]].warnings)
    assert not any("recorded" in warning for warning in worlds["unchanged"].outcomes[NEW[0]].warnings)


@SAIL
def test_a_plan_names_the_sections_that_a_backfill_would_record(first, worlds):
    old = parse(configured(first, OLD[0], worlds["added"].settings.tables.path))
    assert changed.sections(worlds["added"].settings, old.model_dump_json(by_alias=True), old.fingerprint())[-2:] == (
        "dimensions",
        "slices",
    )


@SAIL
def test_another_order_of_dimensions_changes_no_judgement(spark, first, worlds, tmp_path):
    turned = {"dimensions": ["device", "country"]}
    continued(spark, first, tmp_path, **turned)
    config = configured(first, NEW[0], tmp_path / "tables", **turned)
    for name in ("changes", "comparisons", "gate_results"):
        found, usual = table(config, name, NEW[0]), worlds["unchanged"].rows(name, NEW[0])
        texts = [_turned(text) for text in usual["slice"].to_pylist()]
        usual = usual.set_column(usual.column_names.index("slice"), "slice", pa.array(texts))
        assert sorted(map(str, found.to_pylist())) == sorted(map(str, usual.to_pylist()))


def _turned(text):
    return ",".join(sorted(text.split(","), key=lambda part: not part.startswith("device=")))


@SAIL
def test_a_dimension_that_is_a_column_by_another_case_is_refused(spark, first):
    names = {"country": "Country"}
    logs = {names.get(name, name): values for name, values in evolving.logs(NEW[0]).items()}
    shown = configured(first, NEW[0])["impressions"]
    source = {"format": "parquet", "path": str(evolving.parquet(first / "logs" / "cased", logs))}
    sections = {"dimensions": ["Country", "device"], "slices": [[]], "impressions": {**shown, "source": source}}
    config = configured(first, NEW[0], **sections)
    with pytest.raises(ContractError, match="spell a dimension otherwise") as caught:
        evolving.nightly.evaluate(spark, parse(config), NEW[0])
    assert caught.value.exit_code == 2


@SAIL
def test_gates_against_days_before_are_judged(worlds):
    for name in worlds:
        rows = {row["gate"]: row for row in worlds[name].rows("gate_results", NEW[0]).to_pylist()}
        assert rows["steady"]["verdict"] in ("passed", "undecided"), rows
        assert rows == {row["gate"]: row for row in worlds["unchanged"].rows("gate_results", NEW[0]).to_pylist()}


@SAIL
def test_the_worst_crosses_are_of_the_dimensions_of_both_days(spark, worlds):
    for calibration in (False, True):
        how = Asked(back=NEW[0] - OLD[1], calibration=calibration)
        of = {name: worst_of(Ledger(spark, worlds[name].settings, NEW[0], 0), how) for name in ("added", "unchanged")}
        added = [dict(row) for row in of["added"]]
        assert [row.pop("not_recorded") for row in added] == [["browser"]] * 2
        assert added == of["unchanged"]
        assert added[0]["judged"] > 5
    alone = worst_of(Ledger(spark, worlds["added"].settings, OLD[1], 0), Asked(calibration=True))
    assert [row["not_recorded"] for row in alone] == [["browser"]] * 2
    assert {*alone[0]["field_rce"]} == {"country", "device"}


@SAIL
def test_a_backfill_records_what_was_not(spark, first, worlds, tmp_path):
    settings = parse({**worlds["added"].settings.document(), "tables": {"path": str(tmp_path / "tables")}})
    continued(spark, first, tmp_path, **ADDED)
    for day in OLD:
        config = configured(first, day, tmp_path / "tables", **ADDED)
        evolving.nightly.evaluate(spark, parse(config), day)
    rows = answered(spark, settings, asked(COLUMNS, "statistics")).to_pylist()
    assert found_of(rows, COLUMNS) == dict(counted(DAYS, COLUMNS, dict.fromkeys(DAYS, COLUMNS)))
    # And a dimension that was retired comes back.
    for sections in (RETIRED, ADDED):
        evolving.nightly.evaluate(spark, parse(configured(first, NEW[1], tmp_path / "tables", **sections)), NEW[1])
    again = answered(spark, settings, asked(COLUMNS, "ledger").replace("positive_weight", "positives")).to_pylist()
    assert found_of(again, COLUMNS) == found_of(rows, COLUMNS)


@SAIL
def test_before_a_night_has_recorded_it_a_dimension_is_not_recorded_in_queries(spark, first):
    settings = parse(configured(first, OLD[0], **ADDED))
    rows = answered(spark, settings, f"SELECT browser, {SUMS} FROM statistics WHERE {OWN} GROUP BY browser").to_pylist()
    assert found_of(rows, ("browser",)) == dict(counted(OLD, ("browser",), dict.fromkeys(OLD, ())))
    described = {row["col_name"]: row["comment"] for row in answered(spark, settings, "DESCRIBE ledger").to_pylist()}
    assert "(not recorded)" in described["browser"]
    less = parse(configured(first, OLD[0], **RETIRED))
    described = {row["col_name"]: row["comment"] for row in answered(spark, less, "DESCRIBE ledger").to_pylist()}
    assert described["device"] == "A dimension once; (not recorded) since it is none"


def test_every_engine_and_every_writer_lets_dimensions_come_and_go(spark, writer, tmp_path):
    evolving.written(tmp_path)
    for day, sections in zip(DAYS, ({}, ADDED, RETIRED, ADDED), strict=True):
        evolving.nightly.evaluate(spark, parse(configured(tmp_path, day, **{**BARE, **sections})), day)
    settings = parse(configured(tmp_path, DAYS[-1], **{**BARE, **ADDED}))
    known = dict(zip(DAYS, (("country", "device"), COLUMNS, ("country",), COLUMNS), strict=True))
    for by in (COLUMNS, ("device",)):
        rows = answered(spark, settings, asked(by, "ledger").replace("positive_weight", "positives")).to_pylist()
        assert found_of(rows, by) == dict(counted(DAYS, by, known))
    changes = table(settings.document(), "changes", DAYS[3]).to_pylist()
    of_browsers = {row["reason"] for row in changes if row["slice"] == "browser=chrome" and row["against"] == "1d"}
    assert of_browsers == {"not_recorded"}


BARE = {"comparisons": {}, "gates": {}, "bins": {"slices": []}, "models": {"champion": {"ctr": {"score": "p"}}}}
