"""Toybox, the model that ships: small networks on ONNX Runtime, read from the package's own weights."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from vitascope.backends.base import Card, EnhancedPrompt, Explanation, FrameStream
from vitascope.camera.path import AMOUNTS
from vitascope.decode.video import Decoder
from vitascope.denoise.run import Denoiser
from vitascope.media.inspector import LOCAL, Inspector
from vitascope.planning.prompt import clean
from vitascope.planning.rules import FrameRule, RateRule, SizeRule
from vitascope.progress import Progress
from vitascope.runtime.base import Network
from vitascope.runtime.onnx import OnnxNetwork
from vitascope.settings import settings
from vitascope.toybox.cast.lookup import Appearance, find_entry
from vitascope.toybox.classifier import NETWORK, Judge
from vitascope.toybox.conditioning.text import encode_texts
from vitascope.toybox.conditioning.tokenizer import Tokenizer, WordSpace, unit
from vitascope.toybox.conditioning.windows import count_windows
from vitascope.toybox.language.captions import without_names
from vitascope.toybox.language.enhance import enhance
from vitascope.toybox.language.explain import explain
from vitascope.toybox.layout import LATENT_CHANNELS, SUBJECT, SUBJECT_CHANNELS, TOKEN, check
from vitascope.toybox.motion.encoders import Encoders
from vitascope.toybox.motion.trajectory import AROUND_MIDDLE, Blocking, BlockingLibrary
from vitascope.toybox.page_input import no_page, small_page, warp_pages
from vitascope.toybox.plan import picture_labels, plan_in_world
from vitascope.toybox.render import LatentModel, render, render_stream
from vitascope.toybox.scene import Scene
from vitascope.toybox.upscale import SCALE, Appearances, Pages
from vitascope.toybox.world import World, page_name
from vitascope.types import Clip, Conditioning, Plan, Shot, Text
from vitascope.weights.folder import WeightsFolder
from vitascope.weights.manifest import STANDARD

VOCABULARY = "tokens.txt"
WAYS = "blocking.safetensors"
UPSCALER = "upscaler"
MAX_SECONDS = 600
CAMERA_REACH = 1.5
"""How much further than the usual amount a camera move may go."""


class Toybox:
    """A backend over one folder of weights; what it loads it keeps."""

    def __init__(self, folder: WeightsFolder | None = None, threads: int | None = None):
        """Use a folder of weights, by default the one that the settings name or the one in the package."""
        chosen = settings().weights
        self.folder = folder or (WeightsFolder(chosen) if chosen else WeightsFolder.shipped())
        self.threads = settings().threads if threads is None else threads
        self._open: dict[str, OnnxNetwork] = {}

    @cached_property
    def card(self) -> Card:
        """What these weights can do, from their manifest; raises `WeightsError` when that is missing or damaged."""
        manifest = self.folder.manifest
        presets, drawn = manifest.defaults.every, self._drawn
        sizes, fps = (*drawn, *manifest.sizes), manifest.native.fps
        return Card(
            id="toybox",
            licence=manifest.licence,
            frames=FrameRule(
                step=manifest.latents.time_stride,
                default=manifest.native.num_frames,
                most=round(MAX_SECONDS * fps) + 1,
            ),
            size=SizeRule(default=sizes[0], most_pixels=max(map(math.prod, sizes)), choices=sizes),
            rate=RateRule.only(fps),
            strict=True,
            steps=presets[STANDARD].steps,
            guidance_scale=presets[STANDARD].guidance_scale,
            takes=frozenset({"frame", "source", "reference", "path"}),
            camera_limits={kind: CAMERA_REACH * amount for kind, amount in AMOUNTS.items()},
            presets=presets,
            drawn=drawn,
        )

    @cached_property
    def world(self) -> World:
        """All that these weights were taught to draw, in words."""
        return World.from_json(self.folder.manifest.world, self.folder.manifest.open_cast)

    def checksums(self) -> Mapping[str, str]:
        """Return the SHA-256 of each file of weights, in hexadecimal; raises `WeightsError`."""
        return self.folder.checksums()

    def embed(self, words: Sequence[str]) -> Float32[np.ndarray, "words dim"]:
        """Place words by their meaning, as unit vectors of the text encoder's own table."""
        return unit(self._space.embed(words))

    def see(
        self, pictures: UInt8[np.ndarray, "pictures height width 3"]
    ) -> Mapping[str, Mapping[str, float]]:
        """Return how likely each label of each field of a scene is in pictures; nothing for weights without a judge."""
        return {} if self._judge is None else self._judge.likely(pictures)

    @property
    def classified(self) -> Mapping[str, tuple[str, ...]]:
        """The labels of each field that the judge of these weights tells apart; none for weights without a judge."""
        return {} if self._judge is None else self._judge.card.heads

    def watch(self, frames: UInt8[np.ndarray, "frames height width 3"]) -> Mapping[str, Mapping[str, float]]:
        """Return how likely each label of each field is in a clip; nothing for weights without a judge."""
        return {} if self._judge is None else self._judge.watched(frames)

    def plan(self, shot: Shot, inspector: Inspector = LOCAL) -> Plan:
        """Read the words in the model's own world and fill in its defaults; raises `RequestError`."""
        return plan_in_world(
            shot, self.card, self.world, inspector, embed=self.embed, see=self.see, watch=self.watch
        )

    def explain(self, shot: Shot, inspector: Inspector = LOCAL) -> Explanation:
        """Return what is understood of a shot's words and pictures."""
        return explain(shot, self.world, self.embed, picture_labels(shot, self.card, inspector, self.see))

    def enhance(self, prompt: str, *, pictured: bool = False) -> EnhancedPrompt:
        """Return a prompt that says more, in words of the model's world."""
        return enhance(clean("prompt", prompt), self.world, settings(), pictured)

    def passes(self, shot: Shot) -> int:
        """Return in about how many windows a planned shot is made."""
        return count_windows(shot, self.card.num_frames)

    def render(self, shot: Shot, progress: Progress, resume_folder: Path | None = None) -> Clip:
        """Render a planned shot. Raises `WeightsError` and `Cancelled`."""
        return render(shot, lambda: self.model(shot.preset), progress, resume_folder)

    def stream(self, shot: Shot, progress: Progress, resume_folder: Path | None = None) -> FrameStream:
        """Render a planned shot and hand over its frames chunk by chunk. Raises `WeightsError` and `Cancelled`."""
        return render_stream(shot, lambda: self.model(shot.preset), progress, resume_folder)

    def model(self, preset: str | None = None) -> LatentModel:
        """Return the networks of a preset, each opened once; raises `WeightsError`."""
        manifest = self.folder.manifest
        check(manifest.latents)
        chosen = manifest.defaults.every[preset or STANDARD]
        words = partial(
            encode_texts,
            tokenizer=self._tokenizer,
            network=self._network("text_encoder"),
            max_words=manifest.max_words,
        )
        briefing = self._network("briefing")
        clean = Transformer(briefing, self._network(chosen.network), "pages" in briefing.inputs)
        if clean.takes_pages:
            words = partial(_encode_unnamed, encode=words)
        decoder = self._network("decoder")
        return LatentModel(
            encoders=Encoders(
                words,
                self._encode_video,
                self._block,
                self._fitting,
                clean.field,
                small_pages if clean.takes_pages else lambda looks: None,
            ),
            longest=manifest.native.num_frames,
            denoiser=Denoiser(clean, chosen.sampler, chosen.shift, chosen.temperature),
            decoder=Decoder(decoder, decoder.shapes["deep"][1], decoder.shapes["shallow"][1]),
            weights=dict(self.checksums()),
            drawn=self._drawn,
            upscale=self._upscale if self._drawn else None,
            world=self.world,
            embed=self.embed,
            overlay=self._overlay,
        )

    @cached_property
    def _drawn(self) -> dict[tuple[int, int], tuple[int, int]]:
        """The sizes that clips are scaled up to, and those at which they are drawn."""
        if f"{UPSCALER}.onnx" not in self.folder.manifest.files:
            return {}
        return {
            (SCALE * width, SCALE * height): (width, height) for width, height in self.folder.manifest.sizes
        }

    def _overlay(self, cast: Appearances, frames: slice) -> Pages | None:
        if "pages" not in self._network(UPSCALER).inputs:
            return None
        (size,) = self._drawn
        return warp_pages(cast, frames, size[1], size[0])

    def _upscale(self, **pictures: np.ndarray) -> Mapping[str, np.ndarray]:
        # Only clips that are scaled up need it.
        return self._network(UPSCALER)(**pictures)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer.from_file(self.folder.file(VOCABULARY))

    @cached_property
    def _space(self) -> WordSpace:
        return WordSpace(self._tokenizer, self.folder.file("text_encoder.safetensors"))

    def _block(self, scene: Scene, seed: int) -> Blocking | None:
        """Find a way over the set for what the subject of a scene does."""
        way = self._ways.choose(scene, seed) if self._ways else None
        return None if way is None else self._shaped(way, scene)

    def _fitting(self, scene: Scene, seed: int) -> list[Blocking]:
        """Find all ways for what the subject of a scene does, on whatever set."""
        return [self._shaped(way, scene) for way in self._ways.fitting(scene, seed)] if self._ways else []

    def _shaped(self, way: Blocking, scene: Scene) -> Blocking:
        """Return a way of the library, which is that of a square subject, for the page of a scene's subject."""
        if self._ways is None or not self._ways.square:
            return way
        if not scene.subject:
            return way
        entry = find_entry(page_name(scene.subject))
        return way.shaped(entry.aspect, entry.height, scene.action in AROUND_MIDDLE)

    @cached_property
    def _judge(self) -> Judge | None:
        listed = f"{NETWORK}.onnx" in self.folder.manifest.files
        return Judge.load(self.folder, self.threads) if listed else None

    @cached_property
    def _ways(self) -> BlockingLibrary | None:
        listed = WAYS in self.folder.manifest.files
        return BlockingLibrary.load(self.folder.file(WAYS)) if listed else None

    def _encode_video(
        self, frames: UInt8[np.ndarray, "frames height width 3"]
    ) -> Float32[np.ndarray, "tokens latent"]:
        # Only shots that are given pictures need the encoder.
        return encode_video(self._network("encoder"), frames)

    def _network(self, name: str) -> OnnxNetwork:
        """Open a network of the folder, or return the one that is open."""
        if name not in self._open:
            self._open[name] = self.folder.network(name, self.threads)
        return self._open[name]


class Transformer:
    """The transformer as samplers see it: one network says what is told of each token, the other makes the steps."""

    def __init__(self, briefing: Network, steps: Network, takes_pages: bool = False):
        """Use two networks; what the first said of the last conditionings is kept for their next steps."""
        self.briefing, self.steps, self.takes_pages = briefing, steps, takes_pages
        self._told: list[tuple[Conditioning, dict[str, np.ndarray]]] = []

    def __call__(
        self,
        latents: Float32[np.ndarray, "batch tokens latent"],
        levels: Float32[np.ndarray, "batch tokens"],
        conditioning: Conditioning,
    ) -> Float32[np.ndarray, "batch tokens latent"]:
        """Return the clean latents; every clip of the batch has the same conditioning."""
        told = self.told(conditioning) | {
            "states": conditioning.text[None],
            "mask": conditioning.text_mask[None],
        }
        repeated = {name: np.repeat(array, len(latents), axis=0) for name, array in told.items()}
        (clean,) = self.steps(
            video=latents, levels=levels, positions=conditioning.positions, **repeated
        ).values()
        return clean

    def field(
        self,
        text: Text,
        channels: Float32[np.ndarray, "batch tokens extra"],
        positions: Float32[np.ndarray, "tokens 3"],
        pages: Float32[np.ndarray, "slots 4 phases size size"] | None = None,
    ) -> Float32[np.ndarray, "batch tokens latent"]:
        """Return what tokens look like on the whole, before any noise."""
        pooled = np.repeat(text.pooled[None], len(channels), axis=0)
        return self._context(channels, positions, pooled, pages)["field"]

    def _context(
        self,
        channels: Float32[np.ndarray, "batch tokens extra"],
        positions: Float32[np.ndarray, "tokens 3"],
        pooled: Float32[np.ndarray, "batch dim"],
        pages: Float32[np.ndarray, "slots 4 phases size size"] | None,
    ) -> Mapping[str, np.ndarray]:
        """Return what is told of each token; the numbers of the subjects stand after all others."""
        if not self.takes_pages:
            return self.briefing(channels=channels, positions=positions, pooled=pooled)
        if not len(channels):
            # Where there is nothing to try, nothing is drawn; the graph with pages does not take empty batches.
            return {"field": np.zeros((0, len(positions), LATENT_CHANNELS), np.float32)}
        subjects = channels[..., SUBJECT.start :].reshape(*channels.shape[:2], -1, SUBJECT_CHANNELS)
        pages = np.stack([no_page()] * subjects.shape[2]) if pages is None else pages
        return self.briefing(
            channels=np.ascontiguousarray(channels[..., TOKEN]),
            subjects=subjects,
            pages=np.repeat(pages[None], len(channels), axis=0),
            positions=positions,
            pooled=pooled,
        )

    def told(self, conditioning: Conditioning) -> dict[str, np.ndarray]:
        """Return what is told of each token, the same in every step; kept for the words and for none."""
        for known, told in self._told:
            if known is conditioning:
                return told
        told = dict(
            self._context(
                conditioning.channels[None],
                conditioning.positions,
                conditioning.pooled[None],
                conditioning.pages,
            )
        )
        self._told = [*self._told[-1:], (conditioning, told)]
        return told


def small_pages(looks: Sequence[Appearance]) -> Float32[np.ndarray, "slots 4 phases size size"]:
    """Return the pages of subjects for the latents, the nearest first."""
    return np.stack([small_page(look) for look in looks])


def _encode_unnamed(
    sentences: Sequence[str], encode: Callable[[Sequence[str]], tuple[Text, ...]]
) -> tuple[Text, ...]:
    """Encode sentences without the names of subjects, whose pages say what they look like."""
    return encode([without_names(sentence) for sentence in sentences])


def encode_video(
    network: Network, frames: UInt8[np.ndarray, "frames height width 3"]
) -> Float32[np.ndarray, "tokens latent"]:
    """Return the normalised latents of 1 + 4k frames, one row per token."""
    pictures = np.ascontiguousarray(frames.transpose(3, 0, 1, 2)[None], np.float32) / 255
    (latents,) = network(frames=pictures).values()
    return np.ascontiguousarray(latents[0].reshape(latents.shape[1], -1).T)
