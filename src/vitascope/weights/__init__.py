"""The numbers of the networks: where they lie, what they are, whether they are whole."""
