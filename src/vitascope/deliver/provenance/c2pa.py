"""C2PA: who made a file, with what and from what, signed over every byte of it (C2PA 2.2, by c2pa-python).

A manifest has the actions that led to the file, the files that it came from (ingredients, each with its own manifests),
how it was made, and a soft binding to the watermark, by which a file that lost its manifest can be matched to it.
"""

import io
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from vitascope import __version__
from vitascope.deliver.provenance.boxes import manifest_box
from vitascope.deliver.provenance.credentials import Credentials
from vitascope.deliver.provenance.xmp import SOURCE
from vitascope.errors import MarkError

WATERMARK = "vitascope.watermark.1"
"""The name of our watermark in a soft binding."""
RECORD = "vitascope.record"
"""The label of the assertion that holds how a clip was made."""
GENERATED, COMPOSITE = "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"
FORMATS = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "AVIF": "image/avif",
    "MP4": "video/mp4",
    "MOV": "video/quicktime",
    "WAV": "audio/wav",
    "AVI": "video/avi",
}
"""The formats in which a manifest can lie, by our names for them, and what C2PA calls them."""

Relationship = Literal["parentOf", "componentOf", "inputTo"]


@dataclass(frozen=True)
class Ingredient:
    """A file that another one came from: it was changed (`parentOf`), is part of it, or was only looked at."""

    path: Path
    relationship: Relationship
    title: str


@dataclass(frozen=True)
class Claim:
    """What is claimed of a file: its source type, what made it, from what, its watermark, and its record."""

    digital_source_type: str
    title: str
    model: str = ""
    weights: Mapping[str, str] = field(default_factory=dict)
    ingredients: Sequence[Ingredient] = ()
    watermark: str | None = None
    record: Mapping[str, Any] | None = None
    changed: str = "c2pa.edited"
    """What was done to a `parentOf`."""


def sign_file(
    path: Path, mime_type: str, claim: Claim, credentials: Credentials, timestamp_url: str | None
) -> None:
    """Sign a whole file in place; raises `MarkError`, and leaves the file as it was when it cannot be signed."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.signed")
    try:
        with path.open("rb") as source, part.open("xb+") as out:
            _sign(source, out, mime_type, claim, credentials, timestamp_url, embed=True)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def sign_bytes(data: bytes, mime_type: str, claim: Claim, credentials: Credentials) -> bytes:
    """Return a small file's bytes, signed; raises `MarkError`."""
    out = io.BytesIO()
    _sign(io.BytesIO(data), out, mime_type, claim, credentials, None, embed=True)
    return out.getvalue()


def sign_streamed(
    written: io.BufferedIOBase, claim: Claim, credentials: Credentials, timestamp_url: str | None
) -> bytes:
    """Return the box to append to an MP4 that went out already, `written` being a copy; raises `MarkError`.

    The hash leaves out the box itself and counts all others from the start of the file, so its place may be the end.
    """
    manifest = _sign(written, io.BytesIO(), "video/mp4", claim, credentials, timestamp_url, embed=False)
    return manifest_box(manifest)


def _sign(
    source: io.BufferedIOBase,
    out: io.BufferedIOBase,
    mime_type: str,
    claim: Claim,
    credentials: Credentials,
    timestamp_url: str | None,
    *,
    embed: bool,
) -> bytes:
    import c2pa

    try:
        with _context() as context, _builder(claim, context) as builder:
            if not embed:
                builder.set_no_embed()
                out = _Nowhere()
            with signer(credentials, timestamp_url) as signing:
                return bytes(builder.sign(signing, mime_type, source, out))
    except c2pa.C2paError as error:
        raise MarkError(f"marks: the file could not be signed ({_line(error)})") from None


class _Nowhere(io.BytesIO):
    """Where the copy goes that nobody wants, in no memory."""

    def __init__(self) -> None:
        super().__init__()
        self._place, self._end = 0, 0

    def write(self, data: Any, /) -> int:
        self._place += len(data)
        self._end = max(self._end, self._place)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._place = offset + (0, self._place, self._end)[whence]
        return self._place

    def tell(self) -> int:
        return self._place


def signer(credentials: Credentials, timestamp_url: str | None = None) -> Any:
    """Return c2pa's signer for credentials."""
    import c2pa

    if credentials.sign is not None:
        algorithm = c2pa.C2paSigningAlg[credentials.algorithm.upper()]
        return c2pa.Signer.from_callback(
            credentials.sign, algorithm, credentials.chain.decode(), timestamp_url
        )
    info = c2pa.C2paSignerInfo(
        credentials.algorithm.encode(),
        credentials.chain,
        credentials.key,
        timestamp_url.encode() if timestamp_url else None,
    )
    return c2pa.Signer.from_info(info)


def _context(anchors: bytes = b"") -> Any:
    """Return c2pa's settings: nothing is fetched, no thumbnails are made, and who is trusted."""
    import c2pa

    told: dict[str, Any] = {
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": False},
        "builder": {"thumbnail": {"enabled": False}},
    }
    if anchors:
        told["trust"] = {"user_anchors": anchors.decode("utf-8", "replace")}
    return c2pa.ContextBuilder().with_settings(c2pa.Settings.from_dict(told)).build()


def definition(claim: Claim) -> dict[str, Any]:
    """Return the manifest of a claim, as c2pa's builder takes it."""
    agent = {"name": "Vitascope", "version": __version__}
    parents = [str(n) for n, one in enumerate(claim.ingredients) if one.relationship == "parentOf"]
    parts = [str(n) for n, one in enumerate(claim.ingredients) if one.relationship == "componentOf"]
    inputs = [str(n) for n, one in enumerate(claim.ingredients) if one.relationship == "inputTo"]
    model = {"model": claim.model, "weights": dict(claim.weights)} if claim.model else {}
    source = SOURCE + claim.digital_source_type
    actions: list[dict[str, Any]] = []
    if parents:
        actions.append({"action": "c2pa.opened", "parameters": {"ingredientIds": parents}})
        actions.append({"action": claim.changed, "digitalSourceType": source, "softwareAgent": agent})
    else:
        actions.append({"action": "c2pa.created", "digitalSourceType": source, "softwareAgent": agent})
    parameters = model | ({"ingredientIds": inputs} if inputs else {})
    if parameters:
        actions[-1]["parameters"] = parameters
    if parts:
        actions.append({"action": "c2pa.placed", "parameters": {"ingredientIds": parts}})
    assertions: list[dict[str, Any]] = []
    if claim.watermark is not None:
        actions.append({"action": "c2pa.watermarked.bound", "softwareAgent": agent})
        blocks = [{"scope": {}, "value": claim.watermark}]
        assertions.append({"label": "c2pa.soft-binding", "data": {"alg": WATERMARK, "blocks": blocks}})
    if claim.record is not None:
        assertions.append({"label": RECORD, "data": dict(claim.record)})
    whole = {"label": "c2pa.actions.v2", "data": {"actions": actions, "allActionsIncluded": True}}
    return {
        "claim_generator_info": [agent],
        "title": claim.title,
        "assertions": [whole, *assertions],
    }


def _builder(claim: Claim, context: Any) -> Any:
    """Return c2pa's builder of a claim, its ingredients with their manifests where their formats can hold some."""
    import c2pa

    told = definition(claim)
    # What cannot hold a manifest had none to lose: it is only named.
    bare, files = [], []
    for number, one in enumerate(claim.ingredients):
        entry = {"title": one.title, "relationship": one.relationship, "label": str(number)}
        mime_type = mime_type_of(one.path)
        if mime_type is None:
            bare.append({**entry, "format": "application/octet-stream"})
        else:
            files.append(({**entry, "format": mime_type}, one.path))
    for entry, path in files.copy():
        # A damaged file has no manifest that could be taken over; whether it does is only known when it is tried.
        with c2pa.Builder.from_json(json.dumps(told), context) as trial, path.open("rb") as file:
            try:
                trial.add_ingredient(json.dumps(entry), entry["format"], file)
            except c2pa.C2paError:
                bare.append(entry)
                files.remove((entry, path))
    builder = c2pa.Builder.from_json(json.dumps(told | {"ingredients": bare}), context)
    for entry, path in files:
        with path.open("rb") as file:
            builder.add_ingredient(json.dumps(entry), entry["format"], file)
    return builder


@dataclass(frozen=True)
class ManifestReport:
    """What C2PA's own reader finds in a file: its state, who signed, and what its manifests say.

    `state` is "Trusted", "Valid" (nobody vouches for the signer) or "Invalid", and `problem` then says why.
    `history` tells of each ingredient, indented by how far back it lies.
    """

    state: Literal["Trusted", "Valid", "Invalid"]
    problem: str = ""
    signer: str = ""
    time: str = ""
    generator: str = ""
    title: str = ""
    digital_source_types: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    soft_bindings: tuple[tuple[str, str], ...] = ()
    history: tuple[str, ...] = ()
    record: Mapping[str, Any] | None = None


MOST_HISTORY = 200
"""Lines of history that are told: a hostile manifest may claim any number of ingredients."""


def read_manifest(path: Path, anchors: bytes = b"") -> ManifestReport | None:
    """Return what the manifest of a file says, None where it has none; never raises for what strangers wrote.

    `anchors` are PEM certificates of those who are trusted to vouch for signers.
    """
    import c2pa

    mime_type = mime_type_of(path)
    if mime_type is None:
        return None
    try:
        with _context(anchors) as context, path.open("rb") as file:
            reader = c2pa.Reader.try_create(mime_type, file, context=context)
            if reader is None:
                return None
            with reader:
                told = json.loads(reader.json())
                return _report(told, reader.get_validation_state(), reader.get_validation_results() or {})
    except (c2pa.C2paError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return ManifestReport("Invalid", f"it cannot be read ({_line(error)})")


def _report(told: Mapping[str, Any], state: str | None, results: Mapping[str, Any]) -> ManifestReport:
    manifests, label = told.get("manifests", {}), told.get("active_manifest")
    manifest = manifests.get(label, {})
    failures = [
        one.get("explanation") or one.get("code", "")
        for one in results.get("activeManifest", {}).get("failure", [])
        if one.get("code") != "signingCredential.untrusted"
    ]
    signature = manifest.get("signature_info") or {}
    names = [signature.get("common_name"), signature.get("issuer")]
    actions = _actions(manifest)
    if state not in ("Trusted", "Valid"):
        codes = {one.get("code", "") for one in results.get("activeManifest", {}).get("failure", [])}
        return ManifestReport("Invalid", _why(codes, failures), title=_text(manifest.get("title")))
    generators = manifest.get("claim_generator_info") or []
    return ManifestReport(
        state="Trusted" if state == "Trusted" else "Valid",
        signer=_text(", ".join(dict.fromkeys(name for name in names if name))),
        time=_text(signature.get("time")),
        generator=_text(" ".join(str(generators[0].get(key, "")) for key in ("name", "version")))
        if generators
        else "",
        title=_text(manifest.get("title")),
        digital_source_types=tuple(
            dict.fromkeys(
                _text(one["digitalSourceType"]).rpartition("/")[2]
                for one in actions
                if one.get("digitalSourceType")
            )
        ),
        actions=tuple(_text(one.get("action")) for one in actions),
        soft_bindings=tuple(_soft_bindings(manifest)),
        history=tuple(_history(manifests, manifest, {label}))[:MOST_HISTORY],
        record=next((data for name, data in _assertions(manifest) if name == RECORD), None),
    )


def _why(codes: set[str], failures: Sequence[str]) -> str:
    """Return in words why a manifest is not valid."""
    if any("hash.mismatch" in code.lower() or "Hash.mismatch" in code for code in codes):
        return "the file was changed after it was signed, or the manifest is another file's"
    if any(code.startswith("signingCredential.expired") for code in codes):
        return (
            "its certificate had expired when it was signed, or has since and no authority stamped the time"
        )
    if any(code.startswith("claimSignature") for code in codes):
        return "the signature does not fit what was signed"
    if any(code.startswith("signingCredential") for code in codes):
        return "its certificate is none that may sign"
    return _text("; ".join(failures)) or "it does not hold what a manifest has to"


def _assertions(manifest: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(str(one.get("label", "")), one.get("data") or {}) for one in manifest.get("assertions") or []]


def _actions(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        action
        for label, data in _assertions(manifest)
        if label.startswith("c2pa.actions")
        for action in data.get("actions") or []
    ]


def _soft_bindings(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (_text(data.get("alg")), _text(block.get("value")))
        for label, data in _assertions(manifest)
        if label.startswith("c2pa.soft-binding")
        for block in data.get("blocks") or []
    ]


_ROLES = {"parentOf": "made from", "componentOf": "holds", "inputTo": "looked at"}


def _history(
    manifests: Mapping[str, Any], manifest: Mapping[str, Any], above: set[Any], depth: int = 0
) -> list[str]:
    """Return a line about each ingredient of a manifest, and theirs, indented; a circle is not followed."""
    lines: list[str] = []
    for one in manifest.get("ingredients") or []:
        label = one.get("active_manifest")
        inner = manifests.get(label) or {}
        sources = [_text(action.get("digitalSourceType")).rpartition("/")[2] for action in _actions(inner)]
        kinds = ", ".join(dict.fromkeys(kind for kind in sources if kind))
        by = (inner.get("signature_info") or {}).get("common_name")
        signed = f", signed by {_text(by)}" if by else "" if inner else ", without a manifest"
        role = _ROLES.get(one.get("relationship"), "has to do with")
        lines.append(
            f"{'  ' * depth}{role} {_text(one.get('title')) or 'a file'}{f' ({kinds})' if kinds else ''}{signed}"
        )
        if label not in above and depth < 20 and len(lines) < MOST_HISTORY:
            lines += _history(manifests, inner, above | {label}, depth + 1)
    return lines[:MOST_HISTORY]


def _text(value: object) -> str:
    """Return what a stranger wrote as one short printable line."""
    text = " ".join(str(value or "").split())
    return "".join(c if c.isprintable() else "?" for c in text)[:300]


def mime_type_of(path: Path) -> str | None:
    """Return what C2PA calls a file's format, None where a manifest cannot lie in it or it cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return None
    return FORMATS.get(kind_of(head) or "")


def kind_of(head: bytes) -> str | None:
    """Return our name for a format by how a file begins."""
    for start, kind in (
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff", "JPEG"),
        (b"GIF8", "GIF"),
        (b"II*\0", "TIFF"),
        (b"MM\0*", "TIFF"),
    ):
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF":
        return {b"WEBP": "WEBP", b"WAVE": "WAV", b"AVI ": "AVI"}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return "MOV" if head[8:12] == b"qt  " else "AVIF" if head[8:11] == b"avi" else "MP4"
    return "MP4" if head[4:8] in (b"styp", b"moov") else None


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
