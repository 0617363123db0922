"""The host of an address, as a pool's domain is written."""

from __future__ import annotations

import re
from typing import Final

HOST: Final = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
"""What a browser sends as the host of an address; other scripts in their `xn--` form."""
