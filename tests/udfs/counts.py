"""The kind of task that `docs/add-a-kind.md` adds: a fifth one, that there is in tests only."""

import re
import types
from pathlib import Path

from udfs.kind import Kind

DOCUMENT = Path(__file__).parents[2] / "docs" / "add-a-kind.md"
MEASURES, VALUE = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)

_family, _kinds = types.ModuleType("counts"), types.ModuleType("kinds")
exec(compile(MEASURES, DOCUMENT.name, "exec"), vars(_family))
vars(_kinds)["counts"] = _family
exec(compile(VALUE, DOCUMENT.name, "exec"), vars(_kinds))
COUNTS: Kind = _kinds.COUNTS
