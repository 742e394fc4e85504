"""What kind of task a shot is: what it is given decides that."""

from vitascope.errors import RequestError
from vitascope.tasks import LAST
from vitascope.types import MOTION, Given, Shot
from vitascope.weights.catalogue import Entry, Task, catalogue

TOYBOX: frozenset[Task] = frozenset(
    ["text", "image", "first-last", "keyframes", "reference", "source", "inpaint", "extend"]
)
"""The tasks of the model that ships."""
TOYBOX_SECONDS = 600.0
"""How long its clips may be."""
SAID: dict[Task, str] = {
    "text": "words alone",
    "image": "a first frame",
    "first-last": "a first and a last frame",
    "keyframes": "frames at times of the shot",
    "reference": "a reference picture",
    "source": "a video to change",
    "inpaint": "a video of which a part is to be made",
    "extend": "a video to go on from",
    "sound": "a sound to follow",
    "motion": "videos of how a body and a face move",
}
"""What a shot of each task is given, in words."""


def task_of(shot: Shot, entry: Entry | None = None) -> Task:
    """Return what kind of task a shot is by what it is given.

    Some tasks are special cases of others: of those, the first that `entry` can do is returned.
    """
    tasks = _tasks(shot)
    if entry is None:
        return tasks[0]
    can: list[Task] = [task for task in tasks if task in entry.pipelines]
    return can[0] if can else tasks[0]


def _tasks(shot: Shot) -> tuple[Task, ...]:
    """Return the tasks that a shot is a case of, the closest first."""
    sources = [given for given in shot.givens if given.role == "source"]
    videos = [given for given in shot.givens if given.role == "frame" and given.kind == "video"]
    pictures = [given for given in shot.givens if given.role == "frame" and given.kind == "image"]
    references = [given for given in shot.givens if given.role == "reference"]
    if any(given.role == "sound" for given in shot.givens):
        return ("sound",)
    if any(given.role in MOTION for given in shot.givens):
        return ("motion",)
    if sources:
        return ("source",)
    if videos:
        is_whole = len(videos) == 1 and not pictures and not _is_partly_wanted(videos[0])
        return ("extend", "inpaint") if is_whole else ("inpaint",)
    if pictures:
        return _tasks_of_pictures(pictures, shot)
    return ("reference",) if references else ("text",)


def _tasks_of_pictures(pictures: list[Given], shot: Shot) -> tuple[Task, ...]:
    first = [picture for picture in pictures if not picture.start]
    last = [picture for picture in pictures if _is_last(picture, shot)]
    if any(picture.mask or picture.box for picture in pictures):
        return ("inpaint",)
    if len(first) == 1 and len(pictures) == 1:
        return ("image", "keyframes", "inpaint")
    if len(first) == 1 and len(last) == 1 and len(pictures) == 2:
        return ("first-last", "keyframes", "inpaint")
    return ("keyframes", "inpaint")


def _is_partly_wanted(video: Given) -> bool:
    """Say whether more than the end of a video is to be made: a region, what lies beside it, or what came before."""
    return bool(video.mask or video.box or video.fit == "pad" or video.start or video.end is not None)


def _is_last(picture: Given, shot: Shot) -> bool:
    if picture.start is None:
        return False
    end = LAST if shot.num_frames is None or not shot.fps else (shot.num_frames - 1) / shot.fps
    return picture.start >= min(LAST, end - 1e-6)


def able(task: Task) -> tuple[str, ...]:
    """Return the names of all models that can do a task."""
    ids = tuple(entry.id for entry in catalogue().values() if task in entry.pipelines)
    return ("toybox", *ids) if task in TOYBOX else ids


def refuse_motion(shot: Shot, entry: Entry) -> None:
    """Refuse all but one video of the pose, one of the face, and one picture of who is to move like that."""
    for role in MOTION:
        count = sum(given.role == role for given in shot.givens)
        if count != 1:
            problem = f"{entry.id} needs one video of how the {'body' if role == 'pose' else 'face'} moves"
            hint = "give a pose video and a face video, of the same time"
            raise RequestError(f"{role}_video", f"{problem}, not {count}", hint)
    subjects = [given for given in shot.givens if given.role not in MOTION]
    if len(subjects) != 1 or not _shows_who(subjects[0]):
        problem = f"{entry.id} needs one picture of who moves, and nothing else beside the two videos"
        raise RequestError("reference", problem, "give one picture, as the reference or as the image")


def _shows_who(given: Given) -> bool:
    is_whole = not (given.start or given.mask or given.box)
    return given.kind == "image" and given.role in ("reference", "frame") and is_whole
