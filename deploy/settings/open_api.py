"""Who may be let in without a key: nobody, unless a person said so, and then this machine alone."""

from __future__ import annotations

from typing import Final

from deploy.settings.overrides import SettingsError
from deploy.settings.settings import Settings

KEY_MIN_CHARS: Final = 32
"""32 hexadecimal digits are 128 bits: nobody guesses them. `openssl rand -hex 32` makes 64."""

_HOW: Final = (
    "set HASHGAUGE_INTERNAL_API_KEY (`openssl rand -hex 32` makes one); on a machine that nobody "
    "else uses, HASHGAUGE_OPEN_ACCESS=true lets everybody on it in without a key"
)


def refuse_open_api(settings: Settings) -> None:
    """SettingsError if anybody could read everything without a person having said so by name."""
    key = settings.internal_api_key
    if key is not None:
        if len(key.get_secret_value()) < KEY_MIN_CHARS:
            raise SettingsError(
                f"HASHGAUGE_INTERNAL_API_KEY has fewer than {KEY_MIN_CHARS} characters: it opens "
                "everything, and `openssl rand -hex 32` makes one that nobody guesses"
            )
        return
    if not settings.open_access:
        raise SettingsError(f"without an internal API key everybody could do everything: {_HOW}")
    if not settings.on_loopback:
        raise SettingsError(
            f"HASHGAUGE_HOST={settings.host} is reachable from outside, where "
            f"HASHGAUGE_OPEN_ACCESS counts for nothing: {_HOW}"
        )
