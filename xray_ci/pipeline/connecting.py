"""Which Xray, at which address, signed by whom: from settings to services. Connects when the first call is made.

Knows settings and services; decides nothing about what is sent.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct, field

from xray_ci.deployments import API_TOKEN, DEPLOYMENTS, OAUTH2, SCOPED_TOKEN, Deployment, is_gateway
from xray_ci.errors import ConfigurationError, Failure, Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from xray_ci.delivery.retry import Persistent
    from xray_ci.deployments import Rate
    from xray_ci.errors import WrongRegion
    from xray_ci.pipeline.job import Job
    from xray_ci.services.jira import Jira, XrayFields
    from xray_ci.services.repository import Repository
    from xray_ci.services.store import Store
    from xray_ci.services.wire import Authorization, Caller
    from xray_ci.services.xray import Xray


class Site(Struct, kw_only=True, dict=True):
    """The services of a run, each made when it is first used."""

    job: Job
    deployment: Deployment
    watched: Callable[[Caller], Caller] | None = None
    """What puts somebody who looks at every answer around the transport; None for nobody."""
    overheard: Callable[[Caller], Caller] | None = None
    """The same for every single try, so below the policy of repeats; None for nobody."""
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
    def caller(self) -> Caller:
        """The transport with the policy of repeats around it."""
        from xray_ci.services.verdict import origin  # noqa: PLC0415

        rate = self.deployment.rate
        rates = {origin(self.base_url): rate} if rate else {}
        self._open = caller_of(self.job, self._observed, rates=rates, around=self.overheard)
        caller = self._open.__enter__()
        return caller if self.watched is None else self.watched(caller)

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
        if self.deployment.key == "cloud":
            from xray_ci.services.cloud import CloudStore  # noqa: PLC0415
            from xray_ci.services.graphql import GraphQL  # noqa: PLC0415

            return CloudStore(GraphQL(caller=self.caller, base_url=self.base_url, auth=self._authorization))
        from xray_ci.services.server import ServerStore  # noqa: PLC0415

        assert self.jira is not None  # noqa: S101  # the settings want `jira-url` for Server/DC
        return ServerStore(self.jira, version=self.version)

    @cached_property
    def repository(self) -> Repository:
        """Where Tests lie."""
        from xray_ci.services.repository import CloudRepository, ServerRepository  # noqa: PLC0415

        if self.deployment.key == "cloud":
            from xray_ci.services.graphql import GraphQL  # noqa: PLC0415

            return CloudRepository(GraphQL(caller=self.caller, base_url=self.base_url, auth=self._authorization))
        assert self.jira is not None  # noqa: S101  # the settings want `jira-url` for Server/DC
        return ServerRepository(self.jira, version=self.version)

    @property
    def version(self) -> str:
        """The API version: as set, else the deployment's newest."""
        return self.job.settings.api_version or self.deployment.api_versions[0]

    @cached_property
    def jira(self) -> Jira | None:
        """Jira's REST API; None on Cloud without address or credentials of Jira."""
        settings = self.job.settings
        if settings.jira_url is None or self.job.offline:
            return None
        from xray_ci.services.jira import Jira  # noqa: PLC0415

        return Jira(
            caller=self.caller,
            base_url=settings.jira_url,
            auth=self._jira_authorization,
            root=self.deployment.jira_root,
        )

    @property
    def signs_jira(self) -> bool:
        """Whether Jira is asked as somebody, not anonymously."""
        return self.jira is not None and self._jira_authorization is not None

    def key_of_issue(self, issue_id: str) -> str | None:
        """Return the key of an issue id, asked once each; None where no API can be read or there is no such issue."""
        if self.jira is None or not self.signs_jira:
            return None
        if issue_id not in self._keys:
            self._keys[issue_id] = self.jira.key_of_issue(issue_id)
        return self._keys[issue_id]

    @property
    def covers(self) -> bool:
        """Whether Jira can be asked to link Tests to what they cover."""
        return self.jira is not None and self._jira_authorization is not None

    def run_field(self, name: str) -> str | None:
        """Return the id of a custom field of Test Runs in `project` by its name, asked once; None where nobody says it.

        Cloud takes names.
        """
        return self._run_fields.get(name)

    @cached_property
    def _run_fields(self) -> Mapping[str, str]:
        project = self.job.settings.project
        if self.deployment.key == "cloud" or self.jira is None or project is None:
            return {}
        from xray_ci.services.server import run_fields  # noqa: PLC0415

        try:
            return run_fields(self.jira, project, version=self.version)
        except Interrupted:
            raise
        except Failure as failure:  # the field is left out with a notice
            self.job.console.debug(f"custom fields of Test Runs cannot be asked: {failure.what}")
            return {}

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
        from xray_ci.services import graphql  # noqa: PLC0415

        graphql.locate(
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

    @property
    def authorizations(self) -> tuple[Authorization, Authorization | None]:
        """Who signs calls of Xray, and of Jira (None: it is asked as nobody). Raises ConfigurationError."""
        return self._authorization, self._jira_authorization

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
        if self._jira_authorization is None:
            raise _without_credentials("jira-token, or jira-username and jira-password, or the three of oauth-…")
        return self._jira_authorization

    @cached_property
    def _jira_authorization(self) -> Authorization | None:
        from xray_ci.services.auth import Basic, Bearer, OAuth1  # noqa: PLC0415

        settings, cloud = self.job.settings, self.deployment.key == "cloud"
        token, user, password = settings.jira_token, settings.jira_username, settings.jira_password
        if token is not None:
            if not cloud:
                return Bearer(token=token)
            if not user:
                return Bearer(token=token, login=OAUTH2)
            login = SCOPED_TOKEN if is_gateway(settings.jira_url or "") else API_TOKEN
            return Basic(user=user, password=token, login=login)
        if user and password is not None:
            return Basic(user=user, password=password)
        consumer, access, key = settings.oauth_consumer_key, settings.oauth_token, settings.oauth_private_key
        if cloud or consumer is None or access is None or key is None:
            return None
        return OAuth1(consumer_key=consumer, token=access, private_key=key)


@contextmanager
def caller_of(
    job: Job,
    observe: Callable[[str], None],
    *,
    rates: Mapping[str, Rate] = MappingProxyType({}),
    around: Callable[[Caller], Caller] | None = None,
) -> Iterator[Persistent]:
    """Give a transport with the policy of repeats around it, as the settings have it; `observe` hears of each request.

    `rates` are the documented plans of hosts by their origin; other hosts' are learned from their answers. `around`
    puts somebody who looks at every try around the transport.
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
            transport if around is None else around(transport),
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
    if key is None and job.planning:
        key = "server" if job.settings.jira_url is not None else "cloud"
        job.console.notice(f"neither `deployment` nor credentials say which Xray: this is for {DEPLOYMENTS[key].title}")
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
