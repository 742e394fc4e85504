"""The service: the videos API that others speak, our own with all that a job is, and the doors before both.

`app.py` puts it together, `doors.py` says who may come in, `asks.py` turns what was sent into a shot, `schemas.py`
turns a job into what is answered; `routes/` is plumbing. It renders nothing: workers do, in processes of their own.
"""
