"""The reference page of all routes, made from the app's own description; `docs/reference/build.py` writes it."""

from pathlib import Path
from typing import Any

HEAD = """# HTTP

This page is written by `python docs/reference/build.py` from the service's own description (`/openapi.json`).
[The service](../server.md) explains what the routes are for.
"""
FORMS = {
    "CreateVideo": "Fields of a video",
    "EditVideo": "More fields of an edit",
    "ExtendVideo": "More fields of an extension",
}
"""Schemas of requests whose fields the page explains, each but for those of the ones before it."""
TITLES = {
    "videos": "Videos",
    "jobs": "Jobs and the queue",
    "films": "Films",
    "uploads": "Uploads",
    "verify": "Marks of origin",
    "webhooks": "Webhooks",
    "system": "The machine",
}


def page(description: dict[str, Any]) -> str:
    """Return the page for an OpenAPI description."""
    parts: dict[str, list[str]] = {tag: [] for tag in TITLES}
    for path, verbs in description["paths"].items():
        for verb, operation in verbs.items():
            parts[operation["tags"][0]].append(_route(verb.upper(), path, operation, description))
    sections = [f"## {TITLES[tag]}\n\n" + "\n".join(lines) for tag, lines in parts.items()]
    return HEAD + "\n" + "\n\n".join([*sections, *_tables()]) + "\n"


def _tables() -> list[str]:
    """Return a table of the fields of each kind of request for a video."""
    from vitascope.server import schemas

    tables, list_to_json = [], set()
    for name, title in FORMS.items():
        rows = ["| field | meaning |", "|---|---|"]
        for field, about in getattr(schemas, name).model_fields.items():
            if field not in list_to_json:
                rows.append(f"| `{field}` | {(about.description or '').replace('|', chr(92) + '|')} |")
            list_to_json.add(field)
        tables.append(f"## {title}\n\n" + "\n".join(rows))
    return tables


def _route(verb: str, path: str, operation: dict[str, Any], description: dict[str, Any]) -> str:
    summary = " ".join(operation.get("description", "").split())
    query = [
        f"`{parameter['name']}`"
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query"
    ]
    fields = [f"`{name}`" for name in _fields(operation, description)]
    details = [f"Query: {', '.join(query)}."] if query else []
    details += [f"Fields: {', '.join(fields)}."] if fields else []
    return f"- **{verb} {path}** — {' '.join([summary, *details])}"


def _fields(operation: dict[str, Any], description: dict[str, Any]) -> list[str]:
    content = operation.get("requestBody", {}).get("content", {})
    schema = next(iter(content.values()), {}).get("schema", {})
    if "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return list(schema.get("properties", {}))


def current() -> str:
    """Return the page for the app as it is."""
    from tempfile import TemporaryDirectory

    from vitascope.jobs.service import JobService
    from vitascope.jobs.storage import JobStorage
    from vitascope.jobs.stores.memory import memory_store
    from vitascope.server.app import make_app
    from vitascope.server.context import open_context

    with TemporaryDirectory() as folder:
        home = Path(folder)
        return page(make_app(open_context(home, JobService(memory_store(), JobStorage(home)))).openapi())
