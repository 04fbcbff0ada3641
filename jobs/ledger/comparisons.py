"""The table of comparisons: what of two models on the same impressions is kept."""

from __future__ import annotations

from jobs.ledger.columns import RUN, SLICE
from jobs.storage.schema import PARTITION, Column, Table

COMPARISONS = Table(
    "comparisons",
    "Two models on the impressions that both can score: candidate less baseline, derived from shard_statistics without "
    "unpaired_statistics. Below 0 the candidate has less, as of a loss",
    (
        *PARTITION,
        Column("comparison", "string", "Name of the comparison", False),
        Column("task", "string", "Task: what is predicted", False),
        SLICE,
        Column("metric", "string", "Name of the metric", False),
        Column("candidate", "string", "Model that is compared", False),
        Column("baseline", "string", "Model that it is compared with", False),
        Column("candidate_value", "double", "Value of the candidate on the shared impressions; NULL: see reason"),
        Column("baseline_value", "double", "Value of the baseline on the same impressions"),
        Column("difference", "double", "candidate_value less baseline_value"),
        Column("ci_low", "double", "Lower end of the 95 % interval of the difference; NULL: see ci_reason"),
        Column("ci_high", "double", "Upper end of it"),
        Column("stderr", "double", "Standard error of the difference, by leaving out shards of both at once"),
        Column("relative_difference", "double", "difference / |baseline_value|; NULL where that may be 0"),
        Column("relative_low", "double", "Lower end of its 95 % interval"),
        Column("relative_high", "double", "Upper end of it"),
        Column("p", "double", "Two-sided p value of no difference"),
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
