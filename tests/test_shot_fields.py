"""Every place where you can say something about a shot says the same about each field as `shot_fields.py` does."""

import inspect
from typing import Any

import pytest
import typer
from pydantic import AliasChoices

import vitascope
from vitascope.api import edit, extend, generate, stream
from vitascope.backends.remote.dialects import ARGUMENTS, DIALECTS
from vitascope.cli.app import app
from vitascope.director.film import Film, FilmShot
from vitascope.errors import RequestError
from vitascope.planning.plan import plan_by_card
from vitascope.server.schemas import CreateVideo, EditVideo, ExtendVideo
from vitascope.shot_fields import (
    COMMANDS,
    FIELDS,
    MAX_STEPS,
    field_extra,
    field_help,
    field_limits,
    field_name,
    fields_of,
)
from vitascope.testing.fakes import CARD
from vitascope.types import Given, Shot

HTTP = {"generate": CreateVideo, "edit": EditVideo, "extend": ExtendVideo}
NOT_OVER_HTTP = {"lora": "names files of the server's machine", "fallback": "is for those who run the server"}
NOT_IN_A_FILM = {
    "keyframes", "pose_video", "face_video", "fit", "loop", "quality", "memory", "lora", "fallback",
}  # fmt: skip
"""Fields that a film script does not have."""
NOT_A_SHOT = {
    "at": "script", "lora": "loras", "image": "givens", "last_image": "givens", "keyframes": "givens", "mask": "givens",
    "reference": "givens", "pose_video": "givens", "face_video": "givens", "box": "givens", "span": "givens",
    "outpaint": "aspect_ratio", "fit": "givens", "before": "givens", "fallback": None,
}  # fmt: skip
"""Fields that planning turns into a field of another name."""


def options(name: str) -> dict[str, Any]:
    command: Any = typer.main.get_command(app)
    for part in name.split():
        command = command.commands[part]
    return {option.name: option for option in command.params}


def names_over_http(model: type[Any]) -> dict[str, Any]:
    """Return each name that a field may have in a request, with the field."""
    found = {}
    for name, field in model.model_fields.items():
        alias = field.validation_alias
        for other in (name, *(alias.choices if isinstance(alias, AliasChoices) else ())):
            found[str(other)] = field
    return found


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_is_declared_whole(name):
    field, extra = FIELDS[name], field_extra(name)
    assert field.title
    assert field.examples
    assert field.description
    assert field.description[0].isupper()
    assert field.description.endswith(".")
    assert extra["unit"] in field.description
    assert set(extra["only"]) <= set(COMMANDS)


PYTHON = {"generate": generate, "stream": stream, "extend": extend, "edit": edit}


@pytest.mark.parametrize("name", PYTHON)
def test_python_takes_the_fields(name):
    parameters = inspect.signature(PYTHON[name]).parameters
    command = {"stream": "generate"}.get(name, name)
    assert set(parameters) - {"video", "progress"} == set(fields_of(command))
    assert all(parameter.kind is not parameter.VAR_KEYWORD for parameter in parameters.values())
    # The same word has the same type and the same default everywhere: only `extend` has a length of its own.
    expected = inspect.signature(generate).parameters
    for word in (set(parameters) & set(expected)) - ({"seconds"} if name == "extend" else set()):
        assert parameters[word] == expected[word], word


@pytest.mark.parametrize("name", PYTHON)
def test_the_twins_for_asyncio_take_the_same(name):
    assert inspect.signature(getattr(vitascope, f"a{name}")) == inspect.signature(PYTHON[name])


@pytest.mark.parametrize("command", [*COMMANDS, "jobs submit"])
def test_the_command_line_takes_the_fields_and_explains_them(command):
    kind, found = {"jobs submit": "generate"}.get(command, command), options(command)
    missing = {name for name in fields_of(kind) if field_name(name, "flag") not in found}
    assert missing <= ({"fallback"} if command == "jobs submit" else set())
    for name in set(fields_of(kind)) - missing:
        assert found[field_name(name, "flag")].help.startswith(field_help(name)), name


@pytest.mark.parametrize("command", COMMANDS)
def test_the_http_api_takes_the_fields_and_explains_them(command):
    names = names_over_http(HTTP[command])
    expected = set(fields_of(command)) - set(NOT_OVER_HTTP)
    if command == "edit":
        expected -= {"reference"}
    assert {name for name in expected if field_name(name, "http") not in names} == set()
    for name in expected:
        field = names[field_name(name, "http")]
        assert (field.title, True) == (FIELDS[name].title, field.description.startswith(field_help(name))), (
            name
        )
    undescribed = {name for name, field in names.items() if not field.description}
    assert undescribed == set()


def test_a_film_script_takes_the_fields_and_explains_them():
    names = {**Film.model_fields, **FilmShot.model_fields}
    expected = set(fields_of("generate")) - NOT_IN_A_FILM
    assert expected == {name for name in fields_of("generate") if field_name(name, "film") in names}
    for model in (Film, FilmShot):
        for name in expected & {name for name in expected if field_name(name, "film") in model.model_fields}:
            field = model.model_fields[field_name(name, "film")]
            assert field.description.startswith(field_help(name)), (model, name)


def test_a_shot_has_the_fields():
    for name in FIELDS:
        field = NOT_A_SHOT.get(name, name)
        assert field is None or field in {*Shot.model_fields, *Given.model_fields}, name
    schema = Shot.model_json_schema()["properties"]
    for name in set(FIELDS) & set(Shot.model_fields):
        assert schema[name]["description"] == field_help(name)
    derived = {"givens", "script", "loras", "caption", "cast", "sound"}
    assert set(Shot.model_fields) - set(FIELDS) == derived


def test_servers_are_asked_by_the_names_that_the_fields_have():
    for dialect in DIALECTS.values():
        for name, wire in dialect.takes.items():
            assert name in Shot.model_fields
            assert name == "script" or wire == field_name(name, "wire")
            assert ARGUMENTS[wire] == name


@pytest.mark.parametrize("name", ["steps", "guidance_scale", "seed"])
def test_planning_keeps_the_limits_that_are_declared(name):
    least, most = field_limits(name)
    for value, passes in ((least, True), (most, True), (least - 1, False), (most + 1, False)):
        shot = Shot(**{"prompt": "a cat", "seed": 1, name: value})
        if passes:
            assert getattr(plan_by_card(shot, CARD).shot, name) == value
        else:
            with pytest.raises(RequestError, match=f"^{name}: "):
                plan_by_card(shot, CARD)
    assert field_limits("steps")[1] == MAX_STEPS
