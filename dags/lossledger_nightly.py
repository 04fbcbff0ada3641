"""Evaluate every night what is due: the newest day, and the earlier days that reach an older age of their labels.

`lossledger plan` says which days at which ages those are. Each of them has mapped tasks of its own, which stop no
other: wait, evaluate, audit, and then gate and report. docs/airflow.md says what each does, which variables to set, how
to backfill, and what to do about a task that fails.

A run replaces exactly its own day at its age in each table, so that retries, cleared tasks and backfills never count a
day twice. Days may refer to earlier ones: backfill in their order, by `airflow backfill create --max-active-runs 1 …`.
"""

import json
import os
import shlex
import signal
import subprocess
from datetime import UTC, datetime, timedelta

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import DAG, Asset, AssetAlias, BaseOperator, CronTriggerTimetable, Variable, task_group
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSensorTimeout, AirflowSkipException

WRONG, NOT_YET = (1, 2), 4
# Where evaluations of several DAGs share a machine: a pool of one slot, which has to be there.
POOL = os.environ.get("LOSSLEDGER_POOL", "default_pool")
TABLES = AssetAlias("lossledger_tables")


class Lossledger(BaseOperator):
    """A command of lossledger, in the environment of its own, and what is done about its exit code.

    For what is not there yet (4) it looks again later, and holds no slot of a worker meanwhile. What somebody has to
    look at (1, 2) fails at once; a failure (3), or what is no answer at all, is tried again.
    """

    verb = ""
    # The exit codes after which the next task is run.
    done = (0,)

    def __init__(self, *, looks_again=timedelta(minutes=5), timeout=timedelta(hours=20), **options):
        """Take how often, and for how long, it looks for what is not there yet."""
        super().__init__(**options)
        self.looks_again, self.timeout = looks_again, timeout
        self.process = None

    def options(self, context):
        """The options of the command."""
        raise NotImplementedError

    def result(self, told, context):
        """What is made of what the command has told programs."""

    def reason(self, told):
        """Why the task fails."""
        return told.get("error", f"exit code {told['exit_code']}")

    def execute(self, context, event=None, since=None):
        """Run the command, which was run first at `since`."""
        told = self._answer(context)
        code = told["exit_code"]
        if code in self.done:
            return self.result(told, context)
        if code == NOT_YET:
            self._later(told, datetime.now(UTC) if since is None else datetime.fromisoformat(since))
        raise (AirflowFailException if code in WRONG else AirflowException)(self.reason(told))

    def on_kill(self):
        """Leave no run behind that nobody waits for."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)

    def _later(self, told, since):
        if datetime.now(UTC) - since > self.timeout:
            raise AirflowSensorTimeout(f"not there after {self.timeout}: {self.reason(told)}")
        self.log.info("not there yet: %s", self.reason(told))
        again = TimeDeltaTrigger(self.looks_again)
        self.defer(trigger=again, method_name="execute", kwargs={"since": since.isoformat()})

    def _answer(self, context):
        command = [*self._command(), *self.options(context), "--json"]
        self.log.info("%s", shlex.join(command))
        try:
            # What it tells people goes to the log of the task. Its standard input is no business of the command.
            streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE}
            self.process = subprocess.Popen(command, **streams, text=True, start_new_session=True)
        except OSError as error:
            raise AirflowFailException(f"Variable lossledger_command: {error}") from error
        out, _ = self.process.communicate()
        told = _told(out, self.process.returncode)
        for warning in told.get("warnings", ()):
            self.log.warning("%s", warning)
        return told

    def _command(self):
        config = Variable.get("lossledger_config", default=None)
        if config is None:
            raise AirflowFailException("there is no Variable lossledger_config: the path of the evaluation's YAML file")
        program = Variable.get("lossledger_command", default="lossledger")
        return [*shlex.split(Variable.get(f"lossledger_{self.verb}", default=f"{program} {self.verb}")), config]


def _told(out, code):
    """What a command has told programs on its last line; a program that crashed may end with any code."""
    last = out.strip().rpartition("\n")[2]
    try:
        told = json.loads(last)
    except json.JSONDecodeError:
        told = None
    if isinstance(told, dict) and told.get("exit_code") == code:
        return told
    return {"exit_code": 3, "error": f"it ended with code {code} and no answer, but {last!r}; the log may say why"}


class Due(Lossledger):
    """Which days at which ages are due."""

    verb = "plan"

    def options(self, context):
        """At the moment that the run is for, also where it is a later one."""
        return ["--at", (context.get("logical_date") or context["dag_run"].run_after).isoformat()]

    def result(self, told, context):
        """The nights, the newest day first."""
        tables = told["replaces"]
        return [
            {**{key: night[key] for key in ("event_date", "age_hours")}, "tables": tables} for night in told["nights"]
        ]


class OfNight(Lossledger):
    """A command about a day at an age."""

    template_fields = ("event_date", "age_hours", "run", "tables")

    def __init__(self, *, event_date, age_hours, run=None, tables=(), **options):
        """Take the day, its age, its run and the tables that the run has replaced."""
        super().__init__(map_index_template="{{ task.event_date }} at {{ task.age_hours }}h", **options)
        self.event_date, self.age_hours, self.run, self.tables = event_date, age_hours, run, tables

    def options(self, context):
        """The day, and its age."""
        return ["--date", self.event_date, "--age", f"{self.age_hours}h"]


class Ready(OfNight):
    """Waits until the age is reached, and the logs are there and whole."""

    verb = "ready"


class Evaluate(OfNight):
    """Replaces the day in every table; that a gate fails (1) is told by the task of the gates."""

    verb = "run"
    done = (0, 1)

    def result(self, told, context):
        """The run, and how many gates it has judged."""
        return {"run_id": told["run_id"], "gates": len(told["gates"])}


class Audit(OfNight):
    """Proves what the tables hold, as far as the logs are there (4), and then tells of each table that it is new."""

    verb = "audit"
    done = (0, NOT_YET)

    def options(self, context):
        """The day, and its age."""
        return ["--date", self.event_date, "--ages", f"{self.age_hours}h"]

    def result(self, told, context):
        """An event of each asset."""
        for proof in (each for each in _proofs(told) if each["not_proven"]):
            self.log.warning("not proven: %s: %s", proof["proof"], "; ".join(proof["not_proven"]))
        extra = {"run_id": self.run["run_id"], "event_date": self.event_date, "age_hours": self.age_hours}
        for table in self.tables:
            context["outlet_events"][TABLES].add(Asset(f"lossledger_{table}"), extra=extra)

    def reason(self, told):
        """What is wrong first, proof by proof."""
        wrong = [f"{proof['proof']}: {finding}" for proof in _proofs(told) for finding in proof["findings"][:1]]
        return "; ".join(wrong) or super().reason(told)


def _proofs(told):
    return [proof for each in told.get("nights", ()) for proof in each["proofs"]]


class Gate(OfNight):
    """Fails where a gate fails."""

    verb = "gate"

    def execute(self, context):
        """Judge the gates, where there are any."""
        if not self.run["gates"]:
            raise AirflowSkipException("the evaluation has no gates")
        return super().execute(context)

    def reason(self, told):
        """Each gate that fails, in a sentence."""
        failing = (gate["sentence"] for gate in told.get("gates", ()) if gate["fails"])
        return "; ".join(failing) or super().reason(told)


class Report(OfNight):
    """Writes the report into the folder of reports, whatever the gates say."""

    verb = "report"

    def options(self, context):
        """The day, its age, and the file."""
        folder = Variable.get("lossledger_reports", default=None)
        if folder is None:
            raise AirflowSkipException(
                "there is no Variable lossledger_reports: the folder that reports are written to"
            )
        return [*super().options(context), "--output", f"{folder}/{self.event_date}-{self.age_hours}h.html"]

    def result(self, told, context):
        """Where it is, and what it says first."""
        return {"report": told["report"], "verdict": told["verdict"]}


@task_group
def night(event_date, age_hours, tables):
    """A day at an age."""
    of = {"event_date": event_date, "age_hours": age_hours}
    ready = Ready(task_id="wait", **of)
    # One at a time, whichever runs of the DAG they belong to; evaluations elsewhere are kept apart by the lease.
    alone = {"pool": POOL, "max_active_tis_per_dag": 1, "execution_timeout": timedelta(hours=6)}
    evaluate = Evaluate(task_id="evaluate", **alone, **of)
    audit = Audit(task_id="audit", run=evaluate.output, tables=tables, outlets=[TABLES], **of)
    # Both at the end: a gate that fails is to fail the run of the DAG, and the report is to be made all the same.
    ready >> evaluate >> audit >> [Gate(task_id="gate", run=evaluate.output, **of), Report(task_id="report", **of)]


with DAG(
    dag_id="lossledger_nightly",
    schedule=CronTriggerTimetable("0 3 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    # One at a time: a day may refer to the day before, which should not be under way.
    max_active_runs=1,
    # Of core.default_task_retry_delay, 5 minutes: after 5, 10 and 20 of them, or up to twice as many.
    default_args={"retries": 3, "retry_exponential_backoff": 2.0},
    doc_md=__doc__,
    tags=["lossledger"],
):
    night.expand_kwargs(Due(task_id="due").output)
