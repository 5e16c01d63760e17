"""Reading Bitbucket Data Center over HTTP: all of a repository's story, whatever happens."""

from datetime import UTC, datetime

import pytest

from collector.forges.bitbucket_dc_sync import SOURCE
from collector.source import Page, Scope
from domain.work import (
    Actor,
    ChangeCommits,
    ChangeFiles,
    ChangeSeen,
    ChangeState,
    CheckSeen,
    CheckState,
    CommitSeen,
    CommitsPushed,
    FileTouched,
    Repository,
    ReviewSeen,
    ReviewState,
    WorkFact,
)
from tests.capturing import PSEUDONYMS
from tests.collector.forges.bitbucket_dc_story import (
    BitbucketDcStory,
    change,
    commit,
    millis,
    sha,
)
from tests.collector.reading_streams import client_of, facts, last_cursor, pages
from tests.collector.sync_server import Request, Response, SyncServer, conforms
from tests.conftest import Fresh
from tests.recorded import at

OF = Repository(forge="bitbucket-dc", name="pay/web", default_branch="main")
SCOPE = Scope(name="pay/web")


def moment(days: float) -> datetime:
    return datetime.fromtimestamp(millis(days) / 1000, UTC)


def person(name: str) -> Actor:
    return Actor(
        identities=(
            PSEUDONYMS("bitbucket_login", name),
            PSEUDONYMS("email", f"{name}@example.test"),
        ),
        name=PSEUDONYMS("name", name.title()),
    )


def file(path: str) -> FileTouched:
    name = PSEUDONYMS.file(path)
    assert name is not None
    return FileTouched(file=name)


def seen(name: str, days: float, *parents: str, files: bool = True) -> CommitSeen:
    return CommitSeen(
        sha=sha(name),
        author=person("dev"),
        authored_at=moment(days),
        committed_at=moment(days - 0.01),
        parents=tuple(map(sha, parents)),
        files=(file(f"src/{sha(name)[:4]}.py"), file("docs/a.md")) if files else None,
    )


def numbers(told: list[Page]) -> list[int]:
    return [fact.number for fact in facts(told) if isinstance(fact, ChangeSeen)]


def test_it_conforms(fresh: Fresh) -> None:
    conforms(SOURCE, BitbucketDcStory().respond, fresh)


def read_whole() -> list[WorkFact]:
    """Read the third pull request."""
    story = BitbucketDcStory()
    story.changes = [change(3, 10, "MERGED")]
    with SyncServer(story.respond) as server:
        return facts(pages(SOURCE, server, "changes", SCOPE))


def test_a_merged_pull_request_its_commits_and_files() -> None:
    assert read_whole()[:3] == [
        ChangeSeen(
            repository=OF,
            number=3,
            state=ChangeState.MERGED,
            draft=False,
            title="feat: change 3",
            author=person("dev"),
            head_ref="topic-3",
            head_sha=sha("c3.2"),
            base_ref="main",
            head_repository="pay/web",
            merge_sha=sha("merge 3"),
            created_at=moment(12),
            updated_at=moment(10),
            merged_at=moment(10),
            closed_at=moment(10),
            changed_files=2,
            commit_count=1,
        ),
        ChangeCommits(
            repository=OF, number=3, seen_at=moment(10), commits=(seen("c3.2", 11, "root"),)
        ),
        ChangeFiles(
            repository=OF,
            number=3,
            seen_at=moment(10),
            files=(file("src/3.py"), file("README.md")),
        ),
    ]


def said(state: ReviewState, of: str, who: str, days: float) -> ReviewSeen:
    return ReviewSeen(
        repository=OF,
        number=3,
        review_id=of,
        state=state,
        reviewer=person(who),
        submitted_at=moment(days),
    )


def test_its_reviews_and_comments() -> None:
    who = person("reviewer").identities[0]
    needed, approved = (
        f"{word}:{who}:{sha(head)[:12]}"
        for word, head in (("changes_requested", "c3.1"), ("approved", "c3.2"))
    )
    assert [fact for fact in read_whole() if isinstance(fact, ReviewSeen)] == [
        said(ReviewState.COMMENTED, "comment:30", "reviewer", 11.5),
        said(ReviewState.COMMENTED, "comment:31", "dev", 11.4),
        said(ReviewState.CHANGES_REQUESTED, needed, "reviewer", 11.5),
        # Given up after a push: of the head that it was said of.
        said(ReviewState.DISMISSED, needed, "reviewer", 10.6),
        said(ReviewState.APPROVED, approved, "reviewer", 10.5),
    ]


def test_its_pushes_and_builds() -> None:
    assert read_whole()[-3:] == [
        CommitsPushed(
            repository=OF,
            branch="topic-3",
            before=sha("c3.1"),
            after=sha("c3.2"),
            forced=True,
            pushed_at=moment(11),
            commits=(seen("c3.2", 11, "root", files=False),),
        ),
        CommitsPushed(
            repository=OF,
            branch="main",
            before=sha("root"),
            after=sha("merge 3"),
            forced=False,
            pushed_at=moment(10),
            commits=(seen("merge 3", 10, "root", "c", files=False),),
        ),
        CheckSeen(
            repository=OF, sha=sha("c3.2"), name="ci", state=CheckState.FAILURE, at=moment(3)
        ),
    ]


@pytest.mark.parametrize("by_update", [False, True])
def test_the_next_reading_takes_only_what_changed(by_update: bool) -> None:
    story = BitbucketDcStory()
    story.by_update = by_update
    with SyncServer(story.respond) as server:
        first = pages(SOURCE, server, "changes", SCOPE)
        story.changes[3] |= {"properties": {"commentCount": 1}}  # its time does not change
        story.changes[4] |= {"state": "MERGED", "updatedDate": millis(1), "closedDate": millis(1)}
        story.changes.append(change(6, 0.5, "DECLINED"))
        again = pages(SOURCE, server, "changes", SCOPE, last_cursor(first))
        nothing = pages(SOURCE, server, "changes", SCOPE, last_cursor(again))
    assert sorted(numbers(first)) == [1, 2, 3, 4, 5]
    assert sorted(set(numbers(again))) == [4, 5, 6]
    assert numbers(nothing) == []


def test_one_that_can_not_be_read_does_not_stop_the_others() -> None:
    story = BitbucketDcStory()
    story.changes[1] |= {"state": "NEW ONE"}
    story.changes[2] |= {"fromRef": None}
    with SyncServer(story.respond) as server:
        told = pages(SOURCE, server, "changes", SCOPE)
    assert sorted(numbers(told)) == [1, 4, 5]
    assert sorted(code for page in told for code in page.unreadable) == [
        "unknown_value",
        "unreadable_field",
    ]


def test_the_default_branch() -> None:
    story = BitbucketDcStory()
    with SyncServer(story.respond) as server:
        first = pages(SOURCE, server, "commits", SCOPE)
        story.landed.insert(0, commit("later", 1, parents=("merge 3",)))
        again = pages(SOURCE, server, "commits", SCOPE, last_cursor(first))
        story.landed = [commit("rewritten", 0.5)]
        anew = pages(SOURCE, server, "commits", SCOPE, last_cursor(again))
    assert facts(first) == [
        CommitsPushed(
            repository=OF,
            branch="main",
            before=sha(before),
            after=sha(name),
            forced=False,
            pushed_at=moment(days - 0.01),
            commits=(seen_as,),
        )
        for name, days, before, seen_as in (
            ("merge 3", 10, "direct", seen("merge 3", 10, "direct", "c3.2", files=False)),
            ("direct", 12, "merge 1", seen("direct", 12, "merge 1")),
            ("merge 1", 30, "root", seen("merge 1", 30, "root", "c1.2", files=False)),
            ("root", 60, "root", seen("root", 60)),
        )
    ]
    assert [fact.after for fact in facts(again) if isinstance(fact, CommitsPushed)] == [
        sha("later")
    ]
    assert [fact.after for fact in facts(anew) if isinstance(fact, CommitsPushed)] == [
        sha("rewritten")
    ]


def test_a_first_reading_since_a_day() -> None:
    since = at("2026-11-07T12:00:00Z")  # fifteen days before
    with SyncServer(BitbucketDcStory().respond) as server:
        changed = pages(SOURCE, server, "changes", SCOPE, since=since)
        landed = pages(SOURCE, server, "commits", SCOPE, since=since)
    assert sorted(numbers(changed)) == [3, 4, 5]
    assert [fact.after for fact in facts(landed) if isinstance(fact, CommitsPushed)] == [
        sha("merge 3"),
        sha("direct"),
    ]


def test_an_older_server_tells_its_default_branch_elsewhere() -> None:
    story = BitbucketDcStory()

    def respond(request: Request) -> Response:
        if request.path.endswith("/default-branch"):
            return Response({}, 404)
        if request.path.endswith("/branches/default"):
            return Response({"displayId": "main"})
        return story.respond(request)

    with SyncServer(respond) as server:
        told = facts(pages(SOURCE, server, "changes", SCOPE))
    assert {fact.repository for fact in told if isinstance(fact, ChangeSeen)} == {OF}


@pytest.mark.parametrize(
    ("wanted", "names"),
    [((), ["pay/web"]), (("PAY/*",), ["pay/web"]), (("PAY/web", "x/y"), ["pay/web", "x/y"])],
)
def test_what_can_be_read(wanted: tuple[str, ...], names: list[str]) -> None:
    with SyncServer(BitbucketDcStory().respond) as server, client_of(SOURCE, server) as client:
        assert [scope.name for scope in SOURCE.scopes(client, wanted)] == names


def test_the_token_is_tested() -> None:
    with SyncServer(BitbucketDcStory().respond) as server, client_of(SOURCE, server) as client:
        found = list(SOURCE.check(client, ("PAY/web", "gone/repo")))
    assert [each.ok for each in found] == [True, True, True, False]
    assert SOURCE.root("https://git.example") == "https://git.example/rest"
    assert SOURCE.root("https://git.example/bitbucket/rest") == "https://git.example/bitbucket/rest"
