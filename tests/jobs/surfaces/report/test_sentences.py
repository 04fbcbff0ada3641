"""The verdict in one sentence, whatever became of the night."""

from datetime import date
from types import SimpleNamespace

import pytest

from jobs.surfaces.report.sections.gates import Gates, Judged
from jobs.surfaces.report.sections.verdict import sentence_of

NIGHT = SimpleNamespace(day=date(2026, 11, 20))


def status(word, **counts):
    return {"status": word, "message": "a log is not whole", "labels_late": 0, "labels_missing": 0, **counts}


def gates(**counts):
    every = {"failed": 0, "undecided": 0, "not_judged": 0, "passed": 0, **counts}
    rows = [Judged({"gate": name, "fails": True}, None) for name in ("honest", "better", "honest")[: every["failed"]]]
    names = [*dict.fromkeys(row.row["gate"] for row in rows)]
    return Gates(rows, every, names, 0, 0)


@pytest.mark.parametrize(
    ("found", "of", "said"),
    [
        (status("ok"), None, "Friday, 20 November 2026 is evaluated, and every row is accounted for."),
        (status("ok"), gates(passed=7), "Friday, 20 November 2026 is good: all 7 gates passed."),
        (status("ok"), gates(passed=1), "Friday, 20 November 2026 is good: its gate is passed."),
        (
            status("ok"),
            gates(passed=7, undecided=2),
            "Friday, 20 November 2026 is good as far as can be told: 7 of 9 gates passed, none fails.",
        ),
        (status("red"), gates(failed=1, passed=1), "Friday, 20 November 2026 is red: honest fails."),
        (status("red"), gates(failed=3), "Friday, 20 November 2026 is red: honest and better fail."),
        (
            status("labels_late", labels_late=1, labels_missing=2),
            None,
            "Labels of Friday, 20 November 2026 are late in 1 slice and missing in 2 slices: what rests on them is not "
            "final, and models are not judged by it.",
        ),
        (
            status("provisional", message="provisional, as a log is not whole"),
            None,
            "Friday, 20 November 2026 is provisional, as a log is not whole.",
        ),
        (status("provisional", message=None), None, "Friday, 20 November 2026 is provisional."),
        (
            status("failed", message="the disk is full.\n"),
            None,
            "The newest run of Friday, 20 November 2026 failed: the disk is full; these are the numbers of the run "
            "before.",
        ),
        (
            status("refused"),
            None,
            "The newest run of Friday, 20 November 2026 was refused: a log is not whole; these are the numbers of the "
            "run before.",
        ),
    ],
)
def test_the_sentence_of_a_status(found, of, said):
    assert sentence_of(NIGHT, found, of) == said


def test_a_night_in_doubt_is_not_to_be_used():
    assert sentence_of(NIGHT, status("in_doubt"), None).startswith("Do not use the numbers of Friday")
