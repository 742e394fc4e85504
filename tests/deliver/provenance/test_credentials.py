import sys
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from vitascope.deliver.mux import save
from vitascope.deliver.names import check_output
from vitascope.deliver.provenance.c2pa import read_manifest
from vitascope.deliver.provenance.credentials import check_chain, load_credentials
from vitascope.errors import MarkError
from vitascope.settings import MarkSettings
from vitascope.testing.fakes import synthetic_clip

EMAIL = "1.3.6.1.5.5.7.3.4"


def chain(key, *, ca=False, usage=EMAIL, start=-1, days=30):
    """A certificate under an authority of its own, as PEM, leaf first."""
    authority, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)

    def certificate(name, issuer, public, authority_itself):
        names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in (name, issuer)]
        is_ca = ca or authority_itself
        flags = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
        )
        flags |= {"encipher_only": False, "decipher_only": False}
        flags |= {"digital_signature": not is_ca, "key_cert_sign": is_ca, "crl_sign": is_ca}
        builder = x509.CertificateBuilder(issuer_name=names[1], subject_name=names[0], public_key=public)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now + timedelta(days=start))
        builder = builder.not_valid_after(now + timedelta(days=start + days))
        builder = builder.add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        builder = builder.add_extension(x509.KeyUsage(**flags), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False
        )
        if not authority_itself:
            usages = x509.ExtendedKeyUsage([x509.ObjectIdentifier(usage)])
            builder = builder.add_extension(usages, critical=False)
        return builder.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    return certificate("Studio", "Root", key.public_key(), False) + certificate(
        "Root", "Root", authority.public_key(), True
    )


def pem(key):
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, *form)


@pytest.fixture
def key():
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def own(tmp_path, configure):
    """Let files be signed with a chain and a key of the owner's; return the chain."""

    def write(chain: bytes, key: bytes, mode: int = 0o600) -> None:
        (tmp_path / "chain.pem").write_bytes(chain)
        (tmp_path / "key.pem").write_bytes(key)
        (tmp_path / "key.pem").chmod(mode)
        configure(f'certificate = "{tmp_path / "chain.pem"}"', f'key = "{tmp_path / "key.pem"}"')

    return write


def test_the_owners_certificate_signs(tmp_path, own, key):
    certificates = chain(key)
    own(certificates, pem(key))
    file = save(synthetic_clip(), tmp_path / "a.mp4")
    root = certificates[certificates.rfind(b"-----BEGIN CERTIFICATE-----") :]
    assert read_manifest(file).state == "Valid"
    trusted = read_manifest(file, root)
    assert (trusted.state, trusted.signer) == ("Trusted", "Studio")


def test_ed25519_signs_too(tmp_path, own):
    key = ed25519.Ed25519PrivateKey.generate()
    own(chain(key), pem(key))
    assert read_manifest(save(synthetic_clip(), tmp_path / "a.mp4")).state == "Valid"


def test_a_command_signs_as_a_token_does(tmp_path, configure, key):
    (tmp_path / "chain.pem").write_bytes(chain(key))
    (tmp_path / "key.pem").write_bytes(pem(key))
    program = (
        "import sys;from cryptography.hazmat.primitives.serialization import load_pem_private_key as l;"
        "from cryptography.hazmat.primitives import hashes;from cryptography.hazmat.primitives.asymmetric import ec;"
        f"k=l(open('{tmp_path / 'key.pem'}','rb').read(),None);"
        "sys.stdout.buffer.write(k.sign(sys.stdin.buffer.read(),ec.ECDSA(hashes.SHA256())))"
    )
    command = ", ".join(f'"{word}"' for word in (sys.executable, "-c", program))
    configure(f'certificate = "{tmp_path / "chain.pem"}"', f"sign_command = [{command}]")
    assert read_manifest(save(synthetic_clip(), tmp_path / "a.mp4")).state == "Valid"
    configure(f'certificate = "{tmp_path / "chain.pem"}"', 'sign_command = ["false"]')
    with pytest.raises(MarkError):
        save(synthetic_clip(), tmp_path / "b.mp4")
    assert not (tmp_path / "b.mp4").exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"ca": True}, "is an authority's"),
        ({"usage": "1.3.6.1.5.5.7.3.1"}, "none of the uses"),
        ({"start": 5}, "is valid from .* on; the clock says"),
        ({"start": -40}, "expired on"),
    ],
)
def test_a_certificate_that_cannot_sign_is_refused_before_any_work(tmp_path, own, key, wrong, words):
    own(chain(key, **wrong), pem(key))
    with pytest.raises(MarkError, match=words):
        check_output(tmp_path / "a.mp4", force=False)


def test_a_key_of_another_certificate_or_none_at_all_is_refused(tmp_path, own, key):
    own(chain(key), pem(ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(MarkError, match="not the key of the first certificate"):
        check_output(tmp_path / "a.mp4", force=False)
    own(chain(key), b"nothing")
    with pytest.raises(MarkError, match="no unencrypted PEM key"):
        check_output(tmp_path / "a.mp4", force=False)
    own(b"nothing", pem(key))
    with pytest.raises(MarkError, match="no chain of PEM certificates"):
        check_output(tmp_path / "a.mp4", force=False)
    own(chain(key), pem(key), 0o640)
    with pytest.raises(MarkError, match="can be read by others"):
        check_output(tmp_path / "a.mp4", force=False)


def test_what_is_made_here_can_sign_and_is_never_shown(home):
    credentials = load_credentials(home, MarkSettings())
    assert check_chain(credentials.chain, credentials.key) == "es256"
    assert "PRIVATE" not in repr(credentials)
    assert load_credentials(home, MarkSettings()).chain == credentials.chain
    with pytest.raises(MarkError, match="the clock says 2020"):
        check_chain(credentials.chain, credentials.key, datetime(2020, 1, 1, tzinfo=UTC))
