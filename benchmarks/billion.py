"""A billion rows a night on 20 machines, on paper: bytes, memory, limits, by formulas from sizes that were measured."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from benchmarks.beside.question import SHARDS
from benchmarks.cases import OURS, Case, Logs
from benchmarks.found import NOTHING, Found, number, table
from udfs.catalog import columns_of
from udfs.exact.sums import ROW_LIMIT
from udfs.scan.batch import BLOCK_ROWS
from udfs.scan.keyed import Keyed
from udfs.scan.partials import PACK_ROWS
from udfs.scan.repeats import BUCKET_BITS, BYTES

ARROW_LIMIT = 2**31  # bytes of all binary values of a batch
FILE_PART = 128 * 2**20  # spark.sql.files.maxPartitionBytes
DRIVER_RESULT = 2**30  # spark.driver.maxResultSize
OPTIONS = {"gamma": 2.0, "alpha": 1.0, "threshold": 0.5, "calibration_bins": 15, "k": 10}


@dataclass(frozen=True)
class Plan:
    """A night on a cluster.

    Attributes:
        rows: Impressions.
        bytes_per_row: Of Parquet, of impressions with the scores of all models.
        cells: Combinations of dimensions.
        slices: Declared slices, all declarations together.
        models: Models.
        machines: Executors.
        cores: Of each of them.
        partitions: spark.sql.shuffle.partitions.
    """

    rows: int
    bytes_per_row: float
    cells: int
    slices: int
    models: int = 2
    machines: int = 20
    cores: int = 16
    partitions: int = 200

    @property
    def tasks(self) -> int:
        """Tasks of a scan: one for each 128 MiB of Parquet."""
        return max(1, round(self.rows * self.bytes_per_row / FILE_PART))

    @property
    def keys(self) -> int:
        """Rows of sums of one model: cells + slices × shards."""
        return self.cells + self.slices * SHARDS

    @property
    def sums(self) -> int:
        """Bytes of partial sums shuffled, were every key in every task: tasks × models × keys × bytes of a row."""
        return self.tasks * self.models * self.keys * row_bytes()

    @property
    def of_task(self) -> int:
        """Bytes that a task of the pass holds: two limbs of 8 bytes for each model, statistic and key, and a block."""
        block = BLOCK_ROWS * 8 * (4 + self.models * 8)
        return self.models * len(statistics()) * self.keys * 16 + block


def statistics() -> dict[str, object]:
    """The statistics of a binary task by column."""
    return dict(columns_of("binary", OPTIONS))


def row_bytes() -> int:
    """Bytes of a row of sums on its way: its keys, its counts and its decimals."""
    schema = Keyed(columns_of("binary", OPTIONS), groupings=5).schema
    return sum(pa.types.is_decimal(field.type) * 16 or field.type.bit_width // 8 for field in schema)


def limits(plan: Plan) -> list[tuple[str, str, float, float]]:
    """What is bounded: what, its formula, how much the plan has of it, and what is allowed."""
    b, r, m, k = row_bytes(), plan.rows, plan.models, plan.keys
    return [
        (
            f"sums of one bucket ({PACK_ROWS} keys)",
            f"tasks × {PACK_ROWS} × {b} B",
            plan.tasks * PACK_ROWS * b,
            ARROW_LIMIT,
        ),
        (
            "sums that meet in a task",
            f"tasks × models × keys × {b} B ÷ partitions",
            plan.sums / plan.partitions,
            ARROW_LIMIT,
        ),
        (
            "hashes of ids that meet in a task",
            f"{BYTES} B × rows ÷ partitions",
            BYTES * r / plan.partitions,
            ARROW_LIMIT,
        ),
        ("hashes of one bucket", f"{BYTES} B × rows ÷ {2**BUCKET_BITS}", BYTES * r / 2**BUCKET_BITS, ARROW_LIMIT),
        ("combined sums at the driver", f"models × keys × {b} B", m * k * b, DRIVER_RESULT),
        ("rows of a task", "rows ÷ tasks", r / plan.tasks, ROW_LIMIT),
    ]


def paper(found: Found, rows: int) -> str:
    """The section: assumptions, bytes, limits from the one that gives first."""
    measured = found.cases.get(Case("spark", Logs(rows), duplicates="none"))
    if measured is None:
        return "Not computed: plain Spark was not measured on these rows."
    size = measured["bytes"]["impressions"] / rows
    plans = [Plan(10**9, size, cells, 1 + 24 + 5 + 24 * 5 + cells // 120) for cells in (12_000, 200_000)]
    return "\n\n".join([assumed(plans[0], size), moved(plans), bounded(plans), speed(found, rows, plans[0])])


def assumed(plan: Plan, size: float) -> str:
    """What it is computed of."""
    return (
        f"Computed, not run: {plan.rows:,} impressions of {size:.0f} bytes of Parquet (measured: size of the files ÷\n"
        f"rows), two models, {plan.machines} machines of {plan.cores} cores, `spark.sql.shuffle.partitions` "
        f"{plan.partitions}, {SHARDS} shards.\nTasks = rows × bytes ÷ 128 MiB. Keys = cells + slices × shards. "
        f"A row of sums has {row_bytes()} bytes: keys, 2 counts of 8,\n{len(statistics()) - 2} decimals of 16."
    )


def moved(plans: list[Plan]) -> str:
    """What goes over the network, and what a task holds."""
    gib, mib = 2**30, 2**20
    id_bytes = (
        8 + 8 + 32 + 8 + 4 + 8 * (2 + plans[0].models)
    )  # row header, hash, text, code, shard, time, label, scores
    lines = [
        ("tasks of a scan", [f"{plan.tasks:,}" for plan in plans]),
        ("keys of a model", [f"{plan.keys:,}" for plan in plans]),
        ("partial sums shuffled, at most, GiB", [f"{plan.sums / gib:.1f}" for plan in plans]),
        (f"hashes of ids shuffled ({BYTES} B × rows), GiB", [f"{BYTES * plan.rows / gib:.1f}" for plan in plans]),
        (
            f"rows shuffled where labels are no broadcast (≈ {id_bytes} B × rows), GiB",
            [f"{id_bytes * p.rows / gib:.0f}" for p in plans],
        ),
        ("memory of a task's sums and block, MiB", [f"{plan.of_task / mib:.0f}" for plan in plans]),
        ("the same of a machine, × cores, GiB", [f"{plan.cores * plan.of_task / gib:.1f}" for plan in plans]),
        ("hashes of a scan's task, twice, MiB", [f"{16 * plan.rows / plan.tasks / mib:.0f}" for plan in plans]),
    ]
    heads = ("", *(f"{plan.cells:,} cells" for plan in plans))
    return table(heads, [[name, *values] for name, values in lines])


def bounded(plans: list[Plan]) -> str:
    """Every limit, from the one that gives first: how many times as much would reach it."""
    of_each = [limits(plan) for plan in plans]
    order = sorted(range(len(of_each[0])), key=lambda i: min(each[i][3] / each[i][2] for each in of_each))
    lines = []
    for i in order:
        what, formula, _, allowed = of_each[0][i]
        lines.append(
            [f"{what}: {formula}", f"{allowed:,.0f}", *(f"{each[i][3] / each[i][2]:,.1f}" for each in of_each)]
        )
    heads = ("limit", "allowed", *(f"× to go, {plan.cells:,} cells" for plan in plans))
    first = of_each[0][order[0]][0]
    return f"What gives first is at the top ({first}); below 1 it is too much.\n\n{table(heads, lines)}"


def speed(found: Found, rows: int, plan: Plan) -> str:
    """The time of the pass, were it as many times as fast as there are cores."""
    told = []
    for who in OURS:
        case = Case(who, Logs(rows), duplicates="none")
        seconds = found.seconds(case, "summarise")
        if seconds is not None and who != "sail":
            cores = int(found.cases[case]["machine"]["cores"])
            each = seconds * cores / rows
            night = each * plan.rows / (plan.machines * plan.cores) / 60
            told.append(f"{who}: {number(each * 1e6, 2)} µs of a core for a row, so {night:.1f} minutes")
    text = "; ".join(told) or NOTHING
    return f"The pass at the rate of this machine, the shuffle of labels left out (cores × seconds ÷ rows): {text}."
