"""The scripts of a release: which version, which notes, which image, which tags; run as the workflow runs them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import runpy
import shutil
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

import xray_ci

CHECKOUT = Path(__file__).resolve().parents[2]
SCRIPTS = CHECKOUT / ".github" / "scripts"
REFERENCE = f"ghcr.io/org/xray-ci@sha256:{'ab' * 32}"
TAG = f"v{xray_ci.__version__}"
MAJOR = TAG.split(".", maxsplit=1)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a script ended."""

    code: int
    out: str
    err: str


def script(name: str, *arguments: str | Path, stdin: str = "") -> Ended:
    """Run one script as a program, in this process: a start of Python costs more than all that these do."""
    out, err = io.StringIO(), io.StringIO()
    kept = sys.argv, sys.stdin
    sys.argv, sys.stdin = [name, *map(str, arguments)], io.StringIO(stdin)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
            runpy.run_path(str(SCRIPTS / name), run_name="__main__")
    finally:
        sys.argv, sys.stdin = kept
    return Ended(code=ended.value.code, out=out.getvalue(), err=err.getvalue())


@pytest.fixture
def versioned(tmp_path: Path) -> Path:
    """Return a folder with the files that name the version."""
    for name in ("xray_ci/__init__.py", "Dockerfile", "CHANGELOG.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(CHECKOUT / name, tmp_path / name)
    return tmp_path


def test_a_tag_releases_what_the_checkout_says(versioned):
    """The tag of this very version is accepted, and moves the tag of its major version."""
    done = script("version.py", TAG, versioned, stdin=f"{TAG}\nv9.0.0\n")

    assert done.code == 0, done.err
    assert f"version={xray_ci.__version__}\ntag={TAG}\nfloating={MAJOR}\n" == done.out


@pytest.mark.parametrize("place", ["xray_ci/__init__.py", "Dockerfile", "CHANGELOG.md"])
def test_a_place_that_names_another_version_stops_the_release(versioned, place):
    """Package, label and change log must all agree with the tag; the one that does not is named."""
    path = versioned / place
    path.write_text(path.read_text(encoding="utf-8").replace(xray_ci.__version__, "7.7.7"), encoding="utf-8")

    done = script("version.py", TAG, versioned)

    assert done.code == 1
    assert f"{place} says 7.7.7" in done.err
    assert done.out == ""


@pytest.mark.parametrize("tag", ["v1", "1.2.3", "v1.2.3-rc.1", "v01.2.3", "v1.2.3\nfloating=v9"])
def test_another_tag_releases_nothing(tag):
    """Only `v`, and three numbers, is a release."""
    assert script("version.py", tag, CHECKOUT).code == 1


def test_a_repair_of_an_older_version_moves_no_floating_tag(versioned):
    """When a newer release of the same major version is out, `v0` stays where it is."""
    newer = f"{MAJOR}.999.0"

    assert script("version.py", TAG, versioned, stdin=f"v0\n{newer}\n").out.endswith("\nfloating=\n")


def test_notes_are_one_section_of_the_change_log():
    """The notes are what stands below the version's own heading, and the images that were built."""
    changes = "# Changes\n\n## 1.10.0\n\nNew.\n\n- More.\n\n## 1.1.0\n\nOld.\n"

    assert script("notes.py", "1.10.0", stdin=changes).out == "New.\n\n- More.\n"
    assert f"Old.\n\n### Images\n\n- `{REFERENCE}`\n" == script("notes.py", "1.1.0", REFERENCE, stdin=changes).out
    assert script("notes.py", "1.1", stdin=changes).code == 1


def test_there_are_notes_of_this_version():
    """The change log has something to say of the version in the checkout."""
    assert script("notes.py", xray_ci.__version__, stdin=(CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")).out


def test_the_released_action_names_its_image(tmp_path):
    """One line of action.yml changes: it runs the image by digest, and no Dockerfile."""
    path = tmp_path / "action.yml"
    before = (CHECKOUT / "action.yml").read_bytes().decode()
    path.write_bytes(before.encode())

    done = script("pin_image.py", REFERENCE, path)

    assert done.code == 0, done.err
    assert before.replace("image: Dockerfile", f"image: docker://{REFERENCE}") == path.read_bytes().decode() != before


@pytest.mark.parametrize(
    ("reference", "action"),
    [
        ("ghcr.io/org/xray-ci:v1", "  image: Dockerfile\n"),
        (f"{REFERENCE} # x", "  image: Dockerfile\n"),
        (REFERENCE, "  using: node24\n"),
        (REFERENCE, "  image: Dockerfile\n  image: Dockerfile\n"),
    ],
    ids=["a tag", "more than a reference", "no image", "two images"],
)
def test_what_is_no_pin_changes_nothing(tmp_path, reference, action):
    """A reference without a digest, or an action that runs no image, is refused."""
    path = tmp_path / "action.yml"
    path.write_text(action, encoding="utf-8")

    assert script("pin_image.py", reference, path).code == 1
    assert action == path.read_text(encoding="utf-8")


def test_entries_of_a_lock_are_whole():
    """An entry comes with all its hashes; a package that is not locked is an error."""
    lock = (CHECKOUT / "requirements" / "dev.txt").read_text(encoding="utf-8")

    done = script("locked.py", "pytest", "pluggy", stdin=lock)

    first, *hashes = done.out.replace("\\\n", "").splitlines()[0].split(" --hash=")
    assert first.startswith("pytest==")
    assert hashes
    assert len(done.out.replace("\\\n", "").splitlines()) == 2
    assert done.out in lock or all(line in lock for line in done.out.splitlines())
    assert script("locked.py", "no-such-package", stdin=lock).code == 1


class Registry(BaseHTTPRequestHandler):
    """A registry that wants an anonymous token first, as the public ones do."""

    MANIFEST = b'{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}'

    def do_GET(self) -> None:
        """Answer for a token, for one image, and for nothing else."""
        place = urlsplit(self.path)
        if place.path == "/token":
            scope = parse_qs(place.query)["scope"]
            self._answer(
                200, json.dumps({"token": "anonymous"} if scope == ["repository:library/base:pull"] else {}).encode()
            )
        elif place.path != "/v2/library/base/manifests/3.13-slim":
            self._answer(404, b"{}")
        elif self.headers["Authorization"] != "Bearer anonymous":
            realm = f"http://127.0.0.1:{self.server.server_address[1]}/token"
            self._answer(
                401,
                b"",
                **{
                    "WWW-Authenticate": f'Bearer realm="{realm}",service="registry",scope="repository:library/'
                    f'base:pull"'
                },
            )
        else:
            assert "application/vnd.oci.image.index.v1+json" in self.headers["Accept"]
            self._answer(200, self.MANIFEST)

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def registry() -> Iterator[str]:
    """Serve the registry on loopback and return its place."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_the_digest_of_a_public_image_is_found_without_an_account(registry):
    """The registry's challenge is answered with an anonymous token, and the digest is that of the bytes that came."""
    done = script("image_digest.py", f"{registry}/library/base:3.13-slim")

    assert (0, f"sha256:{hashlib.sha256(Registry.MANIFEST).hexdigest()}\n") == (done.code, done.out), done.err


def test_an_image_that_is_not_there_has_no_digest(registry):
    """Nothing is printed for a missing image, and the message names it."""
    done = script("image_digest.py", f"{registry}/library/base:missing")

    assert (done.code, done.out) == (1, "")
    assert "library/base:missing" in done.err
    assert "404" in done.err
