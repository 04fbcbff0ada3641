"""What is told of an error: the causes in one line each, and what mends files that an engine cannot read."""

import pytest
from py4j.protocol import Py4JJavaError, Py4JNetworkError
from pyspark.errors import SparkRuntimeException

from jobs.engines import failures
from jobs.errors import ContractError, RuntimeFailure


class Thrown:
    """A stand-in for the reference to a Java exception, as only a JVM has a real one."""

    def __init__(self, *messages):
        self.messages = messages

    def getMessage(self):
        return self.messages[0]

    def getCause(self):
        return Thrown(*self.messages[1:]) if self.messages[1:] else None


def of_java(*messages):
    error = Py4JJavaError.__new__(Py4JJavaError)
    error.java_exception = Thrown(*messages)
    return error


WORKER = 'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: it broke\n'


def test_causes_are_told_outermost_first_and_once():
    error = of_java(
        "Exception thrown in awaitResult: ", "Job aborted.\n  at a.B.c(D.java:1)", "Job aborted.", WORKER, None
    )
    assert failures.causes(error) == ["Job aborted", "ValueError: it broke"]
    assert failures.told(error, whole=True) == "Py4JJavaError: Job aborted; ValueError: it broke"
    assert failures.told(error, whole=False) == "Py4JJavaError: Job aborted"


def test_an_error_without_a_message_is_told_by_its_type():
    assert failures.causes(KeyError()) == ["KeyError"]
    assert failures.told(RuntimeFailure("lost"), whole=True) == "lost"


@pytest.mark.parametrize("error", [Py4JNetworkError("Answer from Java side is empty"), ConnectionRefusedError(111)])
def test_a_jvm_that_is_gone_is_told_as_that(error):
    failure = failures.explained(error)
    assert isinstance(failure, RuntimeFailure)
    assert failures.told(failure, whole=True).startswith("the JVM of Apache Spark ended before the run")


def test_what_else_went_wrong_is_told_beside_it():
    error = RuntimeFailure("lost")
    error.add_note("and not recorded")
    assert failures.told(error, whole=False) == "lost (and not recorded)"


@pytest.mark.parametrize(
    "error", [ValueError("incorrect number of fields"), of_java("out of memory"), RuntimeFailure("x")]
)
def test_what_is_not_the_fault_of_files_stays_as_it_is(error):
    assert failures.explained(error) is error


@pytest.mark.parametrize(
    "said",
    [
        "org.apache.comet.CometNativeException: Not enough memory to continue external sort",
        "org.apache.comet.CometNativeException: a\nResources exhausted: Additional allocation failed for HashJoinInput",
    ],
)
def test_an_accelerator_without_memory_says_how_to_go_on(said):
    failure = failures.explained(of_java("Exception thrown in awaitResult: ", f"Job aborted: {said}"))
    assert failure.exit_code == 3
    assert failures.told(failure, whole=False).startswith("Comet ran out of its memory, spark.memory.offHeap.size.")
    assert "--accelerator none" in str(failure)


@pytest.mark.parametrize("named", ["TIMESTAMP(NANOS,true)", "Timestamp(Nanosecond, None)"])
def test_a_folder_that_is_called_nano_is_no_timestamp(named):
    assert failures.remedy(SparkRuntimeException(f"cannot read {named}")).startswith("It has timestamps in nano")
    assert failures.remedy(SparkRuntimeException("no answer within 10 nanoseconds from /logs/nano")) is None


def test_inner_causes_which_quote_rows_are_left_out_of_what_is_kept():
    error = of_java("reading file:///a.csv", "[MALFORMED_CSV_RECORD] user7,0.5")
    explained = failures.explained(error)
    assert isinstance(explained, ContractError)
    assert str(explained).startswith("a source cannot be read: reading file:///a.csv. A row has more or fewer fields")
    assert "user7" not in str(explained)
    assert "user7" in failures.told(error, whole=True)
