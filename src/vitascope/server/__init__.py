"""The HTTP service: a video API compatible with OpenAI's, our own API for jobs and films, and access control.

`app.py` builds the app, `middleware.py` authenticates and limits requests, `requests.py` turns a request into a shot,
`schemas.py` turns a job into a response, and `routes/` connects them. Worker processes render; the server does not.
"""
