"""How a raw time becomes a moment and a raw date a text, the same on both engines and to the ends of the calendar."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.engines.quoting import by_name
from jobs.errors import LARGEST_INTEGER
from jobs.files.pinned import Pinned
from jobs.inputs.values import text
from jobs.settings import TimeColumn

# To an engine 10:00 is a time of today.
DATED = r"^\s*\d{4,5}-\d{1,2}-\d{1,2}"
# A zone has many spellings (Z, +00, UTC, Europe/London), no zone has one.
WITHOUT_ZONE = DATED + r"([ T](\d{1,2}(:\d{1,2}(:\d{1,2}(\.\d*)?)?)?)?)?\s*$"

# What a calendar spells, in µs and days since 1970: beyond it engines fail, wrap around, or spell each in its way.
FIRST_MICROS, LAST_MICROS = -62_135_596_800_000_000, 253_402_300_799_999_999
FIRST_DAY, LAST_DAY = -719_162, 2_932_896
ERA = 146_097  # days of 400 years, after which the calendar begins anew


def utc_micros(source: Pinned, time: TimeColumn, zone: str) -> Column:
    """A time in µs since 1970, UTC. A timestamp without a zone is read in the declared zone.

    A time beyond the calendar, such as the largest integer, is a microsecond beyond it: outside of any day.
    """
    moment = _micros(source, time, zone)
    late = F.when(moment > LAST_MICROS, F.lit(LAST_MICROS + 1))
    return late.when(moment < FIRST_MICROS, F.lit(FIRST_MICROS - 1)).otherwise(moment)


def _micros(source: Pinned, time: TimeColumn, zone: str) -> Column:
    column = by_name(time.column)
    if time.unit:
        factor = {"s": 1_000_000, "ms": 1_000, "us": 1}[time.unit]
        epoch, limit = column.try_cast("bigint"), LARGEST_INTEGER // factor
        # Beyond that one engine raises and the other wraps around into some day.
        return F.when(epoch.between(-limit, limit), epoch * F.lit(factor))
    if source.is_text:
        stamp = F.when(column.rlike(DATED), column.try_cast("timestamp"))
        return F.unix_micros(F.when(column.rlike(WITHOUT_ZONE), F.to_utc_timestamp(stamp, zone)).otherwise(stamp))
    type_ = dict(source.frame.dtypes)[time.column]
    if type_ == "timestamp":
        return F.unix_micros(column)
    return _of_date(column, zone) if type_ == "date" else _of_local_time(column, zone)


def _of_date(column: Column, zone: str) -> Column:
    """The beginning of a date in a zone."""
    days = F.unix_date(column)
    known = F.when(days.between(FIRST_DAY, LAST_DAY), column)
    beyond = F.when(days > LAST_DAY, F.lit(LAST_MICROS + 1)).when(days < FIRST_DAY, F.lit(FIRST_MICROS - 1))
    return F.coalesce(F.unix_micros(F.to_utc_timestamp(known.cast("timestamp"), zone)), beyond)


def _of_local_time(column: Column, zone: str) -> Column:
    """A timestamp without a zone, in a zone."""
    stamp = column.cast("timestamp")
    naive = F.unix_micros(stamp)
    # No zone moves what lies beyond the calendar into it.
    known = F.when(naive.between(FIRST_MICROS, LAST_MICROS), stamp)
    return F.coalesce(F.unix_micros(F.to_utc_timestamp(known, zone)), naive)


def time_reason(time: TimeColumn, moment: Column) -> Column:
    """Why a time rejects its row, or NULL."""
    absent = by_name(time.column).isNull()
    return F.when(absent, F.lit("null_time")).when(moment.isNull(), F.lit("bad_time"))


def spelled(source: Pinned, name: str) -> Column:
    """The value of a dimension as text: of a date ISO 8601, also where its year has not four digits."""
    if dict(source.frame.dtypes)[name] != "date":
        return text(name)
    days = F.unix_date(by_name(name)).cast("bigint")
    return F.when(days.between(FIRST_DAY, LAST_DAY), text(name)).otherwise(_far_date(days))


def _far_date(days: Column) -> Column:
    """A date beyond the calendar, +12026-01-31 or -0044-03-15: the same day of another 400 years lends its month."""
    within = F.pmod(days, F.lit(ERA))
    lent = F.date_add(F.lit(date(1970, 1, 1)), within.cast("int"))
    year = F.year(lent) + F.lit(400) * ((days - within) / F.lit(ERA)).cast("bigint")
    digits = F.lpad(F.abs(year).cast("string"), 4, "0")
    # A pad cuts what is longer.
    far = F.when(year > 9999, F.concat(F.lit("+"), year.cast("string"))).when(year < -9999, year.cast("string"))
    near = F.concat(F.when(year < 0, F.lit("-")).otherwise(F.lit("")), digits)
    return F.concat(F.coalesce(far, near), F.substring(lent.cast("string"), 5, 6))
