"""The machine-readable contract, as FastAPI derives it from the routes, with our errors."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import MEDIA_TYPE, Problem

_DESCRIPTION = """\
What coding tools used, what came of it, and how sure that is.

Numbers are sums over *records* (OTLP telemetry) in which every fact comes from exactly one signal.
Null means that no record told a value; zero means that a record said zero. Times are UTC, money is
US dollars, people are pseudonyms: `hidden` where whoever asks may not see who it is. Errors are
problem details (RFC 9457) with a stable `code`.
"""
_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token with the role viewer, lead or admin.",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-assay",
        "description": "Of whoever signed in with a browser; `assay` where the server is reached"
        " without TLS.",
    },
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "The same token as the password; any user name. For browsers.",
    },
}


def openapi(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=_DESCRIPTION, routes=app.routes
        )
        components = document.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        schemas["Problem"] = Problem.model_json_schema()
        # FastAPI documents its own form of validation errors; ours are problems as well.
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        components["securitySchemes"] = _SCHEMES
        for path, operations in document["paths"].items():
            for operation in operations.values():
                _complete(operation, guarded=path.startswith("/v1/"))
        app.openapi_schema = document
    return app.openapi_schema


def _complete(operation: dict[str, Any], *, guarded: bool) -> None:
    operation["responses"].pop("422", None)
    operation["responses"]["default"] = {
        "description": "The request was refused or failed; `code` says why.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if guarded:
        operation["security"] = [{name: []} for name in _SCHEMES]
