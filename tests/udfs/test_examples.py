"""The docstring of every metric has an example with a number, and it is true."""

from doctest import DocTestParser, DocTestRunner

import pytest

from udfs.catalog import metrics_of
from udfs.kinds import KINDS
from udfs.measure import OVER, Metric
from udfs.measures.peers import PEERS, peer_metrics

METRICS = [metric for kind in KINDS for over in OVER for metric in metrics_of(kind, over).values()]
METRICS = [*dict.fromkeys(METRICS), *peer_metrics(PEERS).values()]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: f"{metric.over}-{metric.name}")
def test_the_example_of_a_metric_is_true(metric: Metric) -> None:
    test = DocTestParser().get_doctest(metric.example, {metric.name.partition("[")[0]: metric}, metric.name, None, None)
    assert len(test.examples) == 1
    assert float(test.examples[0].want) != 0.0
    found = DocTestRunner().run(test)
    assert (found.failed, found.attempted) == (0, 1)


def test_a_metric_is_called_by_order_or_by_name_with_numbers_or_arrays() -> None:
    log_loss, weighted = (metrics_of("binary")[name] for name in ("log_loss", "weighted_log_loss"))
    assert log_loss(3, 1, 8) == log_loss(weight=8, positive_nll=3, negative_nll=1) == 0.5
    assert log_loss([3, 1], 1, 8).tolist() == [0.5, 0.25]
    assert weighted(3, 1, weight=8, alpha=5) == 2.0
    with pytest.raises(TypeError):
        log_loss(3, 1)
