"""Evaluate a day, every night at 03:00, by spark-submit: the newest one whose labels have the age of the evaluation.

Of several ages it is the newest day that has reached the youngest; the same run evaluates the earlier days that reach
an older one with it. Where one of those is not there yet, all are evaluated again when it looks again.

Where impressions or labels are not there yet (exit code 4), it waits as a sensor does: `lossledger ready`, which needs
no JVM, looks again, and Spark is started when the day is there. What is configured wrong (2) fails at once, a failure
(3) is tried again.

A run replaces exactly its own day in each table, so retries, clearing a task and backfills never count a day twice.
Where a baseline is the rate of an earlier day, backfill in order, as a backfill passes over the DAG's own limit:
`airflow backfill create --dag-id lossledger_nightly --max-active-runs 1 …`.

Set three Airflow variables: `lossledger_home`, the folder that holds `dist/lossledger.zip` (`make package`), `jobs/`
and `conf/`; `lossledger_config`, the YAML file of the evaluation, its paths absolute; and `lossledger_age_hours`, its
youngest age: with 0 a night evaluates the day before, with 192, as in `conf/nightly.yaml`, the day eight days before
that. The connection `spark_default` names the cluster. The worker needs the job's own environment, never Airflow's: its
`spark-submit` first on PATH, its Python in `PYSPARK_PYTHON`.
"""

import os
import re
import subprocess
from datetime import UTC, datetime, timedelta

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import DAG, Asset, BaseSensorOperator, CronTriggerTimetable
from airflow.sdk.exceptions import AirflowException, AirflowFailException

HOME = "{{ var.value.lossledger_home }}"
# That of the evaluation's `day.timezone`.
ZONE = "UTC"
AGE = "macros.timedelta(hours=var.value.lossledger_age_hours | int)"
DAY = "{{ (data_interval_start - " + AGE + ").in_timezone(zone) | ds }}"

WRONG, NOT_YET = 2, 4


class Evaluation(BaseSensorOperator, SparkSubmitOperator):
    """Submits once the day is there: exit code 4 waits as a sensor does, 2 fails at once, 3 is tried again.

    What waits holds no slot of a worker, and starts no Spark: `lossledger ready` needs no JVM.
    """

    template_fields = (*SparkSubmitOperator.template_fields, "age_hours")

    def __init__(self, *, age_hours, **options):
        """Take the youngest age besides what an operator takes."""
        super().__init__(**options)
        self.age_hours = age_hours

    def poke(self, context):
        """Ask whether the day is ready, and if it is, evaluate it."""
        return self._ready() and self._evaluated(context)

    def _ready(self):
        python = os.environ.get("PYSPARK_PYTHON", "python3")
        # The run takes the ages of the configuration; that the variable is one of them is asked here.
        command = [python, "-P", "-m", "jobs", "ready", *self.application_args, "--age", self.age_hours]
        done = subprocess.run(command, env={**os.environ, "PYTHONPATH": self.py_files}, check=False)
        return _is_there(done.returncode, "the command above says why")

    def _evaluated(self, context):
        try:
            SparkSubmitOperator.execute(self, context)
        except AirflowException as error:
            code = re.search(r"Error code is: (\d+)", str(error))
            return _is_there(int(code[1]) if code else None, str(error))
        return True


def _is_there(code, reason):
    """Whether a command found the day, by its exit code."""
    if code == WRONG:
        raise AirflowFailException(reason)
    if code not in (0, NOT_YET):
        raise AirflowException(reason)
    return code == 0


with DAG(
    dag_id="lossledger_nightly",
    # A cron string alone would make an interval of no length: its start would be the night itself, not the day before.
    schedule=CronTriggerTimetable("0 3 * * *", timezone=ZONE, interval=timedelta(days=1)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    # One at a time: an evaluation may refer to the day before, which should not be under way.
    max_active_runs=1,
    user_defined_macros={"zone": ZONE},
    doc_md=__doc__,
    tags=["lossledger"],
):
    Evaluation(
        task_id="evaluate",
        name=f"lossledger {DAY}",
        application=f"{HOME}/jobs/evaluate.py",
        # The exit code of a driver in the cluster would not reach us.
        deploy_mode="client",
        py_files=f"{HOME}/dist/lossledger.zip",
        properties_file=f"{HOME}/conf/spark-defaults.conf",
        # There it is relative to the folder of the project.
        conf={"spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={HOME}/conf/log4j2.properties"},
        application_args=["{{ var.value.lossledger_config }}", "--date", DAY],
        age_hours="{{ var.value.lossledger_age_hours }}",
        # Where impressions or labels are not there yet, it looks again after 5 minutes, later more seldom.
        mode="reschedule",
        poke_interval=timedelta(minutes=5),
        exponential_backoff=True,
        max_wait=timedelta(hours=1),
        timeout=timedelta(hours=20),
        # As Airflow's core.default_task_retry_delay is 5 minutes, a failure is tried again after about 5, 10 and 20.
        retries=3,
        retry_exponential_backoff=True,
        execution_timeout=timedelta(hours=6),
        outlets=[Asset("lossledger_metrics")],
    )
