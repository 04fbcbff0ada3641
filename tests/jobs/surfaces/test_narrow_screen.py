"""A narrow terminal loses no value of a slice."""

import io
import re

from rich.console import Console
from rich.table import Table

from jobs.surfaces.screen import slices


def test_a_long_slice_goes_on_in_the_next_line():
    console = Console(width=20, file=io.StringIO())
    table = Table(*slices.whole("slice", "n"))
    table.add_row("country=DE,campaign=winter_sale", "24,944")
    console.print(table)
    drawn = console.file.getvalue()
    assert "…" not in drawn
    cells = re.findall(r"^│ (\S+) ", drawn, re.MULTILINE)
    assert "".join(cells) == "country=DE,campaign=winter_sale"
