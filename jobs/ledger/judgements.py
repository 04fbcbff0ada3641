"""The tables of judgements: what was made of the tables of sums, without a look at the logs."""

from __future__ import annotations

from jobs.ledger.columns import PAIR, RUN, SLICE
from jobs.storage.schema import PARTITION, Column, Table

ARRIVING, COMPLETE, LATE, MISSING = "arriving", "complete", "labels_late", "labels_missing"
AS_ALWAYS, OTHERWISE = "as_always", "otherwise"  # how labels arrive that lag day after day
# What is made of the tables of sums, and can be made of them again.
DERIVED = ("metrics", "label_arrival", "comparisons", "changes", "gate_results")
INTERVAL = ("ci_low", "ci_high", "stderr", "ci_method", "ci_reason")

METRICS = Table(
    "metrics",
    "Metrics of the declared slices, derived from shard_statistics",
    (
        *PARTITION,
        *PAIR,
        SLICE,
        Column("metric", "string", "Name of the metric", False),
        Column("value", "double", "Value in its unit; NULL where undefined, see reason"),
        Column("ci_low", "double", "Lower end of the 95 % interval; NULL where there is none, see ci_reason"),
        Column("ci_high", "double", "Upper end of the 95 % interval; NULL likewise"),
        Column("stderr", "double", "Standard error of the value; NULL likewise"),
        Column(
            "ci_method",
            "string",
            "jackknife, by leaving out shards of units; delong, over rows as if independent; nowcast, of what will be",
        ),
        Column("ci_reason", "string", "Why there is no interval; NULL in old rows"),
        Column("n", "bigint", "Rows scored; of tasks about candidates, groups", False),
        Column("weight", "double", "Sum of weights", False),
        Column("positives", "double", "Weight of the positive part of the labels, where the task has one"),
        Column("unit", "string", "Unit of the value", False),
        Column("reason", "string", "Why the value is NULL"),
        Column(
            "clip",
            "double",
            "What scores of exactly 0 and 1 cost, loss.clip: compare losses at one clip only. NULL in old rows",
        ),
        Column("is_final", "boolean", "Whether labels no longer change at the age, and it is not provisional", False),
        *RUN,
    ),
    {"value_or_reason": "(value IS NULL AND reason IS NOT NULL) OR (value IS NOT NULL AND reason IS NULL)"},
)

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
        Column(
            "reason",
            "string",
            "Why there is no difference: no_day where the earlier day has no rows, not_recorded where it went without "
            "the task, the model or a dimension of the slice",
        ),
        Column(
            "ci_reason",
            "string",
            "Why there is no interval: other_shards where too few are in common with the earlier day, "
            "cells_not_by_shard where that had not declared the slice",
        ),
        *RUN,
    ),
    {
        "difference_or_reason": "(difference IS NULL AND reason IS NOT NULL) OR "
        "(difference IS NOT NULL AND reason IS NULL)"
    },
)

COMPARISONS = Table(
    "comparisons",
    "Two models on the impressions that both can score: candidate less baseline, derived from shard_statistics without "
    "unpaired_statistics, or from score bins and classes. Below 0 the candidate has less, as of a loss. From "
    "pair_statistics, where there are any, how far their scores are apart: mean_squared_score_difference and "
    "mean_absolute_score_difference",
    (
        *PARTITION,
        Column("comparison", "string", "Name of the comparison", False),
        Column("task", "string", "Task: what is predicted", False),
        SLICE,
        Column("metric", "string", "Name of the metric", False),
        Column("candidate", "string", "Model that is compared", False),
        Column("baseline", "string", "Model that it is compared with", False),
        Column(
            "candidate_value",
            "double",
            "Value of the candidate on the shared impressions; NULL: see reason, and of how far scores are apart",
        ),
        Column("baseline_value", "double", "Value of the baseline on the same impressions"),
        Column("difference", "double", "candidate_value less baseline_value, or how far scores are apart"),
        Column("ci_low", "double", "Lower end of the 95 % interval of the difference; NULL: see ci_reason"),
        Column("ci_high", "double", "Upper end of it"),
        Column("stderr", "double", "Standard error of the difference, by leaving out shards of both at once"),
        Column("relative_difference", "double", "difference / |baseline_value|; NULL where that may be 0"),
        Column("relative_low", "double", "Lower end of its 95 % interval"),
        Column("relative_high", "double", "Upper end of it"),
        Column(
            "p",
            "double",
            "Two-sided p value of no difference; none of how far scores are apart: 0 only where they never differ",
        ),
        Column("p_adjusted", "double", "The same adjusted over all slices (Benjamini-Hochberg)"),
        Column(
            "running_value",
            "double",
            "Mean difference of the nights since running_since, weighted by rows; of the loss and "
            "normalized_entropy only",
        ),
        Column("running_low", "double", "Lower end of its 95 % interval, which may be read every night"),
        Column("running_high", "double", "Upper end of it"),
        Column("running_since", "date", "First night that it is over; it has those of this age before the day"),
        Column("detectable", "double", "Smallest difference that as many rows show in 80 % of cases"),
        Column("n", "bigint", "Rows that both can score; of tasks about candidates, groups", False),
        Column("weight", "double", "Sum of their weights", False),
        Column("only_candidate", "bigint", "Rows that only the candidate can score", False),
        Column("only_baseline", "bigint", "Rows that only the baseline can score", False),
        Column("reason", "string", "Why the values are NULL"),
        Column("ci_reason", "string", "Why there is no interval of the difference"),
        *RUN,
    ),
    {},
)

GATE_RESULTS = Table(
    "gate_results",
    "Every gate in every slice that it asks for, judged by its interval",
    (
        *PARTITION,
        Column("gate", "string", "Name of the gate in the configuration", False),
        SLICE,
        Column("verdict", "string", "passed, failed, undecided (the interval holds both) or not_judged", False),
        Column("fails", "boolean", "Whether the night fails by it: failed, or as the gate's policy says", False),
        Column("sentence", "string", "Why, in one sentence", False),
        Column("value", "double", "What it rests on; of a comparison the gain, above 0 where the candidate is better"),
        Column("low", "double", "Lower end of its 95 % interval"),
        Column("high", "double", "Upper end of its 95 % interval"),
        Column("least", "double", "The interval has to lie above this; NULL: no such bound"),
        Column("most", "double", "The interval has to lie below this; NULL: no such bound"),
        *RUN,
    ),
    {},
)

LABEL_ARRIVAL = Table(
    "label_arrival",
    "How much of each label that comes as a log has arrived, by slice, beside earlier days at the same age",
    (
        *PARTITION,
        Column("label", "string", "Label", False),
        Column("task", "string", "Task whose positives are counted", False),
        Column("model", "string", "Model whose rows are counted: labels are the same of each", False),
        SLICE,
        Column("n", "bigint", "Rows scored; of tasks about candidates, groups", False),
        Column("weight", "double", "Sum of weights", False),
        Column("positive_rows", "bigint", "Rows whose label is positive; NULL where they were not recorded"),
        Column("positives", "double", "Weight of the positives by now; NULL likewise"),
        Column("retracted", "double", "Of the positives of the next younger age so many are none any more, at least"),
        Column("share", "double", "Positives at this age of the final ones on earlier days; above 1 where more go"),
        Column("share_low", "double", "Lower end of the 95 % interval of the share of this day"),
        Column("share_high", "double", "Upper end of that interval"),
        Column("share_of", "string", "slice, or total where the slice has too few days or positives"),
        Column("share_days", "bigint", "Earlier days that the share is of", False),
        Column("share_reason", "string", "Why there is no share"),
        Column("expected_positives", "double", "Weight of the positives that earlier days let expect at this age"),
        Column("expected_low", "double", "Lower end of the 95 % interval of that number on one day"),
        Column("expected_high", "double", "Upper end of that interval"),
        Column("expected_days", "bigint", "Earlier days that it is of", False),
        Column(
            "p_adjusted", "double", "One-sided p value of so few, over all slices of the label (Benjamini-Hochberg)"
        ),
        Column("verdict", "string", "arriving, complete, labels_late or labels_missing; NULL: not judged, see reason"),
        Column("reason", "string", "Why it is not judged"),
        Column(
            "lasting_days", "bigint", "Of what lags: on so many days in a row at one level, this one the last; from 7"
        ),
        Column(
            "arrival_shape",
            "string",
            "How the labels of those days arrive: as_always, so the rate fell or as many are lost every day; "
            "otherwise, so they are late; NULL where too few days can tell",
        ),
        Column("level_since", "date", "labels.NAME.level_since: what is expected is by the days since then alone"),
        *RUN,
    ),
    {"verdict_or_reason": "(verdict IS NULL AND reason IS NOT NULL) OR (verdict IS NOT NULL AND reason IS NULL)"},
)
