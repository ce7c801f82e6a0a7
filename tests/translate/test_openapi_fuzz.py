"""Schemathesis makes up requests from the published OpenAPI, good and bad, and checks answers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable

from deploy import federation
from deploy.translate import Settings, service
from deploy.web.app import create
from deploy.web.rate import Buckets

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

EXAMPLES = 15
REFUSALS = [400, 404, 405, 413, 415, 422]
CHECKS = {
    # No schema can say that a text of invisible characters says nothing.
    "positive_data_acceptance": {"expected-statuses": ["2xx", 404, 422]},
    "negative_data_rejection": {"expected-statuses": REFUSALS},
}


@pytest.mark.parametrize(("mode", "operations"), [("positive", 10), ("negative", 6)])
def test_every_answer_is_one_that_is_published(tmp_path: Path, mode: str, operations: int) -> None:
    opened = service(Settings(tmp_path, federation.DEFAULT), "replica-1")
    headers = {"authorization": f"Bearer {opened.tokens.token('clinic')}"}
    app = create(replace(opened, buckets=Buckets(1e6, 1_000_000)))
    config = schemathesis.Config.from_dict({"checks": CHECKS})
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=config)
    checked = 0
    for result in schema.get_all_operations():
        with suppress(Unsatisfiable):  # what takes no input cannot be asked wrongly
            answered(result.ok(), schemathesis.GenerationMode(mode), headers)
            checked += 1
    assert checked == operations
    opened.close()


def answered(operation: Any, mode: Any, headers: dict[str, str]) -> None:
    """Try one operation with many requests; raises for an answer that is not published."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def conforms(case: Any) -> None:
        case.call_and_validate(headers=headers)

    conforms()
