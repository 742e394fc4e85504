"""The page about models shows the catalogue as it is. Run as a script, this writes the table."""

import re
from pathlib import Path

from vitascope.weights.catalogue import catalogue
from vitascope.weights.listing import CARDS, markdown
from vitascope.weights.memory_plan import ABOUT

PAGE = Path(__file__).parents[1] / "docs" / "models.md"
START, END = "<!-- models: written by `python tests/test_models_page.py` -->\n", "<!-- end of models -->"


def rewritten(text: str) -> str:
    """Return the page with its table made anew."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{markdown()}\n\n{END}{after}"


def test_the_table_is_that_of_the_catalogue():
    text = PAGE.read_text("utf-8")
    assert text == rewritten(text), "run: python tests/test_models_page.py"
    assert all(f"| `{name}` |" in text for name in catalogue())


def test_the_page_names_models_and_plans_that_exist():
    text = PAGE.read_text("utf-8").partition(START)[0]
    named = set(re.findall(r"`([a-z]+[a-z0-9.]*-[a-z0-9.-]+)`", text))
    assert named <= {*catalogue(), *ABOUT, "first-last"}
    assert set(ABOUT) <= set(re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE))
    assert all(f"## On a card of {card}" in text for card in CARDS)


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text("utf-8")), "utf-8")
