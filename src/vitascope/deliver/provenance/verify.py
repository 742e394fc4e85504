"""What a file's marks say: read, checked against each other, and told in words, for files of others as well."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from vitascope.deliver.provenance.c2pa import WATERMARK, ManifestReport, read_manifest
from vitascope.deliver.provenance.codes import model_number
from vitascope.deliver.provenance.detect import Found, detect
from vitascope.deliver.provenance.read_luma import passages
from vitascope.deliver.provenance.watermark import PUBLIC_KEY
from vitascope.deliver.provenance.xmp import Xmp, read_xmp
from vitascope.errors import RequestError
from vitascope.media.limits import Limits, opened

PUBLIC: Mapping[str, bytes] = {"public": PUBLIC_KEY}

Verdict = Literal["marked", "none", "broken"]

EXIT_STATUS: Mapping[Verdict, int] = {"marked": 0, "none": 3, "broken": 4}
LIMITS = Limits(bytes=1 << 40)
"""A file is read piece by piece: its size is no danger."""
GENERATED = {
    "trainedAlgorithmicMedia": "made by a machine that learned from examples",
    "compositeWithTrainedAlgorithmicMedia": "made of other files and by a machine that learned from examples",
    "algorithmicMedia": "made by a program that did not learn from examples",
    "digitalCapture": "captured by a camera or microphone",
    "compositeCapture": "put together from captured parts",
    "humanEdits": "changed by a person",
    "digitalCreation": "drawn by a person",
    "computationalCapture": "captured by a camera that computes its pictures",
}


@dataclass(frozen=True)
class WatermarkReport:
    """A watermark that was found: its 64 bits, the model if we know its name, and how surely it is no chance."""

    payload: str
    model: str
    id: str
    score: float
    bound: float
    mirrored: bool
    key: str


@dataclass(frozen=True)
class Report:
    """What was found in a file, and what follows from it; `lines` say it in words."""

    file: str
    verdict: Verdict
    manifest: ManifestReport | None
    xmp: Xmp | None
    watermark: WatermarkReport | None
    problems: tuple[str, ...] = ()
    lines: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return asdict(self)


def verify(
    path: Path,
    anchors: bytes = b"",
    keys: Mapping[str, bytes] = PUBLIC,
    models: Iterable[str] = (),
    argument: str = "file",
) -> Report:
    """Return what the marks of a file say; raises `RequestError` for what is no file, or a folder, or empty.

    The watermark is looked for under each of the `keys`, which have names; `models` are those that it may name.
    """
    with opened(argument, path, LIMITS):
        pass
    manifest, xmp = read_manifest(path, anchors), read_xmp(path)
    watermark, unread = _watermark(path, keys, models)
    problems = _problems(manifest, xmp, watermark)
    found = manifest is not None or xmp is not None or watermark is not None
    verdict: Verdict = "broken" if problems else "marked" if found else "none"
    lines = (*_manifest_lines(manifest), *_xmp_lines(xmp), *_watermark_lines(watermark, unread))
    return Report(
        str(path), verdict, manifest, xmp, watermark, problems, (*lines, *_conclusion(verdict, problems))
    )


def _watermark(
    path: Path, keys: Mapping[str, bytes], models: Iterable[str]
) -> tuple[WatermarkReport | None, str]:
    """Return the watermark of a file, and why its pictures could not be read where they could not."""
    try:
        for frames in passages(path, "file", LIMITS):
            for name, key in keys.items():
                if (found := detect(frames, key)) is not None:
                    return _found(found, name, models), ""
    except RequestError as error:
        return None, error.problem
    return None, ""


def _found(found: Found, key: str, models: Iterable[str]) -> WatermarkReport:
    model = next((name for name in models if model_number(name) == found.payload.model), "")
    return WatermarkReport(
        payload=found.payload.text(),
        model=model,
        id=f"{found.payload.id:09x}",
        score=round(found.score, 2),
        bound=found.bound,
        mirrored=found.mirrored,
        key=key,
    )


def _problems(
    manifest: ManifestReport | None, xmp: Xmp | None, watermark: WatermarkReport | None
) -> tuple[str, ...]:
    """Return what is broken, and what contradicts what."""
    if manifest is None:
        return ()
    if manifest.state == "Invalid":
        return (manifest.problem or "the manifest does not fit this file",)
    said = manifest.digital_source_types
    if xmp is not None and said and xmp.digital_source_type not in said:
        return (f"the XMP says {xmp.digital_source_type}, the signed manifest {' and '.join(said)}",)
    bound = [value for name, value in manifest.soft_bindings if name == WATERMARK]
    if watermark is not None and bound and watermark.payload not in bound:
        return (f"the watermark says {watermark.payload}, the signed manifest {' and '.join(bound)}",)
    return ()


def _manifest_lines(manifest: ManifestReport | None) -> list[str]:
    if manifest is None:
        return [
            "C2PA: no manifest. It may never have had one: most programs drop manifests when they save a file."
        ]
    if manifest.state == "Invalid":
        return [f"C2PA: there is a manifest, and it is not valid: {manifest.problem}."]
    who = manifest.signer or "a signer without a name"
    trust = {
        "Trusted": f"signed by {who}, whom your trust anchors vouch for",
        "Valid": f"signed by {who}, for whom nobody vouches: anybody can make such a certificate",
    }[manifest.state]
    when = f"on {manifest.time}" if manifest.time else "at a time that no authority stamped"
    lines = [f"C2PA: valid. Every byte is as it was when it was {trust}, {when}."]
    lines += [f"      It says: {GENERATED.get(one, one)}." for one in manifest.digital_source_types]
    if manifest.generator:
        lines.append(f"      Made with {manifest.generator}.")
    lines += [f"      {line}" for line in manifest.history]
    return lines


def _xmp_lines(xmp: Xmp | None) -> list[str]:
    if xmp is None:
        return ["XMP: nothing about how the file was made."]
    by = f" Its system: {xmp.system}." if xmp.system else ""
    return [
        f"XMP: {GENERATED.get(xmp.digital_source_type, xmp.digital_source_type)}.{by} "
        "This is plain text that anybody can write or remove: it proves nothing."
    ]


def _watermark_lines(watermark: WatermarkReport | None, unread: str) -> list[str]:
    if unread:
        return [f"Watermark: not looked for: {unread}."]
    if watermark is None:
        return [
            "Watermark: none of Vitascope's under the keys that are known here. "
            "Other makers' watermarks can only be read by their own tools."
        ]
    by = f" with the model {watermark.model}" if watermark.model else ""
    mirrored = " The picture is mirrored." if watermark.mirrored else ""
    return [
        f"Watermark: Vitascope's ({watermark.key} key). These pictures were made by Vitascope{by}, "
        f"as the clip {watermark.id}.{mirrored} "
        f"By chance it is found in fewer than one of {1 / max(watermark.bound, 1e-300):.0e} files."
    ]


def _conclusion(verdict: Verdict, problems: tuple[str, ...]) -> list[str]:
    match verdict:
        case "broken":
            return [f"Broken: {problem}." for problem in problems] + [
                "Do not rely on what this file says of itself."
            ]
        case "none":
            return [
                "No marks. That does not prove that a person made it: marks can be removed, and not all tools set them."
            ]
        case _:
            return ["Marked."]
