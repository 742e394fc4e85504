#!/usr/bin/env bash
# Every stage of the training road at toy size, in about a minute on two CPU cores; CI runs it. The result is worth nothing.
set -euo pipefail
out=${1:-$(mktemp -d)}
train() { python -m vitascope.training "$@" --smoke; }
train clips --out "$out/clips"
train vae --minutes 1 --clips "$out/clips" --out "$out/vae"
train latents --clips "$out/clips" --vae "$out/vae/vae.safetensors" --out "$out/latents"
train textures --clips "$out/clips" --out "$out/textures.safetensors"
train dit --minutes 1 --textures "$out/textures.safetensors" --vae "$out/vae/vae.safetensors" \
  --shards "$out/latents" --out "$out/dit"
train distil --minutes 1 --vae "$out/vae/vae.safetensors" --teacher "$out/dit/dit.safetensors" --shards "$out/latents" \
  --out "$out/adapter"
train redraw --vae "$out/vae/vae.safetensors" --dit "$out/dit/dit.safetensors" --out "$out/redrawn"
train vae --minutes 1 --decoder-only --redrawn "$out/redrawn" --clips "$out/clips" --start "$out/vae/vae.safetensors" \
  --out "$out/decoder"
train upscaler --minutes 1 --vae "$out/decoder/vae.safetensors" --redrawn "$out/redrawn" --out "$out/upscaler"
train judge --minutes 1 --out "$out/judge"
train export --vae "$out/decoder/vae.safetensors" --dit "$out/dit/dit.safetensors" --judge "$out/judge" \
  --adapter "$out/adapter/adapter.safetensors" --upscaler "$out/upscaler/upscaler.safetensors" --shards "$out/latents" --out "$out/weights"
ls -l "$out/weights"
