"""What the tools tell of a session, each in its own words.

Kept to what the tools say by themselves, with the settings that administrators are told to make:
tool details for Claude Code, and a resource attribute for who it is. Some developers have neither,
and then their tools do not say who they are. Words and counts are those seen of Claude Code
2.1, Codex 0.169, Gemini CLI 0.61, Qwen Code 0.15 and GitHub Copilot CLI 1.0.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from simulation.company import Developer, Tool
from simulation.history import Request, Session
from simulation.otlp import Event, Timed, Value, Values, iso, logs, spans

Body = tuple[str, bytes]
"""The path of a request, and its protobuf body."""

_FAILING = "make integration"
# Dollars for a million tokens: input, cache read, cache write of five minutes, output.
_SONNET = (3.0, 0.3, 3.75, 15.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One moment of a session: a request, an edit, a failing call, or the commit."""

    at: datetime
    request: Request | None = None
    file: str | None = None
    lines: int = 0
    failing: bool = False
    commit: str | None = None


def told(session: Session, tool: Tool, developer: Developer) -> Body:
    """Everything that the tool sends of this session, in one request."""
    return _SPEAKERS[tool.speaks](session, tool, developer)


def _resource(session: Session, told: Values) -> Values:
    """What the machine says of itself, with ``OTEL_RESOURCE_ATTRIBUTES`` where that is set."""
    if session.remote is None:
        return told
    return {**told, "vcs.repository.url.full": f"https://github.com/{session.remote}.git"}


def _steps(session: Session) -> Iterator[_Step]:
    """The session in the order of time; calls come between the requests that ask for them."""
    edits = [(path, max(session.lines // max(len(session.files), 1), 1)) for path in session.files]
    most = len(session.requests)
    for number, request in enumerate(session.requests):
        at = session.started_at + timedelta(seconds=request.after_s)
        yield _Step(at=at, request=request)
        at += timedelta(seconds=1.5)
        for path, lines in edits[number * len(edits) // most : (number + 1) * len(edits) // most]:
            at += timedelta(milliseconds=40)
            yield _Step(at=at, file=f"/srv/dev/{session.repository}/{path}", lines=lines)
        for _ in range(_share(session.failures, number, most)):
            at += timedelta(milliseconds=40)
            yield _Step(at=at, failing=True)
    for commit in session.commits:
        yield _Step(at=commit.authored_at + timedelta(milliseconds=300), commit=commit.sha)


def _share(total: int, number: int, most: int) -> int:
    return (number + 1) * total // most - number * total // most


def _who(developer: Developer) -> str | None:
    return developer.email if developer.told else None


def _machine(developer: Developer) -> str:
    return f"{random.Random(developer.login).getrandbits(256):064x}"


def _claude_code(session: Session, _: Tool, developer: Developer) -> Body:
    base: dict[str, Value] = {
        "user.id": _machine(developer),
        "user.email": _who(developer),
        "session.id": session.id,
        "terminal.type": "vscode",
    }
    model = "claude-sonnet-4-5-20250929"
    events: list[Event] = []

    def say(name: str, at: datetime, more: Values) -> None:
        told = base | {
            "event.name": name,
            "event.timestamp": iso(at),
            "event.sequence": len(events),
        }
        events.append(Event(at=at, attributes=told | dict(more), body=f"claude_code.{name}"))

    say("user_prompt", session.started_at, {"prompt_length": 120})
    for step in _steps(session):
        if step.request:
            spent = step.request
            say(
                "api_request",
                step.at,
                {
                    "model": model,
                    "input_tokens": spent.input,
                    "output_tokens": spent.output,
                    "cache_read_tokens": spent.cache_read,
                    "cache_creation_tokens": spent.cache_write,
                    "cost_usd": _dollars(spent),
                    "duration_ms": 5200,
                    "query_source": "repl_main_thread",
                },
            )
            continue
        call: dict[str, Value] = {"tool_name": "Bash", "success": "true", "duration_ms": "900"}
        if step.file:
            call |= {"tool_name": "Edit", "tool_input": json.dumps({"file_path": step.file})}
        elif step.failing:
            command = json.dumps({"bash_command": "make", "full_command": _FAILING})
            call |= {"success": "false", "tool_parameters": command}
        elif step.commit:
            call |= {
                "vcs.ref.head.revision": step.commit[:7],
                "vcs.ref.head.name": session.branch,
                "vcs.ref.head.type": "branch",
            }
        say("tool_result", step.at, call)
    resource = {"service.name": "claude-code", "service.version": "2.1.330"}
    return "/v1/logs", logs(
        "com.anthropic.claude_code.events", _resource(session, resource), events
    )


def _dollars(spent: Request) -> float:
    counts = (spent.input, spent.cache_read, spent.cache_write, spent.output)
    return round(sum(n * price for n, price in zip(counts, _SONNET, strict=True)) / 1e6, 6)


def _codex(session: Session, tool: Tool, developer: Developer) -> Body:
    base = {
        "conversation.id": session.id,
        "user.email": _who(developer),
        "user.account_id": _machine(developer)[:32],
        "app.version": "0.169.0",
        "originator": "codex_exec",
        "model": tool.model,
        "slug": tool.model,
    }
    events: list[Event] = []

    def say(name: str, at: datetime, more: Values) -> None:
        head = {"event.name": f"codex.{name}", "event.timestamp": iso(at)}
        events.append(Event(at=at, attributes=head | base | dict(more)))

    say("conversation_starts", session.started_at, {"provider_name": "OpenAI"})
    say("user_prompt", session.started_at + timedelta(milliseconds=3), {"prompt_length": "120"})
    for number, step in enumerate(_steps(session)):
        if step.request:
            say(
                "sse_event",
                step.at,
                {"event.kind": "response.completed", **_inclusive(step.request)},
            )
            continue
        call = {"tool_name": "exec_command", "call_id": f"call_{number}", "success": "true"}
        if step.file:
            patch = f"*** Begin Patch\n*** Update File: {step.file}\n@@\n" + "+x\n" * step.lines
            call |= {
                "tool_name": "apply_patch",
                "arguments": patch + "*** End Patch",
                "output": "ok",
            }
        elif step.failing:
            call |= {"success": "false", "arguments": json.dumps({"cmd": _FAILING}), "output": "no"}
        elif step.commit:
            call |= {
                "arguments": json.dumps({"cmd": "git commit -am done"}),
                "output": f"[{session.branch} {step.commit[:7]}] done\n 1 file changed",
            }
        say("tool_result", step.at, call)
    resource = {"service.name": "codex_exec", "service.version": "0.169.0"}
    return "/v1/logs", logs("codex_otel.log_only", _resource(session, resource), events)


def _inclusive(spent: Request) -> dict[str, str]:
    """Counts as OpenAI's interface tells them: cached tokens are part of the input."""
    return {
        "input_token_count": str(spent.input + spent.cache_write + spent.cache_read),
        "cached_token_count": str(spent.cache_read),
        "output_token_count": str(spent.output),
        "reasoning_token_count": "0",
    }


def _gemini_words(session: Session, tool: Tool, developer: Developer) -> Body:
    prefix = "qwen-code" if tool.speaks == "qwen-code" else "gemini_cli"
    base: dict[str, Value] = {"session.id": session.id, "installation.id": _machine(developer)[:32]}
    events: list[Event] = []

    def say(name: str, at: datetime, more: Values) -> None:
        head = {"event.name": f"{prefix}.{name}", "event.timestamp": iso(at)}
        events.append(Event(at=at, attributes=base | head | dict(more)))

    say("user_prompt", session.started_at, {"prompt_length": 120, "prompt_id": session.id})
    for number, step in enumerate(_steps(session)):
        prompt: dict[str, Value] = {"prompt_id": f"{session.id}########{number}"}
        if step.request:
            spent = step.request
            fresh = spent.input + spent.cache_write + spent.cache_read
            counts: dict[str, Value] = {
                "model": tool.model,
                "status_code": 200,
                "duration_ms": 5200,
                "input_token_count": fresh,
                "output_token_count": spent.output,
                "cached_content_token_count": spent.cache_read,
                "thoughts_token_count": 0,
                "tool_token_count": 0,
                "total_token_count": fresh + spent.output,
            }
            say("api_response", step.at, prompt | counts)
            continue
        call: dict[str, Value] = {
            "function_name": "run_shell_command",
            "success": not step.failing,
            "decision": "accept",
            "duration_ms": 900,
        }
        if step.file:
            lines = {"model_added_lines": step.lines, "model_removed_lines": 0}
            call |= {
                "function_name": "replace",
                "function_args": json.dumps({"file_path": step.file}),
                "metadata": json.dumps(lines),
            }
        elif step.failing:
            call["function_args"] = json.dumps({"command": _FAILING})
        say("tool_call", step.at, prompt | call)
    name = "qwen-code" if tool.speaks == "qwen-code" else "gemini-cli"
    resource = {"service.name": name, "service.version": "0.61.0", "enduser.id": _who(developer)}
    return "/v1/logs", logs(name, _resource(session, resource), events)


def _copilot(session: Session, tool: Tool, developer: Developer) -> Body:
    base: dict[str, Value] = {
        "gen_ai.conversation.id": session.id,
        "gen_ai.provider.name": "openai",
    }
    told: list[Timed] = []
    for number, step in enumerate(_steps(session)):
        if step.request:
            spent = step.request
            more: dict[str, Value] = {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": tool.model,
                "gen_ai.response.model": tool.model,
                "gen_ai.response.id": f"{session.id}-{number}",
                "gen_ai.usage.input_tokens": spent.input + spent.cache_write + spent.cache_read,
                "gen_ai.usage.cache_read.input_tokens": spent.cache_read,
                "gen_ai.usage.output_tokens": spent.output,
                "github.copilot.initiator": "agent" if number else "user",
            }
            told.append(
                Timed(name=f"chat {tool.model}", at=step.at, seconds=5, attributes=base | more)
            )
            continue
        name = "edit" if step.file else "bash"
        call: dict[str, Value] = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.call.id": f"call_{number}",
            "github.copilot.tool.parameters.file_path": step.file,
            "process.exit.code": (2 if step.failing else 0) if name == "bash" else None,
        }
        told.append(
            Timed(name=f"execute_tool {name}", at=step.at, seconds=1, attributes=base | call)
        )
    turn: dict[str, Value] = {
        "gen_ai.operation.name": "invoke_agent",
        "server.address": "api.githubcopilot.com",
        "github.copilot.git.repository": f"https://github.com/{session.repository}.git",
        "github.copilot.git.branch": session.branch,
    }
    lasted = (session.ended_at - session.started_at).total_seconds()
    told.append(
        Timed(name="invoke_agent", at=session.ended_at, seconds=lasted, attributes=base | turn)
    )
    resource = {
        "service.name": "github-copilot",
        "service.version": "1.0.102",
        "enduser.id": _who(developer),
    }
    return "/v1/traces", spans("github.copilot", "1.0.102", resource, session.id, told)


_SPEAKERS: Mapping[str, Callable[[Session, Tool, Developer], Body]] = MappingProxyType(
    {
        "claude-code": _claude_code,
        "codex": _codex,
        "copilot": _copilot,
        "gemini-cli": _gemini_words,
        "qwen-code": _gemini_words,
    }
)
