"""Names as users gave them, quoted for an engine: in SQL, as a column, in a schema."""

import re
from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F


def quoted(name: str) -> str:
    """A name in SQL.

    >>> quoted("a`b")
    '`a``b`'
    """
    return "`" + name.replace("`", "``") + "`"


def by_name(name: str) -> Column:
    """A column by its name, whatever characters it has."""
    return F.col(quoted(name))


def text_literal(text: str) -> str:
    r"""A text as an expression in SQL that every engine reads alike: they differ over quotes and backslashes in texts.

    >>> text_literal(",it's=")
    "CONCAT(',it', CHR(39), 's=')"
    """
    parts = [f"CHR({ord(part)})" if part in "'\\" else f"'{part}'" for part in re.split(r"(['\\])", text) if part]
    return parts[0] if len(parts) == 1 else f"CONCAT({', '.join(parts)})"


def schema_text(types: Mapping[str, str]) -> str:
    """Columns with their types, in the spelling of a schema.

    >>> schema_text({"p": "double", "a b": "string"})
    '`p` double, `a b` string'
    """
    return ", ".join(f"{quoted(name)} {type_}" for name, type_ in types.items())
