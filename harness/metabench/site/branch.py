"""A site on a branch of a git remote, from which hosts serve pages."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metabench.site.folder import MANIFEST, SiteError, foreign_file

if TYPE_CHECKING:
    from collections.abc import Mapping

_MESSAGE = "Publish the leaderboards"
# The name that a host serves the site under; its owner has put it beside the site.
_OWNERS = "CNAME"
_NO_SUCH_BRANCH = 2
# Nobody's settings change a byte, and no hook of another repository runs.
_SETTINGS = ("core.autocrlf=false", f"core.attributesFile={os.devnull}", f"core.hooksPath={os.devnull}")
_AUTHOR = ("user.name=metabench", "user.email=metabench@localhost")


def push_site(site: Path, remote: str, branch: str) -> bool:
    """Make a site the content of a branch, by a commit on top of what is there.

    It works in a repository of its own, which goes when it is done.

    Args:
        site: Its folder.
        remote: A remote's name in the repository around the current folder, a path, or an address.
        branch: Is made if it is not there.

    Returns:
        Whether there was something new to push.

    Raises:
        SiteError: There is no git, the remote cannot be reached or refuses, or the branch holds other
            things than a site.
    """
    address = _address(remote)
    with tempfile.TemporaryDirectory(prefix="metabench-site-") as folder:
        repository = _Repository(Path(folder) / ".git", site.resolve())
        _run("init", "--quiet", "--template=", folder).checked()
        parent = _fetch(repository, address, branch)
        if parent:
            _check_branch(repository, remote, branch)
        tree = _write_tree(repository, with_owners=bool(parent))
        if parent and tree == repository.git("rev-parse", "FETCH_HEAD^{tree}"):
            return False
        commit = _commit(repository, tree, parent)
        repository.git("push", "--quiet", "--", address, f"{commit}:refs/heads/{branch}")
    return True


@dataclass(frozen=True)
class _Ended:
    """A call of git that has ended."""

    command: str
    code: int
    output: str
    errors: str

    def checked(self) -> str:
        """What it printed.

        Raises:
            SiteError: It failed.
        """
        if self.code:
            told = "; ".join(line.strip() for line in self.errors.splitlines() if line.strip())
            raise SiteError(
                f"'git {self.command}' failed ({told or f'exit code {self.code}'}); expected a remote that "
                "can be reached and a branch that you may push to. Check both."
            )
        return self.output.strip()


@dataclass(frozen=True)
class _Repository:
    """A repository for one push; what it tracks is the site's folder."""

    folder: Path
    site: Path

    def run(self, command: str, *arguments: str, settings: tuple[str, ...] = ()) -> _Ended:
        """Call git in the site's folder."""
        where = (f"--git-dir={self.folder}", f"--work-tree={self.site}")
        return _run(command, *arguments, before=where, settings=settings, folder=self.site)

    def git(self, command: str, *arguments: str, settings: tuple[str, ...] = ()) -> str:
        """What git prints.

        Raises:
            SiteError: It fails.
        """
        return self.run(command, *arguments, settings=settings).checked()


def _run(
    command: str,
    *arguments: str,
    before: tuple[str, ...] = (),
    settings: tuple[str, ...] = (),
    folder: Path | None = None,
) -> _Ended:
    executable = shutil.which("git")
    if executable is None:
        raise SiteError("There is no 'git' on this machine; expected it on the PATH. Install it.")
    told = [word for setting in (*_SETTINGS, *settings) for word in ("-c", setting)]
    done = subprocess.run(  # noqa: S603 - a list of words, no shell
        [executable, *told, *before, command, *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        cwd=folder,
        env=_environment(),
    )
    return _Ended(command, done.returncode, done.stdout, done.stderr)


def _environment() -> Mapping[str, str]:
    """Without what a surrounding git, whose hook this may be, tells its own calls."""
    own = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY"}
    return {name: value for name, value in os.environ.items() if name not in own} | {"LC_ALL": "C"}


def _address(remote: str) -> str:
    """What a remote's name stands for here; a path or an address stands for itself."""
    known = _run("remote", "get-url", "--push", "--", remote)
    if known.code:
        return _from_anywhere(Path(), remote)
    # As git has it, a path begins at the top of the repository, or at the repository where it is bare.
    top = _run("rev-parse", "--show-toplevel")
    top = _run("rev-parse", "--absolute-git-dir") if top.code else top
    return _from_anywhere(Path(top.output.rstrip("\n")), known.output.strip())


def _from_anywhere(folder: Path, address: str) -> str:
    """A path from a folder as one from anywhere; an address that is none as it is."""
    is_path = ":" not in address.partition("/")[0] and not address.startswith("~")
    return str((folder / address).absolute()) if is_path else address


def _fetch(repository: _Repository, address: str, branch: str) -> str:
    """Get the tip of a branch; "" where there is no such branch yet."""
    reference = f"refs/heads/{branch}"
    repository.git("check-ref-format", "--branch", branch)
    found = repository.run("ls-remote", "--exit-code", "--", address, reference)
    if found.code == _NO_SUCH_BRANCH:
        return ""
    found.checked()
    repository.git("fetch", "--quiet", "--depth=1", "--no-tags", "--", address, reference)
    return repository.git("rev-parse", "FETCH_HEAD")


def _check_branch(repository: _Repository, remote: str, branch: str) -> None:
    """Refuse a branch on which something would be lost."""
    found = repository.git("ls-tree", "-r", "--name-only", "-z", "FETCH_HEAD").split("\0")
    manifest = repository.run("show", f"FETCH_HEAD:{MANIFEST}").output
    foreign = foreign_file((one for one in found if one and one != _OWNERS), manifest)
    if foreign is not None:
        raise SiteError(
            f"Branch {branch!r} of {remote!r} has other things in it, such as {foreign!r}; expected none, or "
            "an earlier site. Name another branch, say gh-pages."
        )


def _write_tree(repository: _Repository, *, with_owners: bool) -> str:
    repository.git("add", "--all", "--force", "--", ".")
    owners = repository.git("ls-tree", "FETCH_HEAD", "--", _OWNERS) if with_owners else ""
    if owners:
        mode, _, blob, _ = owners.split()
        repository.git("update-index", "--add", "--cacheinfo", f"{mode},{blob},{_OWNERS}")
    return repository.git("write-tree")


def _commit(repository: _Repository, tree: str, parent: str) -> str:
    """Commit as who git says one is, or as the program where it does not know."""
    is_known = not repository.run("var", "GIT_COMMITTER_IDENT").code
    parents = ("-p", parent) if parent else ()
    settings = () if is_known else _AUTHOR
    return repository.git("commit-tree", tree, "-m", _MESSAGE, *parents, settings=settings)
