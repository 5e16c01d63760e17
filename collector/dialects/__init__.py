"""The dialect table: which module understands which tool's telemetry.

A dialect is pure: functions from a decoded record to an ``Observation`` (facts) or a ``Pass`` (why
there are none). Its docstring names the signal that is the authority for each quantity. Adding a
tool is a module, a row below, a folder of captures under ``tests/captures``, and a page under
``docs/tools``. ``recognise`` is the only entry.
"""

from collector.dialects import claude_code
from collector.dialects.dialect import Dialect
from domain.record import Scope, text

DIALECTS: tuple[Dialect, ...] = (claude_code.DIALECT,)


def recognise(scope: Scope, name: str) -> Dialect | None:
    """The dialect that speaks this record: by scope, then by name, then by service.

    ``service.name`` comes last since users may override it (and forks keep their parent's).
    """
    for dialect in DIALECTS:
        if scope.name.startswith(dialect.scopes):
            return dialect
    for dialect in DIALECTS:
        if dialect.prefixes and name.startswith(dialect.prefixes):
            return dialect
    service = text(scope.resource, "service.name")
    return next((d for d in DIALECTS if service in d.services), None)
