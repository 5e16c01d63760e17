"""Requests of every form that the contract allows or forbids: answers keep it, none is a defect."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from classifier.run import classify
from tests.api.answering import NOW, client
from tests.api.working import story
from tests.capturing import CAPTURES
from tests.conftest import Fresh
from tests.filling import bodies, fill

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]

_PATIENCE_SECONDS = 300


@pytest.fixture(scope="module")
def contract(fresh: Fresh) -> Iterator[schemathesis.BaseSchema]:
    """The API's own description of itself, over a database that holds something of everything."""
    with fresh() as database:
        fill(database, bodies(CAPTURES / "claude-code" / "24-commit-variants-tool-details"))
        story(database)
        while classify(database, NOW):
            pass
        app = client(database).app
        # Made at its first reading, which takes long on a machine that does much else.
        yield schemathesis.openapi.from_asgi("/openapi.json", app, timeout=_PATIENCE_SECONDS)


@pytest.mark.parametrize("mode", GenerationMode)
def test_answers_keep_the_contract(contract: schemathesis.BaseSchema, mode: GenerationMode) -> None:
    tried = 0
    for found in contract.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(max_examples=8, suppress_health_check=list(HealthCheck))
        def holds(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(checks=CHECKS)

        try:
            holds()
        except Unsatisfiable:
            # An operation without parameters can't be asked wrongly.
            assert mode is GenerationMode.NEGATIVE
        tried += 1
    assert tried > 15
