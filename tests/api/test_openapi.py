"""The contract: every field and parameter says what it means, every error is a problem."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.api.answering import Json, get

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def document(http: TestClient) -> Json:
    return get(http, "/openapi.json")


def operations(document: Json) -> Iterator[tuple[str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_field_has_a_description(document: Json) -> None:
    schemas = document["components"]["schemas"]
    assert len(schemas) > 25
    silent = [
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, told in schema.get("properties", {}).items()
        if not told.get("description", "").strip()
    ]
    assert silent == []


def test_every_shape_has_a_description(document: Json) -> None:
    schemas = document["components"]["schemas"]
    assert [name for name, told in schemas.items() if not told.get("description")] == []


def test_every_route_and_parameter_has_a_description(document: Json) -> None:
    silent = []
    for name, operation in operations(document):
        if not operation.get("description"):
            silent.append(name)
        silent += [
            f"{name} {parameter['name']}"
            for parameter in operation.get("parameters", [])
            if not parameter.get("description")
        ]
    assert silent == []


def test_amounts_name_their_unit(document: Json) -> None:
    units = {"_usd": "US dollars", "_ms": "Milliseconds", "_at": "UTC", "_of": "UTC"}
    for name, schema in document["components"]["schemas"].items():
        for field, told in schema.get("properties", {}).items():
            unit = units.get(f"_{field.rpartition('_')[2]}", "")
            assert unit in told["description"], f"{name}.{field}"


def test_every_error_is_a_problem_and_nothing_else(document: Json) -> None:
    problem = {"$ref": "#/components/schemas/Problem"}
    for name, operation in operations(document):
        answers = operation["responses"]
        # Not ready is an answer, not an error: it says of each check how it went.
        also = {"503"} if name == "GET /readyz" else set()
        assert set(answers) == {"200", "default"} | also, name
        assert answers["default"]["content"] == {"application/problem+json": {"schema": problem}}
    assert not [name for name in document["components"]["schemas"] if "ValidationError" in name]


def test_all_but_health_takes_a_token(document: Json) -> None:
    guarded = {name for name, operation in operations(document) if operation.get("security")}
    assert {name for name, _ in operations(document)} - guarded == {"GET /healthz", "GET /readyz"}


def test_every_reference_leads_somewhere(document: Json) -> None:
    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if "$ref" in node:
                yield node["$ref"]
            for child in node.values():
                yield from references(child)
        elif isinstance(node, list):
            for child in node:
                yield from references(child)

    for reference in references(document):
        *_, section, name = reference.split("/")
        assert name in document["components"][section]


def test_every_route_is_documented(document: Json) -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    assert [name for name, _ in operations(document) if f"`{name}`" not in page] == []


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_no_page_of_ours_loads_from_another_host(path: str, http: TestClient) -> None:
    assert http.get(path).status_code == 404
