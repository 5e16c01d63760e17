"""How each tool is told to send here: one file a tool under ``connections``, and its text.

A file holds what an operator sets (``settings``: where, and the text with ``$endpoint`` and
``$key``), how to make a first record, and for ``assay connect --verify`` what a tool that is set up
well tells, with the reason where it does not.
"""

import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib import resources
from string import Template
from typing import Literal
from urllib.parse import urlsplit

import msgspec


class Check(StrEnum):
    """What a tool that is set up well tells, each looked for by ``assay connect --verify``."""

    LOGS = "logs"
    METRICS = "metrics"
    TRACES = "traces"
    REQUESTS = "requests"
    TOKENS = "tokens"
    SESSION = "session"
    COMMITS = "commits"
    USER = "user"
    TEAM = "team"
    REPOSITORY = "repository"


# Why something is missing, where the tool's own file gives no better reason.
_REASONS: Mapping[Check, str] = {
    Check.LOGS: "They are switched off, or sent to another address.",
    Check.METRICS: "They are switched off, sent to another address, or their time has not come.",
    Check.TRACES: "They are switched off, or sent to another address.",
    Check.REQUESTS: "Nothing was asked of a model yet.",
    Check.TOKENS: "Nothing was asked of a model yet.",
    Check.SESSION: "The tool, or a gateway in between, leaves the session id out.",
    Check.COMMITS: "The tool does not tell their SHA.",
    Check.USER: "Make a key with --user, or set enduser.id in OTEL_RESOURCE_ATTRIBUTES.",
    Check.TEAM: "Make a key with --team, or set team in OTEL_RESOURCE_ATTRIBUTES.",
    Check.REPOSITORY: "The tool does not tell it. Give the key --attribute repo=owner/name, or set"
    " repo in OTEL_RESOURCE_ATTRIBUTES.",
}
_PLACEHOLDER = "<key>"
_KEY = re.compile(r"[\w.~+/=-]+", re.ASCII)
_UNSAFE = re.compile(r"[\s\"'\\$<>{}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One thing to set. ``environment`` is NAME=value by line; ``form`` is typed by a person."""

    place: str
    syntax: Literal["json", "toml", "environment", "form"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How one tool is connected.

    ``tells`` is what arrives where it is set up well (who sends is looked for always), ``missing``
    why something may not. ``public``: the vendor's servers send, and reach public HTTPS only.
    """

    title: str
    first: str
    settings: list[Setting]
    tells: list[Check]
    missing: dict[Check, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    public: bool = False

    def reason(self, check: Check) -> str:
        """Why this may be missing, and what to do about it."""
        return self.missing.get(check, _REASONS[check])


@cache
def connections() -> dict[str, Connection]:
    """All tools that can be connected, by their names here."""
    folder = resources.files("assay") / "connections"
    files = {file.name.removesuffix(".toml"): file.read_text() for file in folder.iterdir()}
    return {tool: msgspec.convert(tomllib.loads(files[tool]), Connection) for tool in sorted(files)}


def problem_with(endpoint: str, key: str | None) -> str | None:
    """Why these can't be written into a configuration, or None."""
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname or _UNSAFE.search(endpoint):
        return f"--endpoint {endpoint}: write a URL, for example https://assay.example.com"
    if re.search(r"/v1(/\w*)?$", endpoint.rstrip("/")):
        return f"--endpoint {endpoint}: give the base address; tools append /v1/logs and so on"
    if key is not None and not _KEY.fullmatch(key):
        return "--key is none that 'assay keys create' printed"
    return None


def instructions(tool: str, endpoint: str, key: str | None) -> str:
    """Everything to set for this tool, ready to paste, and what to know beside it."""
    connection, endpoint = connections()[tool], endpoint.rstrip("/")
    notes = [*connection.notes, *cautions(connection, endpoint, key)]
    parts = (
        f"{connection.title}, to {endpoint}",
        *(
            f"{setting.place}:\n\n{_indented(rendered(setting, endpoint, key))}"
            for setting in connection.settings
        ),
        "\n".join(f"- {note}" for note in notes),
        f"{connection.first}\nThen see what arrives: assay connect {tool} --verify",
    )
    return "\n\n".join(parts)


def rendered(setting: Setting, endpoint: str, key: str | None) -> str:
    """The text of one setting for this server and key."""
    values = {"endpoint": endpoint.rstrip("/"), "key": key or _PLACEHOLDER}
    text = Template(setting.text.strip()).substitute(values)
    if setting.syntax != "environment":
        return text
    pairs = (line.partition("=") for line in text.splitlines())
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, _, value in pairs)


def cautions(connection: Connection, endpoint: str, key: str | None) -> list[str]:
    """What to know about this address and key, beside the tool's own notes."""
    parts = urlsplit(endpoint)
    told = []
    if key is None:
        told.append(
            f"Put a key for {_PLACEHOLDER}: assay keys create --team TEAM. A server on loopback"
            " without keys and tokens takes telemetry without the header."
        )
    if connection.public and parts.scheme != "https":
        told.append("Its servers reach public HTTPS only: give that address with --endpoint.")
    elif parts.hostname in ("localhost", "127.0.0.1", "::1"):
        told.append(
            f"{parts.hostname} is this machine only. For others give --endpoint, or set"
            " ASSAY_ENDPOINT once."
        )
    return told


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" if line else "" for line in text.splitlines())
