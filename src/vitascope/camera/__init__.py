"""The camera: its moves, their grammar and words, and the path that they make of a shot."""
