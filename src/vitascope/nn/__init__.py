"""Torch architectures, one self-contained file each; used for training, export and running on a GPU."""
