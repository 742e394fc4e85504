"""Say what is understood of a prompt, in any language: `python examples/12_explain.py [PROMPT]`."""

import sys

from vitascope.toybox.language.enhance import by_rules
from vitascope.toybox.language.parse import parse
from vitascope.toybox.language.segments import stages
from vitascope.toybox.world import FULL


def main(prompt: str = "dos gatos negros caminan por la playa de noche, sin gente, y luego saltan") -> None:
    """Print the scene with what was guessed, the things, the order in time, and a fuller prompt."""
    parsed = parse(prompt)
    print(f"{parsed.asked.language}: {parsed.asked.english}")
    for field, label in vars(parsed.scene).items():
        print(f"{field:>8}  {label}" + (" (guessed)" if field in parsed.guessed else ""))
    for thing in parsed.asked.things:
        print("   thing ", thing.name, thing.count, *thing.attributes)
    print(" without ", *parsed.asked.without)
    for stage in stages(prompt):
        print(f"{stage.start:>8.0%}  {stage.caption}")
    print("  fuller ", by_rules(prompt, FULL))


if __name__ == "__main__":
    main(*sys.argv[1:])
