"""The configuration of an evaluation: one YAML file, one frozen typed model, told what is wrong in two rounds.

First every wrong shape; then, where all shapes are right, every part that does not fit another. A file may point to
nothing outside of the roots that are set where it is read.
"""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jobs.errors import ConfigurationError, Problem
from jobs.settings.bounds.roots import root_problems
from jobs.settings.bounds.secret_texts import secret_problems
from jobs.settings.errors import by_place, shape_problems
from jobs.settings.evaluation import Evaluation
from jobs.settings.fields import TimeColumn
from jobs.settings.judgement.relations import alert_problems, gate_problems
from jobs.settings.kinds import kind_problems
from jobs.settings.logs import Impressions, LabelColumn, LabelLog, Source
from jobs.settings.options import option_problems
from jobs.settings.relations import relation_problems
from jobs.settings.yaml_file import read

__all__ = [
    "Evaluation",
    "Impressions",
    "LabelColumn",
    "LabelLog",
    "Source",
    "TimeColumn",
    "load",
    "parse",
]

MOST_TOLD = 200


def load(path: str | Path, overrides: Sequence[str] = ()) -> Evaluation:
    """Return the evaluation of a YAML file, under overrides such as `limits.min_rows=0`."""
    evaluation = _parsed(read(path, overrides), str(path))
    if problems := list(root_problems(evaluation)):
        raise _refused(str(path), problems)
    return evaluation


def parse(mapping: Mapping[Any, Any]) -> Evaluation:
    """Return the evaluation of a plain mapping; raises ConfigurationError with every problem of a round."""
    return _parsed(mapping, "the configuration")


def _parsed(given: object, origin: str) -> Evaluation:
    if secrets := list(secret_problems(given)):
        raise _refused(origin, secrets)
    try:
        evaluation = Evaluation.model_validate(given)
    except ValidationError as error:
        raise _refused(origin, shape_problems(error, _schema())) from None
    problems = [*relation_problems(evaluation), *kind_problems(evaluation), *option_problems(evaluation)]
    problems += [*gate_problems(evaluation), *alert_problems(evaluation)]
    if problems:
        raise _refused(origin, problems)
    return evaluation.in_order()


def _refused(origin: str, found: Sequence[Problem]) -> ConfigurationError:
    problems = by_place(found)
    more = f", the first {MOST_TOLD}" if len(problems) > MOST_TOLD else ""
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}{more}"
    return ConfigurationError(f"{origin} is not valid: {count}", problems[:MOST_TOLD])


@functools.cache
def _schema() -> dict[str, Any]:
    return Evaluation.model_json_schema()
