"""Text that may leave: for a terminal without what steers it, for any reader without the secrets of an address."""

import re
from typing import Final

SECRET: Final = re.compile(r"secret|passw|token|credential|key", re.IGNORECASE)
# Of variables of the environment also those that hold addresses at which anybody may post.
SECRET_VARIABLE: Final = re.compile(
    rf"{SECRET.pattern}|webhook|connection_string|(^|_)(auth|sas|pwd)(_|$)", re.IGNORECASE
)
NO_SECRET: Final = "no secret here: give it to the engine, e.g. in conf/spark-defaults.conf, and refer to it from there"
HIDDEN: Final = "***"
# The user's part of an address up to its last @, and what follows a telling name in a query or in parameters.
USER: Final = re.compile(r"(?<=://)[^\s/:@]*:[^\s/]*@")
PARAMETER: Final = re.compile(r"(?<=[?&;])([\w.-]{1,100})=([^&;\s'\"]+)")
SIGNATURE: Final = re.compile(rf"{SECRET.pattern}|sig|signature", re.IGNORECASE)


def printable(text: str) -> str:
    r"""The text on one line, without what would steer a terminal: it comes from the data.

    >>> print(printable("DE\x1b[2J\nok"))
    DE\x1b[2J\nok
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def printable_lines(text: str) -> str:
    """The same of a text of several lines, which stay lines."""
    return "\n".join(map(printable, text.split("\n")))


def redacted(text: str) -> str:
    """The text without passwords and tokens of addresses.

    >>> redacted("s3a://ann:pw@logs/day, sc://host:15002/;token=abc;use_ssl=true")
    's3a://***@logs/day, sc://host:15002/;token=***;use_ssl=true'
    """
    return PARAMETER.sub(_without_value, USER.sub(f"{HIDDEN}@", text))


def _without_value(parameter: re.Match[str]) -> str:
    name = parameter[1]
    return f"{name}={HIDDEN}" if SIGNATURE.search(name) else parameter[0]


def holds_secret(address: str) -> bool:
    """Whether an address has a password or a token in it.

    >>> holds_secret("s3a://ann:pw@logs/day"), holds_secret("abfss://logs@account.dfs.core.windows.net/day")
    (True, False)
    """
    return redacted(address) != address
