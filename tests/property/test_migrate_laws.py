"""Laws of `migrate`: any text becomes steps or one error of ours, and a secret in the open never comes out."""

import string

from hypothesis import given
from hypothesis import strategies as st

from xray_ci.errors import ConfigurationError
from xray_ci.migrate import migrate

PIECES = st.sampled_from(
    [
        "curl ",
        "-H ",
        "-u ",
        "a:b ",
        "-F file=@",
        "--data @",
        "https://x/api/v2/import/execution/junit",
        "https://x/rest/raven/2.0/import/execution",
        "https://x/api/v2/authenticate ",
        "?projectKey=",
        "$A",
        "${B}",
        "$(",
        "`",
        ")",
        "'",
        '"',
        "\\",
        "\n",
        " ",
        ";",
        "|",
        "<<E",
        "E",
        "#",
        "A=",
        "for f in ",
        "; do ",
        "step([$class: 'XrayImportBuilder', ",
        "importFilePath: ",
        "])",
        "sh ",
        "'''",
        '"""',
        "${env.X}",
        "+ x",
        "//",
        "/*",
        "def a = ",
        "pipeline {",
        "}",
        "jobs:\n a:\n  steps:\n",
        "   - run: ",
        "   - uses: o/xray-action\n",
        "     with: {testPaths: a, password: b}\n",
        "script:\n",
        " - ",
        "${{ secrets.X }}",
        "${{",
        "}}",
        "\U000f0000",
        "\x00",
        "\u202e",
        "::error::",
        "credentials('x')",
        "Invoke-RestMethod ",
        "-Uri ",
        "-Headers @{ ",
        "Authorization = ",
        "$x = ",
        "$env:A",
        "@{",
        "`\n",
        "Get-Content ",
        "pipelines:\n",
        "version: 2\njobs:\n",
        "- bash: ",
        "$(Build.Id)",
    ]
)
SECRETS = st.text(string.ascii_letters + string.digits, min_size=8, max_size=30).map(lambda text: f"zq{text}")
TEMPLATES = (
    "curl -u user:{} -F file=@a.xml https://j.example.com/rest/raven/2.0/import/execution/junit\n",
    "curl -H 'Authorization: Bearer {}' -F file=@a.xml https://j.example.com/rest/raven/2.0/import/execution/junit\n",
    "curl -F file=@a.xml https://me:{}@j.example.com/rest/raven/2.0/import/execution/junit\n",
    (
        "$h = @{{ Authorization = 'Bearer {}' }}\nInvoke-RestMethod -Headers $h -InFile a.xml "
        "-Uri https://j.example.com/rest/raven/2.0/import/execution/junit\n"
    ),
    (
        "steps:\n- bash: curl -H 'Authorization: Bearer {}' -F file=@a.xml "
        "https://j.example.com/rest/raven/2.0/import/execution/junit\n"
    ).replace("bash: curl", "bash: |\n    curl"),
    (
        'K={}\ncurl -d "{{\\"client_id\\":\\"a\\",\\"client_secret\\":\\"$K\\"}}" https://x/api/v2/authenticate\n'
        "curl -d @a.xml https://x/api/v2/import/execution/junit\n"
    ),
    (
        "jobs:\n  a:\n    env: {{P: {0}}}\n    steps:\n    - uses: mikepenz/xray-action@v3\n      name: with {0}\n"
        "      with: {{username: a, password: {0}, testPaths: a.xml}}\n"
    ),
    (
        "job:\n  script:\n    - curl --oauth2-bearer {} -F file=@a.xml "
        "https://j.example.com/rest/raven/2.0/import/execution/junit\n"
    ),
    (
        "node {{ def p = '{}'\n sh \"curl -u me:$p -F file=@a.xml "
        'https://j.example.com/rest/raven/2.0/import/execution/junit" }}\n'
    ),
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=60).map("".join)))
def test_any_text_becomes_steps_or_an_error_of_ours(text):
    """Never a traceback, and what is printed has no control characters."""
    try:
        made = migrate(text, "old")
    except ConfigurationError as error:
        assert error.exit_code == 2
        return
    assert made.steps
    assert made.text.endswith("\n")
    assert not {"\x00", "\u202e", "\U000f0000"} & {*made.text}


@given(SECRETS, st.sampled_from(TEMPLATES))
def test_a_secret_in_the_open_never_comes_out(secret, template):
    """Neither in the new step nor in a reason, wherever it stood; its owner is told."""
    made = migrate(template.format(secret), "old")
    told = " ".join(text for step in made.steps for text in (*step.notes, *step.left, step.what))

    assert secret not in made.text
    assert secret not in told
    assert "Revoke it" in told
