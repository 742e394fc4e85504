"""Stage 1, words to a scene: the labels of the world, their captions, and the parser that reads a prompt."""
