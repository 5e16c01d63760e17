"""What kind of work a change is, and what told it.

A ticket's type goes first, then labels, the title's conventional commit, and the branch: in the
order in which somebody decided it on purpose. Where none speaks a model of the company's own titles
may (``classifier.title_model``), if it is sure enough.
"""

import re
from collections.abc import Iterable, Mapping

from domain.outcomes import KindOfWork, WorkType, WorkTypeSource
from store.history import ChangeHistory
from store.tied_tasks import Ticket

_WORDS: Mapping[WorkType, tuple[str, ...]] = {
    WorkType.BUG: (
        *("bug", "bugfix", "bug fix", "bug report", "defect", "error", "fault", "fix", "hotfix"),
        *("incident", "problem", "production incident", "regression"),
    ),
    WorkType.FEATURE: (
        *("enhancement", "epic", "feat", "feature", "feature request", "improvement"),
        *("new feature", "product backlog item", "requirement", "story", "user story"),
    ),
    WorkType.MAINTENANCE: (
        *("chore", "dependencies", "dependency", "deps", "housekeeping", "maintenance", "release"),
        *("security update", "upgrade"),
    ),
    WorkType.DOCS: ("doc", "docs", "documentation"),
    WorkType.TEST: ("e2e", "qa", "test", "test case", "testing", "tests"),
    WorkType.REFACTOR: (
        *("cleanup", "code quality", "perf", "performance", "refactor", "refactoring", "style"),
        *("tech debt", "technical debt", "technical task"),
    ),
    WorkType.TOOLING: (
        *("build", "ci", "ci/cd", "developer experience", "devops", "github actions"),
        *("infra", "infrastructure", "tooling"),
    ),
}
_TYPE_OF = {word: work_type for work_type, words in _WORDS.items() for word in words}
# "type: bug", "kind/bug", "T-bug", "C-bug": how labels are put in groups.
_GROUP = re.compile(r"\A(?:type|kind|category|t|c)\s*[:/=-]+\s*")
_CONVENTIONAL = re.compile(
    r"\A\s*(?:(?:draft|wip)\s*:\s*|\[(?:draft|wip)\]\s*)?"
    r"(?P<type>[a-z]+)(?:\([^()]{1,60}\))?!?:\s",
    re.IGNORECASE,
)
_BRANCH = re.compile(r"\A(?:[\w.-]{1,60}/)?(?P<type>[a-z]+)/", re.IGNORECASE)
_BRANCH_WORD = re.compile(r"\A(?P<type>bugfix|docs|feat|feature|fix|hotfix)[-_]", re.IGNORECASE)


def kind_of_work(
    change: ChangeHistory, tickets: Iterable[Ticket], learned: KindOfWork | None
) -> KindOfWork | None:
    """Tell what kind of work it is; None where nothing says it, and no model is sure."""
    tickets = list(tickets)
    labels = [*(change.labels or ()), *(label for of in tickets for label in of.labels)]
    told = (
        (WorkTypeSource.TRACKER, _first(ticket.kind for ticket in tickets)),
        (WorkTypeSource.LABEL, _first(labels)),
        (WorkTypeSource.TITLE, of_title(change.title)),
        (WorkTypeSource.BRANCH, of_branch(change.head_ref)),
    )
    for source, work_type in told:
        if work_type is not None:
            return KindOfWork(work_type=work_type, source=source)
    return learned


def _first(words: Iterable[str | None]) -> WorkType | None:
    found = (_of_word(word) for word in words if word)
    return next((work_type for work_type in found if work_type is not None), None)


def _of_word(word: str) -> WorkType | None:
    plain = word.casefold().strip()
    return _TYPE_OF.get(plain) or _TYPE_OF.get(_GROUP.sub("", plain).replace("-", " "))


def of_title(title: str) -> WorkType | None:
    """The type that a conventional commit names: ``fix(cart): …``."""
    told = _CONVENTIONAL.match(title)
    return _TYPE_OF.get(told["type"].casefold()) if told else None


def without_type(title: str) -> str:
    """The title without its conventional commit's type."""
    return _CONVENTIONAL.sub("", title) if of_title(title) else title


def of_branch(branch: str) -> WorkType | None:
    """The type that a branch begins with: ``fix/…``, ``ada/fix/…``, ``fix-…``."""
    told = _BRANCH.match(branch) or _BRANCH_WORD.match(branch)
    return _TYPE_OF.get(told["type"].casefold()) if told else None
