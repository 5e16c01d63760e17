"""Reading GitHub over HTTP: all of a repository's story, whatever happens on the way."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from assay.reading import client_of
from collector.client import Surroundings
from collector.forges.github_sync import SOURCE
from collector.source import Finding
from store.engine import Database
from tests.capturing import PSEUDONYMS
from tests.collector.forges.github_story import (
    REPO,
    GitHubStory,
    change,
    commit,
    issue,
    merged,
    sha,
    stamp,
)
from tests.collector.sync_server import (
    NOW,
    Clock,
    Request,
    Respond,
    Response,
    SyncServer,
    conforms,
    errors,
    settings,
    synced,
    work,
)
from tests.conftest import Fresh


def test_it_conforms(fresh: Fresh) -> None:
    conforms(SOURCE, GitHubStory().respond, fresh)


def known(database: Database, table: str, *columns: str) -> list[Any]:
    """Some columns of a table, as they are in ``work``."""
    with database.reading() as connection:
        told = connection.exec_driver_sql(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1, 2")
        return [tuple(row) for row in told]


def paths(server: SyncServer) -> list[str]:
    return [request.path.removeprefix(f"/repos/{REPO}") for request, _ in server.requests]


# What is read


def test_changes_with_their_sizes_and_what_became_of_them(embedded: Database) -> None:
    with SyncServer(GitHubStory().respond) as server:
        assert errors(synced(embedded, SOURCE, server)) == []
    columns = ("number", "state", "merge_sha", "additions", "changed_files", "commit_count")
    assert known(embedded, "changes", *columns) == [
        (1, "merged", sha("squash 1"), 20, 2, 2),
        (2, "closed", None, 20, 2, 2),
        (3, "merged", sha("squash 3"), 20, 2, 2),
        (4, "merged", sha("squash 4"), 20, 2, 1),
        (5, "open", None, 20, 2, 2),
    ]
    assert known(embedded, "reverts", "reverting", "reverted") == [
        ("change:4", "change:3"),
        (f"commit:{sha('c4.2')}", f"commit:{sha('squash 3')}"),
    ]
    assert known(embedded, "reviews", "number", "state", "review_id") == [
        (1, "commented", "comment:101"),
        (1, "commented", "comment:102"),
        (3, "approved", "31"),
        (3, "changes_requested", "30"),
        (3, "commented", "comment:301"),
        (3, "commented", "comment:302"),
    ]


def test_commits_before_the_squash_with_their_files(embedded: Database) -> None:
    with SyncServer(GitHubStory().respond) as server:
        synced(embedded, SOURCE, server)
    assert known(embedded, "change_commits", "number", "sha") == sorted(
        (number, sha(f"c{number}.{each}"))
        for number, each in [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2), (4, 2), (5, 1), (5, 2)]
    )
    files = dict.fromkeys(known(embedded, "commit_files", "sha", "file", "additions", "deletions"))
    name = PSEUDONYMS.file("src/c3.1.py")
    assert (sha("c3.1"), name, 10, 2) in files
    # The only commit of a change touches what the change touches.
    assert len([row for row in files if row[0] == sha("c4.2")]) == 2
    # What a merged change left on the default branch is told by the change.
    assert [row for row in files if row[0] == sha("squash 3")] == []
    assert [row for row in files if row[0] == sha("direct")] != []


def test_what_a_change_closes_is_asked_of_graphql(embedded: Database) -> None:
    with SyncServer(GitHubStory().respond) as server:
        synced(embedded, SOURCE, server)
    assert known(embedded, "ticket_ties", "key", "kind", "repo", "value", "relation") == [
        (f"{REPO}#12", "change", REPO, "3", "closes")
    ]
    assert known(embedded, "forced_pushes", "branch", '"before"', '"after"') == [
        ("topic-1", sha("before"), sha("c1.2"))
    ]


def test_without_graphql_everything_else_is_read(fresh: Fresh) -> None:
    story = GitHubStory()
    with fresh() as whole, fresh() as database:
        with SyncServer(story.respond) as server:
            synced(whole, SOURCE, server)
        story.graph = False
        with SyncServer(story.respond) as server:
            assert errors(synced(database, SOURCE, server)) == []
            assert paths(server).count("/graphql") == 1
        lost = {name for name, rows in work(whole).items() if rows != work(database).get(name)}
        assert lost == {"ticket_ties", "forced_pushes", "pushes"}


def test_webhooks_and_reading_tell_the_same(fresh: Fresh) -> None:
    """The same change by both ways is one change; a later reading does not undo anything."""
    with fresh() as database, SyncServer(GitHubStory().respond) as server:
        synced(database, SOURCE, server)
        before = work(database)
        synced(database, SOURCE, server, again=True)
        assert work(database) == before


# What changes between two readings


def test_only_what_changed_is_read_again(embedded: Database) -> None:
    story = GitHubStory()
    with SyncServer(story.respond) as server:
        synced(embedded, SOURCE, server)
        server.requests.clear()
        assert errors(synced(embedded, SOURCE, server)) == []
        assert {status for request, status in server.requests if request.path.endswith("s")} <= {
            200,
            304,
        }
        quiet = paths(server)
        assert not [path for path in quiet if path.startswith(("/pulls/1", "/pulls/5"))]
        assert len(quiet) == 9
        story.changes[4] = change(5, 0.5, **merged(5, 0.5))
        story.commits[5].append(commit("c5.3", 0.6, parents=("c5.2",)))
        story.issues.append(issue(13, 0.4))
        server.requests.clear()
        assert errors(synced(embedded, SOURCE, server, Clock(NOW + timedelta(hours=1)))) == []
        read = paths(server)
    # Commits that were read before are not asked for again.
    assert [path for path in read if path.startswith("/commits/")] == [f"/commits/{sha('c5.3')}"]
    assert {path for path in read if path.startswith("/pulls/")} == {
        "/pulls/5/commits",
        "/pulls/5/files",
        "/pulls/5/reviews",
        "/pulls/comments",
    }
    assert known(embedded, "changes", "number", "state")[4] == (5, "merged")
    assert (5, sha("c5.3")) in known(embedded, "change_commits", "number", "sha")
    assert [key for (key, _) in known(embedded, "tickets", "key", "state")] == [
        f"{REPO}#11",
        f"{REPO}#12",
        f"{REPO}#13",
    ]


def test_a_deployment_that_changed_later_is_read_again(embedded: Database) -> None:
    story = GitHubStory()
    with SyncServer(story.respond) as server:
        synced(embedded, SOURCE, server)
        story.deployments[6] = [("inactive", 0.1), *story.deployments[6]]
        story.touched = {6: stamp(0.1)}
        synced(embedded, SOURCE, server)
    states = known(embedded, "deployments", "deployment_id", "state")
    assert [state for number, state in states if number == "6"] == [
        "inactive",
        "running",
        "success",
    ]


def test_since_bounds_the_first_reading(embedded: Database) -> None:
    with SyncServer(GitHubStory().respond) as server:
        synced(embedded, SOURCE, server, since=NOW - timedelta(days=7))
    assert known(embedded, "changes", "number", "state") == [(4, "merged"), (5, "open")]


# What cannot be read


def test_an_object_of_another_shape_is_counted_and_left_out(embedded: Database) -> None:
    story = GitHubStory()
    story.changes.append({"number": "seven", "updated_at": stamp(0)})
    story.commits[3][0]["commit"] = {"message": "no author"}
    with SyncServer(story.respond) as server:
        results = synced(embedded, SOURCE, server)
    assert errors(results) == []
    assert {each.stream: each.unreadable for each in results if each.unreadable} == {"changes": 2}
    assert len(known(embedded, "changes", "number", "state")) == 5
    # A list with a gap is not told as the whole list.
    assert [n for (n, _) in known(embedded, "change_commits", "number", "sha")].count(3) == 1


@pytest.mark.parametrize("status", [403, 404, 410])
def test_what_a_token_may_not_read_is_skipped_and_said(embedded: Database, status: int) -> None:
    story = GitHubStory()

    def respond(request: Request) -> Response:
        if request.path.endswith(("/issues", "/issues/events", "/deployments")):
            return Response({}, status)
        return story.respond(request)

    with SyncServer(respond) as server:
        results = synced(embedded, SOURCE, server)
    assert [each.stream for each in results if each.skipped] == [
        "issues",
        "issue events",
        "deployments",
    ]
    assert errors(results) == [each for each in results if each.skipped]
    assert len(known(embedded, "changes", "number", "state")) == 5


def test_a_repository_that_is_not_there_fails_and_others_do_not(embedded: Database) -> None:
    with SyncServer(GitHubStory().respond) as server:
        results = synced(embedded, SOURCE, server, wanted=("acme/gone", REPO.upper()))
    failed = [each for each in results if each.error and not each.skipped]
    assert [(each.scope, each.stream) for each in failed] == [("acme/gone", "changes")]
    assert len(known(embedded, "changes", "number", "state")) == 5


def test_an_empty_repository(embedded: Database) -> None:
    story = GitHubStory()

    def respond(request: Request) -> Response:
        if request.path.endswith("/commits"):
            return Response({"message": "Git Repository is empty."}, 409)
        if request.path.startswith(f"/repos/{REPO}/"):
            return Response([])
        return story.respond(request)

    with SyncServer(respond) as server:
        assert errors(synced(embedded, SOURCE, server)) == []
    assert work(embedded) == {}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, {"message": "You have exceeded a secondary rate limit. Please wait."}),
        (429, {"message": "You have exceeded a secondary rate limit."}),
        (200, {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}),
    ],
)
def test_limits_that_name_no_time_are_waited_out(
    embedded: Database, status: int, body: Any
) -> None:
    story, clock, left = GitHubStory(), Clock(), [1, 2]

    def respond(request: Request) -> Response:
        if request.path == "/graphql" and left:
            left.pop()
            return Response(body, status)
        return story.respond(request)

    with SyncServer(respond) as server:
        assert errors(synced(embedded, SOURCE, server, clock)) == []
    assert clock.slept == [60, 120]
    assert len(known(embedded, "ticket_ties", "key", "value")) == 1


# Which repositories


def listing(*names: str) -> Respond:
    story = GitHubStory()
    told = [{"full_name": name, "default_branch": "main"} for name in names]

    def respond(request: Request) -> Response:
        if request.path in ("/user/repos", "/orgs/acme/repos", "/users/someone/repos"):
            return request.page(told)
        return story.respond(request)

    return respond


@pytest.mark.parametrize(
    ("wanted", "read"),
    [
        ((), ["acme/a", "acme/b", "acme/c"]),
        (("acme/*",), ["acme/a", "acme/b", "acme/c"]),
        (("someone/*",), ["acme/a", "acme/b", "acme/c"]),
        (("acme/payments",), ["acme/payments"]),
        (("nobody/*",), [""]),
    ],
)
def test_which_repositories_are_read(
    embedded: Database, wanted: tuple[str, ...], read: list[str]
) -> None:
    with SyncServer(listing("Acme/A", "acme/b", "acme/c")) as server:
        results = synced(embedded, SOURCE, server, wanted=wanted)
    assert list(dict.fromkeys(each.scope for each in results)) == read


# As an App


KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_key(folder: Path) -> Path:
    path = folder / "app.pem"
    path.write_bytes(
        KEY.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return path


class App:
    """GitHub to an App: its own token only buys tokens, and theirs end after an hour."""

    def __init__(self, clock: Clock) -> None:
        self.story, self.clock = GitHubStory(), clock
        self.bought: list[str] = []

    def respond(self, request: Request) -> Response:
        token = request.headers["authorization"].removeprefix("Bearer ")
        if request.path.startswith("/app/"):
            return self._as_app(request, token)
        if token not in self.bought[-2:]:
            return Response({}, 401)
        if request.path == "/installation/repositories":
            name = REPO if token.startswith("of-7") else "other/none"
            told = [{"full_name": name, "default_branch": "main"}]
            return Response({"total_count": 1, "repositories": told})
        return self.story.respond(request)

    def _as_app(self, request: Request, token: str) -> Response:
        options: Any = {"verify_exp": False, "verify_iat": False}
        claims = jwt.decode(token, KEY.public_key(), algorithms=["RS256"], options=options)
        assert claims["iss"] == "4711"
        now = self.clock.now.timestamp()
        assert claims["iat"] <= now < claims["exp"] <= now + 600
        if request.path == "/app/installations":
            return Response(
                [
                    {"id": 7, "account": {"login": "acme"}, "permissions": {"issues": "read"}},
                    {"id": 8, "account": {"login": "other"}, "permissions": {}},
                    {"id": 9, "suspended_at": stamp(1)},
                ]
            )
        of = request.path.split("/")[3]
        self.bought.append(f"of-{of}-{len(self.bought)}")
        ends = self.clock.now + timedelta(hours=1)
        return Response({"token": self.bought[-1], "expires_at": ends.isoformat()}, 201)


def test_an_app_reads_where_it_is_installed(embedded: Database, tmp_path: Path) -> None:
    clock = Clock()
    app = App(clock)
    told = {"token": None, "app_id": "4711", "app_key": private_key(tmp_path)}
    with SyncServer(app.respond) as server:
        results = synced(embedded, SOURCE, server, clock, **told)
        assert {each.scope for each in results} == {REPO, "other/none"}
        assert len(known(embedded, "changes", "number", "state")) == 5
        # One token of each installation serves for all that is read.
        assert len(app.bought) == 2
        assert {each.scope for each in errors(results)} == {"other/none"}


def test_a_token_of_an_app_is_bought_anew_before_it_ends(
    embedded: Database, tmp_path: Path
) -> None:
    clock = Clock()
    app = App(clock)
    told = {"token": None, "app_id": "4711", "app_key": private_key(tmp_path)}

    def respond(request: Request) -> Response:
        # Every call takes two minutes.
        clock.now += timedelta(minutes=2)
        return app.respond(request)

    with SyncServer(respond) as server:
        results = synced(embedded, SOURCE, server, clock, wanted=(REPO,), **told)
    assert errors(results) == []
    assert len(app.bought) > 2


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("https://api.github.com", "https://api.github.com"),
        ("https://github.com", "https://api.github.com"),
        ("https://acme.ghe.com", "https://api.acme.ghe.com"),
        ("https://api.acme.ghe.com", "https://api.acme.ghe.com"),
        ("https://github.example.com/api/v3", "https://github.example.com/api/v3"),
    ],
)
def test_where_the_api_is(url: str, root: str) -> None:
    assert SOURCE.root(url) == root


def test_graphql_answers_beside_the_api_of_an_own_server(embedded: Database) -> None:
    story = GitHubStory()

    def respond(request: Request) -> Response:
        assert request.path == "/api/graphql" or request.path.startswith("/api/v3/")
        path = request.path.removeprefix("/api/v3").removeprefix("/api")
        told = story.respond(replace(request, path=path))
        link = told.headers.get("Link", "").replace("/repos/", "/api/v3/repos/")
        return replace(told, headers={"Link": link})

    with SyncServer(respond) as server:
        results = synced(embedded, SOURCE, server, url=f"{server.url}/api/v3")
    assert [each.stream for each in errors(results)] == []
    assert len(known(embedded, "ticket_ties", "key", "value")) == 1


# What connecting finds


def found(respond: Respond, **told: Any) -> list[Finding]:
    clock = Clock()
    around = Surroundings(clock=clock, sleep=clock.sleep)
    with SyncServer(respond) as server, client_of(SOURCE, settings(server, **told), around) as made:
        return list(SOURCE.check(made, ()))


def test_connecting_says_who_the_token_is_and_what_it_sees() -> None:
    story = GitHubStory()

    def respond(request: Request) -> Response:
        if request.path == "/user":
            ends = {"GitHub-Authentication-Token-Expiration": "2027-01-01 00:00:00 UTC"}
            return Response({"login": "ada"}, headers=ends)
        return story.respond(request)

    assert found(respond) == [
        Finding(ok=True, text="The token is ada's and ends 2027-01-01 00:00:00 UTC."),
        Finding(ok=True, text=f"It sees {REPO}."),
    ]


def test_connecting_says_what_is_missing() -> None:
    story = GitHubStory()

    def respond(request: Request) -> Response:
        if request.path == "/user":
            return Response({"login": "ada"})
        if request.path.endswith(("/pulls", "/issues")):
            return Response({}, 403)
        return story.respond(request)

    assert found(respond)[2:] == [
        Finding(
            ok=False,
            text=f"Pull requests of {REPO} can't be read.",
            advice="Give it the permission Pull requests: Read-only.",
        ),
        Finding(
            ok=True,
            text=f"Issues of {REPO} can't be read.",
            advice="Give it the permission Issues: Read-only.",
        ),
    ]


def test_connecting_an_app_says_where_it_is_installed(tmp_path: Path) -> None:
    app = App(Clock())
    told = found(app.respond, token=None, app_id="4711", app_key=private_key(tmp_path))
    assert [finding.text for finding in told if finding.ok and not finding.advice] == [
        "The App is installed on acme.",
        "The App is installed on other.",
        f"It sees {REPO}, other/none.",
    ]
    assert "Pull requests on other can't be read." in [finding.text for finding in told]
