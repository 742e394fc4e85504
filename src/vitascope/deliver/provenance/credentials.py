"""The key and the certificates that manifests are signed with: made on first use, or the owner's own.

C2PA asks for a leaf certificate that is no authority, may sign (key usage `digitalSignature`) and has an extended key
usage for it (C2PA 2.2 §14.5.1). A certificate made here proves only that one installation signed; nobody vouches for
who runs it, and its names are random, so that it tells nothing about a person.
"""

import os
import secrets
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from vitascope.errors import MarkError, OutputExistsError
from vitascope.files import published
from vitascope.settings import MarkSettings

FOLDER, FILE, ROOT, SECRET = "marks", "credentials.pem", "root.pem", "secret"
DAYS = 3650
SIGN_SECONDS = 60
"""How long the owner's command may take for one signature."""
USAGES = {
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.36": "documentSigning",
    "1.3.6.1.4.1.62558.2.1": "C2PA claim signing",
}
"""Extended key usages that a C2PA reader takes for signing claims."""


@dataclass(frozen=True)
class Credentials:
    """What signs: the PEM chain (leaf first), the COSE algorithm, and either the key's PEM or a function that signs."""

    chain: bytes
    algorithm: str
    key: bytes | None = field(default=None, repr=False)
    sign: Callable[[bytes], bytes] | None = field(default=None, repr=False)

    @property
    def root(self) -> bytes:
        """The last certificate of the chain, which whoever trusts this signer names as an anchor."""
        return b"-----BEGIN CERTIFICATE-----" + self.chain.rpartition(b"-----BEGIN CERTIFICATE-----")[2]


def load_credentials(home: Path, marks: MarkSettings) -> Credentials:
    """Return what signs on this machine, made now where the owner named nothing; raises `MarkError`."""
    if marks.certificate is None:
        if marks.key is not None or marks.sign_command:
            raise MarkError("marks.certificate: a key without its certificates; name the chain's PEM file")
        return _own(home)
    chain = _read(marks.certificate, "marks.certificate")
    if marks.sign_command:
        command = marks.sign_command
        credentials = Credentials(chain, check_chain(chain), sign=lambda data: _sign_by(command, data))
    elif marks.key is not None:
        _check_private(marks.key, "marks.key")
        key = _read(marks.key, "marks.key")
        credentials = Credentials(chain, check_chain(chain, key), key=key)
    else:
        raise MarkError("marks.key: the certificate's key is missing; name its PEM file or a sign_command")
    return credentials


def check_chain(chain: bytes, key: bytes | None = None, now: datetime | None = None) -> str:
    """Return the COSE algorithm of a PEM chain's leaf; raises `MarkError` for one that cannot sign, or not today."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        leaf = x509.load_pem_x509_certificates(chain)[0]
    except (ValueError, IndexError):
        raise MarkError("marks.certificate: it is no chain of PEM certificates") from None
    _check_usage(leaf)
    now = now or datetime.now(UTC)
    if now < leaf.not_valid_before_utc:
        day = f"{leaf.not_valid_before_utc:%Y-%m-%d %H:%M}"
        raise MarkError(
            f"marks.certificate: it is valid from {day} UTC on; the clock says {now:%Y-%m-%d %H:%M}"
        )
    if now > leaf.not_valid_after_utc:
        day = f"{leaf.not_valid_after_utc:%Y-%m-%d}"
        raise MarkError(f"marks.certificate: it expired on {day}; make or name a new one")
    public = leaf.public_key()
    if key is not None:
        try:
            private = load_pem_private_key(key, None)
        except (ValueError, TypeError):
            raise MarkError("marks.key: it is no unencrypted PEM key") from None
        spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if private.public_key().public_bytes(*spki) != public.public_bytes(*spki):
            raise MarkError("marks.key: it is not the key of the first certificate in marks.certificate")
    return _algorithm(public)


def installation_secret(home: Path) -> bytes:
    """Return 32 random bytes of this installation, drawn on first use; raises `MarkError`."""
    path = home / FOLDER / SECRET
    return _read_or_make(path, lambda: secrets.token_bytes(32))


def _own(home: Path) -> Credentials:
    path = home / FOLDER / FILE
    # A key that was lent to others once may have been copied: it is refused, not repaired.
    data = _read_or_make(path, _make_chain)
    start = data.find(b"-----BEGIN CERTIFICATE-----")
    key, chain = data[: max(0, start)], data[max(0, start) :]
    credentials = Credentials(chain, _checked(chain, key, path), key=key)
    root = home / FOLDER / ROOT
    if not root.exists():
        with published(root, force=True, argument="marks") as part:
            part.write_bytes(credentials.root)
    return credentials


def _checked(chain: bytes, key: bytes, path: Path) -> str:
    try:
        return check_chain(chain, key)
    except MarkError as error:
        raise MarkError(f"{error} ({path})") from None


def _read_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MarkError(f"marks: {path.parent} could not be made ({error.strerror})") from None
        try:
            with published(path, force=False, argument="marks") as part:
                part.chmod(0o600)
                part.write_bytes(make())
        except OutputExistsError:
            pass  # another process was first
    _check_private(path, "marks")
    return _read(path, "marks")


def _read(path: Path, argument: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(1 << 20)
    except OSError as error:
        raise MarkError(f"{argument}: {path} could not be read ({error.strerror})") from None


def _check_private(path: Path, argument: str) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise MarkError(f"{argument}: {path} could not be read ({error.strerror})") from None
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise MarkError(f"{argument}: {path} can be read by others; say: chmod 600 {path}")


def _check_usage(leaf: Any) -> None:
    from cryptography import x509

    try:
        if leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            raise MarkError(
                "marks.certificate: the first certificate is an authority's, which may not sign files"
            )
    except x509.ExtensionNotFound:
        pass
    try:
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
        purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound as error:
        problem = f"does not say what it may be used for ({error.oid._name})"
    except ValueError:
        problem = "is malformed"
    else:
        if not usage.digital_signature:
            problem = "may not sign (key usage digitalSignature)"
        elif not {purpose.dotted_string for purpose in purposes} & USAGES.keys():
            problem = f"has none of the uses {', '.join(USAGES.values())}"
        else:
            return
    raise MarkError(f"marks.certificate: the first certificate {problem}")


def _algorithm(public: Any) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    curves = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in curves:
        return curves[public.curve.name]
    if isinstance(public, ed25519.Ed25519PublicKey):
        return "ed25519"
    if isinstance(public, rsa.RSAPublicKey) and public.key_size >= 2048:
        return "ps256"
    raise MarkError(
        "marks.certificate: its key is none that C2PA takes; use ECDSA P-256, Ed25519 or RSA 2048"
    )


def _sign_by(command: tuple[str, ...], data: bytes) -> bytes:
    """Return the signature that the owner's command writes to stdout for the bytes on its stdin."""
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=SIGN_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MarkError(f"marks.sign_command: {command[0]} did not sign ({type(error).__name__})") from None
    if done.returncode or not done.stdout:
        raise MarkError(f"marks.sign_command: {command[0]} did not sign (exit status {done.returncode})")
    return _plain_signature(done.stdout)


def _plain_signature(signature: bytes) -> bytes:
    """Return an ECDSA signature as COSE wants it: r and s side by side; hardware tokens often give DER."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    sides = {64: 32, 96: 48, 132: 66}
    if len(signature) in sides or signature[:1] != b"\x30" or len(signature) > 150:
        return signature
    try:
        r, s = decode_dss_signature(signature)
    except ValueError:
        return signature
    side = next(side for side in sides.values() if max(r, s).bit_length() <= 8 * side)
    return r.to_bytes(side, "big") + s.to_bytes(side, "big")


def _make_chain() -> bytes:
    """Return a new key, a certificate for it and the authority that issued that, as PEM."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = f"Vitascope installation {secrets.token_hex(6)}"
    root = _certificate(f"{name} root", f"{name} root", authority.public_key(), authority, ca=True)
    leaf = _certificate(name, f"{name} root", key.public_key(), authority, ca=False)
    # The authority's key is dropped: it signs this one certificate and never another.
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + leaf.public_bytes(encoding) + root.public_bytes(encoding)


def _certificate(subject: str, issuer: str, public: Any, signer: Any, *, ca: bool) -> Any:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    def name(text: str) -> Any:
        oids = (x509.NameOID.ORGANIZATION_NAME, "Vitascope"), (x509.NameOID.COMMON_NAME, text)
        return x509.Name([x509.NameAttribute(oid, value) for oid, value in oids])

    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        # Clocks of readers may be a little behind.
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.BasicConstraints(ca, 0 if ca else None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(usage, critical=True)
    )
    if not ca:
        email = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.4")
        builder = builder.add_extension(x509.ExtendedKeyUsage([email]), critical=True)
    return builder.sign(signer, hashes.SHA256())


@cache
def own_credentials(home: Path, marks: MarkSettings) -> Credentials:
    """Return `load_credentials`, read once in a process."""
    return load_credentials(home, marks)
