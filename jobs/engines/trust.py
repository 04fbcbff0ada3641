"""Lets Java trust the certificate authorities that Python trusts."""

import hashlib
import ssl
import struct
from collections.abc import Sequence
from pathlib import Path

PASSWORD = "changeit"


def write_trust_store(path: Path) -> bool:
    """Write Python's certificate authorities as a Java trust store; False if Python has none.

    A Java from PyPI brings its own list, which lacks the authority of a company or of a proxy, while
    pip reached the package index with Python's.
    """
    certificates = _authorities()
    if certificates:
        path.write_bytes(_java_key_store(certificates))
    return bool(certificates)


def java_options(path: Path) -> str:
    """Return the options that make a Java trust that store alone."""
    names = {"": str(path), "Type": "JKS", "Password": PASSWORD}
    return " ".join(f'"-Djavax.net.ssl.trustStore{name}={value}"' for name, value in names.items())


def _authorities() -> list[bytes]:
    context = ssl.create_default_context()
    folder = ssl.get_default_verify_paths().capath
    # OpenSSL reads a folder only when it meets an issuer, so its files are loaded by hand.
    for file in sorted(Path(folder).glob("*.[0-9]")) if folder else []:
        context.load_verify_locations(file)
    return context.get_ca_certs(binary_form=True)


def _java_key_store(certificates: Sequence[bytes]) -> bytes:
    """Return the JKS format: a head, one entry per certificate, and a keyed SHA-1 of all that."""
    entries = (
        struct.pack(">I", 2) + _text(str(number)) + struct.pack(">Q", 0) + _text("X.509") + _sized(each)
        for number, each in enumerate(certificates)
    )
    body = struct.pack(">III", 0xFEEDFEED, 2, len(certificates)) + b"".join(entries)
    key = PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite"
    return body + hashlib.sha1(key + body, usedforsecurity=False).digest()


def _text(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode()


def _sized(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
