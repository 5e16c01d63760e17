"""Refusing a parameter that is told twice and takes one value.

Of two values the last would be taken and the other dropped: ``team=a&team=b`` must not read as an
answer about both.
"""

from collections import Counter
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import Any, get_args, get_origin, get_type_hints

from fastapi import Request

from api.parameters import Parameters
from api.problems import Refusal


def refuse_repeated(request: Request) -> None:
    """Refuse a request with such a parameter, whichever route it is for."""
    told = Counter(name for name, _ in request.query_params.multi_items())
    repeated = {name for name, times in told.items() if times > 1}
    if not repeated:
        return
    single = sorted(repeated & _single(request.scope["endpoint"]))
    if single:
        detail = f"{', '.join(single)}: told more than once, and it takes one value"
        raise Refusal(HTTPStatus.BAD_REQUEST, "invalid_parameter", detail)


@cache
def _single(endpoint: Callable[..., Any]) -> frozenset[str]:
    """The names of the query parameters of a route that take one value."""
    models = [
        each
        for hint in get_type_hints(endpoint).values()
        for each in (get_args(hint) or (hint,))
        if isinstance(each, type) and issubclass(each, Parameters)
    ]
    return frozenset(
        field.alias or name
        for model in models
        for name, field in model.model_fields.items()
        if get_origin(field.annotation) is not list
    )
