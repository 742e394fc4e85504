from vitascope.server.api_docs import current


def test_every_route_says_what_it_does():
    routes = [line for line in current().splitlines() if line.startswith("- **")]
    assert len(routes) > 35
    assert all(len(line.partition(" — ")[2]) > 10 for line in routes)


def test_every_field_of_a_request_for_a_video_is_explained():
    table = current().partition("## Fields of a video")[2]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    assert len(rows) > 30
    assert all(len(row.split(" | ")[1]) > 10 for row in rows)
