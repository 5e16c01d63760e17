"""GitHub's answer to a name that a repository has given up, from a real server."""

from collector.forges.github_sync import SOURCE
from store.engine import Database
from tests.collector.forges.github_story import REPO, GitHubStory
from tests.collector.sync_server import Request, Response, SyncServer, errors, synced
from tests.filling import rows


def test_a_name_that_leads_to_another_is_that_repository_from_now_on(embedded: Database) -> None:
    story = GitHubStory()
    old = REPO.replace("payments", "billing")
    assert old != REPO

    def respond(request: Request) -> Response:
        if request.path == f"/repos/{old}":
            return Response({}, 301, headers={"location": f"/repos/{REPO}"})
        return story.respond(request)

    with SyncServer(respond) as server:
        for _ in range(2):
            results = synced(embedded, SOURCE, server, wanted=(old,))
            assert errors(results) == []
    assert {each.scope for each in results} == {REPO}
    assert rows(embedded, "repository_names", "before, repo") == [(old, REPO)]
    assert set(rows(embedded, "changes", "repo")) == {(REPO,)}
