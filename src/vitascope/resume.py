"""The last step of every clip on disk: a run that was killed goes on from there and ends in the same bytes.

A folder holds two files per clip: `shot-SEED.json`, the planned shot with the weights and versions that make its
bytes, and `state-SEED.safetensors`, the last step. Each is written beside its place and moved there when whole.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from vitascope.checksum import checksum
from vitascope.deliver.record import versions
from vitascope.denoise.samplers import Step
from vitascope.errors import DamagedStateError, OutputError, RequestError
from vitascope.failpoints import failpoint
from vitascope.files import published, sweep
from vitascope.types import Record, Shot

ARGUMENT = "resume"
_SHOT = re.compile(r"shot-(\d+)\.json")


@dataclass(frozen=True)
class StateFile:
    """Where one clip's last step lies; `owner` is the checksum of the shot, weights and versions that it belongs to."""

    path: Path
    owner: str

    def part(self, number: int) -> "StateFile":
        """Return where the last step of a clip's window lies; the first window's is the file itself."""
        name = f"{self.path.stem}-{number}{self.path.suffix}"
        return replace(self, path=self.path.with_name(name)) if number else self

    def write(self, step: Step, told: str) -> None:
        """Replace the step that was kept; `told` is a checksum of all that the sampler was told.

        Raises `OutputError` when the disk does not take it.
        """
        tensors = {"latents": np.ascontiguousarray(step.latents), "clean": np.ascontiguousarray(step.clean)}
        about = {
            "owner": self.owner,
            "told": told,
            "index": str(step.index),
            "total": str(step.total),
            "level": step.level.hex(),
        }
        about["checksum"] = _checksum(about, tensors)
        with published(self.path, force=True, argument=ARGUMENT) as part:
            # Not `save_file`: it writes to a file of its own beside this one, which nobody would know after a kill.
            part.write_bytes(save(tensors, about))
        failpoint("state: kept")

    def read(self, told: str) -> Step | None:
        """Return the step that was kept, or None where there is none yet.

        Raises `DamagedStateError` for a file that is not whole, and for one of another clip.
        """
        try:
            with safe_open(self.path, framework="numpy") as file:
                about = dict(file.metadata() or {})
                tensors = {name: file.get_tensor(name) for name in ("latents", "clean")}
        except FileNotFoundError:
            return None
        except (SafetensorError, OSError, ValueError):
            raise DamagedStateError(f"{self.path} is damaged") from None
        if about.pop("checksum", None) != _checksum(about, tensors):
            raise DamagedStateError(f"{self.path} is damaged")
        if (about["owner"], about["told"]) != (self.owner, told):
            raise DamagedStateError(f"{self.path} is of a clip that was given something else")
        failpoint("state: read")
        level = float.fromhex(about["level"])
        return Step(int(about["index"]), int(about["total"]), level, tensors["latents"], tensors["clean"])


@dataclass(frozen=True)
class StateFolder:
    """The folder that `--resume-folder` names; made when the first thing is kept, gone when all is finished."""

    path: Path

    def seeds(self) -> list[int]:
        """Return the seeds of the clips that are kept here, from the smallest; none where there is no folder."""
        if not self.path.is_dir():
            return []
        names = (_SHOT.fullmatch(file.name) for file in self.path.iterdir())
        return sorted(int(name[1]) for name in names if name)

    def check(self, shots: Sequence[Shot]) -> None:
        """Refuse, before any work, a folder that is none or that holds other clips than those planned.

        Raises `RequestError`.
        """
        if self.path.exists() and not self.path.is_dir():
            raise RequestError(ARGUMENT, f"{self.path} is not a folder", "name a folder, new or used before")
        if not self.path.parent.is_dir():
            raise RequestError(ARGUMENT, f"the folder {self.path.parent} does not exist", "make it first")
        kept, wanted = self.seeds(), {shot.seed for shot in shots}
        if others := [seed for seed in kept if seed not in wanted]:
            one = len(others) == 1
            problem = (
                f"{self.path} holds the clip{'' if one else 's'} of seed{'' if one else 's'} {_list(others)}"
            )
            raise RequestError(ARGUMENT, problem, f"ask for seed {kept[0]} or name another folder")
        for shot in shots:
            self._refuse(shot, {"shot": _plain(shot)})

    def open(self, shot: Shot, weights: Mapping[str, str]) -> StateFile:
        """Return where the state of a planned shot lies, and keep the shot itself beside it.

        Raises `RequestError` when what lies there is of another shot, of other weights or of another installation, and
        `OutputError` when nothing can be written there.
        """
        mine = described(shot, weights, versions())
        self._refuse(shot, mine)
        try:
            self.path.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"{ARGUMENT}: {self.path} could not be made ({error.strerror})") from None
        if self.read(shot) != mine:
            with published(self._json(shot), force=True, argument=ARGUMENT) as part:
                part.write_text(json.dumps(mine, indent=1, ensure_ascii=False) + "\n", "utf-8")
        failpoint("state: opened")
        return StateFile(self._state(shot), checksum([json.dumps(mine, sort_keys=True).encode()]))

    def made(self, shot: Shot, record: Record) -> bool:
        """Say whether a file with this record is the very clip that a run kept here set out to make."""
        return self.read(shot) == described(record.shot, record.weights, record.versions)

    def finished(self, shot: Shot) -> None:
        """Forget the state of a clip that has been written; that it was made stays known."""
        for file in self._states(shot):
            file.unlink(missing_ok=True)

    def clear(self, shots: Iterable[Shot]) -> None:
        """Remove all that was kept of these clips, and the folder if nothing else is in it."""
        if not self.path.is_dir():
            return
        for shot in shots:
            for file in (*self._states(shot), self._json(shot)):
                file.unlink(missing_ok=True)
                sweep(file)
            # A window whose very first step was being written has no file yet that would name this one.
            for part in self.path.glob(f".state-{shot.seed}-*.safetensors.*.part"):
                part.unlink(missing_ok=True)
        if not any(self.path.iterdir()):
            self.path.rmdir()

    def read(self, shot: Shot) -> dict[str, Any] | None:
        """Return what is kept of the clip of that seed, None where there is nothing or nothing legible."""
        try:
            kept = json.loads(self._json(shot).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return (
            kept if isinstance(kept, dict) and all(isinstance(part, dict) for part in kept.values()) else None
        )

    def _refuse(self, shot: Shot, mine: Mapping[str, Mapping[str, Any]]) -> None:
        kept = self.read(shot) or {}
        for part, what in (
            ("shot", "another shot"),
            ("weights", "other weights"),
            ("versions", "another version"),
        ):
            told, asked = kept.get(part, {}), mine.get(part, {})
            if told and asked and told != asked:
                names = sorted(
                    name
                    for name in {*told, *asked}
                    if told.get(name) != asked.get(name) and name != "caption"
                )
                problem = f"{self.path} holds a run of {what} ({', '.join(names)})"
                raise RequestError(ARGUMENT, problem, "name another folder")

    def _json(self, shot: Shot) -> Path:
        return self.path / f"shot-{shot.seed}.json"

    def _state(self, shot: Shot) -> Path:
        return self.path / f"state-{shot.seed}.safetensors"

    def _states(self, shot: Shot) -> list[Path]:
        """Return the files of all of a clip's windows."""
        return [self._state(shot), *sorted(self.path.glob(f"state-{shot.seed}-*.safetensors"))]


def described(shot: Shot, weights: Mapping[str, str], installed: Mapping[str, str]) -> dict[str, Any]:
    """Return all that decides the bytes of a clip, as JSON would give it back."""
    return {"shot": _plain(shot), "weights": dict(weights), "versions": dict(installed)}


def _checksum(about: Mapping[str, str], tensors: Mapping[str, np.ndarray]) -> str:
    return checksum([json.dumps(dict(sorted(about.items()))).encode(), *tensors.values()])


def _plain(shot: Shot) -> dict[str, Any]:
    return shot.model_dump(mode="json", exclude_none=True)


def _list(seeds: Sequence[int]) -> str:
    return f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 2 else " and ".join(map(str, seeds))
