"""Apache DataFusion Comet: runs Spark's plans natively where it can be had, with the same bits in every table."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from py4j.protocol import Py4JJavaError
from pyspark.sql.conf import RuntimeConfig

from jobs.engines import failures, jars
from jobs.engines.pins import DEFAULTS, Pair
from jobs.errors import ConfigurationError, EngineError, Problem, nearest_match, one_of

ACCELERATORS: Final = ("auto", "comet", "none")

SETTINGS: Final = {
    # It adds itself to the session, beside Delta's extension.
    "spark.plugins": "org.apache.spark.CometPlugin",
    # Columns change hands between stages as they are, and rows in Spark's own way: Comet's for rows needs a class that
    # is private to a package of Spark, found on Spark's class path alone, where neither `spark.jars` nor packages come.
    "spark.shuffle.manager": "org.apache.spark.sql.comet.execution.shuffle.CometShuffleManager",
    "spark.comet.exec.shuffle.enabled": "true",
    "spark.comet.shuffle.mode": "native",
    # Columns go to our Python functions without becoming rows on their way.
    "spark.comet.exec.pyarrowUDF.enabled": "true",
    # The few hashes that are broadcast where ids come twice: what is joined to rows of Spark's own becomes rows itself.
    "spark.comet.exec.localTableScan.enabled": "true",
    # All that it reserves counts against this one pool; without it, it stays off.
    "spark.memory.offHeap.enabled": "true",
}
POOL: Final = "spark.memory.offHeap.size"
# A task may reserve its share of the pool, and each one builds its own table of the labels that were broadcast, several
# times as large once it is hashed; it cannot spill. So labels are broadcast up to a small part of the pool.
PER_CORE: Final = 2**30
OF_POOL: Final = 32
BROADCAST: Final = ("spark.sql.autoBroadcastJoinThreshold", "spark.sql.adaptive.autoBroadcastJoinThreshold")
# What Java's heap (`spark.driver.memory`), Python and the machine itself need beside it.
BESIDE: Final = 6 * 2**30
NATIVE: Final = "org.apache.comet.NativeBase"
NOT_HERE: Final = "Comet's jar is not here; --accelerator comet fetches its 99 MB, once"
PROCESSOR: Final = "/proc/cpuinfo"
LIMITS: Final = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether a session is accelerated.

    Attributes:
        jars: Comet's jars; none where it is not.
        reason: Why it is not, where somebody may want to know.
    """

    jars: tuple[Path, ...] = ()
    reason: str | None = None

    @property
    def settings(self) -> dict[str, str]:
        """What Spark needs besides the jars."""
        return {**SETTINGS, POOL: str(pool())} if self.jars else {}


def known_accelerator(accelerator: str, engine: str) -> str:
    """Return the name, or raise a ConfigurationError (exit 2) where there is none such, or the engine has none.

    >>> known_accelerator("auto", "sail")
    'auto'
    """
    if accelerator not in ACCELERATORS:
        near = nearest_match(accelerator, ACCELERATORS)
        problem = Problem("--accelerator", repr(accelerator), one_of(ACCELERATORS), near)
        raise ConfigurationError("there is no such accelerator", [problem])
    if accelerator == "comet" and engine != "spark":
        problem = Problem("--accelerator", f"'comet' with --engine {engine}", "auto or none")
        raise ConfigurationError("the engine has no accelerator", [problem])
    return accelerator


def chosen(accelerator: str, pair: Pair, ivy: Path | None = None) -> Choice:
    """Choose whether to accelerate.

    Args:
        accelerator: `comet`: it must be, and its jars are fetched if need be; `auto`: where they are on this machine
            and it can run; `none`.
        pair: The releases of Spark and Delta.
        ivy: Ivy's folder; Spark's default if None.

    Raises:
        EngineError: It must be and cannot; says why.
    """
    if accelerator == "none":
        return Choice()
    reason = lacking(pair)
    if reason is None:
        found = jars.comet_jars(pair, ivy, fetch=accelerator == "comet")
        return Choice(found) if found else Choice(reason=NOT_HERE)
    return refused(accelerator, reason)


def refused(accelerator: str, reason: str) -> Choice:
    """Go on without where that is allowed, else raise an EngineError (exit 3)."""
    if accelerator == "comet":
        raise EngineError(f"Spark cannot be accelerated: {reason}; run it without: --accelerator none")
    return Choice(reason=reason)


def lacking(pair: Pair) -> str | None:
    """Return why Comet cannot run here, or None. An old processor would end the JVM, so that is found out before."""
    if pair.comet is None:
        return f"there is no Comet for Spark {pair.spark}"
    system, machine = platform.system(), platform.machine()
    if system != "Linux" or machine not in {"x86_64", "aarch64"}:
        return f"Comet is made for Linux on x86-64 and arm64, and this is {system} on {machine}"
    if machine == "x86_64" and " avx2 " not in Path(PROCESSOR).read_text():
        return "Comet needs a processor with AVX2"
    here = memory()
    if here < BESIDE + pool():
        needed = (
            f"{pool() / 2**30:.0f} GiB off Java's heap, one for each core, beside {BESIDE / 2**30:.0f} for the rest"
        )
        return f"Comet needs {needed}, and {here / 2**30:.1f} are here"
    return None


def fault(jvm: Any) -> str | None:
    """Return why Comet's native code could not be loaded, or None; without it Comet leaves every plan to Spark."""
    if not jvm.org.apache.spark.util.Utils.classIsLoadable(NATIVE):
        return "its classes are not there"
    try:
        return None if jvm.org.apache.comet.NativeBase.isLoaded() else "it was not loaded"
    except Py4JJavaError as error:
        return failures.causes(error)[0]


def fit_broadcasts(conf: RuntimeConfig, jvm: Any) -> None:
    """Broadcast labels up to a part of Comet's pool alone; larger ones are sorted, and spill. One's own limit stays."""
    size = jvm.org.apache.spark.network.util.JavaUtils.byteStringAsBytes
    fitting = size(conf.get(POOL)) // OF_POOL
    for name in BROADCAST:
        if conf.get(name) == DEFAULTS[name] and fitting < size(DEFAULTS[name]):
            conf.set(name, str(fitting))


def pool() -> int:
    """Bytes off Java's heap for as many tasks as this machine runs at once."""
    return PER_CORE * (os.cpu_count() or 1)


def memory() -> int:
    """Bytes of memory that this process may use: the machine's, or less in a container."""
    here = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    told = [text for path in map(Path, LIMITS) if path.is_file() and (text := path.read_text().strip()).isdecimal()]
    return min([here, *map(int, told)])
