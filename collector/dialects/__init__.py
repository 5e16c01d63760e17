"""The dialect table: which module understands which tool's telemetry.

A dialect is pure: functions from a decoded record to an ``Observation`` (facts) or a ``Pass`` (why
there are none). Its docstring names the signal that is the authority for each quantity. Adding a
tool is a module, a row below, a folder of captures under ``tests/captures``, and a page under
``docs/tools``. ``recognise``, or else ``speaks``, is the way in.
"""

from collector.dialects import (
    claude_code,
    cline,
    codex,
    continue_cli,
    copilot,
    cursor,
    droid,
    gemini_cli,
    gen_ai,
    goose,
    iflow_cli,
    kiro,
    opencode,
    opencode_plugin,
    qwen_code,
)
from collector.dialects.dialect import Dialect
from domain.events import Quantity, Source
from domain.record import Scope, text

DIALECTS: tuple[Dialect, ...] = (
    claude_code.DIALECT,
    codex.DIALECT,
    *copilot.DIALECTS,
    gemini_cli.DIALECT,
    qwen_code.DIALECT,
    iflow_cli.DIALECT,
    # The plugin before the tool: it is known by its scope, whatever prefix its operator chose.
    opencode_plugin.DIALECT,
    opencode.DIALECT,
    continue_cli.DIALECT,
    droid.DIALECT,
    cline.DIALECT,
    cursor.DIALECT,
    goose.DIALECT,
    kiro.DIALECT,
)


OTHERWISE, speaks = gen_ai.DIALECT, gen_ai.speaks
"""OpenTelemetry's conventions for generative AI, which what no row knows may still follow."""


def recognise(scope: Scope, name: str) -> Dialect | None:
    """The dialect that speaks records of this name: by scope, then by name, then by service.

    ``service.name`` comes last since users may override it (and forks keep their parent's).
    """
    for dialect in DIALECTS:
        if scope.name.startswith(dialect.scopes):
            return dialect
    for dialect in DIALECTS:
        if dialect.prefixes and name.startswith(dialect.prefixes):
            return dialect
    service = text(scope.resource, "service.name")
    return next((dialect for dialect in DIALECTS if service in dialect.services), None)


def tells(tool: str, source: Source) -> frozenset[Quantity]:
    """The quantities of which this tool's silence on this signal means zero."""
    return _TELLS.get((tool, source), frozenset())


_TELLS = {
    (dialect.tool, source): told for dialect in DIALECTS for source, told in dialect.tells.items()
}
