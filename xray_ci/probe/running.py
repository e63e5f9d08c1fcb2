"""The steps of a probe in their order, and a verdict on every fact. Knows which step shows which facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from xray_ci.probe import around, cloud, importing, reading, server, shapes, table
from xray_ci.probe.asking import Halted, Short, member
from xray_ci.probe.reading import Closed
from xray_ci.probe.report import FactRow, judged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from xray_ci.errors import Failure
    from xray_ci.probe.around import Triggering
    from xray_ci.probe.asking import Asking
    from xray_ci.probe.sandbox import Sandbox
    from xray_ci.secret import Secret


class Stage(NamedTuple):
    """A few requests that belong together."""

    facts: frozenset[str]
    run: Callable[[], Iterator[tuple[str, dict[str, Any]]]]
    why: str = ""
    """Why it is not made this time; empty where it is."""
    always: bool = False
    """Whether it is made whatever is wanted: others rest on it."""


class Probe:
    """One probe of one site."""

    def __init__(self, asking: Asking, wanted: frozenset[str], note: Callable[[FactRow], None]) -> None:
        """`wanted` are the ids to probe; `note` hears of each verdict as it is found."""
        self.asking = asking
        self.rows: dict[str, FactRow] = {}
        self.failure: Failure | None = None
        """What the command ends with: a gate that is closed, or nobody who answers."""
        self.wanted = wanted
        self._note = note
        self._facts = {fact.id: fact for fact in table.of(asking.deployment)}

    def show(self, name: str, seen: dict[str, Any]) -> None:
        """Judge what was seen of a fact."""
        if name in self._facts and name in self.wanted and name not in self.rows:
            self._put(judged(self._facts[name], shapes.clean(seen), self.asking.deployment))

    def skip(self, names: Iterable[str], why: str) -> None:
        """Leave facts unprobed."""
        for name in names:
            if name in self._facts and name in self.wanted and name not in self.rows:
                self._put(FactRow(fact=name, verdict="not-probed", why=why))

    def keep(self, rows: Iterable[FactRow]) -> None:
        """Take over what an earlier run found."""
        self.rows |= {row.fact: row for row in rows if row.verdict != "not-probed" and row.fact in self._facts}

    def run(self, steps: Iterable[Stage], saved: Callable[[], None]) -> None:
        """Make the steps; `saved` is called after each. Raises what interrupts a run."""
        try:
            for step in steps:
                if not step.always and not step.facts & (self.wanted - self.rows.keys()):
                    continue
                self._made(step)
                saved()
        except Closed as closed:
            self.failure = closed.failure
            self.skip(self.wanted, str(closed))
        except Halted as ended:
            self.skip(self.wanted, str(ended))
            raise

    def _made(self, step: Stage) -> None:
        if step.why:
            self.skip(step.facts, step.why)
            return
        try:
            for name, seen in step.run():
                self.show(name, seen)
        except Short as short:
            self.skip(step.facts, str(short))
        except (TypeError, ValueError, LookupError, AttributeError):  # answers are whatever a site makes of them
            self.skip(step.facts, "what it rests on has another shape")
        self.skip(step.facts, "no answer showed it")

    def limits(self) -> None:
        """Tell what was met of rate limits, which only the whole run shows."""
        met = self.asking.listening.limited
        xray, jira = met.get("xray"), met.get("jira")
        rows = (
            (("cloud-rate-limit", "cloud-429", xray), ("jira-rate-limit", "jira-429", jira))
            if self.asking.cloud
            else (("server-rate-limit", "server-429", xray),)
        )
        for limit, answer, found in rows:
            if limit == "jira-rate-limit" and self.asking.jira_auth is None:
                continue
            self.show(limit, {"met": found is not None, **({"calls": found.calls} if found else {})})
            if found is not None:
                self.show(answer, found.seen)
            else:
                self.skip((answer,), "no call came too early")

    def _put(self, row: FactRow) -> None:
        self.rows[row.fact] = row
        self._note(row)


def jira_version(asking: Asking) -> str:
    """Return the version that Jira says; empty where it cannot be asked."""
    if asking.jira is None:
        return ""
    outcome = asking.issue("GET", "/serverInfo", auth=None)
    return shapes.version(member(outcome, "version"))


def reads(asking: Asking, key: tuple[Secret, Secret] | None) -> Iterator[Stage]:
    """Yield the steps that read; `key` is the API key of Xray Cloud."""
    if asking.cloud and key is not None:
        client_id, client_secret = key
        yield Stage(
            _ids("xray-gateway cloud-licence cloud-region"),
            lambda: reading.of_cloud(asking, client_id, client_secret),
            always=True,
        )
        yield Stage(
            _ids("cloud-authenticate cloud-authenticate-wrong cloud-authenticate-incomplete cloud-authenticate-form"),
            lambda: reading.logins(asking, client_id, client_secret),
        )
        yield Stage(_ids("cloud-token-malformed cloud-token-forged"), lambda: reading.tokens(asking))
    else:
        yield Stage(
            _ids("xray-gateway server-installed server-licence"), lambda: reading.of_server(asking), always=True
        )
        yield Stage(_ids("server-anonymous server-basic"), lambda: reading.server_logins(asking))
        yield Stage(_ids("server-oauth server-oauth-window"), lambda: reading.signed(asking))
        yield Stage(_ids("server-language"), lambda: reading.language(asking))
    for row in reading.READS:
        if row.on in (asking.deployment, table.EITHER):
            yield Stage(frozenset({row.fact}), _bound(reading.single, asking, frozenset({row.fact})))
    yield Stage(
        _ids("jira-deployment jira-search-unknown jira-search-number jira-issue"), lambda: reading.jira_more(asking)
    )
    yield Stage(_ids("jira-refused"), lambda: reading.jira_refusal(asking))
    if asking.cloud:
        for document in reading.DOCUMENTS:
            yield Stage(frozenset({document.fact}), _bound(reading.documents, asking, frozenset({document.fact})))
        yield Stage(_ids("graphql-v1 graphql-empty"), lambda: reading.older(asking))
        yield Stage(_ids("graphql-jql-many"), lambda: reading.many(asking))


def last(asking: Asking) -> Iterator[Stage]:
    """Yield what may keep this login out: nothing is asked after it."""
    yield Stage(_ids("server-captcha"), lambda: reading.captcha(asking))


def writes(box: Sandbox, triggering: Triggering) -> Iterator[Stage]:
    """Yield the steps that write: in the sandbox, and at the page that is named."""
    asking, on = box.asking, box.asking.deployment
    yield Stage(_ids(f"{on}-import-xray-multipart"), lambda: importing.first(box))
    for name in ("xray", *importing.XML, *importing.JSON):
        yield Stage(_ids(f"{on}-import-{name}"), _bound(importing.plain, box, name))
        if name != "xray":
            yield Stage(_ids(f"{on}-import-{name}-multipart"), _bound(importing.beside, box, name))
    for row in (*importing.BOTH, *(cloud.REFUSED if asking.cloud else server.REFUSED)):
        yield Stage(_ids(row.fact.format(on=on)), _bound(importing.refused, box, row))
    yield Stage(_ids(f"{on}-skipped {on}-several-native {on}-several-json"), lambda: importing.outcomes(box))
    yield Stage(_ids(f"{on}-feature-tag {on}-step-words {on}-step-names"), lambda: importing.step_words(box))
    yield Stage(_ids(f"{on}-named-multipart {on}-named-fields"), lambda: importing.named_multipart(box))
    yield Stage(_ids(f"{on}-identity {on}-identity-junit"), lambda: importing.identity(box))
    yield Stage(_ids(f"{on}-replaced {on}-replaced-defects"), lambda: importing.replaced(box))
    yield Stage(_ids(f"{on}-body-limit xray-413"), lambda: importing.body_limit(box))
    yield Stage(_ids("jira-index-lag jira-index-order"), lambda: importing.index(box))
    shown = "cloud-feature cloud-export" if asking.cloud else "server-feature server-export"
    yield Stage(_ids(f"{shown} xray-feature-empty xray-feature-info"), lambda: cloud.features(box))
    yield from _cloud(box) if asking.cloud else _server(box)
    yield Stage(_ids("jira-may-not-create jira-may-not"), lambda: around.lacking(box))
    made = "jira-anonymous jira-create jira-create-refused jira-summary-limit jira-create-many jira-body "
    yield Stage(_ids(made + "jira-version-refused jira-document"), lambda: around.created(box))
    changed = "jira-edit jira-edit-refused jira-comment jira-comment-refused jira-transitions jira-transition-unknown "
    changed += "jira-attachment jira-attachment-xsrf jira-link jira-link-unknown jira-delete"
    yield Stage(_ids(changed), lambda: around.changed(box))
    taken = (
        "snapshots-enabled snapshots-accepted snapshots-key snapshots-taken snapshots-settle snapshots-page-unknown "
    )
    yield Stage(_ids(taken + "snapshots-method"), triggering.page_facts)
    yield Stage(_ids("snapshots-bearer"), triggering.bearer_facts)
    yield Stage(_ids("snapshots-macro"), triggering.macro_facts)
    yield Stage(_ids("snapshots-version snapshots-version-unknown"), triggering.version_facts)


def _cloud(box: Sandbox) -> Iterator[Stage]:
    for document in reading.BROKEN:
        yield Stage(frozenset({document.fact}), _bound(reading.documents, box.asking, frozenset({document.fact})))
    yield Stage(_ids("cloud-status-unknown cloud-status-words cloud-status-custom"), lambda: cloud.words(box))
    yield Stage(_ids("cloud-step-limit"), lambda: cloud.step_limit(box))
    yield Stage(_ids("cloud-requirement-unknown"), lambda: cloud.requirement(box))
    made = "graphql-create-execution graphql-create-plan graphql-create-test graphql-create-refused graphql-jira-needed"
    yield Stage(_ids(made), lambda: cloud.made(box))
    yield Stage(
        _ids("graphql-plan-link graphql-plan-again graphql-plan-tests cloud-plan-import"), lambda: cloud.plan(box)
    )
    changed = (
        "graphql-evidence cloud-attachments cloud-attachments-read graphql-evidence-id graphql-run-status graphql-run "
    )
    changed += "graphql-run-status-unknown graphql-run-update graphql-defects graphql-run-key graphql-order"
    yield Stage(_ids(changed), lambda: cloud.runs(box))
    yield Stage(_ids("cloud-bulk cloud-bulk-status cloud-bulk-shape cloud-bulk-limit"), lambda: cloud.bulk(box))
    yield Stage(_ids("cloud-attachments-empty"), lambda: cloud.forms(box))
    yield Stage(_ids("graphql-delete"), lambda: cloud.deleted(box))


def _server(box: Sandbox) -> Iterator[Stage]:
    yield Stage(_ids("server-import-bundle"), lambda: server.bundle(box))
    yield Stage(_ids("server-parameters"), lambda: server.parameters(box))
    yield Stage(_ids("server-editable server-environment"), lambda: server.editable(box))
    linked = "server-plan-link server-plan-messages server-plan-tests server-plan-field server-dates server-plan-import"
    yield Stage(_ids(linked), lambda: server.plan(box))
    changed = "server-run server-runs server-run-status server-run-status-unknown server-run-comment server-run-update "
    changed += "server-evidence server-evidence-shape server-defects server-body-shape"
    yield Stage(_ids(changed), lambda: server.runs(box))
    yield Stage(_ids("server-tests server-number server-page server-test-resources"), lambda: server.tests(box))


def _bound(run: Callable[..., Any], *given: Any) -> Callable[[], Any]:
    return lambda: run(*given)


def _ids(names: str) -> frozenset[str]:
    return frozenset(names.split())
