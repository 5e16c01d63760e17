"""Find the sessions of marked commits, and write what changed."""

from collections.abc import Mapping

from classifier.link_commits import link_commits
from domain.labels import Link
from store import aside, dirty, links
from store.candidates import candidates
from store.dirty import CommitMark, Marks
from store.engine import Database
from store.neighbourhood import around


def decide_commits(database: Database, marks: Mapping[CommitMark, int]) -> None:
    """Decide these marked commits."""
    ids = {(mark.repo, mark.sha) for mark in marks}
    with database.reading() as connection:
        commits = candidates(connection, ids)
        decided = link_commits(commits, around(connection, commits))
        before = links.links_to(connection, ids)
    changed: list[tuple[int, Link, int | None]] = []
    gone: list[str] = []
    touched: set[int] = set()
    for commit in ids:
        now, then = decided.get(commit, {}), before.get(commit, {})
        new = {pk: link for pk, link in now.items() if then.get(pk) != link}
        old = then.keys() - now.keys()
        changed += [(pk, link, None) for pk, link in new.items()]
        gone += [links.link_id_of(pk, then[pk].target) for pk in old]
        touched |= new.keys() | old
    with database.writing() as connection:
        links.drop_links(connection, gone)
        links.put_links(connection, changed)
        dirty.mark_labels(connection, touched)
        aside.concluded(connection, Marks.COMMITS, marks)
