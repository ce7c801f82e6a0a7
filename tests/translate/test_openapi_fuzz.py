"""Schemathesis makes up requests from the published OpenAPI, good and bad, and checks answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from deploy import federation
from deploy.translate import Settings, service
from deploy.web.app import create
from deploy.web.rate import Buckets

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

OPERATIONS = 10
EXAMPLES = 15


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_every_answer_is_one_that_is_published(tmp_path: Path, mode: str) -> None:
    opened = service(Settings(tmp_path, federation.DEFAULT), "replica-1")
    headers = {"authorization": f"Bearer {opened.tokens.token('clinic')}"}
    app = create(replace(opened, buckets=Buckets(1e6, 1_000_000)))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    checked = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        answered(operation, schemathesis.GenerationMode(mode), headers)
        checked += 1
    assert checked == OPERATIONS
    opened.close()


def answered(operation: Any, mode: Any, headers: dict[str, str]) -> None:
    """Try one operation with many requests; raises for an answer that is not published."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def conforms(case: Any) -> None:
        case.call_and_validate(headers=headers)

    conforms()
