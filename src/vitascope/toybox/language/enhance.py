"""A thin prompt made fuller: by rules, or by a chat model of the user's own."""

import hashlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import replace
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import Any

from vitascope.backends.base import EnhancedPrompt
from vitascope.errors import RequestError
from vitascope.planning.prompt import clean
from vitascope.settings import Settings
from vitascope.toybox.language.captions import named
from vitascope.toybox.language.image_labels import CIRCUMSTANCES
from vitascope.toybox.language.lexicon import SAID, inflect
from vitascope.toybox.language.parse import Parsed, parse
from vitascope.toybox.language.segments import stage_texts
from vitascope.toybox.language.translate import ENGLISH
from vitascope.toybox.scene import seasons_of, times_of, weathers_of
from vitascope.toybox.world import World

RULES = "rules"
MOST_ANSWER = 1 << 16
"""Bytes of an answer that are read."""
MOST_CHARACTERS = 600
"""Characters of the longest prompt that a chat model may answer with."""

_TASK = (
    "Rewrite the user's idea as one sentence of plain English for a text-to-video model. Keep every thing, action, "
    "place and wish that is said. Add what is missing of: action, place, season, time of day, weather, style, and "
    "one camera move. Use only these words for them. Answer with the sentence alone. "
)
_PICTURED = "A picture goes with it: add no place, season, time of day, weather or style, for it shows them. "
_MOVES = ("zoom-in", "zoom-out", "pan-left", "pan-right", "static")


def enhance(prompt: str, world: World, settings: Settings, pictured: bool = False) -> EnhancedPrompt:
    """Return a fuller prompt that says all that the given one says; nothing is added that is `pictured` already.

    The chat endpoint of the settings is asked where there is one; when it fails in any way the rules do it, and a
    note says why. The rules need no network and give the same words for the same prompt. Raises `RequestError` for
    an empty prompt.
    """
    if not prompt.strip():
        raise RequestError("prompt", "is empty", 'say what to show, as in "a cat walking in a garden"')
    if settings.enhance_url is None:
        return EnhancedPrompt(by_rules(prompt, world, pictured), RULES)
    try:
        return EnhancedPrompt(_by_chat(prompt, world, settings, pictured), settings.enhance_model)
    except _ChatError as error:
        note = f"the chat model did not help ({error}): the prompt is enhanced by rules"
        return EnhancedPrompt(by_rules(prompt, world, pictured), RULES, (note,))


def by_rules(prompt: str, world: World, pictured: bool = False) -> str:
    """Return the prompt in English, and after it what it leaves open: what suits, drawn by the prompt's own letters.

    Of what is `pictured`, where and when it is and how it looks, nothing is added.
    """
    parsed = parse(prompt, world)
    if pictured:
        parsed = replace(parsed, said=parsed.said.union(("subject", *CIRCUMSTANCES)))
    words = prompt if parsed.asked.language == ENGLISH else parsed.asked.english
    added = [more for more in (_scene_words(parsed), *_circumstances(prompt, parsed, world)) if more]
    first, *later = stage_texts(words)
    # What is added holds from the start on: later stages take it over.
    fuller = ", ".join((first.rstrip(" ,.;"), *added))
    return " // ".join((fuller, *later))


def _scene_words(parsed: Parsed) -> str:
    """Return what is missing of subject, action and set: "a cat walking in a garden", "walking", "in a garden"."""
    scene = parsed.scene
    words = {
        "subject": named(scene.subject),
        "action": inflect(scene.action)[2],
        "set": SAID["place"][scene.set][0],
    }
    return " ".join(text for field, text in words.items() if field not in parsed.said)


def _circumstances(prompt: str, parsed: Parsed, world: World) -> list[str]:
    """Return words for the fields that nobody spoke of and that the set lets vary."""
    scene = parsed.scene
    choices = {
        "season": seasons_of(scene.set) if "weather" not in parsed.said else (scene.season,),
        "time": times_of(scene.set),
        "weather": tuple(label for label in weathers_of(scene.set, scene.season) if label != "snow"),
        "style": world.styles,
        "camera": tuple(label for label in _MOVES if label in world.cameras),
    }
    words = []
    for field, labels in choices.items():
        if field not in parsed.said and len(labels) > 1:
            label = _draw(f"{field}|{prompt}", labels)
            words.append(SAID[field][label][0])
    return words


def _draw(key: str, labels: Sequence[str]) -> str:
    """Return one of the labels, always the same for the same key."""
    return labels[int.from_bytes(hashlib.sha256(key.encode("utf-8", "replace")).digest()[:8]) % len(labels)]


class _ChatError(Exception):
    """Why a chat endpoint's answer cannot be used."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows nothing: only the address in the settings is ever asked."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: Any,
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        return None


def _by_chat(prompt: str, world: World, settings: Settings, pictured: bool) -> str:
    """Return the chat model's sentence; raises `_ChatError`."""
    body = {
        "model": settings.enhance_model,
        "temperature": 0,
        "messages": [
            {"role": "system", "content": _TASK + _PICTURED * pictured + _vocabulary(world)},
            {"role": "user", "content": prompt},
        ],
    }
    headers = {"Content-Type": "application/json"}
    if settings.enhance_key is not None:
        headers["Authorization"] = f"Bearer {settings.enhance_key.get_secret_value()}"
    assert settings.enhance_url is not None
    request = urllib.request.Request(settings.enhance_url, json.dumps(body).encode(), headers)
    sentence = _sentence(_ask(request, settings.enhance_seconds))
    try:
        text = clean("prompt", sentence)
    except RequestError as error:
        raise _ChatError(f"its answer {error.problem}") from None
    if not text or len(text) > MOST_CHARACTERS:
        raise _ChatError(f"its answer has {len(text):,} characters")
    return text


def _vocabulary(world: World) -> str:
    fields = {
        "actions": world.actions, "places": world.sets, "seasons": world.seasons, "times": world.times,
        "weathers": world.weathers, "styles": world.styles, "camera": world.cameras,
    }  # fmt: skip
    return " ".join(f"{name}: {', '.join(labels)}." for name, labels in fields.items())


def _ask(request: urllib.request.Request, seconds: float) -> bytes:
    """Return the body of the answer, read within so many seconds altogether."""
    # No proxy of the environment stands between: the configured address is the only one that hears the prompt.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects())
    until = time.monotonic() + seconds
    try:
        with opener.open(request, timeout=seconds) as answer:
            return _read(answer, until)
    except urllib.error.HTTPError as error:
        error.close()
        raise _ChatError(f"it answered {error.code}") from None
    except TimeoutError:
        raise _ChatError(f"no answer within {seconds:g} s") from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise _ChatError(f"no answer within {seconds:g} s") from None
        raise _ChatError(f"it cannot be reached: {str(error.reason)[:80]}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise _ChatError(f"it cannot be reached: {type(error).__name__}") from None


def _read(answer: HTTPResponse, until: float) -> bytes:
    body = b""
    while piece := answer.read1(4096):
        body += piece
        if len(body) > MOST_ANSWER:
            raise _ChatError(f"its answer is longer than {MOST_ANSWER:,} bytes")
        if time.monotonic() > until:
            raise TimeoutError
    return body


def _sentence(body: bytes) -> str:
    """Return what a chat model says in its answer."""
    try:
        answer: Any = json.loads(body)
        sentence = answer["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise _ChatError("its answer is not a chat completion") from None
    if not isinstance(sentence, str):
        raise _ChatError("its answer is not a chat completion")
    return " ".join(sentence.split()).strip("\"'“” ")
