"""Writes docs/metrics.md: every metric and statistic of the catalogue, by the docstrings that define them."""

import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

from undefined import reasons

from udfs import catalog
from udfs.kinds import KINDS
from udfs.measure import OVER, Function, Measure, Metric, Statistic
from udfs.measures import baselines, pairs, totals
from udfs.measures.baselines import BASELINES
from udfs.measures.nowcast import NOWCAST
from udfs.measures.peers import PEERS, Peer, peer_columns, peer_metrics

HEAD = """
# Metrics and statistics

<!-- Made by `make docs` from the docstrings in udfs/: change those. -->

A **statistic** is one exact sum, a column of the tables `statistics` and `shard_statistics`: it may be added over any
rows of them. A **metric** is a function of statistics, a row of the table `metrics`. The sums are added first; then the
losses of hard scores are priced by `loss.clip`; then metrics are divided out. Metrics of score bins are functions of
the sums of each bin, metrics of classes of the sums of each class; nowcasts are of tasks whose labels still arrive.

Each entry has the published name, the definition with its source, the unit (1 is a plain number), what the metric is
computed from, for what reason it can be NULL although the slice has weight, and an example: its number of those sums in
the order in which they are named. Logarithms are natural. How tasks and options are configured is explained in
[`conf/nightly.yaml`](../conf/nightly.yaml). Where the formulas of the seed documents are: [`seeds.md`](seeds.md).
"""
OPTIONS = {
    "alpha": "How often the positive part of the labels counts: `loss.alpha`.",
    "gamma": "Exponent γ of the focal loss: `loss.gamma`. Part of a column: γ = 2 is `_g2`, γ = 0.5 is `_g0_5`.",
    "k": "How many of the best count: `loss.k`. Each value has its own columns and metrics: `ndcg@5`.",
    "threshold": "Least score that is predicted positive: `bins.thresholds`. Each has its own metrics: `recall@0.5`.",
    "calibration_bins": "Number of groups that the score bins are joined to: `bins.calibration_bins`.",
}
JOINT = (
    "Weighted sum Σ λ_t·loss_t of the losses of several tasks, with the name and the weights λ that `joint` declares, "
    "for every model that scores all of them. The losses are "
    f"{', '.join(f'`{kind.loss}` of {kind.name} tasks' for kind in KINDS.values())}. "
    "Unit: weighted loss; NULL for the reason of the first loss that is NULL. The `task` of its row is the declared "
    "name; its `n`, `weight` and `positives` are those of the task whose name comes first. Example: losses of "
    "0.25 and 0.5 with the weights 1 and 2 make 1.25."
)
REASONS = {
    "too_few_rows": "The slice has fewer rows than `limits.min_rows`. Goes before all others.",
    "not_recorded": "A statistic that the metric reads is NULL: it was not recorded on one of the days.",
    "no_weight": "The slice has no rows of this task and model, or none that weighs.",
    "infinite": "The value is infinite, as where a label that occurs has the probability 0 and no clip applies to it.",
    "single_class": "What the metric divides by is 0, as where labels are all of one class.",
    "no_positive": "No group has a positive.",
    "none_above_threshold": "No score reaches the threshold.",
    "labels_sum_to_zero": "Weighted labels add up to 0.",
    "no_variance": "No score of the slice can be wrong by chance: each is 0 or 1 (or ½, of `spiegelhalter_z`).",
    "constant_label": "Labels do not differ, or by too little for the sums to tell.",
    "too_few_days": "Of a nowcast: fewer than five earlier days are final and were evaluated at this age.",
    "no_final_age": "Of a nowcast: no configured age is one at which labels no longer change.",
    "given_not_final": "Of a nowcast: the label that the task is given can still change, and with it the rows.",
    "provisional": "Of a nowcast: the day is provisional, and the labels of its age are not all known.",
    "labels_late": "Of a nowcast: labels are late, so that they do not arrive as on earlier days. See `label_arrival`.",
    "labels_missing": "Of a nowcast: labels are missing. See `label_arrival`.",
}

INTERVALS = """
Every value has a standard error and a 95 % interval where it can, made of the tables alone. `ci_method` says how:

- `jackknife`: one shard of units is left out after the other, exactly, and the metric computed again; the spread tells
  the error, whatever the metric, and with users that come back. Student's t with one degree of freedom less than there
  are shards; `predicted_over_actual` on the logarithmic scale. Units stay in their shards, so that two models or two
  days are compared shard by shard. A gate on a comparison needs such an interval.
- `delong`: AUC over rows, where bins are not kept by shard (`bins.shards`). It takes rows for independent and is too
  narrow where users have several.
- `nowcast`: of what the metric will be. By shards only the chance of having arrived counts, by days what the shares
  that have arrived differ by beyond that; `label_arrival` has them.

Where there is none, `ci_reason` says why: the reason of the value itself, or
""".strip()
NO_INTERVAL = {
    "too_few_shards": "Fewer than 10 shards have rows of the slice: a spread says little of itself.",
    "too_few_positives": "Fewer than 10 shards have positives.",
    "dominant_shard": "One shard has more than half of the weight, as where users without a cookie are all in one.",
    "not_smooth": "It is a maximum, a bound, or a distance that noise alone makes larger than 0.",
    "bins_not_by_shard": "It is made of score bins, and they are not kept by shard: `bins.shards`.",
    "weighted_rows": "The same, and rows weigh differently.",
    "soft_labels": "The same, and labels are shares.",
    "cells_not_by_shard": "The rates of the cells of a slice are not kept by shard.",
    "total_not_declared": "The rate of the day without a shard is not known: `[]` is none of the `slices`.",
    "too_few_negatives": "AUC over rows needs ten of each class.",
    "share_of_total": "A nowcast by the shares of the total: how far those of the slice are from them is not known.",
    "share_unsure": "A nowcast by a share that may as well be 0.",
}
COMPARED = """
The table `comparisons` has every metric on the rows that both models can score, but for totals and for what is neither
good nor bad where it moves. Where a comparison asks for `pair_statistics` it has those of [two models](#two-models) as
well: as a `difference` with its interval, but without sides or p, as they are 0 only where scores never differ. Its
`reason` is that of a value, or
""".strip()
NOT_COMPARED = {
    "no_common_rows": "No row of the slice has a score of both models.",
    "unpaired_rows": "It is made of cells, and some rows of the slice have the score of one model alone: cells are "
    "known of all rows of a model, not of the shared ones. Before `unpaired_bins` so were bins and classes.",
}


def main() -> None:
    """Write the document to the path given."""
    Path(sys.argv[1]).write_text(document(), encoding="utf-8")


def document() -> str:
    """The whole document."""
    chapters = {
        "Options": _table(("option", "meaning"), ((f"`{name}`", OPTIONS[name]) for name in catalog.OPTIONS)),
        "Reasons of NULL": _reasons(REASONS),
        "Intervals": f"{INTERVALS}\n\n{_reasons(NO_INTERVAL)}",
        "Comparisons": f"{COMPARED}\n\n{_reasons(NOT_COMPARED)}",
        "Every kind of task": "\n\n".join(_family(totals, next(iter(KINDS)))),
        **{f"{kind.title} tasks": "\n\n".join(_families(kind.name)) for kind in KINDS.values()},
        "Two models": "\n\n".join(_family(pairs, next(iter(KINDS)))),
        "Several tasks": "\n\n".join(["#### `joint_loss`", JOINT]),
        "Numbers of other libraries": "\n\n".join(_peers()),
    }
    bodies = [f"## {title}\n\n{text}" for title, text in chapters.items()]
    return "\n\n".join([HEAD.strip(), _contents(bodies), *bodies]) + "\n"


def _reasons(told: Mapping[str, str]) -> str:
    return _table(("reason", "meaning"), ((f"`{name}`", text) for name, text in told.items()))


def _contents(bodies: Iterable[str]) -> str:
    """The headings but for those of single metrics, as links."""
    lines = (line for body in bodies for line in body.splitlines() if re.match("##+ (?!`)", line))
    marked = ((line.index(" ") - 2, line.lstrip("# ")) for line in lines)
    return "\n".join(f"{'  ' * level}- [{title}](#{_anchor(title)})" for level, title in marked)


def _anchor(title: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _families(kind: str) -> Iterator[str]:
    for family in KINDS[kind].families:
        if family not in (totals, pairs):
            yield f"### {_title(family)}"
            yield from _family(family, kind)


def _title(family: ModuleType) -> str:
    return re.split("[:.]", _paragraphs(family)[0])[0]


def _family(family: ModuleType, kind: str) -> Iterator[str]:
    """What a family says of itself, its statistics, and its metrics."""
    yield from (text for text in _paragraphs(family) if text != _title(family) + ".")
    if family is baselines:
        yield _baselines()
    statistics = [s for over in OVER for s in catalog.collected(Statistic, [family], over).values()]
    if statistics:
        yield _statistics((s.name + s.suffix, s) for s in statistics)
    for over in OVER:
        for metric in catalog.collected(Metric, [family], over).values():
            yield _entry(metric, kind)


def _statistics(columns: Iterable[tuple[str, Statistic]]) -> str:
    rows = ((f'<a id="statistic-{s.name}"></a>`{name}`', _definition(s), s.unit) for name, s in columns)
    return _table(("statistic", "definition", "unit"), rows)


def _entry(metric: Metric, kind: str) -> str:
    """A metric: its name with the option or the baseline in its place, its definition, and the facts."""
    facts = [f"Unit: {metric.unit}", "from " + ", ".join(map(_linked, metric.inputs))]
    if metric.better:
        facts.insert(1, f"{metric.better} is better")
    if metric.options:
        facts.append("option " + _listed(metric.options))
    if metric.over == "baseline":
        against = (name for name in BASELINES if f"{metric.name}[{name}]" in catalog.published_against(kind, name))
        facts.append("baselines " + _listed(against))
    if nulls := reasons(metric, kind):
        facts.append("NULL for " + _listed(nulls))
    name = metric.name + re.sub("[{}]", "", metric.suffix)
    facts.append(f"example {_example(metric)}")
    return f"#### `{name}`\n\n{_definition(metric)}\n\n{'; '.join(facts)}."


def _example(metric: Metric) -> str:
    call, number = metric.example.removeprefix(">>> ").splitlines()
    return f"`{call}` = {number}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _linked(name: str) -> str:
    # The low edge of a bin and what a baseline loses are no statistics: the family's own text tells what they are.
    given = name in ("low", *NOWCAST) or name.startswith("baseline_")
    return f"`{name}`" if given else f"[`{name}`](#statistic-{name})"


def _baselines() -> str:
    told: dict[str, Function] = {
        "`baseline_nll` of `total` and `reference`": baselines.constant_baseline,
        "`baseline_nll` of `stratified`": baselines.stratified_baseline,
        "`baseline_entropy`": baselines.prior_entropy,
    }
    return _table(("column", "definition"), ((name, _paragraphs(each)[0]) for name, each in told.items()))


def _peers() -> Iterator[str]:
    """The table of peers, their statistics and their metrics."""
    yield from _paragraphs(sys.modules[Peer.__module__])
    head = ("peer", "p in the logarithm", "1 − p in the logarithm", "float32", "unit", "mean over", "what differs")
    yield _table(head, map(_peer, PEERS.values()))
    yield _statistics(peer_columns(PEERS).items())
    metrics = peer_metrics(PEERS).values()
    rows = ((f"`{m.name}`", _definition(m), m.unit, ", ".join(map(_linked, m.inputs)), _example(m)) for m in metrics)
    yield _table(("metric", "definition", "unit", "from", "example"), rows)


def _peer(peer: Peer) -> tuple[str, ...]:
    bounds = (f"{_bound(low)} to {_bound(high)}" for low, high in (peer.positive, peer.negative))
    single = "yes, with log1p" if peer.log1p else "yes" if peer.single else "no"
    return f"`{peer.name}`", *bounds, single, peer.base, _linked(peer.averaging), peer.note


def _bound(x: float) -> str:
    return f"{x:.4g}" if x < 0.5 or x == 1.0 else f"1 − {1.0 - x:.4g}"


def _definition(measure: Measure) -> str:
    """The definition, without what the table of peers says."""
    text = "\n\n".join(_paragraphs(measure))
    for peer in PEERS.values():
        text = text.replace(" " + peer.note, "")
    return text


def _paragraphs(documented: Measure | ModuleType | Function) -> list[str]:
    """The paragraphs of a docstring, each in one line."""
    text = documented.definition if isinstance(documented, Measure) else inspect.getdoc(documented) or ""
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = list(head)
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in (titles, ["---"] * len(titles), *rows))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n\n", "<br>")


if __name__ == "__main__":
    main()
