"""What a file's marks say: read, checked against each other, and told in words, for files of others as well."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from vitascope.deliver.provenance.c2pa import ManifestReport, read_manifest
from vitascope.deliver.provenance.xmp import Xmp, read_xmp
from vitascope.media.limits import Limits, opened

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
class Report:
    """What was found in a file, and what follows from it; `lines` say it in words."""

    file: str
    verdict: Verdict
    manifest: ManifestReport | None
    xmp: Xmp | None
    problems: tuple[str, ...] = ()
    lines: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return asdict(self)


def verify(path: Path, anchors: bytes = b"", argument: str = "file") -> Report:
    """Return what the marks of a file say; raises `RequestError` for what is no picture, video or sound file."""
    with opened(argument, path, LIMITS):
        pass
    manifest, xmp = read_manifest(path, anchors), read_xmp(path)
    problems = _problems(manifest, xmp)
    found = manifest is not None or xmp is not None
    verdict: Verdict = "broken" if problems else "marked" if found else "none"
    lines = (*_manifest_lines(manifest), *_xmp_lines(xmp))
    return Report(str(path), verdict, manifest, xmp, problems, (*lines, *_conclusion(verdict, problems)))


def _problems(manifest: ManifestReport | None, xmp: Xmp | None) -> tuple[str, ...]:
    """Return what is broken, and what contradicts what."""
    if manifest is None:
        return ()
    if manifest.state == "Invalid":
        return (manifest.problem or "the manifest does not fit this file",)
    said = manifest.digital_source_types
    if xmp is not None and said and xmp.digital_source_type not in said:
        return (f"the XMP says {xmp.digital_source_type}, the signed manifest {' and '.join(said)}",)
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
