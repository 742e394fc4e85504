import pytest

from tests.cli.test_serve import at_home as at_home
from tests.server.receiver import receiving


def test_endpoints_are_made_tried_listed_and_forgotten(at_home, tmp_path):
    with receiving() as receiver:
        name, secret = at_home(
            "webhooks", "add", receiver.url, "--allow-private", "--name", "studio"
        ).out.split()
        assert secret.startswith("whsec_")
        assert at_home("webhooks", "test", "studio").out == "204\n"
        assert len(receiver.came) == 1
    listed = at_home("webhooks", "ls").out
    assert listed.split()[:2] == [name, "studio"]
    assert "0 waiting, 0 delivered, 0 given_up" in listed
    assert secret not in listed
    assert at_home("webhooks", "log", name).out == ""
    assert at_home("webhooks", "resend", name).out == "0\n"
    assert at_home("webhooks", "rotate", name).out.strip() != secret
    assert at_home("webhooks", "deliver", "--once").status == 0
    assert at_home("webhooks", "rm", name).status == 0
    assert at_home("webhooks", "ls").out == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "http://127.0.0.1/"), "--url: goes unencrypted; https is wanted"),
        (("add", "https://127.0.0.1/"), "which lies inside"),
        (("add", "https://8.8.8.8/", "--events", "all"), "known: video.completed, video.failed"),
        (("rm", "we_0"), "there is no endpoint 'we_0'"),
    ],
)
def test_what_cannot_be_is_one_line(at_home, arguments, words):
    refused = at_home("webhooks", *arguments)
    assert (refused.status, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert words in refused.err
