"""Names of the inputs of the most used Xray action, so that moving over is one changed line.

Each becomes a raw value of our own setting plus a notice. Facts about that action are (O): its public action.yml.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from xray_ci.settings import problems
from xray_ci.settings.raw import Raw

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xray_ci.errors import ConfigurationError

SAME: Final = {"testPaths": "reports", "testFormat": "format", "testExecKey": "test-execution", "projectKey": "project",
               "testPlanKey": "test-plan", "testEnvironments": "test-environments", "fixVersion": "fix-version",
               "xrayToken": "jira-token"}
PASSED_OVER: Final = {
    "failOnImportError": "a failed import always fails the step",
    "continueOnImportError": "readable reports are imported, and a failed import always fails the step",
    "importParallelism": "reports become one Test Execution in one request where one will do",
    "importRetryLimit": "what is repeated depends on what is safe; see `time-budget`",
    "testMerge": "reports are merged into one Test Execution unless `executions` says otherwise",
}
NAMES: Final = {
    "xrayCloud": "`deployment`", "xrayBaseUrl": "`jira-url` (Server) or `xray-url` (Cloud)",
    "username": "`jira-username` (Server) or `client-id` (Cloud)",
    "password": "`jira-password` (Server) or `client-secret` (Cloud)",
    **{alias: f"`{name}`" for alias, name in SAME.items()},
    "combineInSingleTestExec": "`executions` (false is `per-report`)", "responseTimeout": "`timeout` (there in milliseconds)",
    "testExecutionJson": "`fields` (there a file)", "testJson": "`test-fields` (there a file)",
    **PASSED_OVER,
}
"""Every accepted name with what stands for it here."""
_LARGEST: Final = 1_000_000


class Translation:
    """The aliases of one run while they become settings; `own` holds what flags and inputs set by our own names."""

    def __init__(self, inputs: Mapping[str, Raw], own: Mapping[str, Raw], deployment: Raw | None, workspace: Path) -> None:
        self.inputs = inputs
        """By the names of NAMES."""
        self.own = own
        self.deployment = deployment
        """As set by a source that is weaker than inputs."""
        self.workspace = workspace
        self.values: dict[str, Raw] = {}
        self.notices: list[str] = []
        self.problems: list[ConfigurationError] = []

    def run(self) -> None:
        """Translate every alias that is set."""
        for alias, raw in self.inputs.items():
            if alias in SAME:
                self._put(SAME[alias], raw)
            elif alias in PASSED_OVER:
                self.notices.append(f"{raw.origin} is passed over: {PASSED_OVER[alias]}.")
            else:
                _SPECIAL[alias](self, raw)

    def _put(self, name: str, raw: Raw, text: str | None = None) -> None:
        if name in self.own:
            self.notices.append(f"{raw.origin} is passed over, because `{name}` is set by {self.own[name].origin}.")
            return
        self.values[name] = raw if text is None else Raw(text, raw.origin)
        self.notices.append(f"{raw.origin} is read as `{name}`.")

    def _cloud(self) -> bool:
        """Say which product the run means: ours first, then the alias; that action's default is Cloud (O)."""
        ours = self.own.get("deployment")
        theirs = self.inputs.get("xrayCloud")
        if theirs is not None and ours is None:
            return theirs.text().lower() != "false"
        chosen = ours or self.deployment
        return chosen is None or chosen.text().lower() in ("auto", "cloud")

    def xray_cloud(self, raw: Raw) -> None:
        """Read true or false as `deployment`."""
        word = raw.text().lower()
        if word not in ("true", "false"):
            self.problems.append(problems.problem(f"{problems.shown(raw.text())} is neither true nor false", raw.origin))
        else:
            self._put("deployment", raw, "cloud" if word == "true" else "server")

    def base_url(self, raw: Raw) -> None:
        """Read the address, there of Xray on Cloud and of Jira on Server."""
        self._put("xray-url" if self._cloud() else "jira-url", raw)

    def username(self, raw: Raw) -> None:
        """Read half of an API key on Cloud, a Jira user on Server."""
        self._credential("client-id" if self._cloud() else "jira-username", raw)

    def password(self, raw: Raw) -> None:
        """Read the other half."""
        self._credential("client-secret" if self._cloud() else "jira-password", raw)

    def _credential(self, name: str, raw: Raw) -> None:
        if "xrayToken" in self.inputs and not self._cloud():
            self.notices.append(f"{raw.origin} is passed over, because `xrayToken` is set.")
        else:
            self._put(name, raw)

    def combine(self, raw: Raw) -> None:
        """Read false as one Test Execution for each report; true is how it is, and so is an existing Test Execution."""
        if raw.text().lower() == "false" and not {"testExecKey", "test-execution"} & {*self.inputs, *self.own}:
            self._put("executions", raw, "per-report")
        else:
            self.notices.append(f"{raw.origin} is passed over: all reports become one Test Execution.")

    def timeout(self, raw: Raw) -> None:
        """Read milliseconds as seconds."""
        text = raw.text()
        if not (text.isascii() and text.isdigit() and len(text) <= 9):  # noqa: PLR2004  # 11 days
            self.problems.append(problems.problem(f"{problems.shown(text)} is not a number of milliseconds", raw.origin))
        else:
            self._put("timeout", raw, f"{int(text) / 1000:g}" if int(text) < 10**6 else str(int(text) // 1000))

    def execution_json(self, raw: Raw) -> None:
        """Read a file with `fields` and `xrayFields` of the Test Execution, as the multipart import takes it."""
        info = self._info(raw)
        if info.get("fields"):
            self._put("fields", raw, _json(info["fields"]))
        extra = info.get("xrayFields")
        for key, name in (("testPlanKey", "test-plan"), ("environments", "test-environments")):
            value = extra.get(key) if isinstance(extra, dict) else None
            if value and SAME_BY_NAME[name] not in self.inputs:
                self._put(name, raw, "\n".join(map(str, value)) if isinstance(value, list) else str(value))

    def test_json(self, raw: Raw) -> None:
        """Read a file with `fields` of new Tests."""
        info = self._info(raw)
        if info.get("fields"):
            self._put("test-fields", raw, _json(info["fields"]))
            if "strategy" not in self.own:
                self._put("strategy", raw, "native")  # The only way in which fields of Tests travel.

    def _info(self, raw: Raw) -> dict[str, Any]:
        """Read the JSON file an input names; it lies in the workspace, because a pull request may have put a link there."""
        import json  # noqa: PLC0415  # only a run with this alias pays

        try:
            path = Path(os.path.realpath(self.workspace / raw.text()))
            if path.is_relative_to(os.path.realpath(self.workspace)) and path.is_file() and path.stat().st_size <= _LARGEST:
                info = json.loads(path.read_bytes())
                if isinstance(info, dict) and isinstance(info.get("fields", {}), dict):
                    return info
        except (OSError, ValueError, RecursionError):
            pass
        self.problems.append(problems.problem(
            f"{problems.shown(raw.text())} is not a JSON file with `fields`, below 1 MB, in the workspace", raw.origin,
            advice="Write the Jira fields into `fields` (or `test-fields`) itself."))
        return {}


SAME_BY_NAME: Final = {name: alias for alias, name in SAME.items()}
_SPECIAL: Final[Mapping[str, Callable[[Translation, Raw], None]]] = {
    "xrayCloud": Translation.xray_cloud, "xrayBaseUrl": Translation.base_url, "username": Translation.username,
    "password": Translation.password, "combineInSingleTestExec": Translation.combine,
    "responseTimeout": Translation.timeout, "testExecutionJson": Translation.execution_json,
    "testJson": Translation.test_json,
}


def _json(value: Any) -> str:
    import json  # noqa: PLC0415  # as above

    return json.dumps(value)
