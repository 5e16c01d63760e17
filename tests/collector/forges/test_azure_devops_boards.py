"""Azure Boards' work items: states by category, moves, links, people."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.forges import azure_devops
from collector.forges import azure_devops_boards as boards
from collector.forges.errors import UnreadablePayload
from domain.tickets import TicketMoved, TicketSeen, TicketState, TicketTied, TieKind
from domain.work import WorkFact
from tests.recorded import (
    PSEUDONYMS,
    RECEIVED_AT,
    Json,
    at,
    named,
    parses_or_refuses,
    with_one_value_replaced,
)

CHANGED_AT = at("2026-07-16T08:00:00.5Z")
API = "https://dev.azure.com/acme/_apis/wit/workItems"
REPOSITORY = "4bc14d40-c903-45e2-872e-0462c7748079"
PROJECT = "6ce954b1-ce1f-45d1-b94d-e6bf2464ba2c"


def fields(**changed: Any) -> Json:
    told = {
        "System.TeamProject": "Payments",
        "System.WorkItemType": "Bug",
        "System.State": "New",
        "System.Reason": "New defect reported",
        "System.CreatedDate": "2026-07-15T17:42:44.663Z",
        "System.ChangedDate": "2026-07-16T08:00:00.5Z",
        "System.Title": "Refunds are lost",
        "System.Tags": "payments; urgent",
        "System.AssignedTo": {"displayName": "Jane", "uniqueName": "jane@example.com"},
        "Microsoft.VSTS.Common.Severity": "3 - Medium",
    }
    return told | {f"System.{name}": value for name, value in changed.items()}


def parse(event: str, resource: Json) -> tuple[WorkFact, ...]:
    payload = {"resource": resource, "createdDate": "2026-07-16T08:00:02Z"}
    return azure_devops.parse(event, payload, PSEUDONYMS, RECEIVED_AT)


def update(before: str, after: str, **more: Any) -> Json:
    return {
        "id": 2,
        "workItemId": 5,
        "rev": 2,
        "revisedDate": "9999-01-01T00:00:00Z",
        "fields": {"System.State": {"oldValue": before, "newValue": after}},
        "revision": {"id": 5, "rev": 2, "fields": fields(State=after)},
        **more,
    }


SEEN = TicketSeen(
    tracker="azure-devops",
    key="AB#5",
    project="Payments",
    kind="Bug",
    title="Refunds are lost",
    state=TicketState.OPEN,
    state_name="New",
    created_at=at("2026-07-15T17:42:44.663Z"),
    updated_at=CHANGED_AT,
    labels=("payments", "urgent"),
    assignee=(named("azure_login", "jane@example.com"), named("email", "jane@example.com")),
)


@pytest.mark.parametrize("event", ["workitem.created", "workitem.commented", "workitem.restored"])
def test_a_work_item_tells_its_own_state(event: str) -> None:
    assert parse(event, {"id": 5, "rev": 1, "fields": fields()}) == (SEEN,)


def test_a_deleted_one_is_dropped() -> None:
    [seen] = parse("workitem.deleted", {"id": 5, "fields": fields(State="Active")})
    assert isinstance(seen, TicketSeen)
    assert (seen.state, seen.state_name) == (TicketState.DROPPED, "Active")


def test_the_first_resource_version_tells_people_as_text() -> None:
    resource = {"id": 5, "fields": fields(AssignedTo="Jane <jane@example.com>")}
    assert parse("workitem.created", resource) == (SEEN,)


@pytest.mark.parametrize(
    ("name", "reason", "state"),
    [
        ("New", "", TicketState.OPEN),
        ("To Do", "", TicketState.OPEN),
        ("Active", "", TicketState.IN_PROGRESS),
        ("Committed", "", TicketState.IN_PROGRESS),
        ("In QA of ours", "", TicketState.IN_PROGRESS),
        ("Resolved", "Fixed", TicketState.DONE),
        ("Closed", "Verified", TicketState.DONE),
        ("Closed", "Duplicate", TicketState.DROPPED),
        ("Resolved", "As Designed", TicketState.DROPPED),
        ("Done", "Work finished", TicketState.DONE),
        ("Removed", "", TicketState.DROPPED),
    ],
)
def test_states_of_the_usual_processes(name: str, reason: str, state: TicketState) -> None:
    assert boards.state_of(name, reason) is state


def test_categories_say_more_than_names() -> None:
    categories = {("bug", "in qa of ours"): TicketState.DONE}
    assert boards.state_of("In QA of ours", "", "Bug", categories) is TicketState.DONE


def test_a_move_and_a_reopening() -> None:
    seen, moved = parse("workitem.updated", update("Resolved", "Active"))
    assert isinstance(seen, TicketSeen)
    assert seen.state is TicketState.IN_PROGRESS
    assert moved == TicketMoved(
        tracker="azure-devops",
        key="AB#5",
        from_state=TicketState.DONE,
        to_state=TicketState.IN_PROGRESS,
        at=CHANGED_AT,
    )


@pytest.mark.parametrize(("before", "after"), [("Approved", "New"), ("Active", "Committed")])
def test_a_move_within_a_category_is_none(before: str, after: str) -> None:
    assert len(parse("workitem.updated", update(before, after))) == 1


def test_why_it_was_closed_before_counts() -> None:
    resource = update("Closed", "Active")
    resource["fields"]["System.Reason"] = {"oldValue": "Duplicate", "newValue": "Reactivated"}
    _, moved = parse("workitem.updated", resource)
    assert isinstance(moved, TicketMoved)
    assert moved.from_state is TicketState.DROPPED


def test_an_update_of_other_fields_moves_nothing() -> None:
    resource = update("New", "New")
    resource["fields"] = {"System.Tags": {"newValue": "payments"}}
    assert parse("workitem.updated", resource) == (SEEN,)


def test_when_it_was_closed_and_what_it_belongs_to() -> None:
    told = fields(State="Closed", Parent=3) | {
        "Microsoft.VSTS.Common.ClosedDate": "2026-07-16T07:59:00Z"
    }
    [seen] = parse("workitem.created", {"id": 5, "fields": told})
    assert isinstance(seen, TicketSeen)
    assert (seen.closed_at, seen.parent) == (at("2026-07-16T07:59:00Z"), "AB#3")


def relation(rel: str, url: str, name: str | None = None) -> Json:
    return {"rel": rel, "url": url, "attributes": {"name": name} if name else {"isLocked": False}}


RELATIONS = [
    relation("System.LinkTypes.Related", f"{API}/7", "Related"),
    relation("System.LinkTypes.Hierarchy-Reverse", f"{API}/3"),
    relation(
        "ArtifactLink", f"vstfs:///Git/PullRequestId/{PROJECT}%2F{REPOSITORY}%2F12", "Pull Request"
    ),
    relation(
        "ArtifactLink",
        f"vstfs:///Git/Commit/{PROJECT}%2f{REPOSITORY}%2f{'a' * 40}",
        "Fixed in Commit",
    ),
    relation(
        "ArtifactLink", f"vstfs:///Git/Ref/{PROJECT}%2F{REPOSITORY}%2FGBfeature%2Fx", "Branch"
    ),
    relation("ArtifactLink", f"vstfs:///Git/Ref/{PROJECT}%2F{REPOSITORY}%2FGTv1", "Tag"),
    relation("ArtifactLink", "vstfs:///Build/Build/12", "Build"),
    relation("Hyperlink", "https://example.com"),
]


def tie(kind: TieKind, repo: str | None, value: str, relation: str) -> TicketTied:
    return TicketTied(
        tracker="azure-devops",
        key="AB#5",
        kind=kind,
        repo=repo,
        value=value,
        relation=relation,
        seen_at=CHANGED_AT,
    )


BETWEEN_TICKETS = (
    tie(TieKind.TICKET, None, "AB#7", "Related"),
    tie(TieKind.TICKET, None, "AB#3", "System.LinkTypes.Hierarchy-Reverse"),
)


def test_a_webhook_ties_work_items_to_each_other() -> None:
    resource = {"id": 5, "fields": fields(), "relations": RELATIONS}
    seen, *ties = parse("workitem.created", resource)
    assert isinstance(seen, TicketSeen)
    assert seen.parent == "AB#3"
    assert tuple(ties) == BETWEEN_TICKETS
    updated = update("New", "New", relations={"added": RELATIONS, "removed": []})
    assert parse("workitem.updated", updated)[1:] == BETWEEN_TICKETS


def test_rest_knows_what_a_repositorys_number_stands_for() -> None:
    told = boards.WorkItem(
        id=5,
        fields=fields(),
        relations=tuple(boards.Relation(**each) for each in RELATIONS),
    )
    known = {REPOSITORY: "acme/pay/web"}
    assert tuple(boards.ties(5, told.relations or (), known, CHANGED_AT)) == (
        *BETWEEN_TICKETS,
        tie(TieKind.CHANGE, "acme/pay/web", "12", "Pull Request"),
        tie(TieKind.COMMIT, "acme/pay/web", "a" * 40, "Fixed in Commit"),
        tie(TieKind.BRANCH, "acme/pay/web", "feature/x", "Branch"),
    )


@pytest.mark.parametrize(
    ("resource", "field"),
    [
        ({"id": 5, "fields": {}}, "System."),
        ({"id": 0, "fields": fields()}, "$.resource.id"),
        ({"id": 5, "fields": fields(ChangedDate="2026-07-16T08:00:00")}, "zone"),
        ({"id": 5, "fields": fields(Title=None)}, "System.Title"),
    ],
)
def test_a_refusal_names_the_field(resource: Json, field: str) -> None:
    with pytest.raises(UnreadablePayload) as refusal:
        parse("workitem.created", resource)
    assert refusal.value.code == "unreadable_field"
    assert field in str(refusal.value)


@given(st.data(), st.booleans())
def test_a_work_item_with_any_one_value_replaced_is_parsed_or_refused(
    data: st.DataObject, updated: bool
) -> None:
    event = "workitem.updated" if updated else "workitem.created"
    whole = {"id": 5, "fields": fields(), "relations": RELATIONS}
    resource = update("New", "Active") if updated else whole
    changed = with_one_value_replaced(data, {"resource": resource})
    payload = {"createdDate": "2026-07-16T08:00:02Z"} | changed
    parses_or_refuses(lambda: azure_devops.parse(event, payload, PSEUDONYMS, RECEIVED_AT))
