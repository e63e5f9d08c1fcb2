"""Which Xray, at which address, signed by whom: from settings to services. Connects when the first call is made.

Knows settings and services; decides nothing about what is sent.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from xray_ci.deployments import DEPLOYMENTS, Deployment
from xray_ci.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from xray_ci.delivery.retry import Persistent
    from xray_ci.deployments import Rate
    from xray_ci.errors import WrongRegion
    from xray_ci.pipeline.job import Job
    from xray_ci.services.jira import Jira, XrayFields
    from xray_ci.services.stored import Store
    from xray_ci.services.wire import Authorization
    from xray_ci.services.xray import Xray


@dataclass(kw_only=True)
class Site:
    """The services of a run, each made when it is first used."""

    job: Job
    deployment: Deployment
    requests: int = 0
    _keys: dict[str, str | None] = field(default_factory=dict)
    _open: AbstractContextManager[Persistent] | None = None

    @property
    def base_url(self) -> str:
        """Where Xray is: the Jira on Server/DC, the region's host or `xray-url` on Cloud."""
        settings = self.job.settings
        if self.deployment.key == "server":
            return settings.jira_url or ""
        return settings.xray_url or self.deployment.regions[settings.region]

    @cached_property
    def caller(self) -> Persistent:
        """The transport with the policy of repeats around it."""
        from xray_ci.services.verdict import origin  # noqa: PLC0415

        rate = self.deployment.rate
        self._open = caller_of(self.job, self._observed, rates={origin(self.base_url): rate} if rate else {})
        return self._open.__enter__()

    @cached_property
    def xray(self) -> Xray:
        """Xray's import API."""
        from xray_ci.services.xray import Xray  # noqa: PLC0415

        return Xray(
            caller=self.caller,
            deployment=self.deployment,
            base_url=self.base_url,
            version=self.version,
            auth=self._authorization,
        )

    @cached_property
    def store(self) -> Store:
        """What Xray holds, for reading back and for what no import does."""
        from xray_ci.services.cloud import CloudStore, GraphQL  # noqa: PLC0415
        from xray_ci.services.server import ServerStore  # noqa: PLC0415

        if self.deployment.key == "cloud":
            return CloudStore(GraphQL(caller=self.caller, base_url=self.base_url, auth=self._authorization))
        assert self.jira is not None  # noqa: S101  # the settings want `jira-url` for Server/DC
        return ServerStore(self.jira, version=self.version)

    @property
    def version(self) -> str:
        """The API version: as set, else the deployment's newest."""
        return self.job.settings.api_version or self.deployment.api_versions[0]

    @cached_property
    def jira(self) -> Jira | None:
        """Jira's REST API; None on Cloud without address or credentials of Jira."""
        settings = self.job.settings
        if settings.jira_url is None:
            return None
        from xray_ci.services.jira import Jira  # noqa: PLC0415

        return Jira(caller=self.caller, base_url=settings.jira_url, auth=self._jira_authorization())

    def key_of_issue(self, issue_id: str) -> str | None:
        """Return the key of an issue id, asked once each; None where no API can be read or there is no such issue."""
        if self.jira is None or self._jira_authorization() is None:
            return None
        if issue_id not in self._keys:
            self._keys[issue_id] = self.jira.key_of_issue(issue_id)
        return self._keys[issue_id]

    def custom_fields(self) -> XrayFields:
        """Return the ids of Xray's custom fields on Server/DC."""
        from xray_ci.services.jira import XrayFields, xray_fields  # noqa: PLC0415

        return XrayFields() if self.jira is None else xray_fields(self.jira.fields())

    def confirm(self) -> None:
        """Under `deployment: auto`, ask the Jira which product it is.

        Raises ConfigurationError when the credentials disagree.

        A Jira that does not say so (serverInfo blocked) is taken as the credentials have it.
        """
        settings = self.job.settings
        if settings.deployment != "auto" or self.jira is None:
            return
        info = self.jira.server_info()
        if info is not None and info.deployment != self.deployment.key:
            other = DEPLOYMENTS[info.deployment]
            raise ConfigurationError(
                f"the credentials are those of {self.deployment.title}, and the Jira at `jira-url` is one of "
                f"{other.title}",
                where=f"jira-url, from {settings.origin('jira-url')}",
                slug="deployment-conflict",
                advice=f"Give the credentials of {other.title}, correct `jira-url`, or set `deployment`. Nothing was "
                f"sent.",
            )

    def locate_region(self, failure: WrongRegion) -> None:
        """Find out which regional host holds the data, and say so in the failure.

        Only of Xray's own hosts, which are given the credentials.
        """
        settings = self.job.settings
        if (
            self.deployment.key != "cloud"
            or settings.xray_url is not None
            or settings.client_id is None
            or settings.client_secret is None
        ):
            return
        from xray_ci.services import cloud  # noqa: PLC0415

        cloud.locate(
            failure,
            self.deployment.regions,
            asked=self.base_url,
            caller=self.caller,
            version=self.version,
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            redactor=self.job.redactor,
        )

    def close(self) -> None:
        """Close connections, if any were made."""
        if self._open is not None:
            self._open.__exit__(None, None, None)

    def _observed(self, text: str) -> None:
        self.requests += 1
        self.job.console.debug(text)

    @cached_property
    def _authorization(self) -> Authorization:
        from xray_ci.services.auth import ApiKeyLogin  # noqa: PLC0415

        settings = self.job.settings
        if self.deployment.key == "cloud":
            if settings.client_id is None or settings.client_secret is None:
                raise _without_credentials("client-id and client-secret")
            return ApiKeyLogin(
                caller=self.caller,
                base_url=self.base_url,
                version=self.version,
                client_id=settings.client_id,
                client_secret=settings.client_secret,
                redactor=self.job.redactor,
            )
        found = self._jira_authorization()
        if found is None:
            raise _without_credentials("jira-token, or jira-username and jira-password")
        return found

    def _jira_authorization(self) -> Authorization | None:
        from xray_ci.services.auth import Basic, Bearer  # noqa: PLC0415

        settings = self.job.settings
        token, user, password = settings.jira_token, settings.jira_username, settings.jira_password
        if token is not None:
            if self.deployment.key == "cloud" and user:
                return Basic(user=user, password=token)
            return Bearer(token=token)
        return Basic(user=user, password=password) if user and password is not None else None


@contextmanager
def caller_of(
    job: Job, observe: Callable[[str], None], *, rates: Mapping[str, Rate] = MappingProxyType({})
) -> Iterator[Persistent]:
    """Give a transport with the policy of repeats around it, as the settings have it; `observe` hears of each request.

    `rates` are the documented plans of hosts by their origin; other hosts' are learned from their answers.
    """
    from xray_ci.delivery.retry import Persistent  # noqa: PLC0415  # with requests: only runs that send pay for it
    from xray_ci.services.transport import Transport  # noqa: PLC0415
    from xray_ci.services.wire import ConnectionOptions  # noqa: PLC0415

    settings = job.settings
    options = ConnectionOptions(
        connect_timeout=settings.connect_timeout,
        timeout=settings.timeout,
        ca_bundle=settings.ca_bundle,
        client_certificate=settings.client_certificate,
        client_key=settings.client_key,
        headers=settings.http_headers,
    )
    with Transport(options, job.redactor, observe=observe) as transport:
        yield Persistent(
            transport,
            sleep=job.sleep,
            clock=job.clock,
            random=job.random,
            time_budget=settings.time_budget,
            tell=job.console.info,
            rates=rates,
        )


def site_of(job: Job) -> Site:
    """Return the site that the settings mean; raises ConfigurationError when they do not say which product it is."""
    key = job.settings.resolved_deployment()
    if key is None:
        raise ConfigurationError(
            "neither credentials nor `deployment` say which Xray is meant",
            where="deployment",
            slug="missing-setting",
            advice="Set client-id and client-secret (Xray Cloud), or jira-url and jira-token (Server/DC).",
        )
    return Site(job=job, deployment=DEPLOYMENTS[key])


def _without_credentials(names: str) -> ConfigurationError:
    return ConfigurationError(
        f"there are no credentials: {names}",
        where="environment",
        slug="missing-setting",
        advice="Set them as XRAY_CI_… variables or inputs.",
    )
