"""What common refusals mean. Advice only: no text of a service ever decides whether something succeeded.

Sentences of Xray and Jira as observed (O); on Server/DC they may come in another language, then there is no hint.
"""

from __future__ import annotations

import re
from typing import Final

_HINTS: Final = tuple((re.compile(pattern, re.IGNORECASE), advice) for pattern, advice in (
    (r"not of issue type Test Plan|Test Plan.{0,40}does not exist",
     "Set `test-plan` to the key of a Test Plan, or leave it out."),
    (r"not of issue type Test Execution",
     "Set `test-execution` to the key of a Test Execution, or leave it out to create one."),
    (r"not of issue type Test\b|Test issue with key \S{1,60} not found",
     "A report names a Test key that is no Test, or that this user cannot see. Correct the key in the report's source."),
    (r"environments? (don't|do not|doesn't|does not) exist|not in the context of test execution project",
     "Create the Test Environments in the project first, or correct `test-environments`."),
    (r"No project could be found|Error retrieving Project",
     "Set `project` to a project key that this user can see."),
    (r"project is required",
     "Set `project`, and check that this user may see the Tests that the report names."),
    (r"xrayFields.{0,80}invalid fields", "Leave these names out of `fields`; they have settings of their own."),
    (r"xrayFields.{0,20}cannot be set", "This is Xray Server/DC: set `deployment: server`."),
    (r"testPlanKey.{0,20}cannot be set", "Use the setting `test-plan` and leave the name out of `fields`."),
    (r"cannot be set\. It is not on the appropriate screen",
     "Put the field on the create screen of the Test Execution in Jira, or leave it out of `fields`."),
    (r"issuetype", "The project has no issue type `Test Execution` of this name; give `issuetype` in `fields`."),
    (r"is required|must specify", "Give the mandatory field in `fields`."),
    (r"version.{0,40}(not valid|does ?n.t exist|not exist)|fixVersions?",
     "Create the version in the project first, or correct `fix-version`."),
    (r"is not a requirement issue",
     "The report links a requirement whose issue type Xray does not cover; correct the requirement or Xray's settings."),
    (r"not valid Xray Format|invalid (json|xml)|Error parsing|malformed",
     "The document was refused as a whole. Run `xray-ci plan`; if that is clean, report this as a defect with the message."),
    (r"Missing data in the \w+ results", "The report is empty or was not sent as this deployment expects it."),
    (r"\btags?\b", "Scenario tags must be Test keys with the prefix that Xray's Cucumber settings name."),
    (r"licen[cs]e", "The licence of Xray on this site is not valid: ask a Jira administrator."),
    (r"XSRF", "A gateway or Jira's XSRF check refused the upload: ask a Jira administrator."),
))


def advice(text: str) -> str | None:
    """Return what to do about a refusal, or None where the sentence is not known."""
    cut = text[:4000]
    return next((hint for pattern, hint in _HINTS if pattern.search(cut)), None)
