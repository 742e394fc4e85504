"""What this installation verifies with: whom it trusts to vouch for signers, and its watermark keys."""

from vitascope.deliver.provenance.credentials import FOLDER, ROOT
from vitascope.deliver.provenance.watermark import PUBLIC_KEY
from vitascope.errors import MarkError
from vitascope.settings import Settings

MOST_BYTES = 8 << 20


def watermark_keys(settings: Settings) -> dict[str, bytes]:
    """Return the keys that watermarks are looked for with, by name: the public one, and the owner's."""
    own = settings.marks.watermark_key
    return {"public": PUBLIC_KEY} | ({} if own is None else {"owner's": own.get_secret_value().encode()})


def trust_anchors(settings: Settings) -> bytes:
    """Return the PEM certificates of all who are trusted; raises `MarkError` for a file that cannot be read."""
    found, own = b"", settings.home / FOLDER / ROOT
    if own.is_file():
        found = own.read_bytes()
    if (named := settings.marks.trust_anchors) is not None:
        try:
            with named.open("rb") as file:
                pem = file.read(MOST_BYTES)
        except OSError as error:
            raise MarkError(f"marks.trust_anchors: {named} could not be read ({error.strerror})") from None
        if b"-----BEGIN CERTIFICATE-----" not in pem:
            raise MarkError(f"marks.trust_anchors: {named} holds no PEM certificates")
        found += pem
    return found
