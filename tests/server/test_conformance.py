"""Every answer is as the API's description says, whatever is asked: requests are drawn from the description itself."""

import os

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as some
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.server.conftest import png
from vitascope.director.film import Film
from vitascope.server.app import make_app
from vitascope.server.context import open_context
from vitascope.server.middleware import AccessRules
from vitascope.server.tokens import Caller
from vitascope.testing.chaos import take

EXAMPLES = int(os.environ.get("VITASCOPE_EXAMPLES") or 10)
"""Requests to each route."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
FILM = {"model": "fake", "shots": [{"prompt": "a cat", "num_frames": 5}]}
ENDLESS = r"/events$|/sync$"
"""Routes whose answers wait for something to happen."""


@pytest.fixture
def everything(tmp_path, service, work):
    """An app whose jobs, uploads and characters are there to be asked for, and what returns their names."""
    context = open_context(tmp_path, service, models=("fake",), rules=AccessRules(hosts=None))
    app = make_app(context)
    made = service.submit(take(7))
    service.submit_film(Film.model_validate(FILM))
    work()
    (tmp_path / "cat.png").write_bytes(png())

    def names() -> dict[str, object]:
        """Names of things that are there now, some of which the next request may remove."""
        there = (
            made.id if any(job.id == made.id for job in service.store.page(limit=500).jobs) else "video_none"
        )
        with (tmp_path / "cat.png").open("rb") as file:
            upload = context.uploads.keep(file, Caller())
        character = context.characters.add("Mia", tmp_path / "cat.png", Caller())
        films = [job.id for job in service.store.page(kind="film").jobs]
        told = {
            "film_id": films[0] if films else "video_none",
            "job_id": there,
            "video_id": there,
            "file_id": upload.id,
            "character_id": character.id,
        }
        return {**told, "model": "fake", "index": 0}

    return app, names


def ask(operation, known: dict[str, object]) -> tuple[int, list[str]]:
    """Ask a route for one thing after another; return how often, and what of the answers was not as described."""
    asked, wrong = 0, []

    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(), real=some.booleans())
    def one(case, real):
        nonlocal asked
        asked += 1
        if real:
            for name in case.path_parameters or ():
                case.path_parameters[name] = known.get(name, "none")
        try:
            case.call_and_validate(checks=CHECKS)
        except FailureGroup as group:
            wrong.extend(f"{operation.label}: {error}" for error in group.exceptions)

    one()
    return asked, wrong


def test_every_answer_is_as_the_description_says(everything):
    app, names = everything
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    routes = schema.exclude(path_regex=ENDLESS).get_all_operations()
    tried = [ask(found.ok(), names()) for found in routes]
    assert [line for _, wrong in tried for line in wrong] == []
    assert len(tried) > 35
    assert sum(number for number, _ in tried) > 2 * len(tried)


def test_an_answer_that_is_not_as_described_is_noticed(everything):
    app, names = everything
    answers = app.openapi()["paths"]["/healthz"]["get"]["responses"]
    answers["200"]["content"]["application/json"]["schema"] = {"type": "array"}
    (found,) = (
        schemathesis.openapi.from_asgi("/openapi.json", app).include(path="/healthz").get_all_operations()
    )
    _, wrong = ask(found.ok(), names())
    assert "GET /healthz" in wrong[0]
