"""A site is pushed to a branch of a real repository on this disk."""

import os
import subprocess
from pathlib import Path

import pytest

from metabench.site import branch
from metabench.site.branch import push_site
from metabench.site.folder import MANIFEST, SiteError, write_site

FILES = [("index.html", b"first"), ("boards/one.html", b"board\r\n"), (".nojekyll", b"")]
IDENTITY = {
    "GIT_AUTHOR_NAME": "demo",
    "GIT_AUTHOR_EMAIL": "demo@localhost",
    "GIT_COMMITTER_NAME": "demo",
    "GIT_COMMITTER_EMAIL": "demo@localhost",
}


def git(*arguments: object, folder: Path | None = None) -> str:
    words = ["git", *map(str, arguments)]
    environment = os.environ | IDENTITY
    return subprocess.run(
        words, capture_output=True, text=True, check=True, cwd=folder, env=environment
    ).stdout


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings of git that are nobody's but the test's, and spoil what they can."""
    path = tmp_path / "gitconfig"
    path.write_text("[core]\n\tautocrlf = true\n\texcludesFile = " + str(tmp_path / "ignored") + "\n")
    (tmp_path / "ignored").write_text("*.html\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(path))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    return path


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A bare repository."""
    git("init", "--quiet", "--bare", "--initial-branch=main", tmp_path / "remote.git")
    return tmp_path / "remote.git"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A small site."""
    write_site(tmp_path / "site", FILES)
    return tmp_path / "site"


def content(remote: Path, branch: str = "gh-pages") -> dict[str, bytes]:
    names = git("--git-dir", remote, "ls-tree", "-r", "--name-only", branch).split()
    told = ["git", "--git-dir", str(remote), "show"]
    return {
        name: subprocess.run([*told, f"{branch}:{name}"], capture_output=True, check=True).stdout
        for name in names
    }


def n_commits(remote: Path, branch: str = "gh-pages") -> int:
    return int(git("--git-dir", remote, "rev-list", "--count", branch))


def commit_to(remote: Path, branch: str, name: str, tmp_path: Path) -> None:
    """Put a file on a branch as its owner would."""
    clone = tmp_path / "clone"
    git("clone", "--quiet", remote, clone)
    git(
        "checkout",
        "--quiet",
        "-B",
        branch,
        *([f"origin/{branch}"] if branch == "gh-pages" else []),
        folder=clone,
    )
    (clone / name).write_text("mine")
    git("add", "--force", name, folder=clone)
    git("commit", "--quiet", "--message", "mine", folder=clone)
    git("push", "--quiet", "origin", branch, folder=clone)


def test_a_new_branch_has_the_site_byte_for_byte(site: Path, remote: Path) -> None:
    assert push_site(site, str(remote), "gh-pages")

    assert content(remote) == dict(FILES) | {MANIFEST: (site / MANIFEST).read_bytes()}
    assert n_commits(remote) == 1


def test_the_same_site_makes_no_commit(site: Path, remote: Path) -> None:
    push_site(site, str(remote), "gh-pages")
    assert not push_site(site, str(remote), "gh-pages")
    assert n_commits(remote) == 1


def test_another_site_takes_its_place_in_a_commit_on_top(site: Path, remote: Path) -> None:
    push_site(site, str(remote), "gh-pages")
    write_site(site, [("index.html", b"second"), (".nojekyll", b"")])

    assert push_site(site, str(remote), "gh-pages")

    assert content(remote).keys() == {"index.html", ".nojekyll", MANIFEST}
    assert content(remote)["index.html"] == b"second"
    assert n_commits(remote) == 2


def test_the_name_that_a_host_serves_it_under_stays(site: Path, remote: Path, tmp_path: Path) -> None:
    push_site(site, str(remote), "gh-pages")
    commit_to(remote, "gh-pages", "CNAME", tmp_path)
    write_site(site, [("index.html", b"second")])

    push_site(site, str(remote), "gh-pages")

    assert content(remote)["CNAME"] == b"mine"
    assert not push_site(site, str(remote), "gh-pages")


def test_a_branch_with_other_things_is_refused_and_left_as_it_is(
    site: Path, remote: Path, tmp_path: Path
) -> None:
    commit_to(remote, "main", "thesis.txt", tmp_path)
    with pytest.raises(
        SiteError, match=r"Branch 'main' of '.*' has other things in it, such as 'thesis.txt'"
    ):
        push_site(site, str(remote), "main")
    assert content(remote, "main") == {"thesis.txt": b"mine"}


def test_a_remote_goes_by_its_name_in_the_repository_around(
    site: Path, remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("init", "--quiet", tmp_path / "work")
    git("remote", "add", "origin", remote, folder=tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")

    assert push_site(site, "origin", "gh-pages")

    assert n_commits(remote) == 1
    assert git("status", "--porcelain") == ""


def test_a_remote_whose_address_is_a_path_has_it_from_the_top_of_its_repository(
    site: Path, remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("init", "--quiet", tmp_path / "work")
    git("remote", "add", "origin", "../remote.git", folder=tmp_path / "work")
    (tmp_path / "work" / "below").mkdir()
    monkeypatch.chdir(tmp_path / "work" / "below")

    assert push_site(site, "origin", "gh-pages")

    assert n_commits(remote) == 1


def test_a_remote_of_a_bare_repository_has_its_path_from_there(
    site: Path, remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("init", "--quiet", "--bare", tmp_path / "mine.git")
    git("--git-dir", tmp_path / "mine.git", "remote", "add", "origin", "../remote")
    monkeypatch.chdir(tmp_path / "mine.git" / "refs")

    # Without its ending, as git lets one write it.
    assert push_site(site, "origin", "gh-pages")

    assert n_commits(remote) == 1


@pytest.mark.parametrize(
    "address",
    ["git@host.example:team/pages.git", "https://x:" + "t" * 400 + "@host.example/pages", "~ada/pages.git"],
)
def test_an_address_that_is_no_path_stays_as_it_is(address: str) -> None:
    assert branch._from_anywhere(Path("/work"), address) == address


def test_a_path_is_one_from_the_current_folder(
    site: Path, remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert push_site(Path("site"), "remote.git", "gh-pages")
    assert n_commits(remote) == 1


def test_it_works_within_a_hook_of_another_repository(
    site: Path, remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("init", "--quiet", tmp_path / "work")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "work" / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "work" / ".git" / "index"))
    assert push_site(site, str(remote), "gh-pages")
    assert not (tmp_path / "work" / ".git" / "index").exists()


def test_a_machine_without_an_author_commits_as_the_program(site: Path, remote: Path, settings: Path) -> None:
    settings.write_text("[user]\n\tuseConfigOnly = true\n")
    push_site(site, str(remote), "gh-pages")
    assert (
        git("--git-dir", remote, "log", "--format=%an %ae", "gh-pages") == "metabench metabench@localhost\n"
    )


def test_an_author_who_is_known_is_the_one(site: Path, remote: Path, settings: Path) -> None:
    settings.write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    push_site(site, str(remote), "gh-pages")
    assert git("--git-dir", remote, "log", "--format=%an", "gh-pages") == "Ada\n"


def test_a_push_that_is_refused_is_told_in_the_words_of_the_remote(site: Path, remote: Path) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'pages are frozen' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(SiteError, match=r"'git push' failed \(.*pages are frozen.*\); expected a remote"):
        push_site(site, str(remote), "gh-pages")


def test_a_remote_that_is_not_there_is_told(site: Path, tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"'git ls-remote' failed \(.*nowhere"):
        push_site(site, str(tmp_path / "nowhere.git"), "gh-pages")


@pytest.mark.parametrize("branch", ["two words", "..", "-f", ""])
def test_a_name_that_no_branch_can_have_is_refused(site: Path, remote: Path, branch: str) -> None:
    with pytest.raises(SiteError, match="'git check-ref-format' failed"):
        push_site(site, str(remote), branch)


def test_an_address_is_never_taken_for_an_option(site: Path, tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="'git ls-remote' failed"):
        push_site(site, f"--upload-pack=touch {tmp_path / 'touched'}", "gh-pages")
    assert not (tmp_path / "touched").exists()


def test_without_git_the_error_says_so(site: Path, remote: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        SiteError, match=r"There is no 'git' on this machine; expected it on the PATH\. Install it\."
    ):
        push_site(site, str(remote), "gh-pages")
