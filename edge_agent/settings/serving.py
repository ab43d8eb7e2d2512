"""How orders come in and verdicts go out: the HTTP API, the folder of orders, MQTT."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from edge_agent.domain.said import say
from edge_agent.formats.yaml_file import FileModel


class TlsSettings(FileModel):
    """The certificate that the API shows, and its key: PEM files; the key is readable by the agent alone."""

    certificate: Path
    key: Path


class ApiSettings(FileModel):
    """Where the HTTP API listens, and who is let in.

    Anything but this machine itself (`host: 127.0.0.1`) needs a token in the file `tokens`, which
    `edge-agent tokens create` writes; without one the agent refuses to listen there.
    """

    host: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.:_%-]+$")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 8080
    tokens: Path = Path("../state/tokens.json")
    tls: TlsSettings | None = None

    def relative_to(self, folder: Path) -> ApiSettings:
        """The same settings with every path resolved against `folder`."""
        tls = self.tls and TlsSettings(certificate=folder / self.tls.certificate, key=folder / self.tls.key)
        return self.model_copy(update={"tokens": folder / self.tokens, "tls": tls})


class OrderFolderSettings(FileModel):
    """A folder that a till drops orders into as files. A file is taken once it has not changed for `settle_s`."""

    path: Path
    settle_s: Annotated[float, Field(ge=0.1, le=60)] = 1.0


EMBEDDED = "embedded"
"""In the place of a broker's address: one that runs inside of the agent (extra `broker`)."""


class MqttSettings(FileModel):
    """The MQTT broker that alerts are published to; QoS 1, as `docs/reference/mqtt.md` says.

    Attributes:
        broker: its host name or address; `embedded` runs one inside of the agent, on this machine alone unless
            it has a password.
        port: 8883 is usual with TLS.
        username: as whom to log in; needs a password.
        password_file: a file with the password and nothing else; beside this file unless its path is absolute.
        password_env: the name of an environment variable that holds it.
        tls: speak TLS; the broker's certificate is verified.
        ca: certificates (PEM) to verify it by; left out: the system's.
        embedded_host: where the embedded broker listens; anything but this machine needs a password.
    """

    broker: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.:_%-]+$")] = EMBEDDED
    port: Annotated[int, Field(ge=1, le=65_535)] = 1883
    username: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    password_file: Path | None = None
    password_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    tls: bool = False
    ca: Path | None = None
    embedded_host: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.:_%-]+$")] = "127.0.0.1"

    @model_validator(mode="after")
    def _fits_together(self) -> MqttSettings:
        secrets = sum(secret is not None for secret in (self.password_file, self.password_env))
        if secrets != (self.username is not None):
            raise ValueError(
                say("mqtt_password_pair", "username and one of password_file and password_env belong together")
            )
        if self.ca is not None and not self.tls:
            raise ValueError(say("mqtt_ca_without_tls", "ca is used with tls: true only"))
        if self.broker == EMBEDDED and self.tls:
            raise ValueError(
                say("mqtt_embedded_tls", "the embedded broker speaks no TLS; use Mosquitto where TLS is wanted")
            )
        return self

    @property
    def is_embedded(self) -> bool:
        return self.broker == EMBEDDED

    def relative_to(self, folder: Path) -> MqttSettings:
        """The same settings with every path resolved against `folder`."""
        names = ("password_file", "ca")
        paths = {name: folder / path for name in names if (path := getattr(self, name)) is not None}
        return self.model_copy(update=paths)
