"""Alerts are rare: a gate has to fail again and again, and where labels are late only that is told."""

import json
import threading
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from pydantic import ValidationError

from jobs.errors import InputMissingError, RefusedError
from jobs.judgement.alerts import Alert, Night, of_failure, of_night, worth_telling
from jobs.judgement.gates import FAILED
from jobs.settings import parse
from jobs.settings.judgement.alerts import Alerts
from jobs.surfaces.alerts import sent, told_failure
from tests.world.night import document

# Some of the channels that apprise knows are old.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

DAY = date(2026, 11, 20)
FAILS = {"gate": "honest", "slice": "country=DE", "fails": True, "sentence": "failed: too much is predicted"}
PASSES = {"gate": "honest", "slice": "", "fails": False, "sentence": "passed: well calibrated"}
ASKED = Alerts(file="alerts.jsonl", nights=2, of_last=3)


def earlier(*fails, slice_="country=DE"):
    """The nights before, the last one first."""
    days = (DAY - timedelta(days=back) for back in range(1, len(fails) + 1))
    return [
        {"event_date": day, "gate": "honest", "slice": slice_, "fails": of} for day, of in zip(days, fails, strict=True)
    ]


@pytest.mark.parametrize(
    ("before", "told"),
    [((), 0), ((True,), 1), ((False, True), 1), ((False, False, True), 0), ((True, True), 1), ((False, False), 0)],
)
def test_a_gate_is_told_when_it_fails_in_k_of_n_nights(before, told):
    night = Night("ads", DAY, [FAILS, PASSES], earlier(*before))
    assert len(of_night(night, ASKED)) == told


def test_another_slice_does_not_count_and_a_passed_gate_is_never_told():
    assert of_night(Night("ads", DAY, [FAILS], earlier(True, slice_="")), ASKED) == []
    assert of_night(Night("ads", DAY, [PASSES], earlier(True, slice_="")), ASKED) == []


def test_all_slices_of_a_gate_are_one_alert():
    other = {**FAILS, "slice": "country=FR"}
    (alert,) = of_night(Night("ads", DAY, [FAILS, other]), Alerts(file="x", nights=1, of_last=1))
    assert alert.title == "ads 2026-11-20: gate honest fails (tonight)"
    assert alert.text == "country=DE: failed: too much is predicted\ncountry=FR: failed: too much is predicted"


def test_of_many_slices_an_alert_tells_the_first_and_how_many_more():
    many = [{**FAILS, "slice": f"country={i:04}"} for i in range(1_025)]
    (alert,) = of_night(Night("ads", DAY, many), Alerts(file="x", nights=1, of_last=1))
    assert alert.text.splitlines()[19:] == [
        "country=0019: failed: too much is predicted",
        "and 1,005 more slices, which gates_latest has",
    ]


def test_of_a_day_that_is_not_whole_only_that_is_told():
    (alert,) = of_night(Night("ads", DAY, [FAILS], earlier(True), ["labels.click: no event"]), ASKED)
    assert (alert.of, alert.text) == ("labels", "labels.click: no event")


def test_what_is_not_asked_for_is_not_told():
    only_runs = Alerts(file="x", of=["runs"])
    assert of_night(Night("ads", DAY, [FAILS], earlier(True), ["late"]), only_runs) == []
    assert [alert.of for alert in of_failure("ads", DAY, "no disk", only_runs)] == ["runs"]
    assert of_failure("ads", DAY, "no disk", Alerts(file="x", of=["gates"])) == []


def failed(slice_, value, reach=0.01, verdict=FAILED):
    """A slice whose number has to be below 1.1."""
    numbers = {"value": value, "low": value - reach, "high": value + reach, "least": 0.9, "most": 1.1}
    return {**FAILS, "slice": slice_, "verdict": verdict, **numbers}


def test_of_many_slices_only_what_chance_does_not_allow_is_told():
    alone = failed("country=DE", 1.1101)
    assert worth_telling([alone], 0.0) == [alone]
    others = [{**failed(f"country={i}", 1.0), "fails": False, "verdict": "passed"} for i in range(500)]
    clear, low = failed("country=FR", 1.15), failed("country=IT", 0.85)
    assert worth_telling([alone, *others, clear, low], 0.0) == [clear, low]


def test_what_is_small_is_not_told_and_what_a_policy_fails_always():
    small, large = failed("country=DE", 1.13), failed("country=FR", 1.16)
    assert worth_telling([small, large], 0.05) == [large]
    undecided, absent = failed("country=IT", 1.0, 0.2, "undecided"), {**FAILS, "verdict": FAILED}
    counted = {**failed("country=ES", 5.0, 0.0), "least": 9.5, "most": None}
    assert worth_telling([undecided, absent, counted], 1.0) == [undecided, absent, counted]
    asked = Alerts(file="x", nights=1, of_last=1, least_effect={"honest": 0.05})
    (alert,) = of_night(Night("ads", DAY, [small, large]), asked)
    assert alert.text.startswith("country=FR: ")


def test_what_is_not_there_yet_is_no_failure_to_tell(tmp_path):
    file = tmp_path / "alerts.jsonl"
    settings = parse(document(tmp_path, alerts={"file": str(file)}))
    for _ in range(3):
        assert told_failure(settings, DAY, InputMissingError("labels.click: not there yet")) == []
    assert not file.exists()
    assert told_failure(settings, DAY, RefusedError("too many rejected rows")) == []
    (line,) = file.read_text(encoding="utf-8").splitlines()
    assert (json.loads(line)["of"], json.loads(line)["text"]) == ("runs", "too many rejected rows")


@pytest.fixture
def hook():
    """A real server that takes webhooks; what it was sent, and its address."""
    taken = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self):
            taken.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(500 if self.path == "/broken" else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Taking) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield taken, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


ALERT = Alert("gates", "ads", "2026-11-20", "gate honest fails", "country=DE: failed")


def test_alerts_go_to_the_webhook_and_into_the_file(monkeypatch, tmp_path, hook):
    taken, address = hook
    monkeypatch.setenv("HOOKS", f"{address}/a {address}/b")
    asked = Alerts(webhook="HOOKS", file=str(tmp_path / "alerts.jsonl"))
    assert sent([ALERT], asked) == []
    assert sent([ALERT], asked) == []
    assert [(each["title"], each["message"]) for each in taken] == [(ALERT.title, ALERT.text)] * 4
    lines = (tmp_path / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [ALERT.facts] * 2


def test_nobody_is_asked_where_there_is_nothing_to_tell(hook, monkeypatch):
    taken, address = hook
    monkeypatch.setenv("HOOKS", address)
    assert (sent([], Alerts(webhook="HOOKS")), taken) == ([], [])


def test_what_cannot_be_sent_is_told_without_the_address(monkeypatch, tmp_path, hook):
    _, address = hook
    asked = Alerts(webhook="HOOKS", file=str(tmp_path / "no" / "folder"))
    monkeypatch.delenv("HOOKS", raising=False)
    (no_file, nobody) = sent([ALERT], asked)
    assert "alerts.file" in no_file
    assert "HOOKS is not set" in nobody
    monkeypatch.setenv("HOOKS", f"{address}/broken nonsense")
    told = sent([ALERT], Alerts(webhook="HOOKS"))
    assert [each.split(" in ")[0] for each in told] == ["alerts.webhook: address 1", "alerts.webhook: address 2"]
    assert not any(address in each or "nonsense" in each for each in told)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"nights": 1}, "a webhook, a file, or both"),
        ({"file": "x", "nights": 4, "of_last": 3}, "as many nights"),
        ({"webhook": "https://hooks.example/secret"}, "the name of an environment variable"),
    ],
)
def test_alerts_that_cannot_work_are_refused(keys, expected):
    with pytest.raises(ValidationError, match=expected):
        Alerts.model_validate(keys)
