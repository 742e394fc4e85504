"""Two clips at once beside other work, with asyncio: `python examples/21_async.py [FOLDER]`."""

import asyncio
import sys
from pathlib import Path

import vitascope


async def make(prompt: str, file: Path) -> Path:
    """Report every phase while the clip is made, then save it."""
    task = vitascope.agenerate(prompt, seconds=1, seed=7)
    async for event in task:
        if event.finished:
            print(f"{file.stem}: {event.phase} done")
    clip = await task
    return clip.save(file, force=True)


async def main(folder: str = ".") -> None:
    """The event loop is free while both clips are made in threads."""
    work = [
        make("a cat in a garden", Path(folder, "cat.mp4")),
        make("a dog on a beach", Path(folder, "dog.mp4")),
    ]
    for file in await asyncio.gather(*work):
        print("saved", file)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
