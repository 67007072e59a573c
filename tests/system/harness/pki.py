# SPDX-License-Identifier: Apache-2.0
"""Certificates made for one run of the suite: a CA, and what it signs."""
import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(text):
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


class Authority:
    """A CA whose certificate is in ca_file."""

    def __init__(self, directory, name="test CA"):
        self._directory = directory
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.ca_file = str(directory / f"{name.replace(' ', '-')}.pem")
        self._write(self.ca_file, self._sign(self._name, self._key.public_key(), 3650 * DAY, True))

    def _sign(self, subject, public_key, valid_for, is_ca=False, names=(), for_servers=False):
        now = datetime.datetime.utcnow().replace(microsecond=0)
        begin = min(now, now + valid_for) - DAY
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(self._name)
                   .public_key(public_key).serial_number(x509.random_serial_number())
                   .not_valid_before(begin).not_valid_after(now + valid_for)
                   .add_extension(x509.BasicConstraints(is_ca, None), critical=True))
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_alternative(name) for name in names]), False)
        if for_servers:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        return builder.sign(self._key, hashes.SHA256())

    @staticmethod
    def _write(path, *parts):
        with open(path, "wb") as file:
            for part in parts:
                file.write(part.public_bytes(serialization.Encoding.PEM))

    def issue(self, label, *names, valid_for=365 * DAY, for_servers=False):
        """A certificate for these names, for any purpose or for servers only: the paths of
        (certificate, key)."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(_name(names[0]), key.public_key(), valid_for, names=names,
                                 for_servers=for_servers)
        cert_file = str(self._directory / f"{label}.pem")
        key_file = str(self._directory / f"{label}.key")
        self._write(cert_file, certificate)
        with open(key_file, "wb") as file:
            file.write(key.private_bytes(serialization.Encoding.PEM,
                                         serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption()))
        return cert_file, key_file
