"""Every metric of a day of all shards of units and without each: what intervals and comparisons are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.judgement.by_shard import TOTAL, ByShard, Estimated, Pair, Tables, by_shard, read_by
from jobs.judgement.of_parts import of_parts, parts
from jobs.judgement.uncertainty.jackknife import Estimates
from jobs.results.baselines import Rates
from jobs.results.rows import of_pair
from jobs.settings import Evaluation
from udfs.catalog import published, published_against
from udfs.exact.arrays import FloatArray
from udfs.exact.numerics import ratio
from udfs.kinds import KINDS
from udfs.measures.baselines import constant_baseline, prior_entropy
from udfs.measures.peers import peer_metrics

# Of what a baseline is made, where its rate cannot be had without a shard.
WITHOUT_A_RATE = {"total": "total_not_declared", "reference": "no_reference", "stratified": "cells_not_by_shard"}


@dataclass(frozen=True)
class Known:
    """What is known of a day.

    Attributes:
        tables: `metrics` and `shard_statistics`, and `score_bins`, `class_statistics`, `pair_statistics` and those of
            unpaired rows where there are any.
        settings: What is configured.
        references: The reference rates of tasks and models, `jobs.results.baselines.references`.
    """

    tables: Tables
    settings: Evaluation
    references: Rates

    @cached_property
    def of_parts(self) -> Mapping[Pair, Sequence[Estimated]]:
        """The metrics of score bins and of classes: they are dear, and made once for whoever asks."""
        return {pair: self._of_parts(pair) for pair in self.settings.pairs}

    def _of_parts(self, pair: Pair) -> Sequence[Estimated]:
        of = parts(pair, self.tables, self.settings)
        if of is None:
            return ()
        rows = of_pair(self.tables[of.table], *pair)
        texts, kind = sorted(rows["slice"].unique().to_pylist()), self.settings.tasks[pair[0]].kind
        own = of_pair(self.tables["shard_statistics"], *pair)
        own = own.filter(pc.is_in(own["slice"], value_set=pa.array(texts, type=pa.string())))
        asked = kind, read_by(of.metrics.values(), kind, self.settings, besides=("squared_weight",))
        sums = by_shard(own, asked, texts, self.settings)
        return tuple(of_parts(sums, rows, of, self.settings.shards.count))


def of_sums(sums: ByShard, kind: str, settings: Evaluation, reference: float | None) -> Iterator[Estimated]:
    """Every metric of a task and model that is a function of its sums by slice and shard.

    Args:
        sums: Of a task and model.
        kind: The kind of the task.
        settings: What is configured.
        reference: The reference rate of the task, None where there is none.
    """
    named = published(kind, settings.loss.options)
    if KINDS[kind].peers:
        named |= peer_metrics(settings.compatibility)
    for name, metric in named.items():
        yield Estimated(name, sums.texts, sums.estimated(metric), sums.refused)
    for baseline, prior in _priors(sums, reference).items() if KINDS[kind].baselines else ():
        lost = _baseline(sums, prior)
        for name, metric in published_against(kind, baseline).items():
            yield Estimated(name, sums.texts, sums.estimated(metric, **lost), sums.refused)


def without_a_rate(sums: ByShard, kind: str, reference: float | None) -> Iterator[Estimated]:
    """The metrics against a baseline that are no function of these sums: NaN, and the reason against an interval."""
    present = sums.exact.present
    nothing = np.full((present.shape[0], present.shape[1] + 1), np.nan)
    lacking = WITHOUT_A_RATE.keys() - _priors(sums, reference) if KINDS[kind].baselines else set()
    for baseline in sorted(lacking):
        for name in published_against(kind, baseline):
            of = Estimates(nothing, present, [None] * len(sums.texts))
            yield Estimated(name, sums.texts, of, [WITHOUT_A_RATE[baseline]] * len(sums.texts))


def _priors(sums: ByShard, reference: float | None) -> dict[str, FloatArray]:
    """The rates of baselines, (1 + shards,) or (1,): that of the day lacks the same shard, a reference stays."""
    priors = {}
    if TOTAL in sums.texts:
        whole = sums.row(TOTAL)
        priors["total"] = ratio(whole["positive_weight"], whole["positive_weight"] + whole["negative_weight"])
    if reference is not None:
        priors["reference"] = np.full(1, reference)
    return priors


def _baseline(sums: ByShard, prior: FloatArray) -> dict[str, FloatArray]:
    """What a baseline of this prior loses, (slices, 1 + shards); the prior is (1 + shards,), or (1,)."""
    shape = sums.of["weight"].shape
    of = np.broadcast_to(prior, shape).reshape(-1)
    positive, negative = (sums.of[name].reshape(-1) for name in ("positive_weight", "negative_weight"))
    named = {"baseline_nll": constant_baseline(positive, negative, of), "baseline_entropy": prior_entropy(of)}
    return {name: values.reshape(shape) for name, values in named.items()}
