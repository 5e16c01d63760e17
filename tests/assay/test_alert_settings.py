"""What can be set for alerts and mail: documented, and refused where it is unsafe."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from assay.alert_settings import AlertSettings
from assay.notifying import set_up
from assay.opening import CannotStart
from assay.smtp_settings import SmtpSettings, Tls
from classifier.alert_thresholds import AlertThresholds
from classifier.threshold_file import parse

ROOT = Path(__file__).parents[2]


def test_every_setting_has_its_heading() -> None:
    told = (ROOT / "docs" / "settings.md").read_text()
    for settings in (AlertSettings, SmtpSettings):
        prefix = settings.model_config["env_prefix"]
        for field in settings.model_fields:
            assert f"\n## {field}\n" in told, field
            assert f"`{prefix}{field.upper()}`" in told, field


def test_the_thresholds_in_the_documentation_are_the_defaults() -> None:
    page = (ROOT / "docs" / "alerts.md").read_text()
    table = page.split("```toml\n")[1].split("```")[0]
    assert parse(table).alerts == AlertThresholds()
    assert all(name in table for name in AlertThresholds.__slots__)


@pytest.mark.parametrize(
    "told",
    [
        {"slack_url": "http://hooks.slack.example/x"},
        {"teams_url": "ftp://x"},
        {"webhook_url": "https://x.example"},
        {"webhook_url": "https://x.example", "webhook_secret": "short"},
        {"link": "javascript:x"},
    ],
)
def test_settings_that_are_unsafe_are_refused(told: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        AlertSettings(**told)  # type: ignore[arg-type]


def test_mail_without_encryption_only_on_this_machine() -> None:
    with pytest.raises(ValidationError, match="this machine only"):
        SmtpSettings(host="mail.example.com", tls=Tls.NONE)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"ASSAY_ALERT_MAIL_TO": "ada@acme.example"}, "ASSAY_SMTP_HOST"),
        ({"ASSAY_ALERT_SLACK_URL": "http://x.example"}, "ASSAY_ALERT_SLACK_URL: must begin"),
        ({"ASSAY_SMTP_PORT": "none"}, "ASSAY_SMTP_PORT"),
    ],
)
def test_a_server_with_settings_that_are_wrong_does_not_start(
    variables: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CannotStart, match=message):
        set_up()


def test_empty_settings_set_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAIL_TO", "SLACK_URL", "TEAMS_URL", "WEBHOOK_URL", "WEBHOOK_SECRET", "LINK"):
        monkeypatch.setenv(f"ASSAY_ALERT_{name}", "")
    assert set_up() == []
