"""Errors as RFC 9457 problem details, mapped to responses in one place.

``code`` is the stable name to program against. The type is always ``about:blank``: the title is
the status's own phrase, and ``detail`` says what to do. Nothing about the inside of the server,
and no value of a record, ever stands in a problem. People who read pages get the same as a page.

invalid_parameter   400  a parameter has an impossible value, or there is no such parameter
ambiguous_ticket    400  several trackers have a ticket of this key
unauthenticated     401  no token, or one that does not exist (any more)
forbidden           403  whoever asks may not read, review or administer it, or see these people
too_few_people      403  a group that too few people are behind, or so few beside it
host_not_allowed    403  an open server is asked under a foreign name (see ``auth``)
cross_site          403  a page of another site made a browser send it (see ``cross_site``)
not_admitted        403  signed in, but no group of theirs is admitted
sign_in_refused     403  the provider did not let them sign in
sign_in_failed      400  what came back from the provider proves nothing; sign in again
no_person           404  nothing says who it is that asks
not_found           404  no such route
session_not_found   404  no such session, or one that only started
tool_not_found      404  no session of such a tool
link_not_found      404  no such link (any more)
change_not_found    404  no forge has told of such a change
ticket_not_found    404  no tracker has told of such a ticket
leak_not_found      404  no such leak, or one about too few people to be told
leak_action_not_found  404  nothing was marked as tried on that day
evaluation_not_found 404  no such evaluation was drawn
budget_not_found    404  no such budget (any more)
alert_not_found     404  no such alert
method_not_allowed  405  not with this method; ``Allow`` names those of this address
unsupported_media_type  415  a review that is not sent as JSON
too_many_requests   429  wrong credentials, or answers, too often; ``Retry-After`` says how long
internal_error      500  a defect; the log has it
sign_in_unavailable 503  the provider that people sign in at does not answer
unavailable         503  the database does not answer; try again
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from api.methods import allowed
from store.engine import StoreError

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_SECONDS = "1"
_CODES = {
    HTTPStatus.UNAUTHORIZED: "unauthenticated",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
    HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
}


class Problem(BaseModel):
    """Why a request was refused or failed (RFC 9457)."""

    type: str = Field(
        default="about:blank", description="Always `about:blank`: `code` tells errors apart."
    )
    title: str = Field(description="The HTTP status in words.")
    status: int = Field(description="The HTTP status code.")
    detail: str = Field(description="What is wrong with this request and what to do, for people.")
    code: str = Field(description="Stable name of the error, for programs.")


class Refusal(Exception):
    """A request that can't be answered, with everything its problem says."""

    def __init__(
        self, status: HTTPStatus, code: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(title=status.phrase, status=status.value, detail=detail, code=code)
        self.headers = dict(headers or {})


def no_time(unit: str) -> Refusal:
    """The refusal of a period without any time in it, told or where one end was left out."""
    return Refusal(
        HTTPStatus.BAD_REQUEST,
        "invalid_parameter",
        f"'from' must be before 'to', by {unit} at least. Without 'to' the period ends with today,"
        " without 'from' it begins with the month of its last day.",
    )


Page = Callable[[Problem], str]
"""Renders a problem for people."""


def handle_problems(app: FastAPI, page: Page, headers: Mapping[str, str]) -> None:
    """Make every error of this application a problem.

    ``headers`` go on answers to unexpected errors, which no middleware sees.
    """

    def refused(request: Request, error: Exception) -> Response:
        refusal = _refusal(error)
        told = refusal.headers
        if refusal.problem.status == HTTPStatus.METHOD_NOT_ALLOWED:
            told = {**told, "Allow": ", ".join(allowed(request))}
        return _respond(request, page, refusal.problem, told)

    def failed(request: Request, _: Exception) -> Response:
        # Starlette raises the error again after this answer, so the server logs it.
        detail = "The server failed to answer. Its log says why; nothing was changed."
        refusal = Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", detail)
        return _respond(request, page, refusal.problem, headers)

    for expected in (Refusal, HTTPException, RequestValidationError, StoreError):
        app.add_exception_handler(expected, refused)
    app.add_exception_handler(Exception, failed)


def _refusal(error: Exception) -> Refusal:
    if isinstance(error, Refusal):
        return error
    if isinstance(error, RequestValidationError):
        detail = "; ".join(dict.fromkeys(map(_sentence, error.errors())))
        return Refusal(HTTPStatus.BAD_REQUEST, "invalid_parameter", detail)
    if isinstance(error, HTTPException):
        return _http_refusal(error)
    return Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "unavailable",
        "The database does not answer now; try again in a moment.",
        {"Retry-After": _RETRY_AFTER_SECONDS},
    )


def _http_refusal(error: HTTPException) -> Refusal:
    status = HTTPStatus(error.status_code)
    details = {
        HTTPStatus.NOT_FOUND: "There is nothing here; /openapi.json lists what there is.",
        HTTPStatus.METHOD_NOT_ALLOWED: "This method is not allowed here; see the Allow header.",
    }
    code = _CODES.get(status, status.name.lower())
    return Refusal(status, code, details.get(status, str(error.detail)), error.headers)


def _sentence(error: Mapping[str, Any]) -> str:
    """One finding of the validation: which parameter, and what it may be."""
    place = [str(part) for part in error["loc"][1:2]]
    message = str(error["msg"]).removeprefix("Value error, ")
    return ": ".join([*place, message])


def _respond(
    request: Request, page: Page, problem: Problem, headers: Mapping[str, str]
) -> Response:
    if _for_people(request):
        return Response(page(problem), problem.status, dict(headers), "text/html; charset=utf-8")
    return JSONResponse(problem.model_dump(), problem.status, dict(headers), MEDIA_TYPE)


def _for_people(request: Request) -> bool:
    """Whether a browser asks for a page: it says so, and asks outside the API."""
    wants_page = "text/html" in request.headers.get("accept", "")
    return wants_page and not is_api(request)


def is_api(request: Request) -> bool:
    """Whether this is a request for data, whoever asks."""
    # Not request.url: the Host header has a part in that.
    path = str(request.scope["path"])
    return path.startswith(("/v1/", "/webhooks/")) or path in ("/v1", "/openapi.json")
