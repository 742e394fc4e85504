"""The nouns of the queue: a job, what it asks for, how far it is, what came of it. Frozen; change means `replace`."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from vitascope.types import Shot

if TYPE_CHECKING:
    from vitascope.director.storyboard import Storyboard

State = Literal["queued", "running", "completed", "failed", "cancelled"]
Kind = Literal["generate", "extend", "edit", "remix", "film"]

STATES: tuple[State, ...] = ("queued", "running", "completed", "failed", "cancelled")
FINISHED: frozenset[State] = frozenset({"completed", "failed", "cancelled"})
MAX_ATTEMPTS = 3
ID_START = "video_"


def new_id() -> str:
    """Return a name for a new job that nobody can guess."""
    return ID_START + secrets.token_hex(12)


@dataclass(frozen=True)
class Request:
    """What is to be made, and for whom it was said how.

    `shot_json` is the shot as it was asked for, with its seed; `planned_json` is the same shot with nothing left
    unsaid, as it was understood when the job was handed in. `number` clips are made, with seeds that follow. `parent`
    is the job whose clip this one starts from. `asked` is whatever the client wants to be told again (the queue never
    reads it), and what makes two requests with one key the same. `trace` is the request that it came by, for those
    who trace (`telemetry.carried`). Of a film, `film_json` is the storyboard, and the shots stand for the whole.
    """

    shot_json: str
    planned_json: str | None = None
    kind: Kind = "generate"
    number: int = 1
    parent: str | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)
    trace: str | None = None
    film_json: str | None = None

    @classmethod
    def of(cls, shot: Shot, planned: Shot | None = None, **said: Any) -> "Request":
        """Return the request for a shot; what else is said are the fields beside the shots."""
        return cls(_json(shot), None if planned is None else _json(planned), **said)

    @property
    def shot(self) -> Shot:
        """The shot as it was asked for."""
        return Shot.model_validate_json(self.shot_json)

    @property
    def planned(self) -> Shot:
        """The shot as it was understood, or as it was asked for where nobody has planned it yet."""
        return Shot.model_validate_json(self.planned_json or self.shot_json)

    @property
    def film(self) -> "Storyboard | None":
        """The storyboard of a film, None for a shot."""
        if self.film_json is None:
            return None
        from vitascope.director.storyboard import Storyboard

        return Storyboard.model_validate_json(self.film_json)

    @property
    def shots(self) -> tuple[Shot, ...]:
        """The shots that are to be rendered, as they were asked for; a film has several."""
        film = self.film
        return (self.shot,) if film is None else tuple(take.shot for take in film.takes)

    @property
    def clips(self) -> tuple[Shot, ...]:
        """What is rendered, one after the other, as far as it is planned."""
        return (self.planned,) * self.number if self.film_json is None else self.shots

    @property
    def model(self) -> str:
        """The name of the model that is to render it."""
        return json.loads(self.shot_json).get("model", "toybox")

    @property
    def fingerprint(self) -> str:
        """A checksum that is the same for two requests that ask for the same thing.

        Where the client's own words are known they decide, because a seed that nobody said is drawn anew each time.
        """
        said = [self.asked or json.loads(self.shot_json), self.kind, self.number, self.parent]
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class Standing:
    """How far a job is: `step` of `total` steps of `phase`, and `percent` of all; 100 only once the file is there.

    `seconds_left` is the guess for the phase, `job_seconds_left` for all that is left. `preview` counts the pictures
    that were made of the clip in the making; 0 means that there is none to be had. Where several clips are made, or
    the shots of a film, `clip` of them are done, and `clip_percent` of the next.
    """

    phase: str = ""
    step: int = 0
    total: int = 0
    percent: int = 0
    seconds_left: float | None = None
    job_seconds_left: float | None = None
    preview: int = 0
    clip: int = 0
    clip_percent: int = 0

    @property
    def exact_percent(self) -> float:
        """The percentage, and the share of the denoising steps as its fraction: a step may be less than 1 %."""
        fraction = min(self.step, self.total) / (self.total + 1) if self.phase == "denoise" else 0.0
        return self.percent + max(0.0, fraction)


@dataclass(frozen=True)
class Failure:
    """Why a job failed: a word for programs (`out_of_memory`, `timed_out` …) and a line for people."""

    code: str
    message: str


@dataclass(frozen=True)
class Output:
    """A finished clip: the name of its file in the job's folder, and the facts that are told without opening it."""

    name: str
    sha256: str
    bytes: int
    seconds: float
    num_frames: int
    fps: float
    size: tuple[int, int]
    seed: int
    media_type: str = "video/mp4"


@dataclass(frozen=True)
class Lease:
    """A worker's right to a job. `attempt` is the fencing token: each claim makes the earlier ones worthless."""

    job: str
    worker: str
    attempt: int


@dataclass(frozen=True)
class LeaseExpiry:
    """Until when a lease holds: seconds since the machine was started, and which start of it that was."""

    boot: str
    until: float


@dataclass(frozen=True)
class Job:
    """A request and what became of it.

    `attempt` counts claims, `lost` those that ended without a result and without anybody wanting that, but for those
    that got further than the one lost before them; `reached` is how far that was, in percent (None: none was lost yet).
    `number` is the job's place in order of age. Among those of the same `priority` the lowest `round` goes first, in
    which each owner has as many jobs as its share says, then the lowest `place`. Times are Unix seconds.
    """

    id: str
    request: Request
    state: State = "queued"
    number: int = 0
    owner: str = ""
    key: str | None = None
    priority: int = 0
    round: float = 0.0
    place: int = 0
    max_attempts: int = MAX_ATTEMPTS
    attempt: int = 0
    lost: int = 0
    worker: str | None = None
    expiry: LeaseExpiry | None = None
    cancel_wanted: bool = False
    standing: Standing = Standing()
    failure: Failure | None = None
    outputs: tuple[Output, ...] = ()
    notes: tuple[str, ...] = ()
    created_at: float = 0.0
    started_at: float | None = None
    finished_at: float | None = None
    deleted_at: float | None = None
    reached: float | None = None

    @property
    def lease(self) -> Lease:
        """The lease under which it runs; raises `ValueError` where nobody has it."""
        if self.worker is None:
            raise ValueError(f"{self.id} is {self.state}: nobody has it")
        return Lease(self.id, self.worker, self.attempt)

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.state in FINISHED

    @property
    def bytes(self) -> int:
        """How much its clips take on the disk."""
        return sum(output.bytes for output in self.outputs)

    def to_json(self) -> dict[str, Any]:
        """Return all that a person or a program may be told of it, as plain values."""
        told = {
            name: getattr(self, name)
            for name in ("id", "state", "priority", "attempt", "cancel_wanted", "created_at")
        }
        told |= {"started_at": self.started_at, "finished_at": self.finished_at, "notes": list(self.notes)}
        told |= {"kind": self.request.kind, "parent": self.request.parent, "number": self.request.number}
        told |= {"progress": asdict(self.standing), "error": self.failure and asdict(self.failure)}
        shot = json.loads(self.request.planned_json or self.request.shot_json)
        return told | {"shot": shot, "outputs": [asdict(output) for output in self.outputs]}


@dataclass(frozen=True)
class Event:
    """A thing that happened to a job. Ids only grow, so that a listener who was away asks for all after its last."""

    id: int
    job: str
    type: str
    at: float
    data: Mapping[str, Any]


@dataclass(frozen=True)
class OutboxMessage:
    """News of a job that is still to be delivered to a webhook; written in the transaction that made it true."""

    id: str
    job: str
    type: str
    at: float
    owner: str = ""
    tries: int = 0


DeliveryState = Literal["waiting", "delivered", "given_up"]


@dataclass(frozen=True)
class Delivery:
    """A letter on its way to one endpoint: what is told, how often that was tried, when next, and how it went last.

    `status` is what the endpoint answered, `problem` why that was not enough; `due` is None once it is over.
    """

    letter: str
    endpoint: str
    job: str
    type: str
    at: float
    state: DeliveryState = "waiting"
    tries: int = 0
    due: float | None = None
    status: int | None = None
    problem: str | None = None
    tried_at: float | None = None


@dataclass(frozen=True)
class Charge:
    """What a job that was taken in costs its owner: seconds of video, and millions of pixels of all its frames."""

    job: str
    owner: str
    at: float
    seconds: float | int
    megapixels: float | int


@dataclass(frozen=True)
class Page:
    """Some of the jobs in a list, and whether there are more after the last."""

    jobs: tuple[Job, ...]
    more: bool


def _json(shot: Shot) -> str:
    return json.dumps(shot.model_dump(mode="json", exclude_none=True), ensure_ascii=False)
