"""Entry for spark-submit: `spark-submit … --py-files dist/lossledger.zip jobs/evaluate.py CONFIG --date D`."""

from __future__ import annotations

import typer

from jobs import cli
from jobs.surfaces import arguments
from jobs.surfaces.exits import called


def main(  # noqa: PLR0913, PLR0917 - the options of the command
    config: arguments.Config,
    day: arguments.Day,
    age: arguments.Age = None,
    provisional: arguments.Provisional = False,
    accelerator: arguments.Accelerator = "auto",
    overrides: arguments.Set = [],  # noqa: B006 - typer copies it
    as_json: arguments.Json = False,
) -> None:
    """Evaluate one day on this Spark application and replace it in the tables."""
    cli.run(config, day, age, provisional, "spark", accelerator, overrides, as_json)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False)
    app.command()(main)
    called(app)
