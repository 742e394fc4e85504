"""`/api/v1/uploads`: files that requests start from."""

from typing import Any

from fastapi import APIRouter
from starlette.datastructures import UploadFile

from vitascope.errors import RequestError
from vitascope.server.context import Context, CurrentCaller
from vitascope.server.forms import Body
from vitascope.server.shares import FairRoute, working

router = APIRouter(prefix="/api/v1/uploads", tags=["uploads"], route_class=FairRoute)

FILE = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary"}},
}


@router.post("", openapi_extra={"requestBody": {"content": {"multipart/form-data": {"schema": FILE}}}})
@working("files")
def upload(context: Context, caller: CurrentCaller, body: Body) -> dict[str, Any]:
    """Take in a picture or a video, sent as the part `file`."""
    file = body.get("file")
    if not isinstance(file, UploadFile):
        raise RequestError("file", "is missing", "send it as a part of a form")
    return context.uploads.keep(file.file, caller).to_json()


@router.get("")
def list_uploads(context: Context, caller: CurrentCaller) -> dict[str, Any]:
    """List uploads, the newest first."""
    data = [upload.to_json() for upload in context.uploads.all(caller)]
    return {"object": "list", "data": data, "has_more": False}


@router.get("/{file_id}")
def get_upload(context: Context, caller: CurrentCaller, file_id: str) -> dict[str, Any]:
    """Return what an upload holds."""
    return context.uploads.get(file_id, caller).to_json()


@router.delete("/{file_id}")
def delete_upload(context: Context, caller: CurrentCaller, file_id: str) -> dict[str, Any]:
    """Remove an upload."""
    context.uploads.delete(context.uploads.get(file_id, caller))
    return {"id": file_id, "object": "file.deleted", "deleted": True}
