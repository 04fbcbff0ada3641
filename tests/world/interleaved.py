"""Runs side by side in an order that a seed draws: one goes on at a time, from one point of a commit to the next.

A point is before a table is loaded, between that and the commit, and after it. At any of them a run may die, as by
SIGKILL, or be suspended for as long as anybody wants, as by SIGSTOP or on a host that hangs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, Self

import pytest
from deltalake import DeltaTable

from jobs.ledger import writer
from jobs.storage import delta_rust

_HERE = threading.local()


class Died(BaseException):
    """Nothing of a run goes on."""


class Actor(threading.Thread):
    """A run that goes on when it is told to, up to the next point."""

    def __init__(self, action: Callable[[], Any], rng: Random) -> None:
        """Begin, and wait before the first step."""
        super().__init__(daemon=True)
        self.rng, self.action = rng, action
        self.error: BaseException | None = None
        self.dies = False
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        self.start()

    def run(self) -> None:
        """Do all, and keep how it ended."""
        _HERE.actor = self
        self._go.acquire()
        try:
            self.action()
        except BaseException as error:
            self.error = error
        self.action = None
        self._stopped.release()

    @property
    def ended(self) -> bool:
        """Whether the run has ended in any way."""
        return self.action is None

    def step(self) -> None:
        """Go on to the next point, or to the end."""
        self._go.release()
        self._stopped.acquire()

    def die(self) -> None:
        """Let the run end where it is."""
        self.dies = True
        if not self.ended:
            self.step()

    def point(self) -> None:
        """Let others go on; called by the run itself."""
        self._stopped.release()
        self._go.acquire()
        if self.dies:
            raise Died


def point() -> None:
    """A point of the run that is in this thread; of any other thread nothing."""
    actor = getattr(_HERE, "actor", None)
    if actor is not None:
        actor.point()


def drawn() -> Random:
    """The random numbers of the run in this thread."""
    actor = getattr(_HERE, "actor", None)
    return Random(0) if actor is None else actor.rng


class InTurn:
    """In place of a pool of threads: one task after the other, in an order that is drawn."""

    def __init__(self, *_: object) -> None:
        """Take as many workers as there are."""

    def __enter__(self) -> Self:
        """Do nothing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def map(self, function: Callable[[Any], Any], tasks: Iterable[Any]) -> list[Any]:
        """The results in order of the tasks."""
        listed = sorted(tasks)
        results = {task: function(task) for task in drawn().sample(listed, len(listed))}
        return [results[task] for task in listed]


def with_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every commit of delta-rs have its points, and pools of commits an order."""
    monkeypatch.setattr(writer, "ThreadPoolExecutor", InTurn)
    for place, name in ((delta_rust, "write"), (delta_rust, "delete")):
        monkeypatch.setattr(place, name, _before(getattr(place, name)))
    monkeypatch.setattr(delta_rust, "write_deltalake", _around(delta_rust.write_deltalake))
    for name in ("delete", "create_write_transaction"):
        monkeypatch.setattr(DeltaTable, name, _around(getattr(DeltaTable, name)))


def _before(function: Callable[..., Any]) -> Callable[..., Any]:
    def called(*arguments: Any, **options: Any) -> Any:
        point()
        return function(*arguments, **options)

    return called


def _around(function: Callable[..., Any]) -> Callable[..., Any]:
    def called(*arguments: Any, **options: Any) -> Any:
        point()
        result = function(*arguments, **options)
        point()
        return result

    return called


def run_out(actors: Sequence[Actor], rng: Random, victim: Actor | None = None, after: int = 0) -> None:
    """Let all go on, each step of one that is drawn, to their ends; the victim takes so many steps at most.

    Then it is suspended: it can be killed, or run out later.
    """
    steps = 0
    while living := [actor for actor in actors if not actor.ended and not (actor is victim and steps >= after)]:
        actor = rng.choice(living)
        steps += actor is victim
        actor.step()
