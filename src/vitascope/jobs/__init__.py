"""Jobs that outlive every process: a durable queue, workers that render from it, and what watches over them.

`job.py` has the nouns, `changes.py` what may become of a job, `store.py` keeps jobs, `worker.py` makes them, and
`service.py` is where a job is handed in and picked up.
"""
