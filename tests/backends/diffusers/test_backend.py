"""Open-weight models at toy size: real classes, random weights, the same path as for the real ones."""

import gc
import importlib.metadata
import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from PIL import Image

from tests.backends.tinies import WORDS, moving, rendered, shot_for
from tests.backends.tiny import make
from vitascope import pipeline, tasks
from vitascope.backends import registry
from vitascope.backends.diffusers import backend as backends_diffusers
from vitascope.backends.diffusers import caching, model_source, placement, prompt_embeds
from vitascope.backends.diffusers import optional_imports as openweights_library
from vitascope.backends.diffusers.backend import Diffusers
from vitascope.backends.diffusers.callbacks import looked_at
from vitascope.backends.diffusers.loading import SHELF, Loaded, Shelf, load
from vitascope.backends.diffusers.model_source import OWN_ENTRY
from vitascope.backends.diffusers.optional_imports import library, quietly
from vitascope.deliver.mux import read
from vitascope.errors import (
    BrokenPictureError,
    Cancelled,
    MemoryLackError,
    MissingExtraError,
    RequestError,
    WeightsError,
)
from vitascope.progress import Event, Progress
from vitascope.settings import Settings
from vitascope.types import Quality, Shot
from vitascope.weights.catalogue import catalogue
from vitascope.weights.library import Library
from vitascope.weights.machine import GIB, Machine
from vitascope.weights.memory_plan import Placement, place, published_parts


def changed(kind: str, home: Path, name: str, tmp_path: Path, change: Any) -> Diffusers:
    """Return the backend of a copy of a tiny checkpoint whose component `name` was changed."""
    folder = tmp_path / f"{kind}-changed"
    shutil.copytree(make(kind, home), folder)
    with quietly():
        index = json.loads((folder / "model_index.json").read_text())
        part = getattr(library(), index[name][1]).from_pretrained(folder / name)
        with library("torch").no_grad():
            change(part)
        part.save_pretrained(folder / name)
    return Diffusers(str(folder))


def planned(backend: Diffusers, **said: Any) -> Shot:
    return pipeline.plan(Shot(**{**WORDS, "seed": 3, **said}), backend).shot


def with_entry(folder: Path, **update: Any) -> Path:
    """Change what a folder of weights says of itself, and return it."""
    entry = json.loads((folder / OWN_ENTRY).read_text())
    (folder / OWN_ENTRY).write_text(json.dumps({**entry, **update}))
    return folder


# progress, cancelling, seeds, records


def test_phases_follow_one_another_and_every_step_is_told(home: Path):
    heard: list[Event] = []
    backend, shot = shot_for("wan", home, steps=3)
    rendered(backend, shot, heard)
    phases = list(dict.fromkeys(event.phase for event in heard))
    assert phases == ["load", "encode", "denoise", "decode"]
    steps = [event.step for event in heard if event.phase == "denoise" and not event.finished and event.step]
    assert steps == [1, 2, 3]


@pytest.mark.parametrize("kind", ["wan", "hunyuan15", "wan-modular"])
def test_it_can_be_cancelled_between_steps(kind: str, home: Path):
    heard: list[Event] = []
    backend, shot = shot_for(kind, home, steps=4)

    def tired() -> bool:
        return any(event.phase == "denoise" and event.step == 2 for event in heard)

    with pytest.raises(Cancelled):
        backend.render(shot, Progress(heard.append, tired))
    assert max(event.step for event in heard if event.phase == "denoise") == 2
    assert len(rendered(backend, shot).frames) == 9


def test_the_seed_decides_the_frames(home: Path):
    backend, shot = shot_for("skyreels", home)  # draws from torch's global generator too
    first = rendered(backend, shot).frames
    library("torch").rand(5)
    assert (rendered(backend, shot).frames == first).all()
    other = shot.model_copy(update={"seed": 8})
    assert (rendered(backend, other).frames != first).any()


def test_the_global_generator_is_left_as_it_was(home: Path):
    torch = library("torch")
    backend, shot = shot_for("wan", home)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    rendered(backend, shot)
    assert (torch.rand(3) == expected).all()


def test_the_record_says_how_the_clip_was_made(home: Path):
    backend, shot = shot_for("wan", home)
    record = rendered(backend, shot).record
    assert record.backend == "tiny-wan"
    assert set(record.versions) >= {"vitascope", "diffusers", "torch", "transformers"}
    assert {"transformer/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"} <= set(
        record.weights
    )
    assert all(len(checksum) == 64 for checksum in record.weights.values())
    assert record.notes[0].startswith("model: tiny/wan@0, memory: ")


def test_a_second_clip_uses_the_pipeline_that_is_there_and_no_more_memory(home: Path):
    backend, shot = shot_for("wan", home)
    rendered(backend, shot)
    kept, held = next(iter(SHELF._kept.values())).pipeline, []
    for seed in (8, 9, 10):
        rendered(backend, shot.model_copy(update={"seed": seed}))
        held.append(tensors())
    assert next(iter(SHELF._kept.values())).pipeline is kept
    assert held[2] == held[1] == held[0]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read as Linux tells it")
def test_a_second_clip_is_neither_loaded_again_nor_larger(home: Path, monkeypatch: pytest.MonkeyPatch):
    loads: list[str] = []
    monkeypatch.setattr(backends_diffusers, "load", lambda order: loads.append(order.task) or load(order))
    backend, shot = shot_for("wan", home)
    spent, resident = [], []
    for seed in range(10):
        progress = Progress()
        backend.render(shot.model_copy(update={"seed": seed}), progress)
        spent.append(progress.seconds_spent["load"])
        gc.collect()
        resident.append(int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
    assert loads == ["text"]
    assert max(spent[1:]) < spent[0]
    assert resident[-1] - resident[4] < 4 * 2**20, resident  # the first few clips fill torch's own pools


def tensors() -> int:
    gc.collect()
    torch = library("torch")
    return sum(
        thing.nbytes for thing in gc.get_objects() if type(thing) in (torch.Tensor, torch.nn.Parameter)
    )


def test_the_pipeline_that_was_not_used_for_longest_is_let_go():
    shelf = Shelf(most=2)
    for name in ("a", "b", "a", "c"):
        shelf.take((name,), lambda: Loaded(None, size=10))
    made: list[str] = []

    def make_again(name: str) -> Loaded:
        made.append(name)
        return Loaded(None, size=10)

    shelf.take(("a",), lambda: make_again("a"))
    assert (len(shelf), shelf.held, made) == (2, 20, [])
    shelf.take(("b",), lambda: make_again("b"), lacks_room=lambda: shelf.held > 10)
    assert (shelf.held, made) == (20, ["b"])
    shelf.take(("large",), lambda: Loaded(None, size=90), lacks_room=lambda: shelf.held > 0)
    assert (len(shelf), shelf.held) == (1, 90)


# guards


def test_numbers_that_are_none_are_named_by_step(home: Path, tmp_path: Path):
    backend = changed(
        "wan", home, "transformer", tmp_path, lambda part: part.proj_out.bias.fill_(float("nan"))
    )
    with pytest.raises(
        BrokenPictureError, match=r"^denoise: the latents are not numbers after step 1 of 2; likely"
    ):
        rendered(backend, planned(backend))


def test_a_decoder_that_breaks_is_told_from_a_denoiser_that_does(home: Path, tmp_path: Path):
    backend = changed(
        "wan", home, "vae", tmp_path, lambda part: part.decoder.conv_out.bias.fill_(float("nan"))
    )
    with pytest.raises(
        BrokenPictureError, match=r"^decode: 9 of 9 frames are not numbers, though the latents were"
    ):
        rendered(backend, planned(backend))


def test_black_frames_are_no_picture(home: Path, tmp_path: Path):
    backend = changed("wan", home, "vae", tmp_path, lambda part: part.decoder.conv_out.bias.fill_(-50.0))
    with pytest.raises(BrokenPictureError, match=r"^decode: every frame is black; .*vitascope models verify"):
        rendered(backend, planned(backend))


def test_one_flat_colour_is_no_picture(home: Path, tmp_path: Path):
    def flatten(part: Any) -> None:
        part.decoder.conv_out.weight.zero_()
        part.decoder.conv_out.bias.fill_(0.2)

    backend = changed("wan", home, "vae", tmp_path, flatten)
    with pytest.raises(BrokenPictureError, match=r"^decode: every frame is the same flat colour; "):
        rendered(backend, planned(backend))


def test_some_black_frames_are_kept_and_told():
    frames = np.random.default_rng(0).random((5, 8, 8, 3), np.float32)
    frames[3:] = 0
    seen, notes = looked_at(frames, lambda: "")
    assert notes == ("decode: 2 of 5 frames are black",)
    assert seen.dtype == np.uint8
    assert not seen[3:].any()


# memory


def test_every_step_of_the_ladder_is_tried_before_it_gives_up(home: Path, monkeypatch: pytest.MonkeyPatch):
    heard: list[Event] = []
    backend, shot = shot_for("wan", home)
    monkeypatch.setattr(placement, "installed", lambda name: None)
    apply = placement.apply

    def too_large(pipeline: Any, placement: Any) -> None:
        apply(pipeline, placement)
        if getattr(pipeline, "transformer", None) is not None and str(placement) != "text-first+tiled":
            pipeline.transformer.register_forward_pre_hook(fail)

    def fail(*_: Any) -> None:
        raise MemoryError("out of memory")

    monkeypatch.setattr(placement, "apply", too_large)
    monkeypatch.setattr(placement, "place", lambda *said: laddered(place(*said)))
    assert len(backend.render(shot, Progress(heard.append)).frames) == 9
    told = [event.note for event in heard if event.note and event.note.startswith("memory ran out")]
    assert told == [
        "memory ran out with device: trying text-first",
        "memory ran out with text-first: trying text-first+tiled",
    ]


def laddered(placement: Placement) -> Placement:
    """Return a placement with two below it, which a clip as small as the tests' does not tell apart."""
    below = [replace(placement, name="text-first", tiled=tiled) for tiled in (False, True)]
    return replace(placement, rest=tuple(below))


def test_when_memory_runs_out_it_goes_on_one_step_lower_and_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    torch, heard = library("torch"), []
    backend, shot = shot_for("wan", home)
    usual = rendered(backend, shot).frames
    SHELF.release()
    apply, tried = placement.apply, []

    def too_large_at_first(pipeline: Any, placement: Any) -> None:
        apply(pipeline, placement)
        tried.append(placement)
        if len(tried) == 1:
            pipeline.transformer.register_forward_pre_hook(fail)

    def fail(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(placement, "apply", too_large_at_first)
    clip = backend.render(shot, Progress(heard.append))
    assert {str(placement) for placement in tried} == {"device", "text-first"}
    assert any(event.note and event.note.startswith("memory ran out with device: trying ") for event in heard)
    assert np.abs(clip.frames.astype(int) - usual).max() <= 1


def test_when_nothing_lower_is_left_the_request_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch):
    torch = library("torch")
    backend, shot = shot_for("wan", home)

    def never(*_: Any) -> None:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(placement, "apply", never)
    with pytest.raises(MemoryLackError, match="takes the least; ask for fewer frames or a smaller size"):
        rendered(backend, shot)
    assert len(SHELF) == 0


def test_a_guardrail_that_reads_the_words_is_never_gone_around():
    assert prompt_embeds.names(library().Cosmos2_5_PredictBasePipeline) is None
    assert prompt_embeds.names(library().WanPipeline) == prompt_embeds.PLAIN


@pytest.mark.parametrize("kind", ["wan", "ltx", "sana", "cogvideox", "mochi", "animatediff", "helios"])
def test_words_first_frees_the_text_encoder_and_changes_no_pixel(kind: str, home: Path):
    backend, shot = shot_for(kind, home)
    usual = rendered(backend, shot).frames
    SHELF.release()
    clip = rendered(backend, shot.model_copy(update={"memory": "text-first"}))
    assert next(iter(SHELF._kept.values())).pipeline.text_encoder is None
    assert "memory: text-first" in clip.record.notes[0]
    np.testing.assert_array_equal(clip.frames, usual)


def test_a_memory_plan_can_be_asked_for_and_a_wrong_one_is_refused(home: Path):
    heard: list[Event] = []
    backend, shot = shot_for("wan", home, memory="device+tiled")
    rendered(backend, shot, heard)
    assert any(event.note and event.note.startswith("memory: device+tiled on the CPU") for event in heard)
    with pytest.raises(RequestError, match=r"^memory: 'much' is not a plan; it may be: device, "):
        rendered(backend, shot.model_copy(update={"memory": "much"}))


# numbers of few bits


def test_int8_rounds_the_networks_as_they_are_loaded(home: Path):
    backend, shot = shot_for("wan", home)
    usual = rendered(backend, shot).frames.astype(int)
    SHELF.release()
    clip = rendered(backend, shot.model_copy(update={"memory": "int8"}))
    pipeline = next(iter(SHELF._kept.values())).pipeline
    assert "Int8" in type(pipeline.transformer.blocks[0].attn1.to_q.weight).__name__
    assert "memory: int8" in clip.record.notes[0]
    assert (clip.frames != usual).any()
    assert np.abs(clip.frames - usual).mean() < 4


def test_int8_without_torchao_names_it(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(placement, "installed", lambda name: None)
    backend, shot = shot_for("wan", home, memory="int8")
    refusal = r"^memory: int8 needs torchao, .*: pip install torchao; nearest: text-first$"
    with pytest.raises(MissingExtraError, match=refusal):
        rendered(backend, shot)


def with_gpu(
    monkeypatch: pytest.MonkeyPatch, gib: float = 24, packages: tuple[str, ...] = ("torchao",)
) -> None:
    """Let the memory plan see a GPU, and only these packages."""
    monkeypatch.setattr(placement, "machine", lambda: Machine(int(gib * GIB), 64 * GIB))
    monkeypatch.setattr(placement, "installed", lambda name: "1" if name in packages else None)


@pytest.mark.parametrize(
    ("packages", "nearest"), [(("torchao",), "int8"), ((), "stream"), (("gguf",), "stream")]
)
def test_four_bits_without_bitsandbytes_name_it_and_the_nearest_plan(
    packages: tuple[str, ...], nearest: str, home: Path, monkeypatch: pytest.MonkeyPatch
):
    with_gpu(monkeypatch, packages=packages)
    backend, shot = shot_for("wan", home, memory="nf4")
    refusal = rf"^memory: nf4 needs bitsandbytes, .*: pip install bitsandbytes; nearest: {nearest}$"
    with pytest.raises(MissingExtraError, match=refusal):
        rendered(backend, shot)
    assert len(SHELF) == 0


def test_four_bits_without_a_gpu_are_refused_before_anything_is_loaded(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    loads: list[Any] = []
    monkeypatch.setattr(backends_diffusers, "load", loads.append)
    backend, shot = shot_for("wan", home, memory="nf4")
    refusal = r"^memory: nf4 is not possible here \(it needs a GPU\); nearest: int8; it may be: device, "
    with pytest.raises(RequestError, match=refusal):
        rendered(backend, shot)
    assert loads == []


def test_modular_pipelines_are_not_rounded(home: Path):
    backend, shot = shot_for("wan-modular", home, memory="int8")
    refusal = r"^memory: int8 is not possible for modular pipelines; nearest: text-first$"
    with pytest.raises(RequestError, match=refusal):
        rendered(backend, shot)


def test_what_is_chosen_on_a_small_card_is_what_can_be_had(home: Path, monkeypatch: pytest.MonkeyPatch):
    entry = catalogue()["wan2.1-t2v-14b"]
    folder = Diffusers(str(make("wan", home))).source.weights("text")
    shot = planned(Diffusers(entry.id))
    small = Machine(int(16 * GIB), 8 * GIB)
    monkeypatch.setattr(placement, "machine", lambda: small)
    monkeypatch.setattr(placement, "parts_of", lambda folder, entry: published_parts(entry))
    monkeypatch.setattr(placement, "installed", lambda name: "1")
    assert str(placement.placed(entry, folder, shot, 0)) == "nf4+tiled"
    monkeypatch.setattr(placement, "installed", lambda name: None)
    with pytest.raises(
        MissingExtraError, match=r"nf4\+tiled needs bitsandbytes, .*; nearest: stream\+tiled$"
    ):
        placement.placed(entry, folder, shot, 0)


def test_four_bits_are_asked_of_diffusers_and_transformers_in_their_own_terms(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    torch, orders = library("torch"), []

    def taken(order: Any) -> None:
        orders.append(order)
        raise WeightsError("seen")

    with_gpu(monkeypatch, packages=("bitsandbytes",))
    version = importlib.metadata.version
    known = {"bitsandbytes": "0.50.2"}
    monkeypatch.setattr(importlib.metadata, "version", lambda name: known.get(name) or version(name))
    monkeypatch.setattr(backends_diffusers, "load", taken)
    backend, shot = shot_for("wan-experts", home, memory="nf4")
    with pytest.raises(WeightsError, match=r"^seen$"):
        rendered(backend, shot)
    (order,) = orders
    asked = order.quantised.quant_mapping
    assert set(asked) == {"transformer", "transformer_2", "text_encoder"}
    assert isinstance(asked["transformer_2"], library().BitsAndBytesConfig)
    assert isinstance(asked["text_encoder"], library("transformers").BitsAndBytesConfig)
    for config in asked.values():
        assert (config.load_in_4bit, config.bnb_4bit_quant_type) == (True, "nf4")
        assert config.bnb_4bit_use_double_quant
        assert config.bnb_4bit_compute_dtype == torch.float32
    assert order.without("transformer")  # the words go first
    assert not order.without("text_encoder")


def with_gguf(home: Path, folder: Path) -> Path:
    """Return a copy of the tiny Wan with its transformer in 8 bits as GGUF beside it."""
    gguf = library("gguf")
    shutil.copytree(make("wan", home), folder)
    file, rounded = folder / "rounded-Q8_0.gguf", gguf.GGMLQuantizationType.Q8_0
    writer = gguf.GGUFWriter(file, "wan")
    weights = folder / "transformer/diffusion_pytorch_model.safetensors"
    for name, numbers in library("safetensors.numpy").load_file(weights).items():
        if numbers.ndim == 2 and numbers.shape[1] % 32 == 0 and "blocks." in name:
            writer.add_tensor(name, gguf.quants.quantize(numbers, rounded), raw_dtype=rounded)
        else:
            writer.add_tensor(name, numbers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def test_a_denoiser_of_few_bits_makes_the_frames_that_diffusers_makes_of_it(home: Path, tmp_path: Path):
    file = with_gguf(home, tmp_path / "wan")
    backend = Diffusers(str(file))
    shot = planned(backend)
    clip = rendered(backend, shot)
    assert file.name in clip.record.weights
    kept = next(iter(SHELF._kept.values())).pipeline
    assert kept.transformer.blocks[0].attn1.to_q.weight.dtype == library("torch").uint8
    np.testing.assert_array_equal(clip.frames, _of_gguf(file, shot))
    assert (clip.frames != rendered(Diffusers(str(file.parent)), shot).frames).any()


def _of_gguf(file: Path, shot: Shot) -> np.ndarray:
    diffusers, torch = library(), library("torch")
    with quietly():
        transformer = diffusers.WanTransformer3DModel.from_single_file(
            str(file), quantization_config=diffusers.GGUFQuantizationConfig(torch.float32), config=str(file.parent),
            subfolder="transformer", torch_dtype=torch.float32,
        )  # fmt: skip
        loaded = diffusers.WanPipeline.from_pretrained(file.parent, transformer=transformer)
        small = {"width": 32, "height": 32, "num_frames": 9, "num_inference_steps": 2, "guidance_scale": 5.0}
        generator = torch.Generator("cpu").manual_seed(shot.seed)
        output = loaded(**WORDS, **small, generator=generator, output_type="pil")
    return np.stack([np.asarray(frame) for frame in output.frames[0]])


def test_the_plan_counts_what_a_denoiser_of_few_bits_takes(home: Path, tmp_path: Path):
    file = with_gguf(home, tmp_path / "wan")
    backend = Diffusers(str(file))
    folder = backend.source.weights("text")
    needs = [
        placement.placed(backend.entry, folder, planned(backend), 0, denoiser).need
        for denoiser in (None, file)
    ]
    whole = (file.parent / "transformer/diffusion_pytorch_model.safetensors").stat().st_size
    assert abs(needs[0].device - needs[1].device - (whole - file.stat().st_size)) < 20_000


def test_what_is_no_gguf_file_is_refused(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(RequestError, match=r"^model: .*none\.gguf is not a file"):
        registry.backend(str(tmp_path / "none.gguf"))
    (tmp_path / "note.gguf").write_text("GGUF, or so it says\n" * 9)
    with pytest.raises(WeightsError, match=r"note\.gguf is no GGUF file, or is damaged"):
        registry.backend(str(tmp_path / "note.gguf"))
    monkeypatch.setattr(openweights_library, "installed", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"note\.gguf needs gguf: pip install gguf"):
        registry.backend(str(tmp_path / "note.gguf"))


# what is missing, and what a folder may hold


def test_without_diffusers_one_line_names_the_extra(home: Path, monkeypatch: pytest.MonkeyPatch):
    backend, shot = shot_for("wan", home)
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(MissingExtraError, match=r'need diffusers, .*pip install "\.\[open-weights\]"$'):
        rendered(backend, shot)


def test_a_class_that_diffusers_lacks_is_named_with_the_version(home: Path, tmp_path: Path):
    folder = tmp_path / "future"
    shutil.copytree(make("wan", home), folder)
    backend = Diffusers(str(with_entry(folder, pipelines={"text": "WanHolographPipeline"})))
    with pytest.raises(
        RequestError, match=r"installed diffusers [\d.]+ has no WanHolographPipeline; a newer one"
    ):
        rendered(backend, planned(backend))


def test_a_package_that_a_model_needs_is_named(home: Path, tmp_path: Path):
    folder = tmp_path / "needy"
    shutil.copytree(make("wan", home), folder)
    backend = Diffusers(str(with_entry(folder, needs=["surely-not-installed"])))
    with pytest.raises(MissingExtraError, match="pip install surely-not-installed"):
        rendered(backend, planned(backend))


def test_an_argument_that_diffusers_does_not_know_is_named(home: Path, tmp_path: Path):
    folder = tmp_path / "odd"
    shutil.copytree(make("wan", home), folder)
    backend = Diffusers(str(with_entry(folder, fixed={"sparkle": 3})))
    with pytest.raises(WeightsError, match=r"WanPipeline of diffusers [\d.]+ takes no sparkle"):
        rendered(backend, planned(backend))


def test_a_folder_that_says_nothing_of_itself_is_known_by_its_class(home: Path, tmp_path: Path):
    folder = tmp_path / "my-wan"
    shutil.copytree(make("wan", home), folder)
    (folder / OWN_ENTRY).unlink()
    backend = registry.backend(str(folder))
    assert isinstance(backend, Diffusers)
    assert (backend.entry.id, backend.entry.pipelines["text"]) == ("my-wan", "WanPipeline")
    assert "inpaint" not in backend.entry.pipelines
    clip = rendered(backend, planned(backend, size=(32, 32), num_frames=5, steps=1))
    assert clip.frames.shape == (5, 32, 32, 3)


def test_a_model_of_the_catalogue_is_found_where_it_was_pulled_to(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    entry = catalogue()["wan2.1-t2v-1.3b"]
    backend, library_of_mine = Diffusers(entry.id), Library(tmp_path)
    shot = planned(backend, size=(32, 32), num_frames=5, steps=1)
    monkeypatch.setattr(model_source, "settings", lambda: Settings(home=tmp_path))
    with pytest.raises(WeightsError, match=r"is not on this machine: vitascope models pull wan2.1-t2v-1.3b"):
        rendered(backend, shot)
    library_of_mine.accept(entry)
    library_of_mine.add(entry, make("wan", home))
    clip = rendered(backend, shot)
    kept = next(iter(SHELF._kept.values())).pipeline
    assert (str(kept.transformer.dtype), str(kept.vae.dtype)) == ("torch.bfloat16", "torch.float32")
    known = library_of_mine.pulled(entry).files
    assert clip.record.weights == {
        name: known[name].sha256 for name in known if name.endswith(".safetensors")
    }


def test_a_denoiser_in_one_file_takes_all_else_from_the_folder_that_it_lies_in(home: Path, tmp_path: Path):
    other = tmp_path / "other"
    shutil.copytree(make("wan", home), other)
    single = other / "tuned.safetensors"
    torch, save = library("torch"), library("safetensors.torch")
    numbers = save.load_file(other / "transformer/diffusion_pytorch_model.safetensors")
    numbers["proj_out.bias"] += torch.linspace(-1, 1, len(numbers["proj_out.bias"]))
    save.save_file(numbers, single)
    plain, tuned = Diffusers(str(other)), Diffusers(str(single))
    shot = planned(plain)
    clip = rendered(tuned, shot)
    assert (clip.frames != rendered(plain, shot).frames).any()
    assert "tuned.safetensors" in clip.record.weights


def test_damaged_weights_are_refused_before_they_are_loaded(home: Path, tmp_path: Path):
    folder = tmp_path / "cut"
    shutil.copytree(make("wan", home), folder)
    file = folder / "vae" / "diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="damaged"):
        Diffusers(str(folder))


# quality


@pytest.mark.parametrize(
    ("kind", "steps", "cache"),
    [
        ("wan", 12, "SeaCache"),
        ("wan-experts", 12, "SeaCache"),
        ("wan-image", 12, "first-block"),
        ("wan-vace", 20, "TaylorSeer"),
        ("wan-modular", 20, "TaylorSeer"),
        ("kandinsky5", 20, "TaylorSeer"),
        ("ltx2", 20, "TaylorSeer"),
        ("allegro", 20, "TaylorSeer"),
    ],
)
def test_what_is_spared_is_said_and_leaves_nothing_behind(
    kind: str, steps: int, cache: str, home: Path, pictures: Path
):
    first = tasks.reference if kind == "wan-vace" else tasks.first_frame
    givens = (first(pictures / "first.png"),) if kind in ("wan-vace", "wan-image") else ()
    backend, shot = shot_for(kind, home, givens, steps=steps)
    usual = rendered(backend, shot).frames
    spared = rendered(backend, shot.model_copy(update={"quality": "low"}))
    assert any(note.startswith(f"cache: {cache}") for note in spared.record.notes)
    assert (spared.frames != usual).any()
    assert (rendered(backend, shot).frames == usual).all()


def test_calls_with_and_without_the_words_are_told_apart_where_a_pipeline_does_not(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(caching, "TOLD", ())
    backend, shot = shot_for("wan", home, steps=20, quality="low")
    named = rendered(backend, shot).frames
    backend, shot = shot_for("wan-modular", home, steps=20, quality="low")
    np.testing.assert_array_equal(rendered(backend, shot).frames, named)


def test_what_is_kept_of_one_piece_of_a_long_clip_is_not_used_for_the_next(home: Path):
    backend, shot = shot_for("helios", home, steps=16, quality="low")
    assert blocks_run(backend, shot.model_copy(update={"num_frames": 66})) == 2 * blocks_run(backend, shot)


def test_fewer_blocks_run_the_lower_the_quality(home: Path, pictures: Path):
    backend, shot = shot_for("wan-vace", home, (tasks.reference(pictures / "first.png"),), steps=20)
    runs = [blocks_run(backend, shot.model_copy(update={"quality": name})) for name in get_args(Quality)]
    assert runs[0] == 3 * 2 * 20
    assert runs[0] > runs[1] > runs[2] > runs[3] > 0


def blocks_run(backend: Diffusers, shot: Shot) -> int:
    """Return how often the self-attention of a pipeline's blocks ran while a clip was made."""
    rendered(backend, shot)
    blocks, count = next(iter(SHELF._kept.values())).pipeline.transformer.blocks, []
    hooks = [block.attn1.register_forward_pre_hook(lambda *_: count.append(1)) for block in blocks]
    rendered(backend, shot)
    for hook in hooks:
        hook.remove()
    return len(count)


def test_a_model_that_cannot_be_spared_anything_says_so(home: Path):
    for kind in ("skyreels", "sana", "animatediff", "hunyuan15"):
        backend, shot = shot_for(kind, home, quality="low")
        assert any(note.endswith("lossless") for note in rendered(backend, shot).record.notes)


# LoRA


@pytest.fixture(scope="session")
def lora(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a LoRA with random weights for the tiny Wan."""
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    diffusers, torch = library(), library("torch")
    folder = tmp_path_factory.mktemp("lora")
    with quietly():
        transformer = diffusers.WanTransformer3DModel.from_pretrained(make("wan", home) / "transformer")
        torch.manual_seed(4)
        transformer.add_adapter(LoraConfig(r=4, target_modules=["to_q", "to_v"], init_lora_weights=False))
        layers = get_peft_model_state_dict(transformer)
        diffusers.WanPipeline.save_lora_weights(folder, transformer_lora_layers=layers)
    return folder / "pytorch_lora_weights.safetensors"


def test_a_lora_changes_the_clip_as_in_diffusers_and_can_be_left_out_again(home: Path, lora: Path):
    backend, shot = shot_for("wan", home)
    plain = rendered(backend, shot).frames
    laid = rendered(backend, shot.model_copy(update={"loras": ((str(lora), 0.5),)}))
    assert (laid.frames != plain).any()
    assert lora.name in laid.record.weights
    np.testing.assert_array_equal(laid.frames, _with_lora(home, lora, 0.5))
    assert (rendered(backend, shot).frames == plain).all()


def _with_lora(home: Path, lora: Path, scale: float) -> np.ndarray:
    torch = library("torch")
    with quietly():
        loaded = library().WanPipeline.from_pretrained(make("wan", home))
        loaded.load_lora_weights(str(lora), adapter_name="one")
        loaded.set_adapters(["one"], [scale])
        generator = torch.Generator("cpu").manual_seed(7)
        small = {"width": 32, "height": 32, "num_frames": 9, "num_inference_steps": 2, "guidance_scale": 5.0}
        output = loaded(**WORDS, **small, generator=generator, output_type="pil")
    return np.stack([np.asarray(frame) for frame in output.frames[0]])


def renamed(lora: Path, target: Path, change: Any) -> Path:
    save = library("safetensors.torch")
    save.save_file(dict(change(name, numbers) for name, numbers in save.load_file(lora).items()), target)
    return target


def test_a_lora_for_another_model_is_refused_by_its_keys(home: Path, lora: Path, tmp_path: Path):
    strange = renamed(
        lora, tmp_path / "sdxl.safetensors", lambda name, n: (name.replace("blocks", "unet_down"), n)
    )
    backend, shot = shot_for("wan", home, loras=((str(strange), 1.0),))
    with pytest.raises(
        RequestError, match=r"^lora: .*sdxl.* does not fit: none of its 8 layers .*WanTransformer3DModel"
    ):
        rendered(backend, shot)
    assert len(rendered(backend, shot.model_copy(update={"loras": ()})).frames) == 9


def test_a_lora_for_a_larger_model_is_refused_by_its_sizes(home: Path, lora: Path, tmp_path: Path):
    torch = library("torch")
    large = renamed(
        lora, tmp_path / "14b.safetensors", lambda name, n: (name, torch.zeros([2 * s for s in n.shape]))
    )
    backend, shot = shot_for("wan", home, loras=((str(large), 1.0),))
    with pytest.raises(RequestError, match=r"^lora: .*14b.* does not fit: its layers have other sizes"):
        rendered(backend, shot)


def test_a_lora_that_fits_in_part_is_noted(home: Path, lora: Path, tmp_path: Path):
    partly = renamed(
        lora, tmp_path / "partly.safetensors", lambda name, n: (name.replace("blocks.1.", "blocks.7."), n)
    )
    backend, shot = shot_for("wan", home, loras=((str(partly), 1.0),))
    assert any("4 of the 8 layers" in note for note in rendered(backend, shot).record.notes)


@pytest.mark.parametrize(
    ("name", "laid"),
    [("style", (True, True)), ("style_high_noise", (True, False)), ("style-LOW", (False, True))],
)
def test_a_lora_is_laid_over_the_experts_that_its_name_says(
    name: str, laid: tuple[bool, bool], home: Path, lora: Path, tmp_path: Path
):
    file = shutil.copy(lora, tmp_path / f"{name}.safetensors")
    backend, shot = shot_for("wan-experts", home, loras=((str(file), 1.0),))
    rendered(backend, shot)
    loaded = next(iter(SHELF._kept.values())).pipeline
    assert (
        tuple(bool(getattr(e, "peft_config", {})) for e in (loaded.transformer, loaded.transformer_2)) == laid
    )


def test_a_lora_that_could_run_code_or_is_not_there_is_refused(home: Path, tmp_path: Path):
    backend, shot = shot_for("wan", home)
    (tmp_path / "style.pt").write_bytes(b"\x80\x04.")
    with pytest.raises(WeightsError, match="not a safetensors file"):
        rendered(backend, shot.model_copy(update={"loras": ((str(tmp_path / "style.pt"), 1.0),)}))
    with pytest.raises(RequestError, match="nobody/nothing is not on this machine"):
        rendered(backend, shot.model_copy(update={"loras": (("nobody/nothing", 1.0),)}))


# the command line


@pytest.mark.parametrize(
    "kind", ["wan", "wan-experts", "wan-modular", "ltx", "ltx2", "cogvideox", "sana", "mochi"]
)
def test_the_command_makes_a_file(
    kind: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from vitascope.cli import run_command

    monkeypatch.chdir(make(kind, home).parent)
    out = tmp_path / "out.mp4"
    assert (
        run_command(
            ["generate", "a red ball rolls over grass", "--model", f"./{kind}", "--seed", "3", "-o", str(out)]
        )
        == 0
    )
    assert capsys.readouterr().out.strip() == str(out)
    movie = read(out)
    assert movie.frames.shape[1:] == (32, 32, 3)
    assert movie.record.backend == f"tiny-{kind}"


def test_the_command_takes_a_picture_a_quality_and_a_lora(
    home: Path, lora: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from vitascope.cli import run_command

    monkeypatch.chdir(make("wan", home).parent)
    make("wan-image", home)
    out = str(tmp_path / "a.mp4")
    assert (
        run_command(
            [
                "generate",
                "a ball",
                "--model",
                "./wan-image",
                "--image",
                str(pictures / "first.png"),
                "-o",
                out,
            ]
        )
        == 0
    )
    spared = ["--quality", "low", "--steps", "8", "--lora", f"{lora}:0.5"]
    assert (
        run_command(["generate", "a ball", "--model", "./wan", *spared, "-o", str(tmp_path / "b.mp4")]) == 0
    )
    shot = read(tmp_path / "b.mp4").record.shot
    assert (shot.quality, shot.loras) == ("low", ((str(lora), 0.5),))


def test_the_command_and_python_copy_motion(
    home: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    from vitascope import generate
    from vitascope.cli import run_command

    model, clip, out = str(make("wan-animate", home)), str(pictures / "clip-30.png"), tmp_path / "out.mp4"
    who = str(pictures / "first.png")
    motion = ["--pose-video", clip, "--face-video", clip]
    common = ["generate", "a dancer", "--model", model, "--seed", "3", "-o", str(out)]
    assert run_command([*common, *motion]) == 2
    assert "reference: tiny-wan-animate needs one picture of who moves" in capsys.readouterr().err
    assert run_command([*common, *motion, "--reference", who]) == 0
    movie = read(out)
    assert movie.frames.shape == (9, 32, 32, 3)
    assert [given.role for given in movie.record.shot.givens] == ["reference", "pose", "face"]
    assert "seconds: 0.3, as long as the pose_video has motion to copy" in movie.record.notes
    made = generate("a dancer", model=model, seed=3, reference=who, pose_video=clip, face_video=clip)
    assert made.record.shot == movie.record.shot
    with pytest.raises(
        RequestError, match=r"^pose_video: tiny-wan cannot be given .*can: wan2\.2-animate-14b$"
    ):
        generate("a dancer", model=str(make("wan", home)), reference=who, pose_video=clip, face_video=clip)


@pytest.mark.parametrize(
    ("command", "kind"), [(["extend"], "wan-vace"), (["edit", "--strength", "0.9"], "wan-video")]
)
def test_extending_and_editing_take_a_quality_a_plan_and_a_lora(
    command: list[str], kind: str, home: Path, lora: Path, pictures: Path, tmp_path: Path
):
    from vitascope.cli import run_command

    model, out = str(make(kind, home)), tmp_path / "out.mp4"
    said = ["--quality", "high", "--memory", "text-first", "--lora", f"{lora}:0.5", "--steps", "4"]
    clip = str(pictures / "clip-16.png")
    assert run_command([*command, clip, "a ball", "--model", model, *said, "-o", str(out)]) == 0
    record = read(out).record
    assert (record.shot.quality, record.shot.memory) == ("high", "text-first")
    assert record.shot.loras == ((str(lora), 0.5),)
    assert any("memory: text-first" in note for note in record.notes)
    assert lora.name in record.weights


def test_words_that_do_not_fit_the_text_encoder_are_told(home: Path):
    backend, shot = shot_for("animatediff", home, prompt="a red ball rolls over grass " * 40)
    assert any("truncated" in note for note in rendered(backend, shot).record.notes)


def test_pictures_of_another_shape_are_fitted_to_the_planned_size(home: Path, tmp_path: Path):
    frames = moving(1, 64)
    Image.fromarray(np.asarray(frames[0])[:48]).save(tmp_path / "wide.png")
    backend, shot = shot_for("wan-image", home, (tasks.first_frame(tmp_path / "wide.png"),))
    assert rendered(backend, shot).frames.shape == (9, 32, 32, 3)
