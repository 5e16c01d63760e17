"""Reading the operator's files of people and teams: CSV, with every mistake named by its line."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from assay.opening import CannotStart
from domain.pseudonym import Pseudonyms
from store.people_file import NAME, FiledIdentity

COLUMNS = ("person", "kind", "value")
IDENTITY = "identity"

# What a kind of the file is compared as.
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "email": "email",
        "linear_email": "email",
        NAME: "name",
        "github_login": "login",
        "gitlab_login": "gitlab_login",
        "bitbucket_login": "bitbucket_login",
        "azure_login": "azure_login",
        "gitea_login": "gitea_login",
        "jira_account": "jira_account",
        "linear_account": "linear_account",
        "user_id": "installation",
        "account_uuid": "account",
        "enduser": "enduser",
    }
)
_PSEUDONYM = re.compile(r"[pi]_[0-9a-f]{20}")
_MOST_SHOWN = 20


class FileInvalid(Exception):
    """What is wrong with a file, a sentence for each line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a file with the values of its columns, without space around them."""

    number: int
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleFile:
    """What the file says. ``names`` are what it calls people, by their pseudonym."""

    rows: Mapping[str, FiledIdentity] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


def read_lines(
    path: Path, columns: tuple[str, ...], optional: tuple[str, ...] = ()
) -> Iterator[Line]:
    """The lines of a CSV file whose first line names these columns; empty lines are left out.

    Raises CannotStart where the file can't be read, FileInvalid where the columns are others.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CannotStart(f"Cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CannotStart(f"{path} is not UTF-8 text.") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        heading = [name.strip().lower() for name in next(reader, [])]
        if not set(columns) <= set(heading) <= {*columns, *optional}:
            also = f" and may name {', '.join(optional)}" if optional else ""
            raise FileInvalid([f"line 1: write {','.join(columns)}, which names the columns{also}"])
        for told in reader:
            values = [value.strip() for value in told]
            if len(values) > len(heading):
                raise FileInvalid(
                    [
                        f"line {reader.line_num}: {len(values)} values for {len(heading)} columns;"
                        " put a value that holds a comma into double quotes"
                    ]
                )
            if any(values):
                filled = values + [""] * (len(heading) - len(values))
                named = dict(zip(heading, filled, strict=True))
                yield Line(number=reader.line_num, values=named)
    except csv.Error as error:
        raise FileInvalid([f"line {reader.line_num}: {error}"]) from error


def read_people(path: Path, pseudonyms: Pseudonyms) -> PeopleFile:
    """Read the file of people. Raises CannotStart and FileInvalid, which names every bad line."""
    rows: dict[str, FiledIdentity] = {}
    names: dict[str, str] = {}
    lines: dict[str, int] = {}
    problems: list[str] = []
    for line in read_lines(path, COLUMNS):
        person, kind, value = (line.values[column] for column in COLUMNS)
        wrong = _wrong(person, kind, value)
        if wrong:
            problems.append(f"line {line.number}: {wrong}")
            continue
        identity = identity_of(kind, value, pseudonyms)
        row = FiledIdentity(identity=identity, kind=kind, person=pseudonyms("person", person))
        if rows.setdefault(identity, row).person != row.person:
            problems.append(
                f"line {line.number}: this {kind} is given to another person in line"
                f" {lines[identity]}"
            )
        lines.setdefault(identity, line.number)
        names.setdefault(row.person, person)
    if problems:
        raise FileInvalid(shortened(problems))
    return PeopleFile(rows=rows, names=names)


def identity_of(kind: str, value: str, pseudonyms: Pseudonyms) -> str:
    """What a value of the file is compared as, as telemetry and providers tell it."""
    if kind == IDENTITY:
        return value
    # Operators are told to put a mail address into enduser.id: it is then compared as one.
    as_mail = kind == "enduser" and "@" in value
    return pseudonyms("email" if as_mail else KINDS[kind], value)


def _wrong(person: str, kind: str, value: str) -> str | None:
    if not person:
        return "person is empty"
    if kind not in KINDS and kind != IDENTITY:
        return f"there is no kind {kind or '(empty)'}; there are {', '.join((*KINDS, IDENTITY))}"
    if not value:
        return "value is empty"
    if KINDS.get(kind) == "email" and "@" not in value:
        return "this is no mail address"
    if kind == IDENTITY and not _PSEUDONYM.fullmatch(value):
        return (
            "an identity is written as 'assay people unresolved' shows it: p_ or i_ and 20 digits"
        )
    return None


def shortened(problems: list[str]) -> list[str]:
    """The first problems, and how many more there are."""
    rest = len(problems) - _MOST_SHOWN
    return [*problems[:_MOST_SHOWN], *([f"and {rest} more"] if rest > 0 else [])]
