"""Makes an authority and a certificate of it for 127.0.0.1: certificates.py DIRECTORY"""

import datetime
import ipaddress
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

directory = Path(sys.argv[1])
now = datetime.datetime.now(datetime.timezone.utc)


def certificate(name, issuer, key, signer, extensions):
    subject, by = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, it)]) for it in (name, issuer))
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(by).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    made = builder.sign(signer, hashes.SHA256())
    (directory / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))


authority, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
certificate("authority", "authority", authority, authority, [(x509.BasicConstraints(ca=True, path_length=0), True)])
address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
certificate("server", "authority", server, authority, [(address, False)])
form = serialization.PrivateFormat.PKCS8
(directory / "key.pem").write_bytes(
    server.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
)
