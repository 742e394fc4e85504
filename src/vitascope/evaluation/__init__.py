"""How good a model is: suites of prompts, the judge of what was made of them, metrics, the report."""
