"""Who is told, and of what: a night that keeps failing, labels that are late, a run that did not end well."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from jobs.settings.errors import WrongValueError
from jobs.settings.fields import Items, Name, Path, Section, Text
from jobs.settings.judgement.gates import Amount


def _variable(value: str) -> str:
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", value):
        raise WrongValueError(
            "the name of an environment variable such as LOSSLEDGER_WEBHOOK, not the address", found="another text"
        )
    return value


Variable = Annotated[Text, AfterValidator(_variable)]
ASKED = ("of", "nights", "of_last", "least_effect")
Nights = Annotated[int, Field(ge=1, le=28)]


class Alerts(Section):
    """Where alerts go, and when: a gate that fails in `nights` of the last `of_last` ones, this one included.

    `webhook` names an environment variable that holds the address, or several separated by spaces: an address is a
    secret, and the configuration is recorded. `file` gets one line of JSON for each alert. `least_effect` says of a
    gate by how much at least its number has to lie beyond the bound, in the gate's own unit: that of `value` in
    `gate_results`, a part such as 1% where the gate's margin is one.
    """

    webhook: Variable | None = None
    file: Path | None = None
    of: Items[Literal["gates", "labels", "runs"]] = ("gates", "labels", "runs")
    nights: Nights = 2
    of_last: Nights = 3
    least_effect: Mapping[Name, Amount] = {}

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.nights > self.of_last:
            told = f"nights: {self.nights} of the last {self.of_last}"
            raise WrongValueError("as many nights as it is of, or fewer", found=told)
        if not self.wanted and any(getattr(self, name) != type(self).model_fields[name].default for name in ASKED):
            raise WrongValueError("a webhook, a file, or both", found="alerts that go nowhere")
        return self

    @property
    def wanted(self) -> bool:
        """Whether anybody is to be told."""
        return self.webhook is not None or self.file is not None
