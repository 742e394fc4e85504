import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from vitascope.errors import RequestError
from vitascope.settings import Settings
from vitascope.toybox.language.enhance import MOST_ANSWER, by_rules, enhance
from vitascope.toybox.language.parse import parse
from vitascope.toybox.language.segments import stages
from vitascope.toybox.world import FULL

ANSWER = "A cat strolls through a garden in spring at sunset, slow zoom in."

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """A chat endpoint on this machine that answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict] = []
        self.paths: list[str] = []
        self.keys: list[str | None] = []
        self.answer: Answer = lambda handler: say(handler, chat(ANSWER))
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.paths.append(self.path)
                outer.keys.append(self.headers["Authorization"])
                outer.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                outer.answer(self)

            def do_GET(self) -> None:
                outer.paths.append(self.path)
                say(self, chat("from elsewhere"))

            def log_message(self, format: str, *args: object) -> None: ...

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1/chat/completions"


def say(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def chat(text: object) -> bytes:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.http.shutdown()
    made.http.server_close()
    thread.join()


def configured(tmp_path, url: str | None, **values) -> Settings:
    return Settings(home=tmp_path, enhance_url=url, **values)


def test_rules_say_all_that_was_open_and_keep_what_was_said(tmp_path):
    enhanced = enhance("a cat at night", FULL, configured(tmp_path, None))
    assert (enhanced.by, enhanced.notes) == ("rules", ())
    assert enhanced.prompt.startswith("a cat at night, ")
    parsed = parse(enhanced.prompt, FULL)
    assert {"subject", "action", "set", "time", "style", "camera"} <= parsed.said
    assert (parsed.scene.subject, parsed.scene.time, parsed.notes) == ("cat", "night", ())


@pytest.mark.parametrize(
    "prompt",
    ["a cat", "rocket", "un gato", "雪だるま", "a fish", "a noir dog runs on a beach at night, pan left"],
)
def test_rules_are_repeatable_and_change_nothing_that_was_said(prompt: str):
    before, after = parse(prompt), parse(by_rules(prompt, FULL))
    assert by_rules(prompt, FULL) == by_rules(prompt, FULL)
    assert {field: getattr(after.scene, field) for field in before.said} == {
        field: getattr(before.scene, field) for field in before.said
    }
    assert before.said <= after.said


def test_what_a_picture_shows_is_not_made_up(server, tmp_path):
    for prompt in ("a cat", "it jumps", "slow zoom in"):
        fuller = parse(by_rules(prompt, FULL, pictured=True)).said
        assert not fuller & {"set", "season", "time", "weather", "style"}
        assert {"action", "camera"} <= fuller
    enhance("a cat", FULL, configured(tmp_path, server.url), pictured=True)
    enhance("a cat", FULL, configured(tmp_path, server.url))
    with_picture, without = (asked["messages"][0]["content"] for asked in server.asked)
    assert "A picture goes with it" in with_picture
    assert "A picture goes with it" not in without


def test_rules_add_to_the_first_of_several_stages():
    fuller = by_rules("a cat walks, then jumps", FULL)
    assert fuller.startswith("a cat walks, ")
    assert fuller.endswith(" // jumps")
    assert len({(stage.scene.style, stage.scene.time) for stage in stages(fuller)}) == 1


def test_a_chat_endpoint_is_asked_in_openais_shape(server, tmp_path):
    settings = configured(tmp_path, server.url, enhance_model="tiny", enhance_key="secret")
    enhanced = enhance("a cat", FULL, settings)
    assert (enhanced.prompt, enhanced.by, enhanced.notes) == (ANSWER, "tiny", ())
    (asked,) = server.asked
    assert asked["model"] == "tiny"
    assert [message["role"] for message in asked["messages"]] == ["system", "user"]
    assert asked["messages"][1]["content"] == "a cat"
    assert server.keys == ["Bearer secret"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda h: say(h, b"oops", 500), "500"),
        (lambda h: say(h, b"", 302, Location="/elsewhere"), "302"),
        (lambda h: say(h, b"{not json"), "not a chat completion"),
        (lambda h: say(h, b"[]"), "not a chat completion"),
        (lambda h: say(h, b"[" * 60_000), "not a chat completion"),
        (lambda h: say(h, chat(None)), "not a chat completion"),
        (lambda h: say(h, chat("")), "0 characters"),
        (lambda h: say(h, chat("cat " * 400)), "characters"),
        (lambda h: say(h, chat("a \x1b[2J cat")), "control character"),
        (lambda h: say(h, b"x" * (MOST_ANSWER + 10)), "longer than"),
        (lambda h: h.wfile.write(b"garbage\r\n\r\n"), "cannot be reached"),
    ],
)
def test_whatever_goes_wrong_the_rules_do_it_and_one_line_says_why(
    server, tmp_path, answer: Answer, why: str
):
    server.answer = answer
    enhanced = enhance("a cat", FULL, configured(tmp_path, server.url))
    assert (enhanced.prompt, enhanced.by) == (by_rules("a cat", FULL), "rules")
    (note,) = enhanced.notes
    assert why in note
    assert "\n" not in note
    assert server.paths == ["/v1/chat/completions"]


@pytest.mark.parametrize("drip", [False, True])
def test_a_slow_endpoint_is_given_up(server, tmp_path, drip: bool):
    done = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while not done.wait(0.1):
                if drip:
                    handler.wfile.write(b" ")
        except OSError:
            pass

    server.answer = answer
    start = time.monotonic()
    enhanced = enhance("a cat", FULL, configured(tmp_path, server.url, enhance_seconds=1.0))
    done.set()
    assert time.monotonic() - start < 30
    assert enhanced.by == "rules"
    assert "no answer within 1 s" in enhanced.notes[0]


def test_nobody_at_the_address(tmp_path):
    enhanced = enhance("a cat", FULL, configured(tmp_path, "http://127.0.0.1:9/v1"))
    assert enhanced.by == "rules"
    assert "cannot be reached" in enhanced.notes[0]


def test_an_empty_prompt_is_refused(tmp_path):
    with pytest.raises(RequestError, match="prompt: is empty"):
        enhance(" ", FULL, configured(tmp_path, None))
