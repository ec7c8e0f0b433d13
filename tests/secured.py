"""The servers as production has them: Postgres takes TLS alone, Kafka has a listener with TLS and passwords."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trustme
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives import serialization

from stack.servers import Stack
from stack.settings import UNPRIVILEGED_USER, Settings, state_root
from tests.ports import claimed
from tests.runs import ports

if TYPE_CHECKING:
    from pathlib import Path

    from stack.progress import Progress

# beyond those of the other tests, with every port below 32768
OFFSETS = range(23_600, 23_660, 10)
# the certificate is for this name, and not for the address that it stands for
HOST, OTHER_HOST = "localhost", "127.0.0.1"
CONNECT, CONNECT_PASSWORD = "connect", "connect-password"
READER, READER_PASSWORD = "reader", 'reader\'s "pass=word", \\1'
LOGIN = "org.apache.kafka.common.security"
HBA = "hostssl all all 127.0.0.1/32 scram-sha-256\n"


@dataclass(frozen=True)
class Certificates:
    """Files of an authority, of a certificate that it gave the servers, and of an authority that gave none."""

    authority: Path
    other_authority: Path
    certificate: Path
    key: Path
    """As Postgres wants it: readable by its own user alone."""
    key_and_certificate: Path
    """As Kafka wants them: in one file, the key in PKCS #8."""


def make_certificates(folder: Path) -> Certificates:
    """Write the files to `folder`."""
    folder.mkdir(parents=True)
    made = Certificates(*(folder / f"{name}.pem" for name in ("ca", "other-ca", "server", "key", "keystore")))
    authority = trustme.CA()
    issued = authority.issue_cert(HOST)
    authority.cert_pem.write_to_path(made.authority)
    trustme.CA().cert_pem.write_to_path(made.other_authority)
    issued.cert_chain_pems[0].write_to_path(made.certificate)
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    made.key.write_bytes(key)
    made.key.chmod(0o600)
    if os.geteuid() == 0:
        shutil.chown(made.key, UNPRIVILEGED_USER)
    made.key_and_certificate.write_bytes(key + issued.cert_chain_pems[0].bytes())
    return made


class SecuredStack(Stack):
    """Source, target, broker and Connect worker, all over TLS; `environment` lets our services in."""

    def __init__(self) -> None:
        settings = free_settings()
        folder = state_root() / f"tests-secured-{settings.source_port}"
        shutil.rmtree(folder, ignore_errors=True)
        self.certificates = make_certificates(folder / "certificates")
        self.kafka = f"{HOST}:{settings.kafka_port + 2}"
        hba = folder / "pg_hba.conf"
        hba.write_text(HBA)
        postgres = {
            "ssl": "on",
            "ssl_cert_file": str(self.certificates.certificate),
            "ssl_key_file": str(self.certificates.key),
            "hba_file": str(hba),
        }
        broker = broker_properties(settings.kafka_port, self.kafka, self.certificates)
        connect = connect_properties(self.kafka, self.certificates)
        super().__init__(
            settings, folder, more={"source": postgres, "target": postgres, "kafka": broker, "connect": connect}
        )

    def begin(self, progress: Progress) -> None:
        """Fetch and start everything."""
        self.fetch(progress)
        self.start(progress.say)
        self.make_reader()

    def make_reader(self) -> None:
        """Tell Kafka the name and password that `environment` holds."""
        scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        self._alter(UserScramCredentialUpsertion(READER, scram, READER_PASSWORD.encode()))

    def forget_reader(self) -> None:
        """Have Kafka forget them; who is connected stays so."""
        self._alter(UserScramCredentialDeletion(READER, ScramMechanism.SCRAM_SHA_512))

    def _alter(self, alteration: UserScramCredentialAlteration) -> None:
        admin = AdminClient({"bootstrap.servers": self.settings.kafka_bootstrap_servers})
        admin.alter_user_scram_credentials([alteration])[READER].result(30)

    def environment(self) -> dict[str, str]:
        authority = str(self.certificates.authority)
        return self.settings.environment() | {
            "SOURCE_SSLMODE": "verify-full",
            "SOURCE_SSLROOTCERT": authority,
            "TARGET_SSLMODE": "verify-full",
            "TARGET_SSLROOTCERT": authority,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_USERNAME": READER,
            "KAFKA_PASSWORD": READER_PASSWORD,
            "KAFKA_SSL_CA_LOCATION": authority,
        }


def free_settings() -> Settings:
    """Settings on ports that nobody uses, one more than usual of Kafka's."""
    offset = claimed(OFFSETS, lambda settings: [*ports(settings).values(), settings.kafka_port + 2])
    return Settings().moved(offset).model_copy(update={"source_host": HOST, "target_host": HOST})


def broker_properties(port: int, secured: str, certificates: Certificates) -> dict[str, str]:
    """A listener at `secured` beside the plain ones: over TLS, with passwords in SCRAM or plain."""
    plain = f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{port + 1}"
    listener = "listener.name.sasl_ssl"
    return {
        "listeners": f"{plain},SASL_SSL://{secured}",
        "advertised.listeners": f"{plain},SASL_SSL://{secured}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL",
        f"{listener}.ssl.keystore.type": "PEM",
        f"{listener}.ssl.keystore.location": str(certificates.key_and_certificate),
        f"{listener}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        f"{listener}.scram-sha-512.sasl.jaas.config": f"{LOGIN}.scram.ScramLoginModule required;",
        f"{listener}.plain.sasl.jaas.config": (
            f'{LOGIN}.plain.PlainLoginModule required user_{CONNECT}="{CONNECT_PASSWORD}";'
        ),
    }


def connect_properties(secured: str, certificates: Certificates) -> dict[str, str]:
    """What docs/security.md tells to give a worker: the same for itself and for the clients that inherit nothing."""
    secrets = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.jaas.config": (
            f'{LOGIN}.plain.PlainLoginModule required username="{CONNECT}" password="{CONNECT_PASSWORD}";'
        ),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificates.authority),
    }
    prefixes = ("", "producer.", "consumer.")
    return {"bootstrap.servers": secured} | {f"{p}{key}": value for p in prefixes for key, value in secrets.items()}
