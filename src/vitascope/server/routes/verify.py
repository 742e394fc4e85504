"""`/api/v1/verify`: what the marks of a file say."""

from typing import Any

from fastapi import APIRouter
from starlette.datastructures import UploadFile

from vitascope.deliver.provenance.anchors import trust_anchors, watermark_keys
from vitascope.errors import RequestError
from vitascope.server.context import Context, CurrentCaller
from vitascope.server.forms import Body
from vitascope.server.routes.uploads import FILE
from vitascope.server.sandbox import verify_in_sandbox
from vitascope.server.shares import FairRoute, working
from vitascope.settings import settings

router = APIRouter(prefix="/api/v1/verify", tags=["verify"], route_class=FairRoute)


@router.post("", openapi_extra={"requestBody": {"content": {"multipart/form-data": {"schema": FILE}}}})
@working("files")
def verify(context: Context, caller: CurrentCaller, body: Body) -> dict[str, Any]:
    """Say whether a file, sent as the part `file`, carries marks of origin, and what those prove. It is not kept."""
    file = body.get("file")
    if not isinstance(file, UploadFile):
        raise RequestError("file", "is missing", "send it as a part of a form")
    anchors, keys = trust_anchors(settings()), watermark_keys(settings())
    with context.uploads.passing(file.file) as path:
        return {"object": "verification", **verify_in_sandbox(path, "file", anchors, keys, context.models)}
