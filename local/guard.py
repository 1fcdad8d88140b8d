"""Who may talk to the local system: this machine's own pages and programs, and Twilio through a tunnel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_FORWARDED: Final = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "cf-connecting-ip"})


@dataclass(frozen=True)
class Guard:
    """Checks Host and Origin, against DNS rebinding and against foreign pages.

    Attributes:
        public_host: A tunnel's host name, or None. What comes through it reaches the public paths only.
        public_paths: Prefixes of paths that Twilio uses.
        private_path: Prefix of what lies below one of them and is not for the world.
    """

    public_host: str | None
    public_paths: tuple[str, ...]
    private_path: str

    def refusal(self, path: str, headers: Mapping[str, str]) -> str | None:
        """Why a request is refused, or None.

        Args:
            path: The request's path.
            headers: With names in lower case.
        """
        host = _hostname(headers.get("host", ""))
        if host not in LOOPBACK_NAMES and host != self.public_host:
            return f"Host {host or '(none)'} is not this machine; for a tunnel set PUBLIC_BASE_URL"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
            return f"pages of {origin} may not use the local system"
        remote = host not in LOOPBACK_NAMES or not _FORWARDED.isdisjoint(headers)
        public = path.startswith(self.public_paths) and not path.startswith(self.private_path)
        if remote and not public:
            return "only Twilio's paths are served through a tunnel"
        return None


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
