"""Settings come from the environment only, are checked when the process starts, and never show a secret."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from turnus_runtime.settings import Settings, SettingsError, env_name, is_loopback, known_names, load, masked_url, shown


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("TURNUS_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installed service with settings of its own, found by its entry point as any other."""
    package = tmp_path / "settings_shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "service.py").write_text("raise ImportError('an extra of this service is not installed')\n")
    (package / "settings.py").write_text(
        "from pydantic import SecretStr\n"
        "from turnus_runtime import settings\n"
        "class Settings(settings.Settings):\n"
        "    shop_secret: SecretStr = SecretStr('')\n"
        "    shop_shelf_metres: int = 3\n"
    )
    info = tmp_path / "settings_shop-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: settings-shop\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[turnus.services]\nshop = settings_shop.service:service\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return "shop"


def test_the_defaults_are_for_one_machine() -> None:
    settings = load(Settings)
    assert is_loopback(settings.public_url)
    assert settings.otlp_endpoint is None
    assert settings.trusted_proxies == ()


def test_the_environment_wins_over_defaults_and_arguments_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNUS_HTTP_PORT", "8123")
    monkeypatch.setenv("TURNUS_ADMIN_PORT", "8124")
    monkeypatch.setenv("TURNUS_TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8")
    settings = load(Settings, admin_port=9)
    assert (settings.http_port, settings.admin_port) == (8123, 9)
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "fd00::/8"]


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNUS_OTLP_ENDPOINT", "")
    assert load(Settings).otlp_endpoint is None


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("TURNUS_HTP_PORT", "TURNUS_HTTP_PORT"),
        ("TURNUS_MONGO_URI", "TURNUS_MONGO_URL"),
        ("TURNUS_KAFKA_URLS", "TURNUS_KAFKA_URL"),
        ("turnus_log_levle", "TURNUS_LOG_LEVEL"),
    ],
)
def test_an_unknown_name_is_an_error_that_suggests_the_closest_right_one(
    wrong: str, right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(wrong, "1")
    with pytest.raises(SettingsError, match=f"^{wrong} is not a setting: did you mean {right}\\?$"):
        load(Settings)


def test_a_name_close_to_nothing_points_to_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNUS_ZZZZZZ", "1")
    with pytest.raises(SettingsError, match="TURNUS_ZZZZZZ is not a setting: `turnus config` lists all settings"):
        load(Settings)


def test_names_for_the_test_suite_and_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNUS_TEST_KAFKA", "apache")
    monkeypatch.setenv("HTTP_PORT", "nonsense")
    assert load(Settings).http_port == Settings().http_port


def test_a_setting_of_any_installed_service_is_known_without_importing_the_service(
    shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURNUS_SHOP_SHELF_METRES", "4")
    load(Settings)
    assert "TURNUS_SHOP_SECRET" in known_names()
    monkeypatch.setenv("TURNUS_SHOP_SHELF_METERS", "4")
    with pytest.raises(SettingsError, match="did you mean TURNUS_SHOP_SHELF_METRES"):
        load(Settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TURNUS_HTTP_PORT", "eighty"),
        ("TURNUS_HTTP_PORT", "65536"),
        ("TURNUS_MONGO_URL", "postgres://u:secretword@h/"),
        ("TURNUS_KAFKA_URL", "kafka://h:1/secretword"),
        ("TURNUS_SMTP_URL", "http://secretword@h"),
        ("TURNUS_PUBLIC_URL", "example.org"),
        ("TURNUS_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TURNUS_CLOCK_START", "2027-01-04T09:00:00"),
        ("TURNUS_LOG_LEVEL", "loud"),
        ("TURNUS_MAIL_FROM", "two words@example.org"),
        ("TURNUS_RATE_LIMITS_STAFF_PER_MINUTE", "0"),
    ],
)
def test_a_value_that_does_not_fit_names_its_variable_and_never_echoes_it(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        load(Settings)
    assert str(raised.value).startswith(f"{name}: ")
    assert "\n" not in str(raised.value)
    assert "secretword" not in str(raised.value)


def test_the_clock_is_moved_on_a_loopback_address_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNUS_CLOCK_START", "2027-01-04T09:00:00.123456+01:00")
    start = load(Settings).clock_start
    assert start is not None
    assert start.isoformat() == "2027-01-04T08:00:00.123000+00:00"
    monkeypatch.setenv("TURNUS_PUBLIC_URL", "https://termine.example.org")
    with pytest.raises(SettingsError, match=r"TURNUS_CLOCK_START moves time .* loopback"):
        load(Settings)


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:80", True),
        ("http://localhost", True),
        ("http://demo.localhost:1", True),
        ("http://localhost.example.org", False),
        ("http://10.0.0.1", False),
        ("http://127.0.0.1.nip.io", False),
        ("http://127.0.0.1@example.org", False),
    ],
)
def test_loopback_is_told_from_what_only_looks_like_it(url: str, here: bool) -> None:
    assert is_loopback(url) is here


def test_settings_are_frozen_and_refuse_unknown_arguments() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.http_port = 1  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ValidationError):
        Settings(htp_port=1)  # pyright: ignore[reportCallIssue]


def test_passwords_show_in_no_representation() -> None:
    settings = Settings(mongo_url="mongodb://app:hunter2@db:27017/", smtp_url="smtp://app:hunter2@mail:25")
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings)
    assert masked_url("a://u:hunter2@hunter2@h/x@y") == "a://u:***@h/x@y"
    assert masked_url("amqp://:hunter2@h a://u:hunter2@h") == "amqp://:***@h a://u:***@h"


def test_the_list_shows_every_setting_masked_with_its_source(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNUS_MONGO_URL", "mongodb://app:hunter2@db:27017/")
    monkeypatch.setenv("TURNUS_SHOP_SECRET", "hunter2")
    rows = {row.name: row for row in shown()}
    assert set(rows) == known_names()
    assert rows["TURNUS_MONGO_URL"].value == "mongodb://app:***@db:27017/"
    assert rows["TURNUS_MONGO_URL"].source == "environment"
    assert (rows["TURNUS_SHOP_SECRET"].value, rows["TURNUS_SHOP_SECRET"].service) == ("***", shop)
    assert rows["TURNUS_SHOP_SHELF_METRES"].source == "default"
    assert all(rows[env_name(name)].description for name in Settings.model_fields)
