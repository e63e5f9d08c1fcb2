"""The one TLS context of a run. Knows certificates' files; knows nothing of hosts or requests."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from xray_ci.errors import ConfigurationError

if TYPE_CHECKING:
    from xray_ci.services.options import Options


def context(options: Options) -> ssl.SSLContext:
    """Return a context that trusts the system's authorities and those of `ca-bundle`, and shows our certificate if asked.

    Costs 20 to 30 ms, so it is made once and only for https. Raises ConfigurationError for a file that cannot be used.
    """
    made = ssl.create_default_context()
    if not _system_has_authorities():
        import certifi  # noqa: PLC0415  # comes with requests; only where the system brings no authorities of its own

        made.load_verify_locations(cafile=certifi.where())
    if options.ca_bundle is not None:
        _load(made, options.ca_bundle, "ca-bundle")
    if options.client_certificate is not None:
        try:
            made.load_cert_chain(options.client_certificate, options.client_key, password=_no_password)
        except (OSError, ValueError) as fault:
            raise ConfigurationError(f"the client certificate or its key cannot be used: {_plain(fault)}",
                                     where="client-certificate, client-key",
                                     advice="Give unencrypted PEM files that belong together.") from fault
    return made


def _load(made: ssl.SSLContext, bundle: Path, setting: str) -> None:
    try:
        if bundle.is_dir():
            made.load_verify_locations(capath=bundle)
        else:
            made.load_verify_locations(cafile=bundle)
    except (OSError, ValueError) as fault:
        raise ConfigurationError(f"the certificates in {bundle.name} cannot be used: {_plain(fault)}", where=setting,
                                 advice="Give a readable PEM file, or a folder made by `openssl rehash`.") from fault


def _system_has_authorities() -> bool:
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return True
    return bool(paths.capath) and any(Path(str(paths.capath)).iterdir())


def _no_password() -> NoReturn:
    # Without this OpenSSL asks on the terminal, and a job waits for ever.
    raise ValueError("the key is encrypted")


def _plain(fault: Exception) -> str:
    return getattr(fault, "strerror", None) or getattr(fault, "reason", None) or str(fault)
