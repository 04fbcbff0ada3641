"""Alerts on their way: to the addresses in an environment variable, and into a file of JSON lines."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from pyspark.sql import SparkSession

from jobs.engines import failures
from jobs.errors import InputMissingError
from jobs.judgement.alerts import Alert, Night, Row, of_failure, of_night
from jobs.judgement.maturity.quiet import lags_in
from jobs.ledger.held import held
from jobs.ledger.stamp import Stamp
from jobs.results.outcome import Outcome
from jobs.settings import Evaluation
from jobs.settings.judgement.alerts import Alerts

LOOKS_BACK = 28  # days


def told(session: SparkSession, settings: Evaluation, outcome: Outcome) -> list[str]:
    """Send what there is to tell of a night; returns what could not be sent."""
    if not settings.alerts.wanted:
        return []
    stamp, rows, earlier = outcome.stamp, [], []
    if outcome.gates is not None:
        rows, earlier = outcome.gates.to_pylist(), _earlier(session, settings, stamp)
    labels = [lag.sentence for lag in lags_in(outcome.arrival)]
    whole = outcome.provisional, settings.shards.count
    night = Night(settings.evaluation, stamp.event_date, rows, earlier, *whole, labels)
    return sent(of_night(night, settings.alerts), settings.alerts)


def told_failure(settings: Evaluation, day: date, error: Exception) -> list[str]:
    """Send that a run did not end well, and nothing of what is not there yet; returns what could not be sent."""
    if not settings.alerts.wanted or isinstance(error, InputMissingError):
        return []
    message = failures.told(error, whole=False)
    return sent(of_failure(settings.evaluation, day, message, settings.alerts), settings.alerts)


def _earlier(session: SparkSession, settings: Evaluation, stamp: Stamp) -> list[Row]:
    """How gates were judged on earlier days at the same age."""
    days = [stamp.event_date - timedelta(days=back) for back in range(LOOKS_BACK + 1)]
    columns = ("event_date", "gate", "slice", "fails")
    rows = held(session, settings, "gate_results", days, stamp.age_hours, columns=columns, provisional=True)
    found: list[Row] = rows.to_pylist()
    return found


def sent(alerts: Sequence[Alert], asked: Alerts) -> list[str]:
    """Send alerts; what cannot be sent is told in sentences, and is no failure of a night whose numbers are written."""
    return list(_failed(alerts, asked)) if alerts else []


def _failed(alerts: Sequence[Alert], asked: Alerts) -> Iterator[str]:
    if asked.file is not None:
        try:
            with open(asked.file, "a", encoding="utf-8") as file:
                file.writelines(json.dumps(alert.facts) + "\n" for alert in alerts)
        except OSError as error:
            yield f"alerts.file: {error.strerror}: {asked.file}"
    if asked.webhook is not None:
        yield from _notified(alerts, asked.webhook)


def _notified(alerts: Sequence[Alert], variable: str) -> Iterator[str]:
    """Addresses are secrets: no message quotes one."""
    addresses = os.environ.get(variable, "").split()
    if not addresses:
        yield f"alerts.webhook: the environment variable {variable} is not set, so that nobody is told"
        return
    import apprise  # noqa: PLC0415 - a night that alerts nobody does without it, as on a cluster's driver

    for number, address in enumerate(addresses, 1):
        channel = apprise.Apprise()
        # A plain address is a webhook that takes JSON.
        plain = address.replace("https://", "jsons://", 1).replace("http://", "json://", 1)
        if not channel.add(plain):
            yield f"alerts.webhook: address {number} in {variable} is none that apprise knows"
        elif not all(channel.notify(title=alert.title, body=alert.text) for alert in alerts):
            yield f"alerts.webhook: address {number} in {variable} did not take the alert"
