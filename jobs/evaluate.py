"""Entry for spark-submit: `spark-submit … --py-files dist/lossledger.zip jobs/evaluate.py CONFIG --date D`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jobs import command


def main(  # noqa: PLR0913, PLR0917 - the options of the command
    config: Annotated[Path, typer.Argument(help="YAML file of the evaluation.")],
    date: Annotated[str, typer.Option(help="Day of the impressions, YYYY-MM-DD.")],
    age: Annotated[str | None, typer.Option(help="Label age, e.g. 24h; default: the configured one.")] = None,
    provisional: Annotated[bool, typer.Option("--provisional", help="Also before the age is reached.")] = False,
    overrides: Annotated[list[str], typer.Option("--set", help="Override a setting. Repeatable.")] = [],  # noqa: B006
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Evaluate one day on this Spark application and replace it in the tables."""
    raise typer.Exit(
        command.run(
            config, date, engine="spark", age=age, provisional=provisional, overrides=overrides, as_json=as_json
        )
    )


if __name__ == "__main__":
    app = typer.Typer(add_completion=False)
    app.command()(main)
    command.called(app)
