"""Compiled blocks: the blocks that a denoiser repeats, as kernels that torch's compiler makes of them, where that pays.

The blocks are those that diffusers' own `compile_repeated_blocks` takes, but compiled under its caches, not over them:
over them every block is traced with the state of its cache (nine graphs where one does, for SeaCache on twelve blocks).
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from vitascope.backends.diffusers.optional_imports import library
from vitascope.errors import RequestError
from vitascope.settings import settings
from vitascope.types import Quality
from vitascope.weights.memory_plan import Placement, Request

BACKEND: Any = "inductor"
"""What makes kernels of a block."""
DENOISERS = ("transformer", "transformer_2")
UNFIT = ("stream", "nf4")
"""Placements whose weights come and go between layers, or are unpacked by kernels of their own."""
WORTH = 2e16
"""Multiplications and additions of a clip from which compiling is taken to pay: minutes of a large GPU. An estimate."""


def wanted(placement: Placement, quality: Quality, work: float) -> bool:
    """Say whether blocks are compiled for a clip of so much `work`, by the settings; by default on a GPU alone.

    Compiled kernels round otherwise, so that "lossless", which draws what diffusers draws, has none unless it is said.
    """
    choice = settings().compile
    if choice == "never" or not placement.gpu or placement.name in UNFIT:
        return False
    return choice == "always" or (quality != "lossless" and work >= WORTH)


def check(placement: Placement) -> None:
    """Raise `RequestError` where the settings ask for compiled blocks and there is no GPU."""
    if settings().compile == "always" and not placement.gpu:
        why = "on a CPU compiling has not been seen to pay, and every new size is compiled for a minute first"
        raise RequestError("VITASCOPE_COMPILE", f"always needs a GPU: {why}", "nearest: auto")


def work(pipeline: Any, request: Request, steps: int) -> float:
    """Return about how many multiplications and additions denoising a clip takes, attention left out."""
    denoiser = getattr(pipeline, DENOISERS[0], None)
    if denoiser is None:
        return 0.0
    weights = sum(numbers.numel() for numbers in denoiser.parameters())
    return 2.0 * weights * request.tokens * steps * (2 if request.guided else 1)


@contextmanager
def compiled(pipeline: Any) -> Iterator[tuple[str, ...]]:
    """Let a pipeline's repeated blocks be compiled within; yields what is to be known of it.

    What was compiled is kept by torch: the next clip of the same size starts at once.
    """
    denoisers = [network for name in DENOISERS if (network := getattr(pipeline, name, None)) is not None]
    with ExitStack() as undo:
        count = sum(_compile(undo, denoiser) for denoiser in denoisers)
        if count:
            yield (f"blocks: {count} compiled ({getattr(BACKEND, '__name__', BACKEND)})",)
        else:
            yield (f"blocks: diffusers names none of {type(pipeline).__name__} to compile",)


def _compile(undo: ExitStack, denoiser: Any) -> int:
    """Compile a denoiser's blocks until `undo`, and return how many there are."""
    kinds = getattr(denoiser, "_repeated_blocks", None) or ()
    blocks = [module for module in denoiser.modules() if type(module).__name__ in kinds]
    for block in blocks:
        undo.callback(partial(_restore, block, vars(block).get("forward")))
        block.forward = library("torch").compile(block.forward, backend=BACKEND)
    return len(blocks)


def _restore(block: Any, forward: Any) -> None:
    if forward is None:
        del block.forward  # that of its class shows again
    else:
        block.forward = forward


def is_failure(error: BaseException) -> bool:
    """Say whether it was the compiler that failed, which a clip can do without."""
    return isinstance(error, library("torch._dynamo.exc").TorchDynamoException)
