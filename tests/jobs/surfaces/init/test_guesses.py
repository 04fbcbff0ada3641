"""`lossledger init` on logs as strangers have them: what it takes for what, what it calls a guess, what it refuses."""

from datetime import date

import pandas as pd
import pytest
import yaml
from deltalake import write_deltalake

from jobs.errors import ConfigurationError, ContractError
from jobs.settings import load
from jobs.surfaces import doctor
from jobs.surfaces.init.command import written
from tests.jobs.surfaces.init import logs
from tests.world import child

WORLD = logs.world()
PLAIN = {"id": "impression_id", "at": "ts", "user": "user_id", "p": "p_click", "click": "clicked"}
OWN = ["id", "at", "user", "country", "device", "p", "click"]


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    """The tables of a configuration are beside it."""
    monkeypatch.chdir(tmp_path)


def initialised(tmp_path, source, *labels, columns=()):
    """The configuration that `init` writes, as values, after `doctor` has found nothing wrong with it."""
    found = written(str(source), [str(path) for path in labels], tmp_path / "lossledger.yaml", columns)
    checks = list(doctor._evaluation(found.path, "sail"))
    assert all(check.ok for check in checks), [check.found for check in checks if not check.ok]
    return found, yaml.safe_load(found.path.read_text())


def guess(found, role):
    (one,) = [guess for guess in found.proposal.guesses if guess.role == role]
    return one


def test_a_plain_csv(tmp_path):
    rows = WORLD[OWN].rename(columns=PLAIN).assign(ts=logs.iso(WORLD["at"]))
    found, document = initialised(tmp_path, logs.csv(rows, tmp_path / "ads.csv"))
    assert document["evaluation"] == "ads"
    assert document["impressions"]["columns"] == {"id": "impression_id", "time": "ts", "unit": "user_id"}
    assert document["labels"] == {"click": {"column": "clicked", "values": "binary"}}
    assert document["tasks"] == {"ctr": {"label": "click"}}
    assert document["models"] == {"model": {"ctr": {"score": "p_click"}}}
    assert document["dimensions"] == ["country", "device"]
    assert document["slices"] == document["bins"]["slices"] == [[], ["country"], ["device"]]
    assert all(guess.sure for guess in found.proposal.guesses)
    assert "GUESS" not in found.path.read_text().split("\n", 2)[2]
    assert found.day == date(2026, 3, 18)
    assert found.next.endswith(f"run {tmp_path}/lossledger.yaml --date 2026-03-18")


NAMES = {
    "p_click": ("p_click", "click", "ctr"),
    "pctr": ("pctr", "is_clicked", "ctr"),
    "pCTR": ("pCTR", "isClicked", "ctr"),
    "score": ("score", "label", "label"),
    "prediction": ("prediction", "target", "target"),
    "y_pred": ("y_pred", "y", "y"),
    "prob": ("prob", "outcome", "outcome"),
    "predicted_ctr": ("predicted_ctr", "clk", "ctr"),
    "pcvr": ("pcvr", "converted", "ctcvr"),
}


@pytest.mark.parametrize("name", NAMES)
def test_names_of_the_field(tmp_path, name):
    score, label, task = NAMES[name]
    rows = WORLD[["id", "at", "country", "p", "click"]].rename(columns={"p": score, "click": label})
    found, document = initialised(tmp_path, logs.parquet(rows, tmp_path / "log.parquet"))
    assert document["models"] == {"model": {task: {"score": score}}}
    assert [each["column"] for each in document["labels"].values()] == [label]
    assert guess(found, "score").sure and guess(found, "label").sure


TIMES = {
    "timestamp with a zone": ("ts", lambda at: at, None, True),
    "timestamp without one": ("ts", lambda at: at.dt.tz_localize(None), None, False),
    "epoch s": ("timestamp", lambda at: logs.epoch(at, "s"), "s", True),
    "epoch ms": ("showTime", lambda at: logs.epoch(at, "ms"), "ms", True),
    "epoch us": ("event_time", lambda at: logs.epoch(at, "us"), "us", True),
}


@pytest.mark.parametrize("kind", TIMES)
def test_times_of_parquet(tmp_path, kind):
    name, made, unit, zoned = TIMES[kind]
    rows = WORLD[["id", "p", "click"]].assign(**{name: made(WORLD["at"])})
    found, document = initialised(tmp_path, logs.parquet(rows, tmp_path / "log.parquet"))
    assert document["impressions"]["columns"]["time"] == ({"column": name, "unit": unit} if unit else name)
    assert ("GUESS: the times carry no zone" in found.path.read_text()) != zoned
    assert found.day == date(2026, 3, 18)


TEXTS = {
    "ISO with Z": logs.iso,
    "ISO without": lambda at: logs.iso(at, zone=False),
    "with a space and an offset": lambda at: at.dt.strftime("%Y-%m-%d %H:%M:%S+00:00"),
    "dates": lambda at: at.dt.strftime("%Y-%m-%d"),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_times_of_text(tmp_path, kind):
    rows = WORLD[["id", "p", "click"]].assign(when=TEXTS[kind](WORLD["at"]))
    found, document = initialised(tmp_path, logs.csv(rows, tmp_path / "log.csv"))
    assert document["impressions"]["columns"]["time"] == "when"
    assert ("the times carry no zone" in found.path.read_text()) == (kind == "ISO without")
    assert found.day == date(2026, 3, 18)


UNREAD = {
    "no time at all": None,
    "days with slashes": lambda at: at.dt.strftime("%d/%m/%Y %H:%M"),
    "digits without separators": lambda at: at.dt.strftime("%Y%m%d%H%M%S"),
}


@pytest.mark.parametrize("kind", UNREAD)
def test_a_log_without_times_says_that_every_row_is_of_the_day_that_is_named(tmp_path, capsys, kind):
    rows = WORLD[["id", "p", "click"]]
    rows = rows if UNREAD[kind] is None else rows.assign(when=UNREAD[kind](WORLD["at"]))
    logs.csv(rows, tmp_path / "log.csv")
    child_told = child.ended(*child.COMMAND, "init", "--from", tmp_path / "log.csv", "-o", tmp_path / "lossledger.yaml")
    assert child_told.code == 0, child_told.err
    settings = load(tmp_path / "lossledger.yaml")
    assert settings.impressions.columns.time is None
    told = "no column has times that can be read, so every row belongs to the --date that you give"
    assert told in child_told.out
    assert told in (tmp_path / "lossledger.yaml").read_text()


def test_two_models_of_two_tasks(tmp_path):
    rows = WORLD.rename(columns={"p": "p_click", "z": "z_click"})
    rows = rows.assign(z_conv=-rows["p_conv"] - 1.0)
    found, document = initialised(tmp_path, logs.parquet(rows, tmp_path / "log.parquet"))
    assert document["models"] == {
        "p": {"ctr": {"score": "p_click"}, "cvr": {"score": "p_conv"}},
        "z": {"ctr": {"score": "z_click", "scale": "logit"}, "cvr": {"score": "z_conv", "scale": "logit"}},
    }
    assert document["tasks"] == {"ctr": {"label": "click"}, "cvr": {"label": "conversion", "given": "click"}}
    assert document["comparisons"] == {"z": {"candidate": "z", "baseline": "p"}}
    assert guess(found, "tasks.cvr.given").others == ("none",)


def test_clicks_as_a_log_of_their_own(tmp_path):
    shown = WORLD[["id", "at", "country", "p"]].rename(columns={"id": "impression_id", "at": "ts", "p": "pctr"})
    clicked = logs.clicks(WORLD).rename(columns={"id": "impression_id", "at": "click_ts"})
    logs.parquet(shown, tmp_path / "impressions.parquet")
    logs.parquet(clicked, tmp_path / "clicks.parquet")
    found, document = initialised(tmp_path, tmp_path / "impressions.parquet", tmp_path / "clicks.parquet")
    log = document["labels"]["click"]
    assert log["columns"] == {"id": "impression_id", "time": "click_ts"}
    assert log["window"] == "1h"
    assert document["tasks"] == {"ctr": {"label": "click"}}
    assert guess(found, "labels.click.window").sure is False
    assert guess(found, "labels.click.columns.id").why == "100 % of its ids are those of impressions"


@pytest.mark.parametrize(("longest", "window"), [(3_000.0, "1h"), (80_000.0, "1d"), (500_000.0, "7d")])
def test_the_window_is_the_shortest_usual_one_that_nearly_all_events_lie_in(tmp_path, longest, window):
    shown = WORLD[["id", "at", "p"]]
    logs.csv(shown.assign(at=logs.iso(shown["at"])), tmp_path / "impressions.csv")
    clicked = logs.clicks(WORLD, longest=longest)
    logs.csv(clicked.assign(at=logs.iso(clicked["at"])), tmp_path / "clicks.csv")
    _, document = initialised(tmp_path, tmp_path / "impressions.csv", tmp_path / "clicks.csv")
    assert document["labels"]["click"]["window"] == window


def test_a_folder_with_a_log_in_each_entry(tmp_path):
    shown = WORLD[["id", "at", "country", "p", "p_conv"]].rename(columns={"p": "p_click"})
    for day, rows in shown.groupby(shown["at"].dt.date):
        logs.parquet(rows, tmp_path / "data" / "impressions" / f"dt={day}" / "part.parquet")
    logs.parquet(logs.clicks(WORLD), tmp_path / "data" / "clicks" / "part.parquet")
    converted = WORLD[WORLD["conversion"] == 1]
    late = converted.assign(at=converted["at"] + pd.Timedelta(hours=5), price=3.0)[["id", "at", "price"]]
    logs.parquet(late, tmp_path / "data" / "conversions" / "part.parquet")
    _, document = initialised(tmp_path, tmp_path / "data")
    assert document["day"] == {"timezone": "UTC", "partition": "dt"}
    assert document["impressions"]["source"]["path"].endswith("data/impressions")
    assert {name: of["window"] for name, of in document["labels"].items()} == {"click": "1h", "conversion": "6h"}
    assert document["tasks"]["cvr"] == {"label": "conversion", "given": "click"}
    assert document["dimensions"] == ["country"]


def test_rows_that_lack_something_do_not_hinder(tmp_path):
    shown = WORLD[["id", "at", "p", "p_conv"]].rename(columns={"p": "p_click"})
    shown = shown.assign(
        **{name: shown[name].where(WORLD.index % 400 != rank) for rank, name in enumerate(shown.columns, 1)}
    )
    logs.parquet(shown, tmp_path / "data" / "impressions.parquet")
    logs.parquet(logs.clicks(WORLD), tmp_path / "data" / "clicks.parquet")
    converted = WORLD[WORLD["conversion"] == 1][["id", "at"]]
    logs.parquet(converted.assign(price=1.5), tmp_path / "data" / "conversions.parquet")
    _, document = initialised(tmp_path, tmp_path / "data")
    assert document["impressions"]["columns"] == {"id": "id", "time": "at"}
    assert document["tasks"] == {"ctr": {"label": "click"}, "cvr": {"label": "conversion", "given": "click"}}


def test_rows_of_long_ago_are_no_day_to_begin_with(tmp_path):
    now = pd.Timestamp.now(tz="UTC").floor("s")
    rows = WORLD[["id", "at", "click", "p"]].assign(at=now - pd.to_timedelta(WORLD.index, unit="ms"))
    rows.loc[:9, "at"] = logs.START
    found, _ = initialised(tmp_path, logs.parquet(rows, tmp_path / "log.parquet"))
    assert found.day != logs.START.date()
    assert not found.ripe


def test_a_label_with_a_few_wrong_rows_is_one_and_a_count_is_none(tmp_path):
    rows = WORLD[["id", "at", "p", "click"]].copy()
    rows.loc[5, "click"] = 7
    _, document = initialised(tmp_path, logs.parquet(rows, tmp_path / "log.parquet"))
    assert document["labels"] == {"click": {"column": "click", "values": "binary"}}
    rows.loc[:100, "click"] = 2
    assert "there is no label to evaluate" in refused_of(rows, tmp_path)


def refused_of(rows, tmp_path):
    with pytest.raises(ContractError) as caught:
        written(str(logs.parquet(rows, tmp_path / "other.parquet")), [], tmp_path / "other.yaml")
    return str(caught.value)


def test_a_delta_table(tmp_path):
    write_deltalake(str(tmp_path / "log"), WORLD[["id", "at", "country", "p", "click"]])
    _, document = initialised(tmp_path, tmp_path / "log")
    assert document["impressions"]["source"] == {"format": "delta", "path": str(tmp_path / "log")}


def test_text_without_a_header_with_tabs_and_words_for_null(tmp_path):
    rows = WORLD[["id", "at", "country", "click", "p"]].assign(at=logs.epoch(WORLD["at"], "s"))
    rows["country"] = rows["country"].where(rows["country"] != "FR", "\\N")
    rows["p"] = rows["p"].astype(object).where(rows.index % 500 != 0, "NULL")
    logs.csv(rows, tmp_path / "log.tsv.gz", sep="\t", header=False)
    _, document = initialised(tmp_path, tmp_path / "log.tsv.gz")
    source = document["impressions"]["source"]
    assert source["options"] == {"sep": "\t"}
    assert source["names"] == [f"column_{i}" for i in range(1, 6)]
    assert source["nulls"] == ["\\N", "NULL"]
    assert document["models"] == {"model": {"column_4": {"score": "column_5"}}}
    assert document["dimensions"] == ["column_3"]


def test_words_for_null_are_those_of_the_columns_in_which_they_are(tmp_path):
    rows = WORLD[["id", "at", "country", "click", "p"]].assign(at=logs.iso(WORLD["at"]))
    rows["country"] = rows["country"].where(rows["country"] != "FR", "NA")
    rows["p"] = rows["p"].astype(object).where(rows.index % 500 != 0, "NA")
    found, document = initialised(tmp_path, logs.csv(rows, tmp_path / "log.csv"))
    assert document["impressions"]["source"]["nulls"] == {"p": ["NA"]}
    assert found.proposal.impressions.columns["country"].distinct == 3


@pytest.mark.parametrize("write", [logs.csv, logs.parquet])
def test_folders_of_days_are_one_log_though_a_column_came_later(tmp_path, write):
    rows = WORLD[["id", "at", "country", "click", "p"]]
    end = "csv" if write is logs.csv else "parquet"
    write(rows[:1500], tmp_path / "log" / "dt=2026-03-17" / f"a.{end}")
    write(rows[1500:].assign(device=WORLD["device"]), tmp_path / "log" / "dt=2026-03-18" / f"a.{end}")
    found, document = initialised(tmp_path, tmp_path / "log")
    assert document["impressions"]["source"] == {"format": end, "path": str(tmp_path / "log")}
    assert document["day"]["partition"] == "dt"
    assert found.proposal.impressions.rows.num_rows == len(WORLD)
    assert document["dimensions"] == ["country", "device"]


def test_scores_of_log_odds_and_a_shadow_model(tmp_path):
    rows = WORLD[["id", "at", "click", "z"]].rename(columns={"z": "score"})
    rows = rows.assign(shadow_score=WORLD["p"].where(WORLD.index % 20 == 0))
    found, document = initialised(tmp_path, logs.parquet(rows, tmp_path / "log.parquet"))
    assert document["models"] == {
        "score": {"ctr": {"score": "score", "scale": "logit"}},
        "shadow_score": {"ctr": {"score": "shadow_score", "required": False}},
    }
    assert [guess.sure for guess in found.proposal.guesses if guess.role == "score"] == [False, True]


def test_scores_are_told_by_how_they_predict_where_no_name_tells_them(tmp_path):
    rows = WORLD[["id", "at", "click"]].assign(
        ftrl=WORLD["p"], noise=WORLD["p"].sample(frac=1.0, random_state=1).to_numpy()
    )
    rows["latitude"] = 0.9 - rows["ftrl"] / 10.0
    found, document = initialised(tmp_path, logs.parquet(rows, tmp_path / "log.parquet"))
    scores = {score["ctr"]["score"] for score in document["models"].values()}
    assert "ftrl" in scores and "latitude" not in scores
    assert not any(guess.sure for guess in found.proposal.guesses if guess.role == "score")


def test_several_classes(tmp_path):
    outcome = WORLD["country"].map({"DE": "win", "FR": "draw", "US": "loss"})
    chance = pd.DataFrame({"p_draw": WORLD["p"] / 2, "p_loss": WORLD["p"] / 2, "p_win": 1.0 - WORLD["p"]})
    rows = WORLD[["id", "at"]].assign(outcome=outcome, **chance)
    _, document = initialised(tmp_path, logs.parquet(rows, tmp_path / "log.parquet"))
    assert document["labels"]["outcome"]["classes"] == ["draw", "loss", "win"]
    assert document["tasks"] == {"outcome": {"kind": "multiclass", "label": "outcome"}}
    assert document["models"] == {"model": {"outcome": {"score": ["p_draw", "p_loss", "p_win"]}}}


def test_ids_are_no_dimensions_and_names_of_our_columns_neither(tmp_path):
    rows = WORLD[OWN].assign(
        campaign_id=WORLD.index % 7, creative_id=WORLD.index % 900, value=WORLD.index % 3, session_hash=WORLD.index % 11
    )
    _, document = initialised(tmp_path, logs.parquet(rows, tmp_path / "log.parquet"))
    assert document["dimensions"] == ["country", "device", "campaign_id"]


def test_what_is_known_better_is_said(tmp_path):
    rows = WORLD[OWN].assign(propensity=WORLD["p"])
    source = logs.parquet(rows, tmp_path / "log.parquet")
    said = ["score=propensity", "dimension=device", "unit=country"]
    _, document = initialised(tmp_path, source, columns=said)
    assert document["models"] == {"model": {"ctr": {"score": "propensity"}}}
    assert document["dimensions"] == ["device"]
    assert document["impressions"]["columns"]["unit"] == "country"


def refused(tmp_path, source, *labels, columns=()):
    with pytest.raises((ContractError, ConfigurationError)) as caught:
        written(str(source), [str(path) for path in labels], tmp_path / "lossledger.yaml", columns)
    assert caught.value.exit_code == 2
    assert not (tmp_path / "lossledger.yaml").exists()
    return str(caught.value)


def test_no_score_is_told_with_what_comes_nearest(tmp_path):
    rows = WORLD[["id", "at", "click", "country"]].assign(propensity_score=WORLD["p"])
    told = refused(tmp_path, logs.csv(rows, tmp_path / "log.csv"))
    assert told.startswith("there is no score to evaluate")
    assert "nearest: propensity_score (from 0.0" in told
    assert "expected a column of probabilities from 0 to 1 or of log odds" in told
    assert told.endswith("or name it: --column score=propensity_score")


def test_a_score_with_commas_or_per_cent_is_told(tmp_path):
    rows = WORLD[["id", "at", "click"]].assign(pctr=WORLD["p"].astype(str).str.replace(".", ","))
    told = refused(tmp_path, logs.csv(rows, tmp_path / "log.csv", sep=";"))
    assert "pctr (such as '0,0" in told and "write them with a point" in told
    rows = WORLD[["id", "at", "click"]].assign(pctr=100.0 * WORLD["p"])
    assert "nearest: pctr (from " in refused(tmp_path, logs.csv(rows, tmp_path / "log.csv"))


def test_no_label_is_told_with_what_comes_nearest(tmp_path):
    rows = WORLD[["id", "at", "country", "p"]].assign(clicks=WORLD["click"] * 3)
    told = refused(tmp_path, logs.csv(rows, tmp_path / "log.csv"))
    assert told.startswith("there is no label to evaluate")
    assert "nearest: clicks (from 0 to 3)" in told
    assert "or a log of events: --labels PATH" in told


def test_a_log_of_labels_that_meets_no_impression_is_told(tmp_path):
    logs.csv(WORLD[["id", "at", "p"]], tmp_path / "impressions.csv")
    strange = logs.clicks(WORLD).assign(id=lambda rows: "x" + rows["id"])
    logs.csv(strange, tmp_path / "clicks.csv")
    told = refused(tmp_path, tmp_path / "impressions.csv", tmp_path / "clicks.csv")
    assert "a log is no label of these impressions" in told
    assert "no column of it has the ids in 'id' of the impressions: id, at" in told


NOTHING = {
    "nothing": (lambda path: path / "nowhere", "found nothing, expected a file or a folder"),
    "an empty folder": (lambda path: path, "found an empty folder"),
    "an address": (lambda path: "s3://bucket/log", "found an address elsewhere"),
    "JSON": (lambda path: path / "folder", "found no such file among rows.json"),
}


@pytest.mark.parametrize("kind", NOTHING)
def test_no_log_is_told(tmp_path, kind):
    (tmp_path / "own").mkdir()
    if kind == "JSON":
        (tmp_path / "own" / "folder").mkdir()
        (tmp_path / "own" / "folder" / "rows.json").write_text("{}")
    place, said = NOTHING[kind]
    assert said in refused(tmp_path, place(tmp_path / "own"))


NO_TABLE = {
    "no byte": (b"", "found 0 lines, expected a row of names"),
    "JSON by the line": (b'{"a": 1}\n{"a": 2}\n', "found JSON, expected CSV or Parquet: pandas.read_json("),
    "Latin-1": ("ts;land\n1;Österreich\n".encode("latin-1"), "expected Parquet, or CSV in UTF-8, as `iconv"),
    "rows of other lengths": (b"a,b\n1,2\n1,2,3\n", "Expected 2 columns, got 3"),
}


@pytest.mark.parametrize("kind", NO_TABLE)
def test_a_file_that_is_no_table_is_told(tmp_path, kind):
    content, said = NO_TABLE[kind]
    (tmp_path / "log.csv").write_bytes(content)
    assert said in refused(tmp_path, tmp_path / "log.csv")


def test_a_path_that_is_misspelt_is_told(tmp_path):
    logs.csv(WORLD[["id", "at", "click", "p"]], tmp_path / "impressions.csv")
    assert refused(tmp_path, tmp_path / "impresions.csv").endswith(f"did you mean '{tmp_path}/impressions.csv'?")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["scroe=p"], "did you mean 'score'?"),
        (["score"], "expected ROLE=NAME"),
        (["score=pp"], "--column score: found 'pp', expected one of id, at, click, p"),
    ],
)
def test_what_is_said_wrongly_is_told(tmp_path, columns, said):
    source = logs.csv(WORLD[["id", "at", "click", "p"]], tmp_path / "log.csv")
    assert said in refused(tmp_path, source, columns=columns)


def test_a_configuration_that_is_there_is_left_alone(tmp_path):
    source = logs.csv(WORLD[["id", "at", "click", "p"]], tmp_path / "log.csv")
    (tmp_path / "lossledger.yaml").write_text("mine")
    with pytest.raises(ConfigurationError, match="a file that is there, expected a name for a new one"):
        written(str(source), [], tmp_path / "lossledger.yaml")
    assert (tmp_path / "lossledger.yaml").read_text() == "mine"
    written(str(source), [], tmp_path / "lossledger.yaml", force=True)
    assert load(tmp_path / "lossledger.yaml").evaluation == "log"


def test_a_day_of_which_labels_still_come_is_left_for_a_run_that_is_provisional(tmp_path):
    now = pd.Timestamp.now(tz="UTC")
    rows = WORLD[["id", "click", "p"]].assign(ts=now - pd.to_timedelta(WORLD.index, unit="ms"))
    found, _ = initialised(tmp_path, logs.parquet(rows, tmp_path / "log.parquet"))
    assert not found.ripe
    assert found.next.endswith("--provisional")
