"""The page of work by models: the policy in force, as it reads."""

import csv
import io

from starlette.testclient import TestClient

from tests.api.test_pages import read
from tests.api.test_routing import kept

__all__ = ["kept"]


def test_the_policy_in_force(kept: TestClient) -> None:  # the fixture
    page = read(kept, "/routing").text
    for words in (
        "reaches a productive share of 50 % with a probability of 90 % at least",
        "bug (small) since 20 Nov 2026 codex with gpt-5",
        "Cheaper than the next one with 90 % probability.",
        "97 % $2.50 $2.00 to $3.00 review rounds ≥ 2 a person",
        "none reaches the bar",
        "goose too little to judge 2 1 cannot say cannot say cannot say",
        "Mix shift cannot say Too little.",
    ):
        assert words in page


def test_a_file_tells_routes_apart(kept: TestClient) -> None:
    told = list(csv.DictReader(io.StringIO(kept.get("/routing?format=csv").text)))
    assert [row["outcome"] for row in told] == ["use", "none_clears"]
    assert [row["use"] for row in told] == ["codex with gpt-5", ""]
    assert told[0]["cost_low_usd"] == "2.0"
