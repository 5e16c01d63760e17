"""Continue CLI (``cn``). Version seen: 1.5.47.

Authority: metrics, the only signal there is. Every counter is cumulative and session-less: a
process is a series of its own by its start time, and says neither its session nor that it resumes
one. Usage is booked to the installation.

Traps. On the OpenAI wire cached tokens are never told and stay inside input; on the Anthropic wire
they have types of their own and input leaves them out (read in the shipped code); behind its
``ai-sdk`` provider they have, and input holds them, which no record gives away. The last reading
is exported twice at exit. Requests are not counted, neither answered nor failed ones. The cost of a
model without a known price is a guess of one dollar a million tokens in and two out. A commit
counts only where the command begins with ``git commit``.

Not told: session, requests, errors, retries, prompts, tools, cached tokens on the OpenAI wire.
"""

from collector.dialects.amounts import whole
from collector.dialects.dialect import Dialect
from collector.dialects.grouped import said
from collector.dialects.metrics import observe_point
from collector.sender import sender_of
from domain.events import Counted, Outcome, Pass, Quantity, Source
from domain.pseudonym import Pseudonyms
from domain.record import MetricPoint, text

TOOL = "continue-cli"
_PREFIX = "continue_cli_"
_TOKEN_TYPES = {
    "input": Quantity.TOKENS_INPUT,
    "output": Quantity.TOKENS_OUTPUT,
    "cacheRead": Quantity.TOKENS_CACHE_READ,
    "cacheCreation": Quantity.TOKENS_CACHE_WRITE,
}
_LINE_TYPES = {"added": Quantity.LINES_ADDED, "removed": Quantity.LINES_REMOVED}
_DECISIONS = {"accept": Quantity.EDITS_ACCEPTED, "reject": Quantity.EDITS_REJECTED}
_PLAIN_COUNTERS = {
    "cost_usage": Quantity.COST_NANOUSD,
    "commit_count": Quantity.COMMITS,
    "pull_request_count": Quantity.CHANGES_OPENED,
    "session_count": Quantity.PROCESS_STARTS,
    "active_time_total": Quantity.ACTIVE_MS,
}
# Known, and nothing we account: times, log-ins, connections, slash commands.
_IGNORED = frozenset(
    {
        "auth_attempts",
        "mcp_connections",
        "startup_time",
        "response_time",
        "slash_command_usage",
    }
)


def read_point(point: MetricPoint, pseudonyms: Pseudonyms) -> Outcome:
    """One point of a counter; histograms and gauges are not used."""
    # The first versions, of August 2025, spelled the same names with dots.
    told = point.name.replace(".", "_")
    name = told.removeprefix(_PREFIX)
    if name in _IGNORED:
        return Pass.IGNORED
    quantity = _quantity(name, point) if told.startswith(_PREFIX) else None
    if quantity is None:
        return Pass.UNKNOWN
    attributes = point.attributes
    version = text(attributes, "app.version") or text(point.scope.resource, "service.version")
    sender = sender_of(attributes, point.scope, version or point.scope.version, pseudonyms)
    fact = Counted(
        quantity=quantity,
        amount=whole(quantity, point.value),
        item=text(attributes, "tool") or "",
        model=text(attributes, "model"),
    )
    # 1.5.47 tells no session anywhere; read it for the day when a version does.
    session_id = said(attributes, point.scope, "session.id")
    return observe_point(point, sender.origin(TOOL, session_id, Source.METRIC, 0), fact)


def _quantity(name: str, point: MetricPoint) -> Quantity | None:
    kind = text(point.attributes, "type") or ""
    if name == "token_usage":
        return _TOKEN_TYPES.get(kind)
    if name == "lines_of_code_count":
        return _LINE_TYPES.get(kind)
    if name == "code_edit_tool_decision":
        return _DECISIONS.get(text(point.attributes, "decision") or "")
    return _PLAIN_COUNTERS.get(name)


DIALECT = Dialect(
    tool=TOOL,
    scopes=("continue-cli",),
    prefixes=(_PREFIX, "continue.cli."),
    services=frozenset({"continue-cli"}),
    point=read_point,
)
