"""Where the queue is kept: in memory, in one SQLite file, or in a Postgres database."""
