"""`docs/notebook.ipynb` runs from top to bottom, and what its functions return is what the tables hold."""

from pathlib import Path

import pandas as pd
import pytest

from jobs import notebook
from jobs.errors import InputMissingError
from tests.jobs.surfaces.init import logs
from tests.world import child

DAY = "2026-03-18"


def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    made = nbformat.read(child.ROOT / "docs" / "notebook.ipynb", as_version=4)
    client = nbclient.NotebookClient(made, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env=child.environment(PYTHONPATH=str(child.ROOT)))
    shown = [
        "".join(out["data"]["text/plain"]) for cell in made.cells for out in cell.get("outputs", ()) if "data" in out
    ]
    assert "predicted_over_actual" in shown[2]
    assert "device=phone" in shown[-1]


def test_the_notebook_is_kept_without_its_outputs():
    nbformat = pytest.importorskip("nbformat")
    made = nbformat.read(child.ROOT / "docs" / "notebook.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in made.cells)


@pytest.mark.only_engine("sail")
def test_each_function_returns_a_frame(spark, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world = logs.world()
    source = logs.parquet(world[["id", "at", "country", "p", "z", "click"]], tmp_path / "log.parquet")
    guesses = notebook.init(str(source))
    assert set(guesses["role"]) == {"id", "time", "label", "score", "dimension"}
    assert guesses.attrs["date"] == DAY
    metrics = notebook.evaluate("lossledger.yaml", DAY)
    inside = world[world["at"].dt.date.astype(str) == DAY]
    total = metrics[(metrics["metric"] == "base_rate") & (metrics["slice"] == "")]
    assert total["value"].tolist() == pytest.approx([inside["click"].mean()] * 2, rel=1e-12)
    counted = notebook.query(
        "lossledger.yaml", "SELECT country, SUM(n) AS n FROM ledger WHERE model = 'p' GROUP BY country"
    )
    assert dict(zip(counted["country"], counted["n"], strict=True)) == inside.groupby("country").size().to_dict()
    compared = notebook.compare("lossledger.yaml", DAY)
    assert set(compared["candidate"]) == {"z"}
    assert isinstance(notebook.worst("lossledger.yaml", DAY), pd.DataFrame)
    with pytest.raises(InputMissingError):
        notebook.evaluate("lossledger.yaml", "2026-03-25")
