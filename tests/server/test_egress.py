import socket
import time

import pytest

from tests.server.receiver import receiving
from vitascope.errors import RequestError
from vitascope.server.egress import EgressClient, Unreachable, is_public, parse_url

INSIDE = [
    "127.0.0.1",
    "127.255.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.5.4",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "fc00::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "elsewhere",
]


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_are_known_however_they_are_written(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_fine(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://",
        "https://a:b@example.com/",
        "https://example.com:99999/",
        "https://example.com/#part",
        "https://example.com/\r\nhost: x",
        "https://exämple.com/",
        "https://[::1/",
        "x" * 3000,
    ],
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(RequestError, match="url"):
        parse_url(url)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "[::1]", "10.1.2.3"]
)
def test_nothing_is_sent_inside_however_the_host_is_spelled(host):
    url = f"https://{host}/"
    try:
        with pytest.raises(RequestError, match=r"lies inside|not an address"):
            EgressClient().check(url)
    except pytest.fail.Exception:
        pytest.skip("this system does not know that spelling")
    with pytest.raises(Unreachable, match="lies inside"):
        EgressClient().post(url, b"{}", {})


def test_a_name_that_changes_its_mind_gains_nothing():
    answers = [["8.8.8.8"], ["127.0.0.1"]]
    egress = EgressClient(resolve=lambda host, port: answers.pop(0))
    egress.check("https://hook.example/")
    with pytest.raises(Unreachable, match=r"hook.example is 127.0.0.1, which lies inside"):
        egress.post("https://hook.example/", b"{}", {})
    with pytest.raises(Unreachable, match=r"10.0.0.1"):
        EgressClient(resolve=lambda *_: ["8.8.8.8", "10.0.0.1"]).post("https://hook.example/", b"{}", {})


def test_the_address_that_was_looked_at_is_the_one_that_is_called():
    with receiving() as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        asked = []
        egress = EgressClient(resolve=lambda *what: asked.append(what) or ["127.0.0.1"])
        answer = egress.post(f"http://hook.example:{port}/x", b'{"a":1}', {"a": "b"}, private=True)
        ((path, headers, body),) = receiver.came
    assert asked == [("hook.example", int(port))], "it is resolved once"
    assert (answer.status, path, headers["host"], headers["a"]) == (204, "/x", f"hook.example:{port}", "b")
    assert body == b'{"a":1}'


def test_no_redirect_is_followed():
    with receiving() as receiver, receiving() as other:
        receiver.answers, receiver.headers = [302], {"location": other.url, "retry-after": "7"}
        answer = EgressClient().post(receiver.url, b"", {}, private=True)
        assert (answer.status, answer.wait) == (302, 7.0)
        assert len(receiver.came) == 1
        assert other.came == []


def test_an_answer_that_never_ends_is_not_waited_for():
    with receiving() as receiver:
        receiver.pause = 60.0
        begun = time.monotonic()
        with pytest.raises(Unreachable, match=r"no answer within 0.5 s"):
            EgressClient(seconds=0.5).post(receiver.url, b"", {}, private=True)
        assert time.monotonic() - begun < 20


def test_what_cannot_be_reached_is_said_in_a_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unreachable, match="refused"):
        EgressClient().post(f"http://127.0.0.1:{port}/", b"", {}, private=True)
    with receiving() as receiver, pytest.raises(Unreachable, match="broke"):
        EgressClient().post(receiver.url.replace("http:", "https:"), b"", {}, private=True)

    def unknown(host, port):
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(Unreachable, match="is not known"):
        EgressClient(resolve=unknown).post("https://hook.example/", b"", {})
    EgressClient(resolve=unknown).check("https://hook.example/")


@pytest.mark.parametrize(
    "address", ["192.0.0.8", "192.88.99.1", "3fff::1", "fe80::1%eth0", "5f00::1", "2606:4700::1%1"]
)
def test_addresses_of_special_purposes_are_not_public(address):
    assert not is_public(address)
