"""Who is told, and of what: a night that keeps failing, labels that are late, a run that did not end well."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from jobs.settings.errors import WrongValueError
from jobs.settings.fields import Items, Path, Section, Text


def _variable(value: str) -> str:
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", value):
        raise WrongValueError("the name of an environment variable such as LOSSLEDGER_WEBHOOK, not the address")
    return value


Variable = Annotated[Text, AfterValidator(_variable)]
ASKED = ("of", "nights", "of_last")
Nights = Annotated[int, Field(ge=1, le=28)]


class Alerts(Section):
    """Where alerts go, and when: a gate that fails in `nights` of the last `of_last` ones, this one included.

    `webhook` names an environment variable that holds the address, or several separated by spaces: an address is a
    secret, and the configuration is recorded. `file` gets one line of JSON for each alert.
    """

    webhook: Variable | None = None
    file: Path | None = None
    of: Items[Literal["gates", "labels", "runs"]] = ("gates", "labels", "runs")
    nights: Nights = 2
    of_last: Nights = 3

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.nights > self.of_last:
            told = f"nights: {self.nights} of the last {self.of_last}"
            raise WrongValueError("as many nights as it is of, or fewer", found=told)
        asked = (self.of, self.nights, self.of_last)
        if not self.wanted and asked != tuple(type(self).model_fields[name].default for name in ASKED):
            raise WrongValueError("a webhook, a file, or both", found="alerts that go nowhere")
        return self

    @property
    def wanted(self) -> bool:
        """Whether anybody is to be told."""
        return self.webhook is not None or self.file is not None
