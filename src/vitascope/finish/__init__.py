"""Stage 5: what is done to a clip's frames after they are decoded."""
