"""`python -m vitascope.testing ARGUMENTS` is the command line with the model `fake` beside the real ones."""

import sys

from vitascope.cli import main
from vitascope.testing.fakes import register_fakes

register_fakes()
main(sys.argv[1:])
