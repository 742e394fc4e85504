"""The first of several models that can make what was asked for."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from vitascope.errors import VitascopeError

Made = TypeVar("Made")


def first_able(models: Sequence[str], make: Callable[[str, tuple[str, ...]], Made]) -> Made:
    """Return what `make(model, notes)` makes with the first of the models that can; notes say why those before cannot.

    A model cannot when it refuses or fails (`VitascopeError.by_model`); what the one who asks got wrong is raised at
    once. When none can, the error of the first, the one that was asked for, is raised.
    """
    notes: tuple[str, ...] = ()
    errors: list[VitascopeError | MemoryError] = []
    for model, following in zip(models, (*models[1:], None), strict=True):
        try:
            return make(model, notes)
        except (VitascopeError, MemoryError) as error:
            if not getattr(error, "by_model", False):
                raise
            errors.append(error)
            why = " ".join(str(error).split()) or "the memory of this machine is not enough"
            notes += (f"model: {model} cannot ({why}): {following} is used",)
    raise errors[0]
