"""What common refusals mean. Advice only: no text of a service ever decides whether something succeeded.

Sentences of Xray and Jira as observed (O); on Server/DC they may come in another language, then there is no hint.

From an outcome that is no success to the failure that a user reads: what, where, what was answered, what next.

Decides by status and shape. Texts of services are shown and may add advice; two of them (`another region`, `null for
uri`) pick a more helpful class among those of the same meaning. Knows nothing of repeating.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, assert_never
from urllib.parse import urlsplit

from msgspec import Struct

from xray_ci.errors import (
    Failure,
    LoginPage,
    MayHaveBeenDone,
    NotAuthorised,
    NotTheService,
    Refused,
    TlsFailure,
    TooLarge,
    UnknownDelivery,
    Unreachable,
    WrongCredentials,
    WrongRegion,
)
from xray_ci.patterns import lazy
from xray_ci.services import wire
from xray_ci.services.wire import CallKind

if TYPE_CHECKING:
    from xray_ci.deployments import LoginWay
    from xray_ci.services.wire import Answer, Outcome


_HINTS: Final = tuple(
    (lazy(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        (
            r"Basic Authentication has been disabled",
            (
                "This Jira takes no password: that is so from Jira 11 on, unless an administrator allows it. Set "
                "`jira-token` to a personal access token, and leave `jira-username` and `jira-password` out."
            ),
        ),
        (
            r"oauth_problem\W+(timestamp_refused|nonce_used)",
            "The clock of this machine must be right within five minutes (NTP); each request is signed anew.",
        ),
        (
            r"oauth_problem\W+consumer_key",
            (
                "Set `oauth-consumer-key` to the consumer key of an application link of this Jira, with incoming "
                "authentication."
            ),
        ),
        (
            r"oauth_problem\W+(token_|permission_)",
            (
                "The access token was revoked, ended, or is of another link: go through the approval in the browser "
                "once more, and set `oauth-token` to what comes out."
            ),
        ),
        (
            r"oauth_problem\W+signature_method",
            (
                "The application link in Jira takes another signature than RSA-SHA1: give it the public key of "
                "`oauth-private-key`."
            ),
        ),
        (
            r"oauth_problem\W+signature",
            (
                "The application link in Jira must hold the public key of `oauth-private-key`; a proxy that changes "
                "the address of a request breaks its signature, too."
            ),
        ),
        (
            r"scope does not match",
            "The token lacks a scope: read:jira-work, write:jira-work and read:jira-user are needed.",
        ),
        (
            r"testInfo.{0,20}is required to create a new Test version",
            (
                "A result has steps, and its Test in Xray is not step based: change the Test to a Manual one, or leave "
                "the steps out of the report."
            ),
        ),
        (
            r"No execution results were provided",
            "No result was in what arrived: look with `xray-ci inspect` at the reports, and at what stands in between.",
        ),
        (
            r"could not be satisfied",
            (
                "Xray's network in front refused the request, not Xray: it was malformed on its way, or is larger than "
                "it takes. Look at the proxy, and lower `batch-bytes`."
            ),
        ),
        (
            r"must be less than \d+ characters",
            "A text is longer than Jira's field takes: shorten it where it is set (`summary`, `fields`).",
        ),
        (
            r"Maximum results per request exceeded",
            "Xray's settings on this site have a smaller page than was asked for; `reconcile: false` reads none.",
        ),
        (
            r"parameters?\b.{0,40}(exceed|maximum|more than|limit)|(exceed|more than|number of).{0,40}\bparameters",
            "Xray Server/Data Center takes 20 parameters of a Test: leave some out of the report.",
        ),
        (
            r"The value '.{1,100}' does not exist for the field '?project",
            "Set `project` to a project key that this user can see.",
        ),
        (
            r"Issue Does Not Exist|Issue does not exist or you do not have permission",
            "The key is wrong, or this user does not see the issue: look at the keys in settings and reports.",
        ),
        (
            r"not a valid status|status.{0,40}(does not exist|is not valid|not found|unknown)",
            "Correct the word in `statuses`, or create it in Xray's settings; `xray-ci check` lists those there are.",
        ),
        (
            r"not of issue type Test Plan|Test Plan.{0,40}does not exist",
            "Set `test-plan` to the key of a Test Plan, or leave it out.",
        ),
        (
            r"not of issue type Test Execution",
            "Set `test-execution` to the key of a Test Execution, or leave it out to create one.",
        ),
        (
            r"not of (issue )?type Test\b|Test issue with key \S{1,60} not found",
            (
                "A report names a Test key that is no Test, or that this user cannot see. Correct the key in the "
                "report's "
                "source."
            ),
        ),
        (
            r"environments? (don't|do not|doesn't|does not) exist|not in the context of test execution project",
            "Create the Test Environments in the project first, or correct `test-environments`.",
        ),
        (
            r"No project could be found|Error retrieving Project",
            "Set `project` to a project key that this user can see.",
        ),
        (r"project is required", "Set `project`, and check that this user may see the Tests that the report names."),
        (r"xrayFields.{0,80}invalid fields", "Leave these names out of `fields`; they have settings of their own."),
        (r"xrayFields.{0,20}cannot be set", "This is Xray Server/DC: set `deployment: server`."),
        (r"testPlanKey.{0,20}cannot be set", "Use the setting `test-plan` and leave the name out of `fields`."),
        (
            r"cannot be set\. It is not on the appropriate screen",
            "Put the field on the create screen of the Test Execution in Jira, or leave it out of `fields`.",
        ),
        (
            r"(begin|end|start|finish)\w{0,10}.{0,40}(date|format)|invalid date|valid (date|ISO)|date-?time",
            "A time is not as Xray reads it. Times of results are written as ISO 8601: look at those in `fields`.",
        ),
        (r"issuetype", "The project has no issue type `Test Execution` of this name; give `issuetype` in `fields`."),
        (r"is required|must specify", "Give the mandatory field in `fields`."),
        (
            r"version.{0,40}(not valid|does ?n.t exist|not exist)|fixVersions?",
            "Create the version in the project first, or correct `fix-version`.",
        ),
        (
            r"is not a requirement issue",
            (
                "The report links a requirement whose issue type Xray does not cover; correct the requirement or "
                "Xray's "
                "settings."
            ),
        ),
        (
            r"not valid Xray Format|invalid (json|xml)|Error parsing|malformed",
            (
                "The document was refused as a whole. Run `xray-ci plan`; if that is clean, report this as a defect "
                "with "
                "the message."
            ),
        ),
        (r"Missing data in the \w+ results", "The report is empty or was not sent as this deployment expects it."),
        (r"\btags?\b", "Scenario tags must be Test keys with the prefix that Xray's Cucumber settings name."),
        (r"licen[cs]e", "The licence of Xray on this site is not valid: ask a Jira administrator."),
        (r"XSRF", "A gateway or Jira's XSRF check refused the upload: ask a Jira administrator."),
    )
)


def advice(text: str) -> str | None:
    """Return what to do about a refusal, or None where the sentence is not known."""
    cut = text[:4000]
    return next((hint for pattern, hint in _HINTS if pattern.search(cut)), None)


_LOGIN_PLACE: Final = lazy(r"login|signin|sign-in|/sso|saml|oauth2?/|/auth|adfs|os_destination", re.IGNORECASE)
_LOGIN_PAGE: Final = lazy(
    r"""type=["']?password|os_username|login\.jsp|SAMLRequest|<title>[^<]*(log.?in|sign.?in)""", re.IGNORECASE
)
_TITLE: Final = lazy(r"<title[^>]*>([^<]{1,2000})", re.IGNORECASE)
_OAUTH_PROBLEM: Final = lazy(r"""oauth_problem=["']?([a-z_]{1,60})""")
_TOLD: Final = lazy(r"licen|oauth_problem|scope does not match", re.IGNORECASE)
"""Sentences of a 401 that say more than that the credentials are wrong."""
_CAPTCHA: Final = "x-authentication-denied-reason"
_GATEWAY_TIMEOUTS: Final = frozenset({408, 504, 524})
_SHOWN: Final = 20_000
"""Characters kept of an answer: more than any sink shows, because a cut before the redaction leaves half a secret."""


class Asked(Struct, frozen=True, kw_only=True):
    """What was asked for, in the words of the settings."""

    kind: CallKind
    service: str
    """As people call it, for example `Xray Cloud`."""
    setting: str
    """The setting that holds the address."""
    url: str
    login: LoginWay | None = None
    """Who signed it; None for nobody."""
    size: int = 0
    """Bytes of the body."""
    doubt: str = ""
    """What may have been done when the answer is lost, for a change that is no import of results."""

    @property
    def credentials(self) -> str:
        """The settings that hold them."""
        return ", ".join(self.login.settings) if self.login is not None else "the credentials"

    @property
    def where(self) -> str:
        """The setting and the address, without path and query of an import."""
        return f"{self.setting} {origin(self.url)}"


def origin(url: str) -> str:
    """Return scheme, host and port of a URL, never its user part."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(no address)"
    return f"{parts.scheme}://{parts.hostname or ''}{port}"


def failure(outcome: Outcome, asked: Asked) -> Failure:
    """Return the failure that an outcome is. An Answered one is here because it lacks what makes it a success."""
    found = _failure(outcome, asked)
    if isinstance(outcome, wire.Answer) and not (
        asked.kind is CallKind.AUTHENTICATE and isinstance(outcome, wire.Answered)
    ):
        found.raw = outcome.text[:_SHOWN] or None  # of a login that succeeded it may hold a token of unknown shape
    if found.answer and not isinstance(found, (NotTheService, LoginPage)):
        found.service = found.service or asked.service.split()[0]
    return found


def _failure(outcome: Outcome, asked: Asked) -> Failure:  # noqa: PLR0911  # one return for each member of a closed union
    match outcome:
        case wire.Answered():
            return _not_an_answer(outcome, asked)
        case wire.RefusedAnswer():
            return _refused(outcome, asked)
        case wire.Failed():
            what = f"{asked.service} failed with status {outcome.status}"
            slow, busy = outcome.status in _GATEWAY_TIMEOUTS, outcome.after is not None
            return _unknown(what, asked, said(outcome), slow=slow, busy=busy)
        case wire.Throttled():
            return Unreachable(
                f"{asked.service} takes no more requests for now",
                where=asked.where,
                answer=said(outcome),
                advice="Wait some minutes and run again, or raise `time-budget`."
                + (" Nothing of it was imported." if asked.kind is CallKind.IMPORT else ""),
            )
        case wire.Redirected():
            return _redirected(outcome, asked)
        case wire.NotSent():
            return _not_sent(outcome, asked)
        case wire.Lost():
            return _unknown(f"the answer of {asked.service} was lost: {outcome.cause}", asked, None, slow=outcome.slow)
    assert_never(outcome)


def said(answer: Answer) -> str:
    """Return the status and the sentence of an answer, from whichever shape it has; a web page by its title."""
    if answer.is_page:
        title = _TITLE.search(answer.text[:20_000])
        words = f"a web page: {title.group(1).strip()}" if title else "a web page"
    else:
        words = "; ".join(_sentences(answer.json)) or answer.text.strip()
    return f"{answer.status}: {words[:_SHOWN]}" if words else f"{answer.status}, nothing more"


def names_other_region(answer: Answer) -> bool:
    """Return whether a 401 says that the data lies in another region: then a fresh token changes nothing (O)."""
    return "another region" in answer.text


def _sentences(document: object) -> list[str]:
    """Return what a JSON error says, in the shapes of Xray and Jira (RELATED-APIS C.7)."""
    if isinstance(document, str):
        return [document]
    if not isinstance(document, dict):
        return []
    found: list[str] = []
    for name in ("error", "message", "errorMessage", "errorMessages", "errors", "text", "nextValidRequestDate"):
        match document.get(name):
            case str(text) if text:
                found.append(text)
            case list(texts):
                found += [str(text) for text in texts]
            case dict(inner) if name == "errors":
                found += [f"{field}: {text}" for field, text in inner.items()]
            case dict(inner):
                found += _sentences(inner)
            case _:
                pass
    return found


def _unknown(what: str, asked: Asked, answer: str | None, *, slow: bool, busy: bool = False) -> Failure:
    if asked.doubt:
        return MayHaveBeenDone(f"{what}; {asked.doubt}", where=asked.where, answer=answer)
    if asked.kind is CallKind.IMPORT:
        doubt = UnknownDelivery(f"{what}; the results may have been imported", where=asked.where, answer=answer)
        doubt.slow, doubt.busy = slow, busy
        return doubt
    return Unreachable(what, where=asked.where, answer=answer)


def _not_an_answer(outcome: wire.Answered, asked: Asked) -> Failure:
    answer = said(outcome)
    if outcome.is_page:
        # The API never answers with a page: the request ended at something in front of it, so nothing was imported.
        return _page(outcome, asked)
    if asked.doubt:
        told = f"{asked.service} answered {outcome.status} in a form that is not known; {asked.doubt}"
        return MayHaveBeenDone(told, where=asked.where, answer=answer)
    if asked.kind is CallKind.IMPORT:
        return UnknownDelivery(
            f"{asked.service} answered {outcome.status} without the key of a Test Execution; the results "
            "may have been imported",
            where=asked.where,
            answer=f"{outcome.status}: {outcome.text[:_SHOWN]}",
        )
    # A token may be in there in a shape that is not known: never shown.
    shown = None if asked.kind is CallKind.AUTHENTICATE else answer
    return NotTheService(f"{asked.service} did not answer in its own form", where=asked.where, answer=shown)


def _page(answer: Answer, asked: Asked) -> Failure:
    if _LOGIN_PAGE.search(answer.text[:200_000]):
        return LoginPage(
            f"{asked.service} answered with a login page{_nothing(asked)}", where=asked.where, answer=said(answer)
        )
    return NotTheService(
        f"a web page answered instead of {asked.service}{_nothing(asked)}", where=asked.where, answer=said(answer)
    )


def _refused(outcome: wire.RefusedAnswer, asked: Asked) -> Failure:
    if asked.kind is CallKind.READ and outcome.status in {404, 405} and not outcome.is_page:
        return _said_no(outcome, asked)
    return _BY_STATUS.get(outcome.status, _said_no)(outcome, asked)


def _said_no(outcome: wire.RefusedAnswer, asked: Asked) -> Failure:
    if outcome.is_page:
        return _page(outcome, asked)
    answer = said(outcome)
    if asked.kind is CallKind.AUTHENTICATE:
        return WrongCredentials(f"{asked.service} cannot read {asked.credentials}", where=asked.where, answer=answer)
    return Refused(f"{asked.service} refused the request", where=asked.where, answer=answer, advice=advice(answer))


_NO_TLS: Final = (
    "The other side speaks no TLS at this port: compare it with the address in a browser. Jira Server/Data Center "
    "without TLS is `http://…`, with `allow-http`."
)
_PROXY_LOGIN: Final = (
    "Put user and password into the proxy variable: http://USER:PASSWORD@HOST:PORT. It was asked once."
)


def _proxy_asks(outcome: wire.RefusedAnswer, asked: Asked) -> Failure:
    return Unreachable(
        "the proxy wants to know who asks",
        where=asked.where,
        answer=said(outcome),
        service="proxy",
        advice=_PROXY_LOGIN,
    )


def _too_large(outcome: wire.RefusedAnswer, asked: Asked) -> Failure:
    return TooLarge(
        f"{asked.service}, or a proxy in front of it, takes no request of {asked.size:,} bytes",
        where=asked.where,
        answer=said(outcome),
    )


def _unauthorised(outcome: wire.RefusedAnswer, asked: Asked) -> Failure:
    answer = _with_problem(outcome)
    if names_other_region(outcome):
        return WrongRegion(f"{origin(asked.url)} does not hold the data of this site", where=asked.where, answer=answer)
    if _CAPTCHA in outcome.headers:
        return _captcha(asked, answer)
    return WrongCredentials(
        f"{asked.service} does not accept {asked.credentials}",
        where=asked.where,
        answer=answer,
        advice=(advice(answer) if _TOLD.search(answer) else None) or _of_login(asked),
    )


def _with_problem(outcome: wire.RefusedAnswer) -> str:
    """Return what was said, with what Jira says of OAuth in a header alone (O)."""
    answer, found = said(outcome), _OAUTH_PROBLEM.search(outcome.headers.get("www-authenticate", "")[:4000])
    return answer if found is None or found[1] in answer else f"{answer}; oauth_problem={found[1]}"


def _of_login(asked: Asked) -> str | None:
    """Return what a refusal of this way of logging in most likely asks for."""
    refused = asked.login.refused if asked.login is not None else ""
    return f"{WrongCredentials.advice} {refused}" if refused else None


def _forbidden(outcome: wire.RefusedAnswer, asked: Asked) -> Failure:
    answer = said(outcome)
    if _CAPTCHA in outcome.headers:
        return _captcha(asked, answer)
    if outcome.is_page and (_LOGIN_PAGE.search(outcome.text[:200_000]) or asked.setting == "xray-url"):
        return _page(outcome, asked)  # of the network in front of Xray Cloud, which itself answers in JSON
    return NotAuthorised(
        f"{asked.service} does not allow this",
        where=asked.where,
        answer=answer,
        advice=advice(answer)
        or "Give the user of these credentials the permissions to browse the project, create issues and link issues.",
    )


def _captcha(asked: Asked, answer: str) -> Failure:
    return WrongCredentials(
        f"{asked.service} asks for a CAPTCHA after failed logins",
        where=asked.where,
        answer=answer,
        advice="Log in once in a browser as this user, correct the credentials, then run again.",
    )


def _elsewhere(outcome: wire.RefusedAnswer, asked: Asked) -> Failure:
    answer = said(outcome)
    if "null for uri" in answer:
        return NotTheService(
            "this is a Jira Cloud site, and Xray Server/DC was asked for",
            where=asked.where,
            answer=answer,
            advice="Set `deployment: cloud` with `client-id` and `client-secret`.",
        )
    if isinstance(outcome.json, dict) and isinstance(outcome.json.get("error"), str):
        return _said_no(outcome, asked)
    return NotTheService(
        f"{asked.service} is not at this address",
        where=asked.where,
        answer=answer,
        advice=f"Check `{asked.setting}` (with its context path), `deployment` and `api-version`, and that "
        f"Xray is installed there.{' Nothing was imported.' if asked.kind is CallKind.IMPORT else ''}",
    )


_BY_STATUS: Final = {
    401: _unauthorised,
    403: _forbidden,
    404: _elsewhere,
    405: _elsewhere,
    407: _proxy_asks,
    413: _too_large,
}


def _redirected(outcome: wire.Redirected, asked: Asked) -> Failure:
    target = outcome.location or ""
    # Without its query: that may hold what was asked for.
    shown = f"{outcome.status}: redirected to {_without_query(target) or 'nowhere'}"
    if _LOGIN_PLACE.search(target):
        return LoginPage(
            f"{asked.service} sent the request to a login page{_nothing(asked)}", where=asked.where, answer=shown
        )
    return NotTheService(
        f"{asked.service} is at another address{_nothing(asked)}",
        where=asked.where,
        answer=shown,
        advice=f"Set `{asked.setting}` to the final address: requests with secrets are never redirected.",
    )


def _without_query(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", url).partition("?")[0].partition("#")[0][:200]


def _nothing(asked: Asked) -> str:
    """Return what that means for the results: of a request that reads, nothing."""
    return "; nothing was imported" if asked.kind is CallKind.IMPORT else ""


def _not_sent(outcome: wire.NotSent, asked: Asked) -> Failure:
    what = f"{asked.service} cannot be reached: {outcome.cause}"
    match outcome.reason:
        case wire.Unsent.TLS:
            plain = any(sign in outcome.cause for sign in ("wrong version number", "http request"))
            return TlsFailure(what, where=asked.where, advice=_NO_TLS if plain else None)
        case wire.Unsent.PROXY:
            return Unreachable(
                what, where=asked.where, advice="Check the proxy variables, or name this host in NO_PROXY."
            )
        case wire.Unsent.PROXY_LOGIN:
            return Unreachable(what, where=asked.where, advice=_PROXY_LOGIN)
        case wire.Unsent.NAME | wire.Unsent.ADDRESS:
            return Unreachable(
                what,
                where=asked.where,
                advice=f"Check the spelling of `{asked.setting}`, and the name service of the runner.",
            )
        case wire.Unsent.TIME:
            return Unreachable(
                f"{asked.service} takes no more requests in time: {outcome.cause}",
                where=asked.where,
                advice="Raise `time-budget`, or run again later.",
            )
        case wire.Unsent.CONNECT:
            return Unreachable(what, where=asked.where)
    assert_never(outcome.reason)
