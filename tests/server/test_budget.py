import json

import pytest
from starlette.testclient import TestClient

from tests.server.test_middleware import code
from vitascope.jobs.budget import Budget
from vitascope.server.app import make_app
from vitascope.server.context import open_context
from vitascope.server.middleware import AccessRules
from vitascope.server.tokens import Tokens

ASKED = {"prompt": "a cat", "num_frames": 17, "seed": 7}
SECONDS = 17 / 8


@pytest.fixture
def client(tmp_path, service):
    """A server where each may have five seconds an hour."""
    rules = AccessRules(budget=Budget(seconds_per_hour=5))
    context = open_context(tmp_path, service, rules=rules, models=("fake",))
    with TestClient(make_app(context), base_url="http://localhost") as client:
        client.secrets = {
            "ann": context.tokens.add("ann", "write"),
            "bob": context.tokens.add("bob", "write", Budget(seconds_per_hour=100)),
        }
        yield client


def ask(client, who: str, way: str = "/v1/videos", told: dict = ASKED):
    return client.post(way, json=told, headers={"authorization": f"Bearer {client.secrets[who]}"})


def test_who_has_had_enough_is_told_when_to_come_again(client, service):
    first = ask(client, "ann").json()["id"]
    assert ask(client, "ann").status_code == 200
    refused = ask(client, "ann")
    assert code(refused) == (429, "budget_spent")
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert refused.json()["error"]["message"].startswith(
        "5 seconds of video may be had in an hour, and 4.25 of them are spent; there is enough again in "
    )
    assert 3500 < int(refused.headers["retry-after"]) <= 3600
    assert refused.headers["x-should-retry"] == "false", "no client is to wait for an hour by itself"
    for way, told in (
        (f"/api/v1/jobs/{first}/clone", {}),
        ("/api/v1/jobs", {"shot": {**ASKED, "model": "fake"}}),
    ):
        assert code(ask(client, "ann", way, told)) == (429, "budget_spent")
    assert service.store.counts() == {"queued": 2}


def test_a_token_may_have_limits_of_its_own(client):
    for _ in range(3):
        assert ask(client, "bob").status_code == 200
    told = client.get("/api/v1/system", headers={"authorization": f"Bearer {client.secrets['bob']}"}).json()
    assert told["caller"]["budget"] == {"seconds_per_hour": {"most": 100, "spent": 3 * SECONDS}}


def test_what_can_never_be_had_is_no_429(client):
    refused = ask(client, "ann", told={**ASKED, "n": 4})
    assert code(refused) == (400, "over_budget")
    assert refused.headers["x-should-retry"] == "false"


def test_a_restart_forgets_no_cost(tmp_path):
    from vitascope.jobs.service import open_service
    from vitascope.testing.chaos import take

    budget = Budget(seconds_per_day=1)
    open_service(tmp_path).submit(take(7), owner="ann", budget=budget)
    from vitascope.errors import BudgetError

    with pytest.raises(BudgetError):
        open_service(tmp_path).submit(take(7), owner="ann", budget=budget)


def test_tokens_of_before_have_no_limits(tmp_path):
    file = tmp_path / "tokens.json"
    secret = Tokens(file).add("ann", "write")
    told = json.loads(file.read_text())
    del told[0]["budget"]
    file.write_text(json.dumps(told))
    assert Tokens(file).find(secret).budget == Budget()
