"""What the network is told of a shot, stage by stage: values, made once before the first step.

The caption is what travels in a shot and in a finished file. It is a code: `captions.canonical` and the instructions
write it, and their exact inverses read it.
"""

from dataclasses import dataclass, replace

from vitascope.toybox.language.captions import read_canonical
from vitascope.toybox.language.defaults import complete
from vitascope.toybox.language.instructions import Instruction, names_subject, read_instruction
from vitascope.toybox.language.nearest import Embed
from vitascope.toybox.language.parse import parse
from vitascope.toybox.scene import Scene
from vitascope.toybox.world import FULL, World
from vitascope.types import PlannedShot, Shot


@dataclass(frozen=True)
class Brief:
    """One thing that the network is told: a scene, or an instruction and the scene that it speaks of.

    `caption` is the sentence that the text encoder reads.
    """

    scene: Scene
    instruction: Instruction | None
    caption: str

    @property
    def adds(self) -> bool:
        """Whether a subject comes in that was not there."""
        return self.instruction is not None and self.instruction.kind == "add"

    @property
    def removes(self) -> bool:
        """Whether a subject goes away."""
        return self.instruction is not None and self.instruction.kind == "remove"

    def showing(self, page: str | None) -> "Brief":
        """Return the same with the page of another subject, "" for nobody; as it is for None."""
        return self if page is None else replace(self, scene=replace(self.scene, subject=page))

    @classmethod
    def of(cls, caption: str, world: World = FULL) -> "Brief":
        """Return what a caption stands for; a field that it leaves out is as the world usually has it."""
        if (labels := read_canonical(caption)) is not None:
            return cls(complete(labels, world), None, caption)
        if (asked := read_instruction(caption)) is not None:
            return cls(complete(asked.labels, world), asked, caption)
        # Shots of other versions hold sentences of other forms, and have to come out as they did.
        return cls(parse(caption, world).scene, None, caption)


@dataclass(frozen=True)
class Briefs:
    """All that the network is told of one shot.

    `stages` holds the share (0..1) of the shot at which each brief begins. `source` is what the source of an edit
    shows, `photograph` what a first frame from outside the model's world does; None where that is not known.
    `names_subject` says whether the prompt names a toy that is to be there.
    """

    stages: tuple[tuple[float, Brief], ...]
    source: Brief | None
    photograph: Brief | None
    names_subject: bool

    def subject(self, brief: Brief) -> str:
        """Return the subject that is to be seen under one of the briefs.

        An instruction that names none speaks of the one that the source shows.
        """
        instruction = brief.instruction
        unnamed = instruction is not None and "subject" not in instruction.labels and not instruction.subject
        return self.source.scene.subject if unnamed and self.source is not None else brief.scene.subject

    def of_member(self, page: str, action: str) -> "Briefs":
        """Return what is told of a further subject, which does its own action all the time."""
        stages = [
            (
                share,
                replace(brief, scene=replace(brief.scene, subject=page, action=action or brief.scene.action)),
            )
            for share, brief in self.stages
        ]
        return replace(self, stages=tuple(stages))

    @property
    def first(self) -> Brief:
        """What holds at the beginning of the shot."""
        return self.stages[0][1]

    def at(self, share: float) -> Brief:
        """Return what holds at a share of the shot."""
        return next(brief for start, brief in reversed(self.stages) if start <= share or start == 0)

    @property
    def ends(self) -> list[tuple[float, Brief]]:
        """Each brief with the share of the shot at which it ends."""
        stops = [*(start for start, _ in self.stages[1:]), 1.0]
        return [(stop, brief) for stop, (_, brief) in zip(stops, self.stages, strict=True)]

    @classmethod
    def of(cls, planned: PlannedShot, world: World = FULL, embed: Embed | None = None) -> "Briefs":
        """Return what the network is told of a planned shot."""
        shot = planned.shot
        stages = ((0.0, planned.caption), *shot.script)
        lead = None if shot.cast is None else shot.cast[0].page if shot.cast else ""
        return cls(
            tuple((share, Brief.of(caption, world).showing(lead)) for share, caption in stages),
            _shown(shot, "source", world),
            _shown(shot, "frame", world),
            names_subject(shot.prompt, world, embed),
        )


def _shown(shot: Shot, role: str, world: World) -> Brief | None:
    """Return what the given of a role shows, where planning has found that out."""
    captions = (given.shows for given in shot.givens if given.role == role and given.shows is not None)
    caption = next(captions, None)
    return None if caption is None else Brief.of(caption, world)
