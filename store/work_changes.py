"""Rows of changes and of what is said about them: their lists of commits and files, reviews."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, select

from domain.tickets import ticket_key
from domain.work import (
    ChangeCommits,
    ChangeFiles,
    ChangeSeen,
    ChangeState,
    ReviewSeen,
    ReviewState,
)
from store import tables as t
from store.membership import chunks
from store.standing import version
from store.titles import TITLED, named_by_button, reverted_title, title_key
from store.work_commits import commit_rows
from store.work_rows import WorkRows

_FURTHER = {ChangeState.OPEN: 0, ChangeState.CLOSED: 1, ChangeState.MERGED: 2}


def change_rows(rows: WorkRows, seen: ChangeSeen) -> None:
    """A change as it stood, whose head it had, and what it says it reverts."""
    repo, at = seen.repository.name, seen.updated_at
    state = {
        "state": seen.state.value,
        "draft": seen.draft,
        "title": seen.title,
        "title_key": title_key(seen.title),
        "head_ref": seen.head_ref,
        "head_sha": seen.head_sha,
        "base_ref": seen.base_ref,
        "merge_sha": seen.merge_sha,
        "created_at": seen.created_at,
        "updated_at": at,
        "merged_at": _merged_at(seen),
        "closed_at": seen.closed_at,
        "tasks": _lines(seen.tasks),
        "tools": _lines(seen.tools),
        "superseded_by": _lines(map(str, seen.superseded_by)),
    }
    rows.add(
        t.changes,
        repo=repo,
        number=seen.number,
        version=version(at, state, _FURTHER[seen.state]),
        author=next(iter(seen.author.identities), None),
        author_name=seen.author.name,
        author_is_bot=seen.author.bot,
        **state,
        **_partly(at, "size_version", additions=seen.additions, deletions=seen.deletions),
        **_partly(at, "changed_files_version", changed_files=seen.changed_files),
        **_partly(at, "commit_count_version", commit_count=seen.commit_count),
        **_partly(at, "labels_version", labels=_lines(seen.labels)),
        **_partly(at, "head_repo_version", head_repo=seen.head_repository),
    )
    for identity in seen.author.identities:
        rows.add(t.change_people, repo=repo, number=seen.number, identity=identity)
    for key in seen.tasks:
        rows.add(t.change_tasks, repo=repo, number=seen.number, key=ticket_key(repo, key))
    # A squash that was merged is not what its merge made, and no list holds it.
    for sha in dict.fromkeys(each for each in (seen.head_sha, seen.squash_sha) if each):
        rows.add(
            t.change_commits, repo=repo, number=seen.number, sha=sha, seen_at=at, listed_at=None
        )
    _revert_rows(rows, seen)
    rows.name(repo, seen.author)


def _revert_rows(rows: WorkRows, seen: ChangeSeen) -> None:
    """What a change says it reverts: by its text, by its title, and as a revert button does."""
    undone = {f"change:{number}": number for number in seen.reverts}
    # Numbers only grow: what a change undoes was there before it.
    if (button := named_by_button(seen.head_ref)) and button[0] < seen.number:
        undone[button[1]] = button[0]
    titled = reverted_title(seen.title)
    names = [*undone, *([f"{TITLED}:{title_key(titled)}"] if titled else ())]
    for name in names:
        rows.add(
            t.reverts, repo=seen.repository.name, reverting=f"change:{seen.number}", reverted=name
        )
    rows.mark("change", seen.repository.name, (seen.number, *undone.values()))


def _merged_at(seen: ChangeSeen) -> datetime | None:
    """When it was merged; some payloads say that it was and not when."""
    if seen.state is not ChangeState.MERGED:
        return seen.merged_at
    return seen.merged_at or seen.closed_at or seen.updated_at


def _lines(told: Iterable[str] | None) -> str | None:
    return None if told is None else "\n".join(told)


def _partly(at: datetime, name: str, **told: object) -> dict[str, object]:
    """What only some payloads hold, with a version of its own; none where it is not told."""
    known = any(value is not None for value in told.values())
    return {name: version(at, told) if known else None, **told}


def list_commits(rows: WorkRows, listed: ChangeCommits) -> None:
    """The forge's own list of a change's commits."""
    repo, number, at = listed.repository.name, listed.number, listed.seen_at
    rows.add(t.change_listings, repo=repo, number=number, commits_at=at, files_at=None)
    for commit in listed.commits:
        commit_rows(rows, repo, commit)
        rows.add(
            t.change_commits, repo=repo, number=number, sha=commit.sha, seen_at=at, listed_at=at
        )
    rows.mark("change", repo, [number])


def list_files(rows: WorkRows, listed: ChangeFiles) -> None:
    """The forge's own list of the files that a change touches."""
    repo, number, at = listed.repository.name, listed.number, listed.seen_at
    rows.add(t.change_listings, repo=repo, number=number, commits_at=None, files_at=at)
    for touched in listed.files:
        counts = {"additions": touched.additions, "deletions": touched.deletions}
        rows.add(
            t.change_files,
            repo=repo,
            number=number,
            file=touched.file,
            listed_at=at,
            version=version(at, counts),
            **counts,
        )
    rows.mark("change", repo, [number])


def drop_replaced_files(connection: Connection, rows: WorkRows) -> None:
    """Leave of each change the files of its last list alone."""
    touched: dict[str, set[int]] = {}
    for row in rows.rows[t.change_listings]:
        touched.setdefault(row["repo"], set()).add(row["number"])
    files, last = t.change_files.c, t.change_listings.c
    newest = (
        select(last.files_at)
        .where(last.repo == files.repo, last.number == files.number)
        .scalar_subquery()
    )
    for repo, numbers in sorted(touched.items()):
        for some in chunks(sorted(numbers)):
            older = (files.repo == repo, files.number.in_(some), files.listed_at < newest)
            connection.execute(delete(t.change_files).where(*older))


def review_rows(rows: WorkRows, review: ReviewSeen) -> None:
    """One review. A dismissal ends it: its submission, delivered late, changes nothing."""
    said = {
        "state": review.state.value,
        "reviewer": next(iter(review.reviewer.identities), None),
        "bot": review.reviewer.bot,
        "submitted_at": review.submitted_at,
    }
    ended = review.state is ReviewState.DISMISSED
    rows.add(
        t.reviews,
        repo=review.repository.name,
        number=review.number,
        review_id=review.review_id,
        version=version(review.submitted_at, said, int(ended)),
        **said,
    )
    rows.mark("change", review.repository.name, [review.number])
