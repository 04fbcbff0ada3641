"""The tables of judgements: what was made of the tables of sums, without a look at the logs."""

from __future__ import annotations

from jobs.ledger.columns import PAIR, RUN, SLICE
from jobs.storage.schema import PARTITION, Column, Table

CHANGES = Table(
    "changes",
    "Metrics beside those of the earlier days of the section changes, at the same age",
    (
        *PARTITION,
        *PAIR,
        SLICE,
        Column("metric", "string", "Name of the metric", False),
        Column("against", "string", "The earlier day: so many days before, as 1d, or reference", False),
        Column("before", "double", "Value on that day; NULL where undefined or of too few rows"),
        Column("now", "double", "Value on the day; NULL likewise"),
        Column("difference", "double", "now - before; NULL where there is none, see reason"),
        Column("ci_low", "double", "Lower end of its 95 % interval; NULL where there is none, see ci_reason"),
        Column("ci_high", "double", "Upper end of the 95 % interval; NULL likewise"),
        Column("stderr", "double", "Standard error of the difference; NULL likewise"),
        Column("relative_difference", "double", "Difference over the size of the value before"),
        Column("relative_low", "double", "Lower end of its 95 % interval; NULL too where the value before may be 0"),
        Column("relative_high", "double", "Upper end of that interval; NULL likewise"),
        Column("p", "double", "Two-sided p value of no difference"),
        Column("p_adjusted", "double", "The same over all slices of the metric (Benjamini-Hochberg)"),
        Column("within", "double", "Of the difference: cells became better or worse. Losses and normalized entropy"),
        Column("mix", "double", "Of the difference: traffic moved between cells. all three add up to it"),
        Column("interaction", "double", "Of the difference: traffic moved to cells that became better or worse"),
        Column("calibration", "double", "Of the difference: miscalibration (MCB), where score bins are kept"),
        Column("discrimination", "double", "Of the difference: discrimination (-DSC); above 0 the order became worse"),
        Column("uncertainty", "double", "Of the difference: labels harder to predict (UNC), whatever the model"),
        Column("half_width", "double", "How far both may be off at most, as bins hide the order in them"),
        Column("harm", "double", "difference x weight, of metrics that are worse where they are larger"),
        Column("first_bad_day", "date", "First day of the current run of days that the days before do not allow"),
        Column("n", "bigint", "Rows scored on the day; of tasks about candidates, groups", False),
        Column("weight", "double", "Sum of weights on the day", False),
        Column("reason", "string", "Why there is no difference: no_day where the earlier day has no rows"),
        Column("ci_reason", "string", "Why there is no interval"),
        *RUN,
    ),
    {
        "difference_or_reason": "(difference IS NULL AND reason IS NOT NULL) OR "
        "(difference IS NOT NULL AND reason IS NULL)"
    },
)
