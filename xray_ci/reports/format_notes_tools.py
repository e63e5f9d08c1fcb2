"""What is known of the formats that tools for hardware, enterprise applications and single languages write."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from xray_ci.model import MarkKind
from xray_ci.reports.format_notes import KEY, TAGS, DataRows, EvidencePlace, Known

if TYPE_CHECKING:
    from collections.abc import Mapping

_REQUIREMENT: Final = MarkKind.REQUIREMENT

KNOWN_TOOLS: Final[Mapping[str, Known]] = MappingProxyType(
    {
        "parasoft-xml": Known(
            passes=r'(<Test(?:Case)? [^>]*?status=")pass(")',
            producers=("Parasoft SOAtest", "C++test", "Jtest and dotTEST (`report.xml`)"),
            keys="associations of a test: `test` is its key, `req` a requirement, `pr` a defect",
            marks=frozenset({KEY, _REQUIREMENT, MarkKind.DEFECT}),
            rows=DataRows.ITERATIONS,
            traps=(
                "Parasoft's own JUnit XML lacks associations and keeps ordinals (`Test 3: pays`): give one of the two",
                "a report without `ExecutedTestsDetails` (static analysis, C++test 7) tells of no tests and is refused",
                "the tag of the session is the property `tag`, for rules",
            ),
        ),
        "teststand-xml": Known(
            passes=r"(<Prop Name='Status' Type='String'><Value>)Passed(</Value>)",
            producers=("NI TestStand (XML report)",),
            steps=True,
            traps=(
                "each sequence is a Test, the steps with a verdict are its steps",
                "serial number and station are properties, for rules",
                "ATML of the same run names the same Tests",
            ),
        ),
        "atml-xml": Known(
            passes=r'(Outcome value=")Passed(")',
            producers=("NI TestStand (ATML 2.02, 5 and 6)", "other writers of IEEE 1636.1"),
            steps=True,
            traps=("the result set and each test group are Tests, the tests directly in them are their steps",),
        ),
        "canoe-xml": Known(
            passes=r'(<verdict [^>]*?result=")pass(")',
            producers=("Vector CANoe and CANalyzer (XML test report)",),
            keys="`ident` of a test case, where it is a key",
            marks=frozenset({KEY, MarkKind.DESCRIPTION}),
            steps=True,
            traps=(
                "the verdict decides, not the steps; inconclusive is neither passed nor failed",
                "an `ident` that is no key is the property `ident`, for rules",
                "a `.vtestreport` is a closed format: let CANoe write XML",
            ),
        ),
        "ranorex-xml": Known(
            passes=r'(<activity type="test-case" [^>]*?result=")Success(")',
            producers=("Ranorex (`*.rxlog.data`)",),
            steps=True,
            rows=DataRows.ITERATIONS,
            evidence=EvidencePlace.FILES,
            traps=("times are in the agent's language and are not read", "blocked and ignored test cases are skipped"),
        ),
        "squish-xml": Known(
            passes=r'(VerificationResult [^>]*?type=")PASS(")',
            producers=("Squish (`xml3`, `xml3.5`)",),
            steps=True,
            traps=(
                "a test case is as good as the worst verification or message in it; an expected failure passed",
                "a test case without an end was cut off and is an error",
            ),
        ),
        "uft-xml": Known(
            passes=r"(<Result>)Passed(</Result>)",
            producers=("OpenText UFT One (`run_results.xml`)",),
            steps=True,
            rows=DataRows.ITERATIONS,
            traps=(
                "UFT's JUnit XML names tests by the path on its agent: give one of the two",
                "a warning passed; a run that is only `Done` is neither passed nor failed",
            ),
        ),
        "cunit-xml": Known(
            producers=("CUnit (`…-Results.xml`)",), traps=("a suite that failed to begin has no tests and is a notice",)
        ),
        "unittestpp-xml": Known(producers=("UnitTest++ (`XmlTestReporter`)",)),
        "abap-xml": Known(
            producers=("ABAP Unit (ADT's `runResult`)",),
            traps=(
                "critical and fatal alerts failed, missing prerequisites are skipped, other tolerable ones are neither",
                "named as sapcli names its JUnit XML",
            ),
        ),
        "inspec-json": Known(
            passes=r'("status"\s*:\s*")passed(")',
            producers=("Chef InSpec and cinc-auditor (`--reporter json`)",),
            keys="tags of a control named like JUnit's properties, `jira` or `xray`; tags without a value are labels",
            marks=TAGS | {MarkKind.SUMMARY, MarkKind.DESCRIPTION},
            steps=True,
            traps=(
                "a control is a Test; in InSpec's JUnit XML each `describe` is one",
                "a control without an id is named by what it checks",
                "the impact is the property `impact`, for rules",
            ),
        ),
        "jmeter-jtl": Known(
            passes=r'(<(?:httpSample|sample) [^>]*? s=")true(")|(,(?:text|bin)?,)true(,)',
            producers=("JMeter (`-l results.jtl`, CSV and XML)",),
            traps=(
                "a label is a Test, all its samples are one result: it failed where one of them did",
                "labels that hold ids or times make new Tests in each run",
                "CSV without its line of names is not recognised: leave `print_field_names` on",
            ),
        ),
        "meson-json": Known(
            passes=r'("result"\s*:\s*")(?:OK|EXPECTEDFAIL)(")',
            producers=("Meson (`meson-logs/testlog.json`)",),
            traps=(
                "named as in Meson's JUnit XML, where TAP points are tests of their own",
                "the environment of each test stands in the report and is never read",
            ),
        ),
        "allure1-xml": Known(
            passes=r'(<test-case [^>]*?status=")passed(")',
            producers=("adapters of Allure 1 (`…-testsuite.xml`)",),
            keys="labels `testId` and `issue` (a defect), and those named like JUnit's properties",
            marks=TAGS | {MarkKind.SUMMARY, MarkKind.DESCRIPTION, MarkKind.DEFECT},
            steps=True,
            rows=DataRows.ITERATIONS,
            evidence=EvidencePlace.FILES,
            traps=("a broken test is an error; pending and canceled ones are skipped",),
        ),
        "testcafe-json": Known(
            producers=("TestCafe (`--reporter json`)",),
            keys="metadata of fixtures and tests named like JUnit's properties",
            marks=TAGS,
            attempts=True,
            evidence=EvidencePlace.FILES,
            traps=("an unstable test passed at another attempt",),
        ),
        "android-cts-xml": Known(
            passes=r'(<Test result=")pass(")',
            producers=("Android's Tradefed (`test_result.xml` of CTS, VTS, GTS, STS)",),
            marks=frozenset({MarkKind.ENVIRONMENT}),
            traps=(
                "a test on several ABIs has a result of each for the same Test; the ABI is its environment",
                "a module that is not done may lack tests: the run broke off",
            ),
        ),
        "playwright-blob": Known(
            producers=("Playwright (`--reporter=blob`, versions 1 and 2)",),
            keys="annotations and tags, as in Playwright's JSON",
            marks=TAGS | {MarkKind.ENVIRONMENT},
            steps=True,
            attempts=True,
            evidence=EvidencePlace.HELD,
            traps=(
                "it names the same Tests as Playwright's JSON of the same run: give one of the two",
                "a blob of each shard is one report; `merge-reports` is not needed",
                "files of more than 16 MiB in it, or 64 MiB a test, are left out",
            ),
        ),
        "packed": Known(
            producers=("gzip", "zip"),
            keys="in the reports inside",
            traps=(
                "each report inside is recognised by its content; a folder of Allure results must be unpacked first",
                "2 GiB unpacked, or more than 250 times the packed size, are refused",
                "it is converted, never sent as it is: `bundle=path` does that",
            ),
        ),
        "sonar-xml": Known(
            producers=("jest-sonar, karma-sonarqube-unit-reporter and others, for SonarQube",),
            traps=("beside another report, which says more, it is not read unless it is named: `sonar-xml=PATTERN`",),
        ),
    }
)
"""Key of a format → what is known of it."""
