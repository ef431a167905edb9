"""Certificate authorities and certificates for a test, and TLS contexts of servers."""

import datetime
import ssl

import trustme


class Authority:
    """A certificate authority and the directory that its files are written to."""

    def __init__(self, directory, name="authority"):
        self.directory = directory
        self.name = name
        self.authority = trustme.CA()
        self.file = directory / f"{name}.pem"
        self.authority.cert_pem.write_to_path(str(self.file))

    def server(self, *names, days=1, protocols=("http/1.1",)):
        """A server's TLS context with a certificate for the names, 127.0.0.1 by default; expired
        with negative days."""
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
        issued = self.authority.issue_cert(
            *(names or ("127.0.0.1",)),
            not_before=until - datetime.timedelta(days=10),
            not_after=until,
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued.configure_cert(context)
        context.set_alpn_protocols(list(protocols))
        return context

    def wanting_clients(self, context):
        """The context asks its clients for a certificate of this authority."""
        self.authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client(self, name, days=1):
        """PEM files of a client's certificate and key: (certificate, key); expired with negative days."""
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
        issued = self.authority.issue_cert(
            identity(name), common_name=name, not_before=until - datetime.timedelta(days=10),
            not_after=until)
        certificate = self.directory / f"{name}.pem"
        key = self.directory / f"{name}-key.pem"
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(key))
        return str(certificate), str(key)


def identity(name):
    return f"{name}@example.com"
