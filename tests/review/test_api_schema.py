"""Whatever a program sends, the interface answers as its own schema says, and never with an error of ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance
from sqlalchemy.engine import Engine

pytestmark = pytest.mark.slow

CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]
FEW = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_whatever_is_sent_is_answered_as_the_schema_says(
    filled: Engine, client_as: Callable[..., TestClient], app_with: Callable[..., FastAPI]
) -> None:
    app = app_with(requests_per_minute=1_000_000, attempts_per_minute=1_000_000)
    client = client_as("admin")
    sent = {
        "Host": "127.0.0.1:8765",
        "Cookie": f"partnerlift={client.cookies['partnerlift']}",
        "X-CSRF-Token": client.headers["X-CSRF-Token"],
    }
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers=sent).include(path_regex="^/api/")
    answers: Counter[int] = Counter()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @FEW
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            answers[case.call_and_validate(headers=sent, checks=CHECKS).status_code // 100] += 1

        ask()

    assert answers[2] > 30
    assert answers[4] > 30
