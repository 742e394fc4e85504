import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from vitascope.errors import RequestError
from vitascope.planning.rules import FrameRule, SizeRule
from vitascope.types import Shot
from vitascope.weights.catalogue import Entry, Licence, Memory, catalogue
from vitascope.weights.machine import GIB, Machine
from vitascope.weights.memory_plan import (
    PLANS,
    Need,
    Parts,
    Request,
    fits_by_default,
    parts_of,
    place,
    plans,
    published_parts,
    request_of,
)

ROUND = Entry(
    id="round",
    title="A model of round numbers",
    repository="a/b",
    pipelines={"text": "WanPipeline"},
    frames=FrameRule(default=5, most=9),
    size=SizeRule(default=(1024, 1024), most_pixels=2**22),
    fps=2.0,
    steps=1,
    guidance_scale=1.0,
    memory=Memory(transformer=8.0, text_encoder=4.0, token=(4, 16), token_kib=128.0, decode_bytes=1024.0),
    licence=Licence(name="Apache-2.0"),
)
"""1024x1024 has 4096 tokens a latent frame: 512 MiB; a decoded frame takes 1 GiB (and 24 MiB to keep)."""
SIZES = Parts((16 * GIB,), 8 * GIB, GIB, GIB // 2)
FRAMES_5 = Request(5, 1024, 1024, ROUND)


def gpu(gib: float, ram: float = 64) -> Machine:
    """A machine whose GPU has room for so many GiB once a reserve is kept."""
    return Machine(round((gib + 0.5) * GIB / 0.95) + 1, round(ram * GIB / 0.95) + 1)


def cpu(gib: float) -> Machine:
    return Machine(0, round((gib + 0.5) * GIB / 0.95) + 1)


def test_work_grows_with_frames_and_pixels():
    assert FRAMES_5.denoising == 2 * 4096 * 128 * 1024
    assert FRAMES_5.decoding(tiled=False) == 5 * GIB + 5 * 24 * 2**20
    assert FRAMES_5.decoding(tiled=True) == 5 * 2**16 * 1024 + 5 * 36 * 2**20
    guided = ROUND.model_copy(update={"memory": ROUND.memory.model_copy(update={"batch": 2, "window": 5})})
    assert Request(9, 1024, 1024, guided).denoising == 2 * FRAMES_5.denoising
    assert Request(9, 1024, 1024, guided, guided=False).denoising == FRAMES_5.denoising


@pytest.mark.parametrize(
    ("machine", "placement"),
    [
        (gpu(30.2), "device"),  # 25 of weights + 5.12 to decode
        (gpu(30.0), "text-first"),  # 17 + 5.12
        (gpu(22.2), "text-first"),
        (gpu(22.0), "text-first+tiled"),  # 17 + 1 to denoise
        (gpu(18.1), "text-first+tiled"),
        (gpu(17.9), "offload"),  # 16 + 1
        (gpu(17.1), "offload"),
        (gpu(16.9), "stream"),  # 1 + the larger of 1.5 + 1 and 5.12
        (gpu(6.2), "stream"),
        (gpu(6.0), "stream+tiled"),  # 1 + 1.5 + 1
        (gpu(3.6), "stream+tiled"),
        (gpu(26.1, ram=17), "text-first"),
        (gpu(30.2, ram=24), "text-first"),  # 25 do not pass through memory
        (gpu(22.0, ram=15), "int8"),  # 17 do not either
        (gpu(22.0, ram=13), "nf4"),  # rounded ones do not either: they go to the GPU one by one
        (gpu(22.0, ram=1.4), None),
        (gpu(17.9, ram=24), "int8"),  # 25 do not stay in memory, rounded ones do
        (gpu(9.1, ram=14), "int8"),
        (gpu(11.0, ram=12), "nf4"),  # 4.8 + 1 + 5.12
        (gpu(10.8, ram=12), "nf4+tiled"),
        (gpu(8.9, ram=14), "nf4+tiled"),  # 4.8 + 1 + 1
        (gpu(6.9, ram=14), "nf4+tiled"),
        (gpu(6.7, ram=14), None),
        (gpu(7.9, ram=64), "stream"),
        (cpu(30.2), "device"),
        (cpu(30.0), "text-first"),
        (cpu(22.0), "text-first+tiled"),
        (cpu(17.9), "int8"),  # 8 + 1 + 5.12 + a block
        (cpu(14.0), "int8+tiled"),
        (cpu(10.6), "int8+tiled"),
        (cpu(10.4), None),
    ],
)
def test_the_first_placement_that_fits_is_taken(machine: Machine, placement: str | None):
    if placement is None:
        with pytest.raises(RequestError):
            place(SIZES, FRAMES_5, machine)
    else:
        assert str(place(SIZES, FRAMES_5, machine)) == placement


DATACENTRE = Machine(int(79 * GIB), 200 * GIB)
GAMING = Machine(int(23.5 * GIB), 64 * GIB)
SMALL = Machine(int(11.6 * GIB), 32 * GIB)
LAPTOP = Machine(int(7.6 * GIB), 30 * GIB)
NO_GPU = Machine(0, 22 * GIB)


@pytest.mark.parametrize(
    ("name", "request_", "machine", "placement"),
    [
        ("wan2.1-t2v-1.3b", (81, 832, 480), GAMING, "device"),
        ("wan2.1-t2v-1.3b", (81, 832, 480), SMALL, "text-first+tiled"),
        ("wan2.1-t2v-1.3b", (33, 480, 320), SMALL, "text-first"),
        ("wan2.1-t2v-1.3b", (81, 832, 480), LAPTOP, "text-first+tiled"),
        ("wan2.1-t2v-1.3b", (81, 832, 480), NO_GPU, "text-first"),
        ("wan2.1-t2v-14b", (81, 832, 480), DATACENTRE, "device"),
        ("wan2.1-t2v-14b", (81, 1280, 720), GAMING, "stream"),
        ("wan2.2-t2v-a14b", (81, 1280, 720), DATACENTRE, "text-first"),
        ("wan2.2-i2v-a14b", (81, 832, 480), GAMING, "int8"),
        ("wan2.2-ti2v-5b", (121, 1280, 704), GAMING, "text-first+tiled"),
        ("wan2.2-ti2v-5b", (121, 1280, 704), SMALL, "stream+tiled"),
        ("ltx-2", (121, 768, 512), DATACENTRE, "device"),
        ("ltx-2", (121, 768, 512), GAMING, "stream"),
        ("ltx-video-0.9.5", (161, 704, 480), SMALL, "text-first+tiled"),
        ("hunyuan-video", (129, 960, 544), DATACENTRE, "device"),
        ("hunyuan-video", (129, 960, 544), GAMING, "stream"),
        ("hunyuan-video-1.5-t2v", (121, 848, 480), GAMING, "offload+tiled"),
        ("cogvideox-5b", (49, 720, 480), GAMING, "text-first+tiled"),
        ("cogvideox-2b", (49, 720, 480), GAMING, "text-first"),
        ("mochi-1", (85, 848, 480), DATACENTRE, "device"),
        ("mochi-1", (85, 848, 480), GAMING, "stream+tiled"),
        ("kandinsky-6-pro-distill", (121, 864, 480), DATACENTRE, "text-first"),
        ("animatediff-v3", (16, 512, 512), SMALL, "device"),
        ("skyreels-v2-df-1.3b", (97, 960, 544), GAMING, "text-first"),
        ("skyreels-v2-df-1.3b", (257, 960, 544), GAMING, "text-first"),
    ],
)
def test_models_of_the_catalogue_are_placed_as_the_table_says(name, request_, machine, placement):
    entry = catalogue()[name]
    assert str(place(published_parts(entry), Request(*request_, entry), machine)) == placement


def test_a_model_that_is_too_large_is_refused_with_models_that_fit():
    entry = catalogue()["wan2.1-t2v-14b"]
    with pytest.raises(RequestError, match=r"model: 81 frames of 832x480 on wan2\.1-t2v-14b need .* GiB on the GPU and "
                       r"39\.7 GiB of memory, and this machine has 7\.6 GiB free on its GPU, 30\.0 GiB of memory free; "
                       r"models that fit: toybox, cogvideox-5b"):  # fmt: skip
        place(published_parts(entry), Request(81, 832, 480, entry), LAPTOP)


def test_a_request_that_is_too_large_is_refused_with_the_nearest_that_fits():
    entry = catalogue()["ltx-2"]
    parts, asked = published_parts(entry), Request(481, 1920, 1088, entry)
    with pytest.raises(
        RequestError, match=r"size: .*nearest: (\d+) frames of 1920x1088 or 481 frames of "
    ) as caught:
        place(parts, asked, GAMING)
    nearest = str(caught.value).partition("nearest: ")[2]
    for told in nearest.split(" or "):
        frames, _, _, size = told.split()
        width, height = map(int, size.split("x"))
        assert entry.frames.snap(int(frames)) == int(frames)
        assert entry.size.snap((width, height)) == (width, height)
        place(parts, Request(int(frames), width, height, entry), GAMING)


@pytest.mark.parametrize("machine", [DATACENTRE, NO_GPU, gpu(6.2)])
def test_each_step_down_takes_less_until_there_is_none(machine: Machine):
    small = Request(1, 256, 256, ROUND)
    step = place(SIZES, small, machine, "device" if machine.gpu else None)
    seen = [step]
    while (below := seen[-1].next()) is not None:
        seen.append(below)
    assert all(above.need.device > below.need.device for above, below in itertools.pairwise(seen))
    assert len(seen) == len({str(each) for each in seen}) > 1
    assert seen[-1].name in ("stream", "int8")


def test_a_plan_that_is_asked_for_is_taken_whether_it_fits_or_not():
    assert str(place(SIZES, FRAMES_5, gpu(3.6), "device")) == "device"
    assert str(place(SIZES, FRAMES_5, gpu(100), "stream+tiled")) == "stream+tiled"
    with pytest.raises(RequestError, match="memory: 'disk' is not a plan; it may be: device, text-first"):
        place(SIZES, FRAMES_5, gpu(100), "disk")
    assert set(PLANS) >= {"device", "stream", "int8+tiled", "nf4"}


@pytest.mark.parametrize(
    ("wanted", "lacking", "nearest_"),
    [
        ("offload", (), "text-first"),
        ("stream+tiled", (), "text-first+tiled"),
        ("nf4", (), "int8"),
        ("nf4+tiled", (), "int8+tiled"),
        ("nf4", ("int8", "nf4"), "text-first"),
    ],
)
def test_a_plan_that_needs_a_gpu_is_refused_without_one_with_the_nearest(wanted, lacking, nearest_):
    refusal = rf"^memory: {re.escape(wanted)} is not possible here \(it needs a GPU\); nearest: {re.escape(nearest_)}; "
    with pytest.raises(RequestError, match=refusal + "it may be: device, text-first, ") as caught:
        place(SIZES, FRAMES_5, cpu(100), wanted, lacking)
    assert ("int8" in str(caught.value)) == (lacking == ())


def test_tiles_are_refused_for_a_decoder_that_knows_none():
    whole = ROUND.model_copy(update={"memory": ROUND.memory.model_copy(update={"tiles": False})})
    with pytest.raises(RequestError, match=r"\(its decoder knows no tiles\); nearest: nf4; it may be: "):
        place(SIZES, Request(5, 1024, 1024, whole), gpu(100), "nf4+tiled")
    assert plans(FRAMES_5, cpu(1)) == (
        "device", "text-first", "device+tiled", "text-first+tiled", "int8", "int8+tiled",
    )  # fmt: skip


def test_pieces_that_are_always_whole_take_as_much_for_a_shorter_clip():
    piecewise = catalogue()["wan2.2-animate-14b"]
    assert Request(20, 640, 640, piecewise).denoising == Request(77, 640, 640, piecewise).denoising
    assert Request(400, 640, 640, piecewise).denoising == Request(77, 640, 640, piecewise).denoising


def test_a_large_text_encoder_is_streamed():
    parts = Parts((2 * GIB,), 20 * GIB, GIB, GIB // 2)
    placed = place(parts, FRAMES_5, gpu(10))
    assert (str(placed), placed.streamed_encoder) == ("text-first", True)
    assert "the text encoder comes to the GPU block by block" in placed.describe()
    assert not place(parts, FRAMES_5, gpu(21)).streamed_encoder


def test_a_placement_is_told_in_a_line():
    assert place(SIZES, FRAMES_5, gpu(3.6)).describe() == (
        "stream+tiled on the GPU: the transformer and the text encoder come to the GPU block by block; frames are "
        "decoded tile by tile (about 3.5 GiB and 25.0 GiB of memory)"
    )
    assert place(SIZES, FRAMES_5, cpu(99)).describe().startswith("device on the CPU: all of it stays")


def test_sizes_come_from_headers_in_the_precision_they_are_loaded_in(tmp_path: Path):
    def save(name: str, **tensors: np.ndarray) -> None:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        save_file(tensors, tmp_path / name)

    single, whole = np.zeros((10, 10), np.float32), np.zeros(7, np.int8)
    save("transformer/a-1-of-2.safetensors", **{"blocks.0.a": single, "blocks.0.b": single})
    save("transformer/a-2-of-2.safetensors", **{"blocks.1.a": single, "head": whole})
    save("transformer_2/a.safetensors", **{"blocks.0.a": single})
    save("text_encoder/a.safetensors", **{"layers.0.a": single})
    save("image_encoder/a.safetensors", **{"layers.0.a": single})
    save("vae/a.safetensors", conv=single)
    parts = parts_of(tmp_path, catalogue()["wan2.2-i2v-a14b"])
    assert parts == Parts((607, 200), encoders=400, decoder=400, block=400)
    assert parts.total == 1607


def test_a_planned_shot_is_a_request():
    shot = Shot(prompt="a cat", num_frames=5, size=(64, 48), fps=2.0, guidance_scale=1.0)
    assert request_of(shot, ROUND) == Request(5, 64, 48, ROUND, guided=False)


def test_every_model_fits_a_large_machine_and_none_a_tiny_one():
    for entry in catalogue().values():
        assert fits_by_default(entry, Machine(180 * GIB, 400 * GIB)) is not None
        assert fits_by_default(entry, Machine(GIB, GIB)) is None


def test_need_counts_both_memories():
    assert Need(GIB, GIB).fits(Machine(2 * GIB, 2 * GIB))
    assert not Need(2 * GIB, GIB).fits(Machine(2 * GIB, 2 * GIB))
    assert not Need(GIB, 2 * GIB).fits(Machine(2 * GIB, 2 * GIB))
