"""A mistake in the environment stops the start and names the variable."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from shared.web.settings import DEVELOPMENT_MARK, BadSettings, ServiceSettings


class CustodySettings(ServiceSettings):
    """A service with a field of its own."""

    status_hours: int = 72
    needed: str


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROZALOG_NEEDED", "yes")


def test_fields_come_from_variables_with_the_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROZALOG_STATUS_HOURS", "12")
    monkeypatch.setenv("TROZALOG_CUSTODY_UDS", "/run/custody.sock")
    monkeypatch.setenv("STATUS_HOURS", "99")

    settings = CustodySettings()  # type: ignore[call-arg]

    assert (settings.status_hours, settings.custody_uds) == (12, Path("/run/custody.sock"))


def test_an_unknown_variable_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROZALOG_STATUS_HOUR", "12")

    with pytest.raises(BadSettings, match="TROZALOG_STATUS_HOUR"):
        CustodySettings()  # type: ignore[call-arg]


@pytest.mark.parametrize(("name", "value"), [("STATUS_HOURS", "many"), ("ENV", "staging"), ("PORT", "x")])
def test_a_value_that_does_not_fit_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"TROZALOG_{name}", value)

    with pytest.raises(ValidationError, match=name.lower()):
        CustodySettings()  # type: ignore[call-arg]


def test_a_field_without_default_must_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TROZALOG_NEEDED")

    with pytest.raises(ValidationError, match="needed"):
        CustodySettings()  # type: ignore[call-arg]


def test_a_secret_may_be_a_file_and_is_not_printed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "db").write_text("postgresql://app:s3cret@/custody\n")
    monkeypatch.setenv("TROZALOG_DATABASE_URL_FILE", str(tmp_path / "db"))

    settings = CustodySettings()  # type: ignore[call-arg]

    assert settings.database_url == SecretStr("postgresql://app:s3cret@/custody")
    assert "s3cret" not in repr(settings)


def test_a_secret_file_that_is_missing_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROZALOG_DATABASE_URL_FILE", "/nowhere/db")

    with pytest.raises(OSError, match="/nowhere/db"):
        CustodySettings()  # type: ignore[call-arg]


def test_only_secrets_have_a_file_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROZALOG_ISSUER_FILE", "/etc/issuer")

    with pytest.raises(BadSettings, match="TROZALOG_ISSUER_FILE"):
        CustodySettings()  # type: ignore[call-arg]


def test_settings_do_not_change_after_the_start() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        CustodySettings(needed="x").status_hours = 1


GOOD = {
    "TROZALOG_ENV": "production",
    "TROZALOG_PUBLIC_URL": "https://madera.example.pe",
    "TROZALOG_ISSUER": "https://id.example.pe",
    "TROZALOG_JWKS_URL": "https://id.example.pe/jwks",
    "TROZALOG_DATABASE_URL": "postgresql://app:x@db/custody",
}


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("TROZALOG_PUBLIC_URL", "http://madera.example.pe", "public_url"),
        ("TROZALOG_PUBLIC_URL", "https://127.0.0.1:8080", "public_url"),
        ("TROZALOG_ISSUER", "https://issuer.trozalog.localhost", "issuer"),
        ("TROZALOG_JWKS_URL", "http://issuer:8000/jwks", "jwks_url"),
        ("TROZALOG_DATABASE_URL", "postgresql://app:development@db/custody", "database_url"),
    ],
)
def test_production_refuses_development_values(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, reason: str
) -> None:
    for key, good in (GOOD | {"TROZALOG_KEYS_DIR": str(tmp_path)}).items():
        monkeypatch.setenv(key, good)
    assert CustodySettings().env == "production"  # type: ignore[call-arg]

    monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError, match=f"development values of: {reason}"):
        CustodySettings()  # type: ignore[call-arg]


@pytest.mark.parametrize("given", [{}, {"TOKEN_URL": "http://id.example.pe/tokens"}])
def test_production_sends_the_client_secret_over_https_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: dict[str, str]
) -> None:
    own = {"CLIENT_ID": "permits-service", "CLIENT_SECRET": "s3cret", "KEYS_DIR": str(tmp_path)}
    for key, good in (GOOD | {f"TROZALOG_{name}": value for name, value in (own | given).items()}).items():
        monkeypatch.setenv(key, good)

    with pytest.raises(ValidationError, match="development values of: token_url"):
        CustodySettings()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "given",
    [
        {"CLIENT_ID": "permits-service", "TOKEN_URL": "https://id.example.pe/tokens"},
        {"CLIENT_ID": "permits-service", "JWKS_UDS": "/run/issuer.sock"},
        {},  # a service that calls nobody asks for no token
    ],
)
def test_production_takes_a_token_address_nobody_can_listen_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: dict[str, str]
) -> None:
    own = {f"TROZALOG_{name}": value for name, value in given.items()}
    for key, good in (GOOD | own | {"TROZALOG_KEYS_DIR": str(tmp_path)}).items():
        monkeypatch.setenv(key, good)

    assert CustodySettings().env == "production"  # type: ignore[call-arg]


def test_production_refuses_keys_made_on_a_laptop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / DEVELOPMENT_MARK).touch()
    for key, good in (GOOD | {"TROZALOG_KEYS_DIR": str(tmp_path)}).items():
        monkeypatch.setenv(key, good)

    with pytest.raises(ValidationError, match="keys_dir"):
        CustodySettings()  # type: ignore[call-arg]
