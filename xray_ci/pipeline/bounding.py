"""`max-new-tests`: says no before an import that would create more Tests than the user allows.

Asks Xray which Tests there are only when the reports hold more Tests without key than that; nothing is written before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xray_ci.errors import TooManyNewTests
from xray_ci.xray.mapping import identity_of

if TYPE_CHECKING:
    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job
    from xray_ci.xray.writing import Assembled


def check_new_tests(job: Job, site: Site, done: Assembled) -> None:
    """Raise TooManyNewTests when more Tests than `max-new-tests` do not exist yet; without the setting nothing is asked."""
    most = job.settings.max_new_tests
    if most is None or len(done.identities) <= most:
        return
    new = set(done.identities)
    for project in sorted({identity.decode().split("\0", 2)[1] for identity in done.identities}):
        for test in site.store.existing_tests(project):
            new.discard(identity_of(test.test_type, project, test.definition or test.summary))
            if len(new) <= most:
                return
    shown = sorted(identity.decode().split("\0", 2)[2] for identity in new)
    listed = "\n".join(shown[:10] + [f"… and {len(shown) - 10:,} more"] * (len(shown) > 10))  # noqa: PLR2004  # lines of one error
    raise TooManyNewTests(f"the import would create {len(new):,} Tests, and `max-new-tests` allows {most:,}", where=listed)
