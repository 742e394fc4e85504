from dataclasses import replace
from pathlib import Path

from vitascope.weights.manifest import Defaults, Manifest, NativeShape, Preset

PLAIN = Manifest("net", "1", NativeShape(17, 48, 64, 8.0), ((64, 48),), (0.0,), (1.0,), {}, 48)


def test_every_model_has_three_presets():
    every = Defaults(steps=24, guidance_scale=3.0, sampler="euler", shift=4.0).every
    assert list(every) == ["draft", "standard", "quality"]
    assert every["standard"] == Preset(24, 3.0, "euler", 4.0, "dit")
    assert (every["draft"].steps, every["draft"].sampler) == (8, "ab2")
    assert every["quality"].steps == 40


def test_a_draft_never_takes_more_steps_than_the_standard():
    every = Defaults(steps=4).every
    assert every["draft"].steps == 4
    assert Defaults(steps=60).every["quality"].steps == 60


def test_presets_of_the_weights_are_written_and_read(tmp_path: Path):
    few = Preset(4, 1.0, "euler", 2.0, "dit4")
    manifest = replace(PLAIN, defaults=Defaults(24, 3.0, "euler", 4.0, {"draft": few}))
    manifest.write(tmp_path / "manifest.json")
    read = Manifest.read(tmp_path / "manifest.json").defaults
    assert read == manifest.defaults
    assert read.every["draft"] == few
    assert list(read.every) == ["draft", "standard", "quality"]


def test_what_a_preset_does_not_say_it_has_from_the_defaults(tmp_path: Path):
    replace(PLAIN, defaults=Defaults(24, 3.0, "heun", 4.0)).write(tmp_path / "manifest.json")
    text = (tmp_path / "manifest.json").read_text("utf-8")
    (tmp_path / "manifest.json").write_text(
        text.replace('"presets": {}', '"presets": {"draft": {"steps": 4, "guidance_scale": 1}}'), "utf-8"
    )
    draft = Manifest.read(tmp_path / "manifest.json").defaults.every["draft"]
    assert draft == Preset(4, 1.0, "heun", 4.0, "dit")
