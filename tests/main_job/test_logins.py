"""Who is let in: each way of logging in with each API that the vendors name for it, through commands, and refusals."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from xray_ci import deployments
from xray_ci.deployments import API_KEY, API_TOKEN, BASIC, LOGINS, OAUTH1, OAUTH2, PERSONAL_TOKEN, SCOPED_TOKEN
from xray_ci.secret import MASK, Redactor
from xray_ci.settings import config

DOCS = Path(__file__).resolve().parents[2] / "docs"
CLOUD_ID = "11111111-2222-3333-4444-555555555555"
PEM = (DOCS / "emulator-oauth.pem").read_text("utf-8").partition("\n")[2]
OAUTH = {
    "jira_token": None,
    "oauth_consumer_key": "emulator-consumer",
    "oauth_token": "emulator-oauth1-token",
    "oauth_private_key": PEM,
}
GIVEN = {
    API_KEY: {},
    API_TOKEN: {"jira_url": "site", "jira_username": "dev@example.com", "jira_token": "emulator-jira-token"},
    SCOPED_TOKEN: {"jira_url": "gateway", "jira_username": "dev@example.com", "jira_token": "emulator-scoped-token"},
    OAUTH2: {"jira_url": "gateway", "jira_token": "emulator-oauth-token"},
    PERSONAL_TOKEN: {},
    BASIC: {"jira_token": None, "jira_username": "emu", "jira_password": "emu"},
    OAUTH1: OAUTH,
}
SCHEMES = {API_TOKEN: "Basic", SCOPED_TOKEN: "Basic", BASIC: "Basic", OAUTH1: "OAuth"}
ROWS = [
    pytest.param(deployment, login, api, id=f"{api.title} with {login.title}")
    for deployment, logins in LOGINS.items()
    for login in logins
    for api in login.apis
]


@pytest.fixture
def used(inside, emulator, workspace):
    """Run a command with settings over a working base; `jira_url` may be `site` or `gateway`."""
    (workspace / "r.xml").write_text('<testsuite name="s"><testcase classname="a" name="b"/></testsuite>')
    places = {"site": emulator.url, "gateway": f"{emulator.url}/ex/jira/{CLOUD_ID}"}

    def run(command, *args, on="cloud", **changes):
        given = {name: places.get(value, value) for name, value in changes.items()}
        reports = {"reports": "r.xml"} if command in ("import", "plan") else {}
        result = inside(command, *args, on=on, **{**reports, "log_level": "debug", **given})
        assert "Traceback" not in result.text
        assert not [line for line in PEM.splitlines()[1:-1] if line in result.text]
        return result

    return run


@pytest.mark.parametrize(("deployment", "login", "api"), ROWS)
def test_each_login_works_with_each_api_that_takes_it(used, emulator, deployment, login, api):
    """`import` sends and reads back through Xray's APIs, `check` asks Jira's; all of it is signed in that way."""
    versions = deployments.DEPLOYMENTS[deployment].api_versions
    version = next((each for each in versions if f"/{each}/" in api.root and "rest/api" not in api.root), None)
    command = "check" if "/rest/api/" in api.root else "import"
    result = used(command, on=deployment, api_version=version, **GIVEN[login])

    assert result.code == 0, result.text
    root = ("/jira" if deployment == "server" else "") + api.root
    asked = [each for each in emulator.requests() if root in each["path"] and each["kind"] != "authenticate"]
    assert asked
    assert {each["status"] for each in asked} <= {200, 201, 204}
    assert {SCHEMES.get(login, "Bearer") + f" {MASK}"} == {each["headers"].get("Authorization") for each in asked}


def test_the_page_has_every_row():
    """docs/authentication.md lists each way with its settings and the APIs it is for."""
    page = (DOCS / "authentication.md").read_text("utf-8")

    listed = [line for line in page.splitlines() if line.startswith("| ") and "`" in line]
    assert [
        f"| {login.title} | {', '.join(f'`{name}`' for name in login.settings)} "
        f"| {', '.join(api.title for api in login.apis)} |"
        for logins in LOGINS.values()
        for login in logins
    ] == listed[: sum(map(len, LOGINS.values()))]


FORMS = {
    "PEM": PEM,
    "PKCS #1": None,
    "one line with \\n": PEM.replace("\n", "\\n"),
    "one line with blanks": PEM.replace("\n", " "),
    "base64": base64.b64encode(PEM.encode()).decode(),
    "base64 in lines": base64.encodebytes(PEM.encode()).decode(),
    "with a text before it": "Key of the link\n" + PEM,
}


@pytest.mark.parametrize("form", FORMS)
def test_a_private_key_is_taken_in_each_form_that_stores_of_secrets_keep(used, emulator, form):
    """As PEM of both kinds, on one line, and as base64: the signature is right, and nothing shows the key."""
    result = used("import", on="server", **{**OAUTH, "oauth_private_key": FORMS[form] or _pkcs1()})

    assert result.code == 0, result.text
    assert len(emulator.executions()) == 1


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_a_private_key_is_shown(workspace, form):
    """Whichever was given: the key as it is, escaped, and in base64 of any kind, is cut out of every text."""
    env = {f"XRAY_CI_{name.upper()}": value for name, value in OAUTH.items() if value}
    env |= {"XRAY_CI_JIRA_URL": "https://jira.example", "XRAY_CI_OAUTH_PRIVATE_KEY": FORMS[form] or _pkcs1()}
    settings, redactor = config.load({"reports": "a"}, env, workspace, command="import", github=False), Redactor()
    for secret in settings.secrets():
        redactor.register(secret)
    pem = settings.oauth_private_key.reveal()
    der = "".join(pem.splitlines()[1:-1])
    echoed = [pem, repr(pem), json.dumps(pem), pem.replace("\n", "\r\n"), quote(pem), der, FORMS[form] or pem]
    echoed += [base64.b64encode(pem.encode()).decode(), base64.encodebytes(pem.encode()).decode()]
    shown = [redactor(f"before {each} after") for each in echoed]

    assert all(MASK in each for each in shown)
    pieces = [der[at : at + 8] for at in range(len(der) - 8)]
    pieces += [base64.b64encode(pem[at:].encode()).decode()[:12] for at in range(27, len(pem) - 60)]
    assert not [piece for each in shown for piece in pieces if piece in each]


def _pkcs1():
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(PEM.encode(), None)
    kind, plain = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, kind, plain).decode()


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("not a key at all", "holds no private key"),
        (PEM.replace("PRIVATE", "PUBLIC"), "holds no private key"),
        (PEM.replace("PRIVATE", "ENCRYPTED PRIVATE"), "openssl pkey"),
        (PEM.replace("PRIVATE", "OPENSSH PRIVATE"), "ssh-keygen"),
        (PEM.replace("PRIVATE", "EC PRIVATE"), "RSA"),
        (PEM[:500] + PEM[-40:], "private key"),
    ],
)
def test_what_is_no_key_is_named_and_not_shown(used, emulator, key, told):
    """Exit 2 before anything is sent, with the way to mend it."""
    result = used("import", on="server", **{**OAUTH, "oauth_private_key": key})

    assert result.code == 2, result.text
    assert told in result.text
    assert emulator.imports() == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"oauth_token": None}, "`oauth-token`"),
        ({"oauth_consumer_key": None, "oauth_private_key": None}, "`oauth-consumer-key` and `oauth-private-key`"),
        ({"jira_token": "emulator-pat"}, "Both OAuth 1.0a and `jira-token`"),
        ({"client_id": "x", "client_secret": "a-secret-of-cloud"}, "Both OAuth 1.0a and `client-id`"),
    ],
)
def test_half_a_login_and_two_of_them_are_refused(used, changes, told):
    """All three of OAuth 1.0a, and no other way beside it."""
    result = used("import", on="server", **{**OAUTH, **changes})

    assert result.code == 2, result.text
    assert told in result.text


def test_a_query_is_signed_as_it_is_sent(used, emulator):
    """A native import has its names in the address: blanks, signs and letters of any language."""
    native = {"strategy": "native", "test_environments": "ch rome;fire+fox&1;größe=2~*'", "revision": "a/b?c#d%20"}
    result = used("import", on="server", **{**OAUTH, **native})

    assert result.code == 0, result.text
    [execution] = emulator.executions()
    assert execution["execution"]["environments"] == ["ch rome", "fire+fox&1", "größe=2~*'"]


def test_each_try_is_signed_anew(used, emulator):
    """A nonce is taken once: what is sent again after a gateway's 504 has another one."""
    emulator.fault("POST", "*/import/execution", status=504, drop=None, work=False)
    emulator.fault("GET", "*/testexec/*", status=503, times=2)
    result = used("import", on="server", **OAUTH)

    assert result.code == 0, result.text
    assert len(emulator.imports()) == 2


def test_a_wait_does_not_age_a_signature(used, emulator):
    """It is signed after the wait that a rate limit asks for."""
    moment = emulator.clock(set="2026-01-01T00:00:00+00:00")
    assert moment.startswith("2026")
    emulator.fault("POST", "*/import/execution", status=429, headers={"Retry-After": "400"}, body="{}")

    assert used("import", on="server", **OAUTH).code == 0


@pytest.mark.parametrize(
    ("changes", "switches", "told"),
    [
        ({"oauth_consumer_key": "unknown-consumer"}, {}, "oauth_problem=consumer_key_unknown"),
        ({"oauth_token": "a-token-of-another-link"}, {}, "oauth_problem=token_rejected"),
        ({}, {"oauth_window_s": 300}, "oauth_problem=timestamp_refused"),
        ({"oauth_private_key": "another"}, {}, "oauth_problem=signature_invalid"),
    ],
)
def test_what_jira_says_of_a_signature_is_explained(used, emulator, changes, switches, told):
    """Exit 5 with Jira's own word and what to do about that one."""
    emulator.settings(**switches)
    if "oauth_private_key" in changes:
        changes = {"oauth_private_key": _another()}
    result = used("import", on="server", **{**OAUTH, **changes})

    assert result.code == 5, result.text
    assert told in result.text
    remedy = {
        "consumer_key_unknown": "`oauth-consumer-key` to the consumer key",
        "token_rejected": "approval in the browser",
        "timestamp_refused": "clock of this machine",
        "signature_invalid": "public key of `oauth-private-key`",
    }[told.partition("=")[2]]
    assert remedy in result.text


def _another():
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    kind, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, kind, plain).decode()


def test_what_oauth_left_is_resumed_with_its_key_alone(used, inside, emulator):
    """The state folder is sealed with the private key; a token of the same user does not open it."""
    emulator.fault("POST", "*/import/execution", status=502, times=-1)
    assert used("import", on="server", **OAUTH).code == 7
    emulator.reset()

    assert used("resume", on="server").code == 2
    assert used("resume", on="server", **OAUTH).code == 0
    assert (len(emulator.executions()), inside.left()) == (1, [])


@pytest.mark.parametrize(
    ("login", "told"),
    [
        ({**GIVEN[SCOPED_TOKEN], "jira_url": "site"}, "https://api.atlassian.com/ex/jira/CLOUDID"),
        ({**GIVEN[OAUTH2], "jira_url": "site"}, "https://api.atlassian.com/ex/jira/CLOUDID"),
        ({**GIVEN[SCOPED_TOKEN], "jira_token": "a-token-that-ended"}, "read:jira-work"),
    ],
)
def test_a_token_of_the_gateway_is_told_its_place(used, login, told):
    """`check` names the address that takes it."""
    result = used("check", "--json", **login)

    found = {each["name"]: each for each in map(json.loads, result.out.splitlines())}
    assert result.code == 5
    assert told in found["jira-url"]["remedy"]


def test_a_jira_that_takes_no_password_names_the_token(used, emulator):
    """Jira 11's 403 in its own words, and `jira-token` as the remedy; the import asks once."""
    emulator.settings(basic_logins=False)
    result = used("import", on="server", **GIVEN[BASIC])

    assert result.code == 5, result.text
    assert "Basic Authentication has been disabled" in result.text
    assert "`jira-token` to a personal access token" in result.text
    assert [each["status"] for each in emulator.requests()].count(403) == 1


def test_people_are_never_sent_through_the_gateway(used):
    """The link to the Test Execution is that of the site."""
    result = used("import", **GIVEN[SCOPED_TOKEN])

    assert result.code == 0, result.text
    assert "/browse/SHOP-41" in result.out
    assert "/ex/jira" not in "".join(line for line in result.out.splitlines() if "browse" in line)
