"""Addresses: https, no credentials inside, loopback or not. Never shows an address in an error, it may hold a secret."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from xray_ci.settings.problems import WrongValueError, nearest, shown

PAGE: Final = "{page-id}"
_HOST: Final = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_FORBIDDEN: Final = re.compile(r"[^\x21-\x7e]|[\\<>\"^`|]")
_VENDOR_HOSTS: Final = ("atlassian.net", "jira.com", "getxray.app", "radbeeapps.com")


def base(text: str) -> str:
    """Return a base URL without trailing slash, its context path kept; raises WrongValueError."""
    parts = _split(text)
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise WrongValueError("The URL has a query or a fragment", "Give the base URL alone: https://jira.example.org/jira")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port is None else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def opaque(text: str) -> str:
    """Return a URL to be used exactly as it is, such as the web request URL of a macro; raises WrongValueError."""
    if _split(text).fragment:
        raise WrongValueError("The URL has a fragment (`#…`)")
    return text


def template(text: str) -> str:
    """Return a URL template with `{page-id}` in its path, once; raises WrongValueError."""
    for name in re.findall(r"\{([^{}]*)\}", text):
        if name != "page-id":
            near = nearest(name, ["page-id"])
            raise WrongValueError(f"There is no placeholder {shown('{' + name + '}')}",
                             f"{'Did you mean' if near else 'There is only'} `{PAGE}`.")
    if text.count(PAGE) != 1 or PAGE not in _split(text.replace(PAGE, "page-id")).path.replace("page-id", PAGE):
        raise WrongValueError(f"The URL must have `{PAGE}` once, in its path")
    return text


def _split(text: str) -> SplitResult:
    if _FORBIDDEN.search(text):
        raise WrongValueError("The URL has a blank or a character that no URL has")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise WrongValueError("It is not a URL", "It looks like https://jira.example.org/jira") from None
    if parts.scheme not in ("https", "http"):
        raise WrongValueError("The URL does not begin with https://", "It looks like https://jira.example.org/jira")
    if "@" in parts.netloc:
        raise WrongValueError("The URL holds credentials", "Take them out of it, and set them by their own settings.")
    if port == 0 or not _HOST.fullmatch(parts.hostname or ""):
        raise WrongValueError("The URL has no valid host", "It looks like https://jira.example.org/jira")
    return parts


def plain_abroad(url: str) -> bool:
    """Say whether a URL is plain http to another host than loopback."""
    return urlsplit(url).scheme == "http" and not _loopback(urlsplit(url).hostname or "")


def of_cloud(url: str) -> bool:
    """Say whether the host belongs to a vendor's cloud, where plain http is never right."""
    host = urlsplit(url).hostname or ""
    return any(host == known or host.endswith(f".{known}") for known in _VENDOR_HOSTS)


def _loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
