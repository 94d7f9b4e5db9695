"""Settings of a service, read once from ``TROZALOG_*`` variables; a mistake stops the start with its name.

Secrets may come from files: ``TROZALOG_DATABASE_URL_FILE=/run/secrets/db`` stands for ``TROZALOG_DATABASE_URL``.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import SecretStr, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "TROZALOG_"
# Written by the key generator of a laptop beside the keys it makes; production refuses a folder that holds it.
DEVELOPMENT_MARK = "DEVELOPMENT"


class BadSettings(Exception):  # noqa: N818
    """The environment cannot be used; the text names each variable. Raised before anything starts."""


class Environment(PydanticBaseSettingsSource):
    """``TROZALOG_*`` variables and their ``_FILE`` twins. Unknown names are refused, never ignored."""

    def __init__(self, settings: type[BaseSettings], environ: Mapping[str, str]) -> None:
        super().__init__(settings)
        self.environ = environ

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        value = self.environ.get(PREFIX + field_name.upper())
        if value is None and field.annotation in (SecretStr, SecretStr | None):
            path = self.environ.get(f"{PREFIX}{field_name.upper()}_FILE")
            value = None if path is None else Path(path).read_text().strip()
        return value, field_name, False

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields
        known = {PREFIX + name.upper() for name in fields}
        known |= {
            f"{PREFIX}{n.upper()}_FILE" for n, f in fields.items() if f.annotation in (SecretStr, SecretStr | None)
        }
        unknown = sorted(name for name in self.environ if name.startswith(PREFIX) and name not in known)
        if unknown:
            raise BadSettings(f"unknown variables: {', '.join(unknown)}")
        values = {name: self.get_field_value(field, name)[0] for name, field in fields.items()}
        return {name: value for name, value in values.items() if value is not None}


class ServiceSettings(BaseSettings):
    """What all services share. A service adds fields in a subclass; a field without default must be given."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix=PREFIX)
    environ: ClassVar[Mapping[str, str]] = os.environ

    env: Literal["development", "test", "production"] = "development"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    database_url: SecretStr | None = None
    database_pool: int = 10
    public_url: str = "http://127.0.0.1:8080"
    issuer: str = "https://issuer.trozalog.localhost"
    audience: str = "trozalog"
    jwks_url: str = "http://issuer/.well-known/jwks.json"
    jwks_uds: Path | None = None
    token_url: str = "http://issuer/v1/tokens"  # noqa: S105
    client_id: str | None = None
    client_secret: SecretStr | None = None
    custody_url: str = "http://custody"
    custody_uds: Path | None = None
    permits_url: str = "http://permits"
    permits_uds: Path | None = None
    contracts_url: str = "http://contracts"
    contracts_uds: Path | None = None
    keys_dir: Path = Path(".timber/keys")
    data_dir: Path = Path(".timber")
    uds: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8000

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 ours replaces it
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, Environment(settings_cls, cls.environ)

    @model_validator(mode="after")
    def _production_has_no_development_values(self) -> Self:
        if self.env != "production":
            return self
        wrong = [name for name in ("public_url", "issuer") if not _is_public(getattr(self, name))]
        if self.jwks_uds is None and not self.jwks_url.startswith("https://"):
            wrong.append("jwks_url")
        # The client secret travels there; a service without one asks for no token.
        if self.client_id is not None and self.jwks_uds is None and not self.token_url.startswith("https://"):
            wrong.append("token_url")
        if (self.keys_dir / DEVELOPMENT_MARK).exists():
            wrong.append("keys_dir")
        for name in ("database_url", "client_secret"):
            secret: SecretStr | None = getattr(self, name)
            if secret is not None and "development" in secret.get_secret_value():
                wrong.append(name)
        if wrong:
            raise ValueError(f"ENV=production refuses development values of: {', '.join(wrong)}")
        return self


def _is_public(url: str) -> bool:
    """Whether an address could be a real one: https, and not this machine's."""
    parts = urlsplit(url)
    return parts.scheme == "https" and not (parts.hostname or "localhost").endswith(("localhost", "127.0.0.1"))
