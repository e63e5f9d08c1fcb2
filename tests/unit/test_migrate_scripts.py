"""Scripts and calls of curl: what is a variable, what a call says, and what only the old step's run would know."""

import pytest

from xray_ci.migrate import curl, jenkins, migrate, shell
from xray_ci.migrate.step import RefKind, Refs


def words(script):
    refs = Refs()
    return [[seen(word, refs) for word in command.words] for command in shell.commands(script, 1, {}, refs)]


def seen(text, refs):
    return "".join(part if isinstance(part, str) else f"<{part.name or part.kind.name}>" for part in refs.split(text))


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("a b", [["a", "b"]]),
        ("a 'b $X' \"c $X\" d$X ${X}e", [["a", "b $X", "c <X>", "d<X>", "<X>e"]]),
        ("a \\$X \"\\$X\" '\\$X'", [["a", "$X", "$X", "\\$X"]]),
        ("a b\\\n c", [["a", "b", "c"]]),
        ("a; b && c | d & (e)", [["a"], ["b"], ["c"], ["d"], ["e"]]),
        ("a # b 'c\nd", [["a"], ["d"]]),
        ("a b#c", [["a", "b#c"]]),
        ('x=$(a "b)"); c $x', [["a", "b)"], ["c", "<COMPUTED>"]]),
        ("x=`a` c", [["a"], ["c"]]),
        ("if a; then b; fi", [["a"], ["b"], ["fi"]]),
        ("A=1 B='2 3'; c $A \"$B\"", [["c", "1", "2 3"]]),
        ("export A=1; c $A", [["c", "1"]]),
        ("for f in a/*.xml b.xml; do c @$f; done", [["c", "@a/*.xml\nb.xml"], ["done"]]),
        ("a $1 $@ ${1} ${X:-y}", [["a", "<COMPUTED>", "<COMPUTED>", "<COMPUTED>", "<X>"]]),
        ("cat > f <<EOF\n{ \"it's\nEOF\na", [["cat", "f"], ["a"]]),
        ("a 'never closed", [["a", "never closed"]]),
    ],
)
def test_words_are_those_of_a_shell(script, expected):
    """With variables where the shell would expand them, and nowhere else."""
    assert expected == words(script)


def test_a_value_that_grows_without_bound_is_not_followed():
    """Doubling twenty times would be a million times the text."""
    script = "A=0123456789\n" + "A=$A$A\n" * 30 + "b $A"
    assert len(words(script)[-1][1]) < 5000


def test_a_here_document_is_the_body_of_its_command_and_does_not_grow_without_bound():
    """With values in place of variables, as the shell would write it, up to a million characters of them."""
    refs = Refs()
    (first, second) = shell.commands('cat > a <<EOF\n{"a": "$A", "b": "${B}"}\nEOF\nb', 1, {"A": "x"}, refs)
    assert (seen(first.body, refs), second.words) == ('{"a": "x", "b": "<B>"}', ("b",))

    (long,) = shell.commands("cat > a <<EOF\n" + "$A" * 5000 + "\nEOF\n", 1, {"A": "y" * 4000}, Refs())
    assert len(long.body) < 1_100_000


def test_a_command_knows_its_line():
    """That of its first word."""
    found = list(shell.commands("a\n\nb \\\n c\nd 'x\ny'\ne", 5, {}, Refs()))
    assert [(command.words[0], command.line) for command in found] == [("a", 5), ("b", 7), ("d", 9), ("e", 11)]


@pytest.mark.parametrize(
    "written",
    [
        ("-X", "POST", "-H", "A: b", "https://x/y"),
        ("-XPOST", "-HA: b", "https://x/y"),
        ("-sSX", "POST", "--header=A: b", "https://x/y"),
        ("--request", "POST", "--header", "A: b", "--url", "https://x/y"),
    ],
)
def test_options_of_curl_are_read_in_all_their_spellings(written):
    """Joined, clustered, with an equals sign."""
    made = curl.call(("curl", *written))
    assert (made.url, made.all("header"), made.all("request")) == ("https://x/y", ["A: b"], ["POST"])


@pytest.mark.parametrize(
    ("url", "cloud", "format_"),
    [
        ("https://xray.cloud.getxray.app/api/v2/import/execution/junit?projectKey=A", True, "junit"),
        ("https://x/api/v1/import/execution", True, None),
        ("https://x/jira/rest/raven/1.0/import/execution/nunit/multipart", False, "nunit"),
        ("https://x/rest/raven/latest/import/execution/multipart", False, "multipart"),
        ("https://x/jira/rest/raven/2.0/api/import/execution/junit", False, "junit"),
    ],
)
def test_an_import_is_known_by_its_path(url, cloud, format_):
    """Of both deployments, plain and multipart."""
    parts = curl.imports(curl.CurlCall(url, ()))
    assert (cloud, format_) == (curl.is_cloud(parts, logged_in=False), parts["format"])


def test_other_calls_are_no_imports():
    """Of features, of Tests, of Jira."""
    for path in (
        "/api/v2/import/feature",
        "/api/v2/import/test/bulk",
        "/rest/api/2/issue",
        "/import/execution/junit/x/y",
    ):
        assert curl.imports(curl.CurlCall(f"https://x{path}", ())) is None


@pytest.mark.parametrize(
    "login",
    [
        """--data '{"client_id":"'"$ID"'","client_secret":"'"$KEY"'"}'""",
        '--data "{\\"client_id\\":\\"$ID\\",\\"client_secret\\":\\"$KEY\\"}"',
        "--json \"{ 'client_id': '$ID', 'client_secret': '$KEY' }\"",
        '-d "client_id=$ID&client_secret=$KEY"',
    ],
)
def test_the_key_of_a_login_is_named_by_its_variables(login):
    """However its body is quoted."""
    script = f"""
T=$(curl {login} https://xray.cloud.getxray.app/api/v2/authenticate)
curl -H "Authorization: Bearer $T" --data @a.xml https://xray.cloud.getxray.app/api/v2/import/execution/junit
"""
    assert 'XRAY_CI_CLIENT_ID="$ID" XRAY_CI_CLIENT_SECRET="$KEY"' in migrate(script, "x").text


@pytest.mark.parametrize(
    "login",
    [
        "-u user:sesame-1234",
        "-H 'Authorization: Basic c2VzYW1lLTEyMzQ='",
        "-H 'Authorization: Bearer sesame-1234'",
        "--oauth2-bearer sesame-1234",
    ],
)
def test_a_literal_secret_of_server_becomes_a_name(login):
    """In every place where curl takes one, and also inside the address."""
    for url in ("https://jira.example.com", "https://user:sesame-1234@jira.example.com"):
        made = migrate(f"curl {login} -F file=@a.xml {url}/rest/raven/2.0/import/execution/junit", "x")
        told = " ".join([made.text, *made.steps[0].notes, *made.steps[0].left])
        assert not {"sesame-1234", "c2VzYW1lLTEyMzQ="} & {*told.replace('"', " ").split()}
        assert "sesame" not in told
        assert "JIRA_TOKEN" in told or "JIRA_PASSWORD" in told


def test_what_closes_a_quote_in_a_value_does_not_close_it_in_the_step():
    """A value is written for the place where it stands."""
    script = """curl -H "Authorization: Bearer $T" -F "file=@it's \\"\\$(x)\\" $N.xml" \
https://jira.example.com/rest/raven/2.0/import/execution/junit"""
    assert """XRAY_CI_REPORTS="it's \\"\\$(x)\\" ${N}.xml" """ in migrate(script, "x").text


def test_a_value_that_a_log_would_act_on_is_left_out():
    """Neither printed nor hidden."""
    made = migrate(
        "curl -H 'Authorization: Bearer $T' -F 'file=@##vso[task]x.xml' "
        "https://j.example.com/rest/raven/2.0/import/execution/junit",
        "x",
    )
    assert "##vso[" not in made.text
    assert "reports" in " ".join(made.steps[0].left)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("'a $b'", "a $b"),
        ('"a ${b.c} $d"', "a <b.c> <d>"),
        ('"${env.X}"', "<X>"),
        ('"${a.split(1)[0]}"', "<COMPUTED>"),
        (r"'it\'s'", "it's"),
        ("'''a\nb'''", "a\nb"),
        (r'"\$a"', "$a"),
        ("'never closed", "never closed"),
        ("'a' + b + \"c\"", "a<b>c"),
        ("f(1)", "<COMPUTED>"),
    ],
)
def test_strings_of_groovy_are_read_as_groovy_does(code, expected):
    """With the expressions that are names, and no others."""
    refs = Refs()
    text, _ = jenkins.groovy_value(jenkins.groovy_tokens(code, refs), 0, {}, refs)
    assert expected == seen(text, refs)


def test_comments_of_groovy_are_gone_and_addresses_are_not():
    """Two slashes in a string are no comment."""
    found = jenkins.groovy_tokens("a // b\n/* c\n */ 'https://d' e", Refs())
    assert [(token.text, token.line) for token in found] == [("a", 1), ("https://d", 3), ("e", 3)]


def test_characters_of_references_in_an_input_are_none():
    """An input cannot name a reference by its character."""
    refs = Refs()
    place = refs.variable("SECRET")
    assert refs.inside(refs.clean(f"a{place}b")) == ()
    assert RefKind.VARIABLE is refs.alone(place).kind
