"""A configuration is a file of YAML, and so one of JSON; a log that is taken for one is told as a log."""

import json

import pytest

from jobs.errors import ConfigurationError
from jobs.settings import load, parse
from tests.world import night


@pytest.mark.parametrize("text", ['[{"click": 1}]', '{"click": 1, "p": 0.5}\n{"click": 0, "p": 0.5}\n'])
def test_a_log_of_json_is_told_as_one(tmp_path, text):
    (tmp_path / "log.json").write_text(text)
    with pytest.raises(ConfigurationError, match=r"log\.json: found a log"):
        load(tmp_path / "log.json")


@pytest.mark.parametrize("indent", [None, 2])
def test_a_configuration_may_be_json(tmp_path, indent):
    document = night.document(tmp_path)
    (tmp_path / "small.json").write_text(json.dumps(document, indent=indent))
    assert load(tmp_path / "small.json") == parse(document)
