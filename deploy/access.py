"""Who may be let in without a key: nobody from outside of this machine."""

from __future__ import annotations

from deploy.overrides import SettingsError
from deploy.settings import Settings


def refuse_open_api(settings: Settings) -> None:
    """SettingsError where anybody could read everything from outside of this machine."""
    if settings.internal_api_key is None and not settings.on_loopback:
        raise SettingsError(
            f"HASHGAUGE_HOST={settings.host} is reachable from outside: "
            "set HASHGAUGE_INTERNAL_API_KEY, or stay on 127.0.0.1"
        )
