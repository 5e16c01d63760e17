"""What a verdict is on: a tool, or a tool with one of its models, judged as a tool of its own."""

from collections.abc import Iterable
from dataclasses import replace

from domain.judgement import By
from domain.labels import JudgedSession, Verdict

# In no name of a tool.
_BETWEEN = "\0"


def name_of(tool: str, model: str | None) -> str:
    """The name under which a tool with one of its models is judged."""
    return f"{tool}{_BETWEEN}{model or ''}"


def parts_of(name: str) -> tuple[str, str | None]:
    """The tool and the model of such a name; the model is None where it was not told."""
    tool, _, model = name.partition(_BETWEEN)
    return tool, model or None


def scoped(sessions: Iterable[JudgedSession], by: By) -> list[JudgedSession]:
    """The sessions as of the tools that are judged."""
    if by is By.TOOL:
        return list(sessions)
    return [replace(each, tool=name_of(each.tool, each.model)) for each in sessions]


def named(verdict: Verdict, by: By) -> Verdict:
    """The verdict with tool and model apart."""
    if by is By.TOOL:
        return verdict
    tool, model = parts_of(verdict.tool)
    return replace(verdict, tool=tool, model=model)
