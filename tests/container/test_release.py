"""What a release does to a registry and a repository.

Digests of pushed images, and tags that move together or not at all.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import yaml

import xray_ci

pytestmark = pytest.mark.container
CHECKOUT = Path(__file__).resolve().parents[2]
SCRIPTS = CHECKOUT / ".github" / "scripts"
REFERENCE = f"ghcr.io/org/xray-ci@sha256:{'ab' * 32}"


def apt(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run apt-get to its end."""
    return subprocess.run(
        ["apt-get", "-q", *command], cwd=cwd, capture_output=True, encoding="utf-8", timeout=240, check=False
    )


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where Debian's registry was unpacked.

    Nothing is installed, so nothing is started and nothing stays behind.
    """
    if not shutil.which("apt-get"):
        pytest.skip("no registry to run: it comes as a Debian package, and this machine has no apt-get")
    folder = tmp_path_factory.mktemp("registry")
    folder.chmod(0o777)  # apt-get downloads as a user of its own
    loaded = apt("download", "docker-registry", cwd=folder)
    if loaded.returncode and os.getuid() == 0:
        apt("update", cwd=folder)
        loaded = apt("download", "docker-registry", cwd=folder)
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    (package,) = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
    return folder / "usr" / "bin"


@pytest.fixture
def registry(programs: Path, tmp_path: Path) -> Iterator[str]:
    """Run an empty registry on loopback and return its place."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        place = f"127.0.0.1:{free.getsockname()[1]}"
    config = {
        "version": 0.1,
        "log": {"level": "error"},
        "http": {"addr": place, "secret": "of this test"},
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "stored")}},
    }
    (tmp_path / "config.yml").write_text(json.dumps(config), encoding="utf-8")
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(
            [programs / "docker-registry", "serve", tmp_path / "config.yml"], stdout=log, stderr=log
        ) as serving,
    ):
        try:
            while not answers(place):
                assert serving.poll() is None, (tmp_path / "log").read_text()
            yield place
        finally:
            serving.kill()


def answers(place: str) -> bool:
    """Return whether the registry is up."""
    try:
        with urlopen(f"http://{place}/v2/"):
            return True
    except URLError:
        return False


def script(name: str, *arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run one script of the release."""
    return subprocess.run(
        [SCRIPTS / name, *arguments],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )


def test_what_a_release_names_is_what_was_pushed(engine, registry, tmp_path):
    """The digest found in the registry is the one the engine pushed, and an action that names it runs that image."""
    name = f"{registry}/org/xray-ci"
    engine("tag", os.environ.get("DOCKER_TRIMMED", engine.image), f"{name}:v1.2.3")  # the smaller one is pushed sooner
    said = engine("push", f"{name}:v1.2.3").stdout

    found = script("image_digest.py", f"{name}:v1.2.3")
    assert found.returncode == 0, found.stderr
    digest = found.stdout.strip()
    shutil.copy(CHECKOUT / "action.yml", tmp_path)
    pinned = script("pin_image.py", f"{name}@{digest}", tmp_path / "action.yml")
    assert pinned.returncode == 0, pinned.stderr
    image = re.search(r"^  image: docker://(\S+)$", (tmp_path / "action.yml").read_text(encoding="utf-8"), re.MULTILINE)

    assert f"digest: {digest} " in said
    assert image
    engine("rmi", f"{name}:v1.2.3")
    assert engine("run", "--rm", "--network", "none", image[1], "--version").stdout.startswith("xray-ci ")
    engine("rmi", image[1])


class Published:
    """A repository on a server and a clean checkout of the commit that is released."""

    def __init__(self, folder: Path) -> None:
        self.server, self.checkout = folder / "server.git", folder / "checkout"
        self.git("init", "--quiet", "--bare", str(self.server), cwd=folder)
        self.git("clone", "--quiet", str(self.server), str(self.checkout), cwd=folder)
        self.git("checkout", "--quiet", "-b", "main")
        shutil.copytree(SCRIPTS, self.checkout / ".github" / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        (self.checkout / "xray_ci").mkdir()
        for name in ("action.yml", "CHANGELOG.md", "Dockerfile", "xray_ci/__init__.py"):
            shutil.copy(CHECKOUT / name, self.checkout / name)
        self.commit()

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run git to its end and return what it printed."""
        env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        for role in ("AUTHOR", "COMMITTER"):
            env |= {
                f"GIT_{role}_NAME": "Tests",
                f"GIT_{role}_EMAIL": "tests@example.com",
                f"GIT_{role}_DATE": "2026-01-02T03:04:05Z",
            }
        return subprocess.run(
            ["git", *arguments], cwd=cwd or self.checkout, env=env, check=True, capture_output=True, encoding="utf-8"
        ).stdout.strip()

    def commit(self) -> None:
        """Commit what the checkout holds."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "Change")

    def tag(self, name: str, *, annotated: bool = False) -> str:
        """Put a tag on the commit, on the server too, and return the commit."""
        self.git("tag", *(["--annotate", "--message", name] if annotated else []), "--force", name)
        self.git("push", "--quiet", "--force", "origin", f"refs/tags/{name}")
        return self.git("rev-parse", "HEAD")

    def release(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Move the tags from a clean checkout, as a run of the workflow has it."""
        return script("move_tags.sh", *arguments, cwd=self.checkout)

    def at(self, name: str) -> str:
        """Return the commit a tag of the server leads to; empty where there is none."""
        return self.git(
            "for-each-ref",
            "--format=%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)",
            f"refs/tags/{name}",
            cwd=self.server,
        )


@pytest.fixture
def published(tmp_path: Path) -> Published:
    """Return a repository with one commit."""
    if not shutil.which("git"):
        if os.getuid() != 0 or not shutil.which("apt-get"):
            pytest.skip("no git, and none can be installed here")
        done = apt("install", "--yes", "--no-install-recommends", "git", cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    return Published(tmp_path)


@pytest.mark.parametrize("annotated", [False, True], ids=["light", "annotated"])
def test_both_tags_lead_to_an_action_that_names_the_image(published, annotated):
    """One commit above the one that was built, differing in one line of action.yml; the branch does not have it."""
    source = published.tag("v1.2.3", annotated=annotated)

    done = published.release("v1.2.3", "v1", REFERENCE)

    assert done.returncode == 0, done.stderr
    release = done.stdout.strip()
    assert release == published.at("v1.2.3") == published.at("v1")
    assert source == published.git("rev-parse", f"{release}^", cwd=published.server)
    changed = published.git("diff", "--unified=0", source, release, cwd=published.server)
    assert [f"+  image: docker://{REFERENCE}"] == re.findall(r"^\+ .*", changed, re.MULTILINE)
    assert published.git("diff", "--name-only", source, release, cwd=published.server) + "\n" == "action.yml\n"


def test_a_second_run_changes_nothing(published):
    """Run again after a later step failed, the script makes the same commit and moves nothing."""
    source = published.tag("v1.2.3")
    first = published.release("v1.2.3", "v1", REFERENCE)
    published.git("reset", "--quiet", "--hard", source)

    second = published.release("v1.2.3", "v1", REFERENCE)

    assert (0, first.stdout) == (second.returncode, second.stdout), second.stderr
    assert first.stdout.strip() == published.at("v1.2.3")


def test_the_next_version_takes_the_floating_tag_along(published):
    """`v1` goes from the older release to the newer one; the older one's own tag stays."""
    source = published.tag("v1.2.3")
    older = published.release("v1.2.3", "v1", REFERENCE).stdout.strip()
    published.git("reset", "--quiet", "--hard", source)
    published.commit()
    published.tag("v1.3.0")

    newer = published.release("v1.3.0", "v1", REFERENCE).stdout.strip()

    assert [older, newer, newer] == [published.at(name) for name in ("v1.2.3", "v1.3.0", "v1")]


def test_a_repair_of_an_old_version_leaves_the_floating_tag(published):
    """Without a floating tag only the version's own tag moves."""
    published.tag("v1.2.4")

    done = published.release("v1.2.4", "", REFERENCE)

    assert (done.returncode, published.at("v1")) == (0, ""), done.stderr
    assert done.stdout.strip() == published.at("v1.2.4")


def test_a_tag_that_somebody_moved_stops_the_release(published):
    """When the tag leads to another commit than the one that was built, no tag is moved at all."""
    source = published.tag("v1.2.3")
    published.commit()
    moved = published.tag("v1.2.3")
    published.git("reset", "--quiet", "--hard", source)

    done = published.release("v1.2.3", "v1", REFERENCE)

    assert done.returncode == 1
    assert f"v1.2.3 leads to {moved}, and not to {source}" in done.stderr
    assert [moved, ""] == [published.at(name) for name in ("v1.2.3", "v1")]


def steps(job: str, published: Published, **env: str) -> dict[str, subprocess.CompletedProcess[str]]:
    """Run the scripts of one job of the release until one fails, as the runner does; return how each ended, by name."""
    workflow = yaml.safe_load((CHECKOUT / ".github/workflows/release.yml").read_text(encoding="utf-8"))
    ended = {}
    for step in workflow["jobs"][job]["steps"]:
        if "run" not in step or ("FLOATING" in step.get("if", "") and not env["FLOATING"]):
            continue
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=published.checkout,
            check=False,
            env={**os.environ, "LATEST": "true", **env},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )
        ended[step.get("id") or step["name"]] = done
        if done.returncode:
            break
    return ended


def test_a_release_begins_with_what_it_is_made_of(published, engine, registry, tmp_path):
    """The first job finds the version, the floating tag, the digest of the base and the moment of the commit."""
    base = f"{registry}/base:3"
    tarfile.open(tmp_path / "empty.tar", "w").close()
    engine("import", str(tmp_path / "empty.tar"), base)
    digest = re.search(r"digest: (sha256:\w+) ", engine("push", base).stdout)
    engine("rmi", base)
    published.git("push", "--quiet", "origin", "main")
    source = published.tag(f"v{xray_ci.__version__}")

    ended = steps(
        "check",
        published,
        BASE=base,
        GITHUB_SHA=source,
        GITHUB_REF_NAME=f"v{xray_ci.__version__}",
        GITHUB_OUTPUT=str(tmp_path / "outputs"),
    )

    assert {0} == {done.returncode for done in ended.values()}, ended
    assert digest
    assert {
        "version": xray_ci.__version__,
        "tag": f"v{xray_ci.__version__}",
        "floating": f"v{xray_ci.__version__.split('.')[0]}",
        "base": f"{base}@{digest[1]}",
        "digest": digest[1],
        "epoch": "1767323045",
        "created": "2026-01-02T03:04:05Z",
    } == dict(line.split("=", 1) for line in (tmp_path / "outputs").read_text(encoding="utf-8").splitlines())


def test_a_commit_that_is_on_no_branch_is_not_released(published, tmp_path):
    """A tag on what nobody reviewed ends the release in its first step."""
    published.git("push", "--quiet", "origin", "main")
    published.commit()

    ended = steps(
        "check",
        published,
        BASE="",
        GITHUB_SHA=published.tag("v1.2.3"),
        GITHUB_REF_NAME="v1.2.3",
        GITHUB_OUTPUT=str(tmp_path / "outputs"),
    )

    assert list(ended) == ["Only what was reviewed is released"]
    assert ended["Only what was reviewed is released"].returncode == 1


@pytest.mark.parametrize("floating", ["v0", ""], ids=["newest", "repair"])
def test_a_release_ends_with_the_names(published, tmp_path, floating):
    """The last job tags the images, moves the tags, and makes the release with notes and files.

    A repair leaves the floating names.
    """
    source = published.tag("v0.1.0")
    for name in ("gh", "docker"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {tmp_path}/calls\n', encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    for name in ("dist/xray_ci-0.1.0-py3-none-any.whl", "sbom-default/xray-ci-default-amd64.spdx.json"):
        (published.checkout / "built" / name).parent.mkdir(parents=True)
        (published.checkout / "built" / name).touch()
    image = REFERENCE.partition("@")[0]

    ended = steps(
        "names",
        published,
        PATH=f"{tmp_path}:{os.environ['PATH']}",
        TAG="v0.1.0",
        VERSION=xray_ci.__version__,
        FLOATING=floating,
        IMAGE=image,
        DEFAULT=REFERENCE.partition("@")[2],
        TRIMMED=f"sha256:{'cd' * 32}",
    )

    assert {0} == {done.returncode for done in ended.values()}, ended
    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    tagged = [call.split()[5:] for call in calls if call.startswith("docker buildx imagetools create --tag ")]
    assert (
        [[f"{image}:v0", REFERENCE], [f"{image}:v0-trimmed", f"{image}@sha256:{'cd' * 32}"]] if floating else []
    ) == tagged
    assert source == published.git("rev-parse", f"{published.at('v0.1.0')}^", cwd=published.server)
    assert (published.at("v0.1.0") if floating else "") == published.at("v0")
    assert calls[-1].startswith("gh release create v0.1.0 --verify-tag ")
    assert calls[-1].endswith(
        " built/dist/xray_ci-0.1.0-py3-none-any.whl built/sbom-default/xray-ci-default-amd64.spdx.json"
    )
    assert f"- `{REFERENCE}`\n" in (published.checkout / "notes.md").read_text(encoding="utf-8")
