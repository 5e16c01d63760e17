"""How good this installation's own links are: what is proven is hidden and found again.

A commit whose session is proven (its SHA in telemetry, a trailer, a person's word) is decided once
more without the proof, by likeness and time alone. What comes out is compared with the proof.
Sessions with proof are easier than others: take it for the better half of the truth.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from classifier.link_commits import link_commits
from classifier.measure import Quality, Said, quality
from domain.labels import Around, CandidateCommit, Link, Tier
from store.candidates import candidates
from store.engine import Connection, Database
from store.links import proven_commits
from store.membership import CommitId
from store.neighbourhood import around

_COMMITS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Quality of the links to commits that are proven.

    Of a tier all links count, however improbable. ``reviewed`` compares with the word of people
    alone: links that they accepted or rejected.
    """

    commits: int
    overall: Quality
    by_tool: dict[str, Quality]
    by_tier: dict[Tier, Quality]
    reviewed: Quality


@dataclass(frozen=True, slots=True)
class _Found:
    tool: str
    tier: Tier
    said: Said


def measure(database: Database) -> Measured:
    """Hide what is proven, and find it again."""
    found: list[_Found] = []
    known: dict[str, int] = defaultdict(int)
    reviewed: list[Said] = []
    accepted = 0
    with database.reading() as connection:
        commits = proven_commits(connection)
        for some in _chunks(commits):
            known_here, said, people = _again(connection, some)
            for tool in known_here:
                known[tool] += 1
            found += said
            reviewed += people
            accepted += sum(each.right for each in people)
    return Measured(
        commits=len(commits),
        overall=quality([each.said for each in found], sum(known.values())),
        by_tool={
            tool: quality([each.said for each in found if each.tool == tool], count)
            for tool, count in sorted(known.items())
        },
        by_tier={
            tier: quality(
                [each.said for each in found if each.tier is tier], sum(known.values()), counted=0
            )
            for tier in (Tier.B, Tier.C, Tier.D)
        },
        reviewed=quality(reviewed, accepted),
    )


def _chunks(commits: list[CommitId]) -> Iterator[list[CommitId]]:
    for start in range(0, len(commits), _COMMITS):
        yield commits[start : start + _COMMITS]


def _again(
    connection: Connection, ids: list[CommitId]
) -> tuple[list[str], list[_Found], list[Said]]:
    """The tools of the proven links, what is said without proof, and of what people reviewed."""
    commits = candidates(connection, ids)
    known = around(connection, commits)
    proven = {
        (pk, commit)
        for commit, of in link_commits(commits, known).items()
        for pk, link in of.items()
        if link.tier is Tier.A
    }
    said = link_commits(*_without_proof(commits, known))
    with_proof = {commit for _, commit in proven}
    tools = {pk: traces.tool for pk, traces in known.sessions.items()}
    found = [
        _Found(tools[pk], link.tier, Said(link.probability, (pk, commit) in proven))
        for commit in with_proof
        for pk, link in said.get(commit, {}).items()
    ]
    people = [
        Said(_probability(said.get((repo, sha), {}), pk), accepted)
        for (pk, repo, sha), (accepted, _, _) in known.reviews.items()
    ]
    return [tools[pk] for pk, _ in proven], found, people


def _without_proof(
    commits: Iterable[CandidateCommit], known: Around
) -> tuple[list[CandidateCommit], Around]:
    nameless = [replace(commit, named_sessions=frozenset()) for commit in commits]
    return nameless, replace(known, named={}, reviews={})


def _probability(links: dict[int, Link], session: int) -> float:
    link = links.get(session)
    return link.probability if link else 0.0
