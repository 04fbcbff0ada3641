"""A row as one task and model see it: its weight and its scores, or that they cannot be used."""

from __future__ import annotations

from jobs.audit.recount import values
from jobs.audit.recount.examples import Kept, Label
from jobs.audit.recount.impressions import Raw
from jobs.audit.recount.terms import Example
from jobs.inputs.scorings import weight_of
from jobs.settings import Evaluation
from udfs.kinds import KINDS


def example(settings: Evaluation, pair: tuple[str, str], kept: Kept) -> Example:
    """The example that a row is."""
    task, model = pair
    choices = [settings.models[model][factor] for factor in settings.factors(task)]
    label = kept.labels[settings.tasks[task].label]
    return Example(
        settings.tasks[task].kind,
        label,
        weight(settings, task, kept.row, label),
        scores(settings, pair, kept),
        tuple(choice.scale for choice in choices),
        choices[0].negatives_rate,
        settings.loss.gamma,
    )


def weight(settings: Evaluation, task: str, row: Raw, label: Label) -> float | None:
    """What a row weighs; where negatives were sampled one of them stands for as many as there were."""
    column, cap = weight_of(settings, task)
    own = 1.0 if column is None else values.weight(row[column], cap)
    sampling = settings.impressions.columns.sampling_rate
    if sampling is None or label != 0.0 or not KINDS[settings.tasks[task].kind].sampling:
        return own
    rate = values.number(row[sampling])
    return own / rate if own is not None and rate is not None and 0.0 < rate <= 1.0 else None


def scores(settings: Evaluation, pair: tuple[str, str], kept: Kept) -> tuple[float, ...] | None:
    """The score of a row, of a product those of its factors, of classes those of all; None where unusable."""
    task, model = pair
    own, factors = settings.tasks[task], settings.factors(task)
    kind, choices = KINDS[own.kind], [settings.models[model][factor] for factor in factors]
    if kind.of_classes:
        raw = [kept.row[column] for column in choices[0].score]
        return values.class_scores(raw, choices[0].scale, len(settings.classes(task)))
    label = kept.labels[own.label]
    given = [settings.tasks[factor].given for factor in factors if factor != task]
    if isinstance(label, float) and label > 0.0 and any(kept.labels[name] != 1.0 for name in given if name):
        return None
    found = [values.score(kept.row[each.score[0]], None if kind.of_values else each.scale) for each in choices]
    known = tuple(score for score in found if score is not None)
    return known if len(known) == len(found) else None
