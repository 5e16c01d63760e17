"""What a session did, how its context grew, and what is missing of it."""

from collections.abc import Mapping
from dataclasses import asdict

from pydantic import Field

from api.schemas.shape import Shape
from domain.events import Quantity
from store.report_detail import SessionSides


class Completeness(Shape):
    """What is known to be missing of the telemetry; null where the tool does not tell."""

    requests_started: int | None = Field(description="Model requests whose beginning was told.")
    requests_unanswered: int | None = Field(
        description="Those that neither came back nor failed: under way, broken off or lost. At"
        " least so many; what they cost is not known."
    )
    requests_unmeasured: int | None = Field(
        description="Answered requests whose usage the tool did not report."
    )
    sources_agree: bool | None = Field(
        description="Whether all signals told the same tokens; null: only one told any. A signal"
        " that is still under way, or was lost, makes it false."
    )
    tokens_missing: int | None = Field(
        description="Tokens that another signal told beyond the one that is counted; null: no"
        " other told any."
    )
    processes_started: int | None = Field(description="Processes of the tool that said they began.")
    processes_unended: int | None = Field(
        description="Those that did not say they ended: still running, or killed."
    )


class ContextGrowth(Shape):
    """How the conversation's context grew: prompt tokens of its requests, cached or not.

    Requests of subagents and of the tool's own housekeeping are left out where they are told apart.
    """

    requests: int = Field(description="Requests whose prompt was measured.")
    first_tokens: int = Field(description="Prompt of the first request.")
    last_tokens: int = Field(description="Prompt of the last request.")
    largest_tokens: int = Field(description="The largest prompt; a compaction makes it smaller.")
    over_100k: int = Field(description="Requests with a prompt of more than 100,000 tokens.")
    over_200k: int = Field(description="Requests with a prompt of more than 200,000 tokens.")


class ToolCalls(Shape):
    """How often the session called one of the tool's own tools."""

    name: str = Field(description="Name of the called tool, for example `Bash`.")
    calls: int | None = Field(description="Finished calls.")
    failures: int | None = Field(description="Finished calls that were reported as failed.")
    denials: int | None = Field(description="Calls that a person or a policy refused.")


class RepeatedFailures(Shape):
    """Calls that failed again with the very same arguments."""

    calls: int = Field(description="Different calls that failed more than once.")
    repeats: int = Field(description="Failures after the first of each call.")
    most: int = Field(description="How often the most stubborn call failed.")


class Counts(Shape):
    """What else was counted in the session, each from one signal only."""

    prompts: int | None = Field(description="Prompts that the user entered.")
    edits_accepted: int | None = Field(description="Edits of files that were let through.")
    edits_rejected: int | None = Field(description="Edits of files that were refused.")
    lines_added: int | None = Field(description="Lines that the tool added to files.")
    lines_removed: int | None = Field(description="Lines that the tool removed from files.")
    files_edited: int | None = Field(
        description="Different files that the tool edited, where it names them; null: none named."
    )
    commits: int | None = Field(description="Commits made by the tool, as it counts them.")
    changes_opened: int | None = Field(
        description="Pull or merge requests opened by the tool, as it counts them."
    )
    retries: int | None = Field(description="Attempts that failed before a request was settled.")
    compactions: int | None = Field(description="How often the conversation was compacted.")
    subagents: int | None = Field(description="Subagents that finished.")
    loops_detected: int | None = Field(description="Loops that the tool itself detected.")
    active_ms: int | None = Field(
        description="Milliseconds in which the user or the tool was active."
    )


def tool_calls(counts: Mapping[Quantity, Mapping[str, int]]) -> list[ToolCalls]:
    """Calls by name. Where a quantity is told of the session, a name without it has none of it."""
    told = (Quantity.TOOL_CALLS, Quantity.TOOL_FAILURES, Quantity.TOOL_DENIALS)
    # An empty name stands for a told zero of the whole session.
    names = sorted({name for quantity in told for name in counts.get(quantity, {}) if name})

    def amount(quantity: Quantity, name: str) -> int | None:
        return counts[quantity].get(name, 0) if quantity in counts else None

    calls, failures, denials = told
    return [
        ToolCalls(
            name=name,
            calls=amount(calls, name),
            failures=amount(failures, name),
            denials=amount(denials, name),
        )
        for name in names
    ]


def repeated_failures(counts: Mapping[Quantity, Mapping[str, int]]) -> RepeatedFailures | None:
    """Failures by call, each a hash of the call's name and arguments, told as three numbers."""
    failures = counts.get(Quantity.REPEATED_FAILURES)
    if failures is None:
        return None
    again = [times for times in failures.values() if times > 1]
    return RepeatedFailures(
        calls=len(again),
        repeats=sum(again) - len(again),
        most=max(failures.values(), default=0),
    )


def counts_of(sides: SessionSides) -> Counts:
    """What else was counted, all items of each together."""
    names = (name for name in Counts.model_fields if name != "files_edited")
    told = {name: _total(sides.counts, name) for name in names}
    return Counts(**told, files_edited=sides.files_edited)


def context_growth(sides: SessionSides) -> ContextGrowth | None:
    """How the context grew, if any request told."""
    if sides.context is None:
        return None
    told = asdict(sides.context)
    return ContextGrowth(**{name: told[name] for name in ContextGrowth.model_fields})


def _total(counts: Mapping[Quantity, Mapping[str, int]], name: str) -> int | None:
    items = counts.get(Quantity(name))
    return None if items is None else sum(items.values())
