from pathlib import Path

from vitascope.server.api_docs import current


def test_the_page_of_routes_is_up_to_date():
    page = Path(__file__).parents[2] / "docs" / "api.md"
    assert page.read_text("utf-8") == current(), "run: python -m vitascope.server.api_docs > docs/api.md"


def test_every_route_says_what_it_does():
    routes = [line for line in current().splitlines() if line.startswith("- **")]
    assert len(routes) > 35
    assert all(len(line.partition(" — ")[2]) > 10 for line in routes)
