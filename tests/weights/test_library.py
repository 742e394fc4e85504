import json
import shutil
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from vitascope.errors import RequestError, WeightsError
from vitascope.weights import library as module
from vitascope.weights.catalogue import Entry, catalogue
from vitascope.weights.hub import Remote
from vitascope.weights.library import MANIFEST, Library, chosen, entry_named
from vitascope.weights.manifest import describe

WAN = catalogue()["wan2.1-t2v-1.3b"]
SVD = catalogue()["svd-xt"]
INDEX = {
    "_class_name": "WanPipeline",
    "transformer": ["diffusers", "WanTransformer3DModel"],
    "vae": ["diffusers", "AutoencoderKLWan"],
    "tokenizer": ["transformers", "T5Tokenizer"],
}


class FolderHub:
    """A hub whose repositories are folders; it may break after some files."""

    def __init__(self, repositories: dict[str, Path]):
        self.repositories, self.left, self.fetched = repositories, 1000, []

    def look(self, repository: str, revision: str) -> Remote:
        home = self.repositories[repository]
        files = {str(file.relative_to(home)): file for file in sorted(home.rglob("*")) if file.is_file()}
        sums = {name: describe(file).sha256 for name, file in files.items() if name.endswith(".safetensors")}
        return Remote("0123abcd", {name: file.stat().st_size for name, file in files.items()}, sums)

    def fetch(self, repository: str, commit: str, names: Collection[str], folder: Path) -> None:
        assert commit == "0123abcd"
        for name in names:
            if (folder / name).is_file():
                continue
            self.left -= 1
            if self.left < 0:
                raise WeightsError(f"{repository} cannot be reached")
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.repositories[repository] / name, folder / name)
            self.fetched.append(name)


@pytest.fixture
def hub(tmp_path: Path) -> FolderHub:
    return FolderHub({WAN.repository: repository(tmp_path / "wan")})


@pytest.fixture
def library(tmp_path: Path, hub: FolderHub) -> Library:
    return Library(tmp_path / "home", hub)


def repository(home: Path, index: dict = INDEX) -> Path:
    """Make a repository with all that should come, and much that should not."""
    for name in ("transformer", "vae"):
        (home / name).mkdir(parents=True)
        (home / name / "config.json").write_text("{}")
        save_file({"a": np.arange(9, dtype=np.float32)}, home / name / "model.safetensors")
    (home / "tokenizer").mkdir()
    (home / "tokenizer" / "spiece.model").write_bytes(b"words")
    (home / "model_index.json").write_text(json.dumps(index))
    (home / "LICENSE.txt").write_text("be good")
    for extra in ("all-in-one.safetensors", "vae/model.fp16.safetensors", "old/model.safetensors"):
        (home / extra).parent.mkdir(exist_ok=True)
        save_file({"a": np.ones(3, np.float32)}, home / extra)
    for extra in ("vae/model.bin", "vae/pytorch_model.bin.index.json", "transformer/run.py", "film.mp4"):
        (home / extra).write_bytes(b"no")
    return home


WANTED = {
    "LICENSE.txt",
    "model_index.json",
    "transformer/config.json",
    "transformer/model.safetensors",
    "vae/config.json",
    "vae/model.safetensors",
    "tokenizer/spiece.model",
}


def pull(library: Library, entry: Entry = WAN) -> list[str]:
    said: list[str] = []
    library.accept(entry)
    library.pull(entry, said.append)
    return said


def test_only_what_the_pipeline_needs_is_pulled(library: Library):
    said = pull(library)
    folder = library.find(WAN)
    files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert files == WANTED | {MANIFEST}
    assert said == [f"{WAN.repository}: 7 files, 0.0 GiB", "checking what came"]
    pulled = library.pulled(WAN)
    assert (pulled.repository, pulled.commit, pulled.licence) == (WAN.repository, "0123abcd", "Apache-2.0")
    assert set(pulled.files) == WANTED
    assert library.verify(WAN) == []
    assert not (library.folder / ".pulling" / WAN.id).exists()


def test_nothing_is_pulled_before_the_licence_is_accepted(library: Library, hub: FolderHub):
    with pytest.raises(
        RequestError, match=r"accept_licence: the licence of wan2\.1-t2v-1\.3b is Apache-2\.0; say --accept"
    ):
        library.pull(WAN, print)
    with pytest.raises(
        RequestError, match=r"is Stability AI .* \(companies with more than a million .*\); say --accept"
    ):
        library.pull(SVD, print)
    assert hub.fetched == []
    library.accept(WAN)
    assert library.accepted(WAN) is not None
    assert library.accepted(SVD) is None
    terms = WAN.licence.model_copy(update={"name": "Something stricter"})
    assert library.accepted(WAN.model_copy(update={"licence": terms})) is None


@pytest.mark.parametrize("files", range(1, 7))
def test_an_interrupted_pull_is_not_listed_and_goes_on_where_it_stopped(
    library: Library, hub: FolderHub, files: int
):
    hub.left = files
    with pytest.raises(WeightsError, match="cannot be reached"):
        pull(library)
    assert not library.has(WAN)
    with pytest.raises(WeightsError, match="is not on this machine: vitascope models pull wan"):
        library.find(WAN)
    hub.left = 1000
    pull(library)
    assert library.has(WAN)
    assert sorted(hub.fetched) == sorted(WANTED)


def test_a_model_that_is_here_is_not_pulled_again(library: Library, hub: FolderHub):
    pull(library)
    hub.left = 0
    assert pull(library) == []


def test_a_file_that_came_damaged_is_deleted(library: Library, hub: FolderHub):
    look = hub.look

    def lying(repository: str, revision: str) -> Remote:
        remote = look(repository, revision)
        return Remote(remote.commit, remote.sizes, {**remote.checksums, "vae/model.safetensors": "0" * 64})

    hub.look = lying
    with pytest.raises(
        WeightsError, match=r"model\.safetensors came damaged and was deleted; pull the model again"
    ):
        pull(library)
    assert not library.has(WAN)
    hub.look = look
    pull(library)
    assert library.has(WAN)


def test_a_component_that_is_only_a_pickle_is_refused_before_it_comes(library: Library, hub: FolderHub):
    for file in (hub.repositories[WAN.repository] / "vae").glob("*.safetensors"):
        file.unlink()
    with pytest.raises(
        WeightsError, match=r"vae/model\.bin is a pickle, which can run code, and vae comes as nothing else"
    ):
        pull(library)
    assert not any(name.endswith(".bin") for name in hub.fetched)


def test_a_pipeline_with_code_of_its_own_is_refused(tmp_path: Path):
    index = {**INDEX, "vae": ["my_module", "Vae"]}
    library = Library(tmp_path / "home", FolderHub({WAN.repository: repository(tmp_path / "evil", index)}))
    with pytest.raises(WeightsError, match="takes its vae from 'my_module'"):
        pull(library)
    assert not library.has(WAN)


def test_a_component_may_come_from_a_repository_of_its_own(tmp_path: Path):
    entry = catalogue()["animatediff-v3"]
    base = {**INDEX, "_class_name": "StableDiffusionPipeline"}
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "config.json").write_text("{}")
    save_file({"a": np.ones(3, np.float32)}, adapter / "model.safetensors")
    (adapter / "model.ckpt").write_bytes(b"no")
    hub = FolderHub(
        {entry.repository: repository(tmp_path / "base", base), entry.parts[0].repository: adapter}
    )
    library = Library(tmp_path / "home", hub)
    pull(library, entry)
    files = sorted(file.name for file in (library.find(entry) / "motion_adapter").iterdir())
    assert files == ["config.json", "model.safetensors"]
    assert "motion_adapter/model.safetensors" in library.pulled(entry).files
    other = Library(tmp_path / "offline", hub)
    other.accept(entry)
    other.add(entry, library.find(entry))
    assert other.verify(entry) == []


def test_a_full_disk_is_told_before_anything_large_comes(library: Library, hub: FolderHub, monkeypatch):
    usage = shutil.disk_usage(hub.repositories[WAN.repository])
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: usage._replace(free=10))
    with pytest.raises(
        WeightsError, match=r"0\.0 GiB more are needed in .*; make room, or set VITASCOPE_HOME"
    ):
        pull(library)
    assert hub.fetched == ["model_index.json"]


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (
            lambda folder: flip(folder / "vae" / "model.safetensors"),
            "vae/model.safetensors: its checksum is wrong",
        ),
        (lambda folder: (folder / "LICENSE.txt").unlink(), "LICENSE.txt: is missing"),
        (lambda folder: (folder / "LICENSE.txt").write_text("x"), "LICENSE.txt: has 1 bytes instead of 7"),
        (
            lambda folder: (folder / "vae" / "new.json").write_text("{}"),
            "vae/new.json: was not there when the model",
        ),
    ],
)
def test_verify_finds_what_has_changed(library: Library, damage, line: str):
    pull(library)
    damage(library.find(WAN))
    (found,) = library.verify(WAN)
    assert found.startswith(line)


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def test_a_damaged_manifest_is_one_line(library: Library):
    pull(library)
    (library.find(WAN) / MANIFEST).write_text("{")
    with pytest.raises(
        WeightsError, match=r"vitascope-files\.json is damaged; remove the model and pull it again"
    ):
        library.verify(WAN)


def test_a_model_is_removed_with_what_an_interrupted_pull_left(library: Library, hub: FolderHub):
    pull(library)
    size = library.pulled(WAN).size
    assert library.remove(WAN) >= size
    assert not library.has(WAN)
    hub.left = 2
    hub.fetched.clear()
    with pytest.raises(WeightsError):
        pull(library)
    library.remove(WAN)
    assert not (library.folder / ".pulling" / WAN.id).exists()
    with pytest.raises(RequestError, match="is not on this machine; see: vitascope models list"):
        library.remove(WAN)


def test_a_folder_from_elsewhere_is_added_whole(library: Library, hub: FolderHub, tmp_path: Path):
    pull(library)
    other = Library(tmp_path / "offline", hub)
    with pytest.raises(RequestError, match="accept_licence"):
        other.add(WAN, library.find(WAN))
    other.accept(WAN)
    other.add(WAN, library.find(WAN))
    assert other.verify(WAN) == []
    other.accept(SVD)
    with pytest.raises(
        RequestError, match="holds a WanPipeline, not svd-xt; it needs: StableVideoDiffusionPipeline"
    ):
        other.add(SVD, library.find(WAN))
    with pytest.raises(WeightsError, match="is code, and no code is taken"):
        other.add(WAN, hub.repositories[WAN.repository])


@pytest.mark.parametrize(
    "name",
    [
        "unet/pytorch_model",
        "unet/pytorch_model.bin ",
        "weights.pdparams",
        "vae/model.pt2",
        "model.safetensors.zip",
        ".hidden/model.pt2",
        "notes.html",
        "run",
    ],
)
def test_only_what_a_model_is_made_of_is_added(library: Library, hub: FolderHub, tmp_path: Path, name: str):
    pull(library)
    source = tmp_path / "brought"
    shutil.copytree(library.find(WAN), source)
    (source / name).parent.mkdir(exist_ok=True)
    (source / name).write_bytes(b"\x80\x04cos\nsystem\n")
    (source / "LICENSE").write_text("do what you like")
    other = Library(tmp_path / "offline", hub)
    other.accept(WAN)
    other.add(WAN, source)
    found = {str(file.relative_to(other.find(WAN))) for file in other.find(WAN).rglob("*") if file.is_file()}
    known = {
        str(file.relative_to(library.find(WAN))) for file in library.find(WAN).rglob("*") if file.is_file()
    }
    assert found == known | {"LICENSE"}
    assert other.verify(WAN) == []


def test_shards_in_one_precision_are_chosen():
    names = [
        "t/m-1-of-2.safetensors",
        "t/m-2-of-2.safetensors",
        "t/m.safetensors.index.json",
        "t/m.fp16-1-of-1.safetensors",
        "t/m.safetensors.index.fp16.json",
        "t/m.bin.index.json",
        "t/sub/../../x.json",
    ]
    assert chosen(names, ["t"]) == names[:3]
    assert chosen(["u/x.fp16.safetensors", "u/config.json"], ["u"]) == [
        "u/x.fp16.safetensors",
        "u/config.json",
    ]


def test_an_unknown_model_is_refused_with_its_neighbours():
    assert entry_named("ltx-2").id == "ltx-2"
    with pytest.raises(RequestError, match="'ltx2' is not in the catalogue; nearest: ltx-2"):
        entry_named("ltx2")
    with pytest.raises(RequestError, match="toybox ships with vitascope"):
        entry_named("toybox")
