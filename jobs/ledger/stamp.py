"""What every row of a run carries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class Stamp:
    """What every row of a run carries; a provisional one knows less than its age and its sources promise."""

    event_date: date
    age_hours: int
    as_of: datetime
    run_id: str
    provisional: bool = False
