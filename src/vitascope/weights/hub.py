"""The one door to the hub where open-weight models lie: what a repository holds, and some of its files."""

import os
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from vitascope.errors import MissingExtraError, WeightsError

T = TypeVar("T")
_BY_HAND = "or bring its folder from elsewhere: vitascope models add ID FOLDER"


@dataclass(frozen=True)
class Remote:
    """One state of a repository: its commit, and its files with their length in bytes and SHA-256 where it is known."""

    commit: str
    sizes: Mapping[str, int]
    checksums: Mapping[str, str]


@runtime_checkable
class Hub(Protocol):
    """Tells what a repository holds and fetches files of it; raises `WeightsError` in one line when it cannot."""

    def look(self, repository: str, revision: str) -> Remote:
        """Return what a repository holds at a revision."""
        ...

    def fetch(self, repository: str, commit: str, names: Collection[str], folder: Path) -> None:
        """Bring files into a folder, going on where an earlier call was interrupted."""
        ...


class HuggingFace:
    """The hub, through huggingface_hub and whatever that is told by its own environment."""

    def look(self, repository: str, revision: str) -> Remote:
        """Return what a repository holds at a revision."""
        hub = _library()

        def ask() -> Any:
            return hub.HfApi().model_info(repository, revision=revision, files_metadata=True)

        info = _explain_errors(repository, ask)
        files = {file.rfilename: file for file in info.siblings or ()}
        checksums = {name: file.lfs.sha256 for name, file in files.items() if file.lfs}
        return Remote(info.sha, {name: file.size or 0 for name, file in files.items()}, checksums)

    def fetch(self, repository: str, commit: str, names: Collection[str], folder: Path) -> None:
        """Bring files into a folder; bars are drawn on a terminal."""
        hub = _library()
        if not sys.stderr.isatty():
            from huggingface_hub.utils import disable_progress_bars

            disable_progress_bars()

        def bring() -> Any:
            patterns = [_literal(name) for name in names]
            return hub.snapshot_download(
                repository, revision=commit, local_dir=folder, allow_patterns=patterns
            )

        _explain_errors(repository, bring)


def _library() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        extra = 'pip install ".[open-weights]"'
        raise MissingExtraError(f"models: huggingface_hub is needed to download weights: {extra}") from None
    return huggingface_hub


def _literal(name: str) -> str:
    """Return the pattern that matches a name and nothing else."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in name)


def _explain_errors(repository: str, call: Callable[[], T]) -> T:
    """Call the hub; raises `WeightsError` that says in one line what was wrong and what to do."""
    from huggingface_hub import errors

    try:
        return call()
    except errors.GatedRepoError:
        problem = "is gated: ask for access on its page, then log in (hf auth login) or set HF_TOKEN"
    except errors.RevisionNotFoundError:
        problem = "has no such revision"
    except errors.RepositoryNotFoundError:
        problem = "is not there, or hidden from you: log in (hf auth login) or set HF_TOKEN"
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled):
        offline = os.environ.get("HF_HUB_OFFLINE")
        problem = (
            "cannot be reached"
            + (" while HF_HUB_OFFLINE is set" if offline else "")
            + f"; try later, {_BY_HAND}"
        )
    except errors.HfHubHTTPError as error:
        problem = f"could not be read ({_line(error)}); try again, what is here already stays"
    except OSError as error:
        if error.errno is not None and error.errno in (28, 122):  # no space, or no more of it for this user
            raise WeightsError(
                f"{repository}: no space is left on the disk; what is here already stays"
            ) from None
        if not isinstance(error, ConnectionError | TimeoutError):
            raise WeightsError(f"{repository} could not be kept ({_line(error)})") from None
        problem = f"cannot be reached ({_line(error)}); try later, {_BY_HAND}"
    except Exception as error:
        if not type(error).__module__.startswith("httpx"):
            raise
        problem = f"cannot be reached ({_line(error)}); try later, {_BY_HAND}"
    raise WeightsError(f"{repository} {problem}") from None


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
