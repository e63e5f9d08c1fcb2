"""The documentation's site: its versions, newest first, and the branch that holds them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / ".github" / "scripts"
ENV = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}", "HOME": "/nowhere", "GIT_CONFIG_NOSYSTEM": "1"}


def called(*command, cwd):
    """Run a program; return what it printed."""
    done = subprocess.run(command, cwd=cwd, env=ENV, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def listed(text):
    """Return the folders that a page leads to, in its order."""
    return re.findall(r'<a href="([^"]+)/">', text)


def built(folder, text):
    """Make what a build of the site looks like."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("README.html", "index.html"):
        (folder / name).write_text(text)
    return folder


def test_the_newest_release_is_entered(tmp_path):
    """By number, not by letter; what is no release stands last, what is no version is not listed."""
    for name in ("main", "v1.9.0", "v1.10.0"):
        built(tmp_path / name, name)
    (tmp_path / "other").mkdir()
    called(sys.executable, SCRIPTS / "versions.py", ".", cwd=tmp_path)

    assert listed((tmp_path / "versions.html").read_text()) == ["v1.10.0", "v1.9.0", "main"]
    assert 'url=v1.10.0/"' in (tmp_path / "index.html").read_text()


def test_without_a_version_there_is_no_site(tmp_path):
    """An empty folder is a failure, not an empty list."""
    done = subprocess.run(
        [sys.executable, SCRIPTS / "versions.py", "."], cwd=tmp_path, check=False, capture_output=True
    )

    assert done.returncode == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not shutil.which("git"), reason="no git here")
def test_a_version_comes_beside_the_others(tmp_path):
    """The branch has all versions in one commit; the same again changes nothing, a new build replaces the old one."""
    server, checkout = tmp_path / "server.git", tmp_path / "checkout"
    called("git", "init", "--quiet", "--bare", str(server), cwd=tmp_path)
    called("git", "clone", "--quiet", str(server), str(checkout), cwd=tmp_path)

    def publish(version, text):
        called(SCRIPTS / "publish_site.sh", built(tmp_path / "built" / version, text), version, cwd=checkout)
        return called("git", "rev-parse", "gh-pages", cwd=server)

    publish("main", "first")
    both = publish("v1.0.0", "one")
    again = publish("v1.0.0", "one")
    renewed = publish("main", "second")

    assert (again, renewed != again) == (both, True)
    assert called("git", "rev-list", "--count", "gh-pages", cwd=server) == "1"
    assert called("git", "show", "gh-pages:main/index.html", cwd=server) == "second"
    assert listed(called("git", "show", "gh-pages:versions.html", cwd=server)) == ["v1.0.0", "main"]
