"""Films of several shots: what is said (`film.py`), what comes of it (`storyboard.py`), the shots, and the cut."""
