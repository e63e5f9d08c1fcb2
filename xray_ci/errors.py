"""Every way xray-ci can fail: one tree in which each class owns its exit code, its slug and its advice.

A raise site says only what happened, where, and what the service answered. Each slug has a paragraph in docs/errors.md.
"""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING, ClassVar, Final

from xray_ci import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DOCS: Final = f"https://github.com/org/xray-ci/blob/v{__version__}/docs"
"""The pages of this version: the repository that the package's metadata names, at the tag of the version."""

ORDER: Final = (2, 5, 6, 7, 8, 4, 3, 9, 1)
"""When several exit codes hold, the first of these wins (INTERFACE: exit codes)."""


def explained_at(slug: str) -> str:
    """Return the address of the paragraph that explains a message; `xray-ci explain SLUG` prints it offline."""
    return f"{DOCS}/errors.md#{slug}"


def many(count: int, noun: str) -> str:
    """Return a number with its noun as people read it: `1 test`, `12,000 tests`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def worst_exit(codes: set[int]) -> int:
    """Return the code the process ends with, given all that hold; 0 when none does."""
    for code in (70, 130, 143, *ORDER):
        if code in codes:
            return code
    return 0


class Failure(Exception):
    """A failure that a user can act on; printed once, as what, where, answer, next."""

    exit_code: ClassVar[int] = 70
    slug: ClassVar[str] = "defect"
    advice: ClassVar[str] = "This is a defect of xray-ci. Please report it with the log."

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        answer: str | None = None,
        advice: str | None = None,
        service: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        """File and line, setting and its source, or address."""
        self.answer = answer
        """What the service said, with its status, not yet cut or redacted."""
        self.service = service
        """Who said it: Xray, Jira, Snapshots."""
        self.raw: str | None = None
        """The body of that answer as it came, at most 20,000 characters, not yet cut or redacted."""
        self.next = advice or self.advice


class ConfigurationError(Failure):
    """Wrong usage or configuration. Carries every problem found, each a failure of its own."""

    exit_code = 2
    slug = "configuration"
    advice = "Correct the settings above; nothing was sent."

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        advice: str | None = None,
        slug: str | None = None,
        problems: tuple[ConfigurationError, ...] = (),
    ) -> None:
        super().__init__(what, where=where, advice=advice)
        if slug is not None:
            self.slug = slug  # type: ignore[misc]  # closed set of slugs of settings, one class is enough for them
        self.problems = problems


class NoReports(Failure):
    """No file matches, or the files hold no result."""

    exit_code = 3
    slug = "no-reports"
    advice = "Check that the tests ran and wrote reports, and that `reports` matches them."


class NoResults(NoReports):
    """Reports were read to their ends, and no result is in them."""

    slug = "no-results"
    advice = "Check why the test tool wrote an empty report, or set `if-no-reports: ignore`."


class NothingSelected(Failure):
    """`select` found no Test, or none that the runner could be told."""

    exit_code = 3
    slug = "nothing-selected"
    advice = "Nothing was printed: do not start the runner, which would run everything."


class UnreadableReport(Failure):
    """A report is broken, unsafe or no test report."""

    exit_code = 4
    slug = "unreadable-report"
    advice = "Make the test tool write the report again, or leave the file out with `!path`."


class NotAReport(UnreadableReport):
    """The file is something else than a test report."""

    slug = "not-a-test-report"
    advice = "Leave it out of `reports` with `!path`, or narrow the pattern."


class AmbiguousFormat(UnreadableReport):
    """Content fits two formats."""

    slug = "ambiguous-format"
    advice = "Name the format in the line of `reports`: `FORMAT=glob`."


class UnusableFile(Failure):
    """A file that a command was given is broken, unsafe, or not what the command takes."""

    exit_code = 4
    slug = "unusable-file"
    advice = "Correct the files that are named above, and run this again. Nothing was sent."


class BaselineUnusable(Failure):
    """The file that `baseline` names is no result file that this version reads; only ever a warning."""

    exit_code = 2
    slug = "baseline-unusable"
    advice = "Name the `result-file` of an earlier run. The import goes on; only the comparison is left out."


class InvalidPayload(Failure):
    """A result would be refused by Xray because its document breaks the schema."""

    exit_code = 4
    slug = "invalid-payload"
    advice = "Correct the test or its properties in the report's source."


class UnmappedResults(Failure):
    """`unmapped: fail`, and results without Test key were found."""

    exit_code = 4
    slug = "unmapped"
    advice = "Give these tests a Test key, or set `unmapped` to create or skip. Nothing was imported."


class TooManyNewTests(Failure):
    """More Tests would be created than `max-new-tests` allows."""

    exit_code = 4
    slug = "too-many-new-tests"
    advice = (
        "Give these tests a Test key, check `project` and `test-type`, or raise `max-new-tests` when they are meant to "
        "be "
        "created. Nothing was imported."
    )


class NotAuthorised(Failure):
    """Credentials, licence, permission or region."""

    exit_code = 5
    slug = "not-authorised"
    advice = "Check the credentials and that they belong to this site."


class WrongCredentials(NotAuthorised):
    """The service knows no such credentials."""

    slug = "wrong-credentials"
    advice = "Check the credentials; they may have been regenerated, revoked or expired. Repeating will not help."


class WrongRegion(NotAuthorised):
    """Xray keeps this site's data in another region than the host that was asked."""

    slug = "wrong-region"
    advice = "Set `region` to the host that holds your data: us, eu or au."


class LoginPage(NotAuthorised):
    """Instead of an answer came the way to a login page."""

    slug = "login-page"
    advice = "Check the credentials, and that no single sign-on or gateway stands in front (`http-headers`)."


class Refused(Failure):
    """Xray or Jira understood the request and said no."""

    exit_code = 6
    slug = "refused"
    advice = "Read what the service said above. Nothing of this request was imported."


class UnknownIssue(Refused):
    """An issue that was named is not there, or of another type."""

    slug = "unknown-issue"
    advice = "Correct the key, or let this user see the issue."


class TooLarge(Refused):
    """The request is larger than the service or its proxy takes."""

    slug = "too-large"
    advice = "Lower `batch-bytes`, or send less evidence (`attachments`, `evidence-max-file`, `evidence-max-total`)."


class Unreachable(Failure):
    """No connection, or something else than the service answered; nothing was imported by this request."""

    exit_code = 7
    slug = "unreachable"
    advice = "Check the address, the proxy and the network of the runner, then run again."


class NotTheService(Unreachable):
    """An answer came, but not from the API: a web page, a gateway, another server."""

    slug = "not-the-service"
    advice = "Check `xray-url` or `jira-url` (with its context path), and gateways in front."


class TlsFailure(Unreachable):
    """The certificate of the server, or ours, was not accepted."""

    slug = "tls"
    advice = "Set `ca-bundle` to the certificate of your organisation's authority."


class DiskFull(Failure):
    """The disk, or a limit of this process, did not take what is written before it is sent."""

    exit_code = 7
    slug = "disk-full"
    advice = (
        "Free space there: it takes about the size of all results and of their evidence as base64. Or send less "
        "evidence "
        "(`attachments`, `evidence-max-total`), or set `state-dir` or TMPDIR to a folder with more room. Nothing more "
        "was sent."
    )


class TooFewFiles(Failure):
    """The process may open no more files."""

    exit_code = 7
    slug = "too-few-open-files"
    advice = "Raise the limit (`ulimit -n 256`) and run again."


_FULL: Final = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota is used up",
    errno.EFBIG: "a file grew to the largest size that is allowed (`ulimit -f`)",
}


def exhausted(error: OSError, folder: object) -> Failure | None:
    """Return the failure of a machine that has no more of something, None for an error of another kind.

    `folder` is what was written to.
    """
    if error.errno in _FULL:
        return DiskFull(_FULL[error.errno], where=str(folder))
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return TooFewFiles(
            f"no more files can be opened: {error.strerror}", where="the limit of open files (`ulimit -n`)"
        )
    return None


@contextlib.contextmanager
def spooling(folder: Callable[[], object]) -> Iterator[None]:
    """Tell what the machine has no more of as a failure; `folder` returns what is written to."""
    try:
        yield
    except OSError as error:
        failure = exhausted(error, folder())
        if failure is None:
            raise
        raise failure from error


class AskedToFail(Failure):
    """Everything arrived, and a condition of `fail-on` holds."""

    exit_code = 1
    slug = "fail-on"
    advice = "The results are in Xray. Mend the tests, or take the word out of `fail-on`."


class SnapshotMissing(AskedToFail):
    """Everything arrived, and a snapshot that `fail-on` asks for could not be triggered."""

    exit_code = 9
    advice = "The results are in Xray; the snapshot's own line says why it failed. `xray-ci resume` triggers it again."


class UnknownDelivery(Unreachable):
    """A request was sent and its answer was lost or not understood: it may have been imported."""

    slug = "may-have-been-imported"
    advice = "Look for the Test Execution in Xray before you run this again: a blind repeat could double it."
    slow = False
    """Whether somebody on the way did not want to wait for the answer: a smaller request may be answered in time."""
    busy = False
    """Whether the service said to come again (503 with `Retry-After`): then it most likely took nothing."""


class MayHaveBeenDone(Unreachable):
    """A change that is no import of results was sent, and its answer was lost or not understood."""

    slug = "may-have-been-done"
    advice = "Look in Xray for what was to be made before you run this again: it was not sent a second time."


class PartlyImported(Failure):
    """Some of what was sent is stored and some is not."""

    exit_code = 8
    slug = "partly-imported"
    advice = "Correct what is named above, then import the missing results into the same Test Execution."


class EvidenceRefused(PartlyImported):
    """All results are stored, and files of evidence that were to follow them are not."""

    slug = "evidence-refused"
    advice = (
        "Send less of it (`attachments`, `evidence-max-file`), or correct what is named above and run "
        "`xray-ci resume`, which adds the rest."
    )


class AroundRefused(Refused):
    """All results are stored, and Jira refused a step that was to follow the import."""

    slug = "after-import-refused"
    advice = "The import is done. Correct what is named above and run this again: what was done is not done twice."


class AroundUndone(PartlyImported):
    """All results are stored, and a step that was to follow the import could not be done."""

    slug = "after-import-undone"
    advice = "The import is done. Run `xray-ci resume`, or this again: what was done is not done twice."


class SnapshotFailed(Failure):
    """A snapshot could not be triggered."""

    exit_code = 9
    slug = "snapshot-failed"
    advice = (
        "The key was regenerated, or the global key expired (three months); the page was not republished after "
        "automation was enabled; or automation is off for the macro, the space or the site."
    )


class Interrupted(Failure):
    """A signal ended the run."""

    slug = "interrupted"
    advice = "Check below what was sent before you run again."

    def __init__(self, what: str, *, signal: int) -> None:
        super().__init__(what)
        self.exit_code = 128 + signal  # type: ignore[misc]  # the signal decides, not the class
