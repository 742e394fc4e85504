#!/usr/bin/env bash
# The run behind the weights that ship: recipe `small`, about four hours on two idle CPU cores. The autoencoder that
# ships began with the trunk of an earlier run, and the transformer with the blocks of earlier ones (docs/log.md).
set -euo pipefail
out=${1:?usage: runs/reproduce_small.sh FOLDER}
train() { nice python -m vitascope.training "$@" --recipe small; }
train clips --out "$out/clips" --seed 11
train vae --minutes 40 --from-scratch --clips "$out/clips" --out "$out/vae"
train latents --clips "$out/clips" --vae "$out/vae/vae.safetensors" --out "$out/latents"
train dit --minutes 150 --from-scratch --vae "$out/vae/vae.safetensors" \
  --shards "$out/latents" --out "$out/dit"
train redraw --vae "$out/vae/vae.safetensors" --dit "$out/dit/dit.safetensors" --out "$out/redrawn"
train redraw --vae "$out/vae/vae.safetensors" --dit "$out/dit/dit.safetensors" --out "$out/redrawn" --unseen --shards 1
train upscaler --minutes 14 --from-scratch --vae "$out/vae/vae.safetensors" --redrawn "$out/redrawn" --out "$out/upscaler"
train judge --minutes 12 --out "$out/judge"
train export --vae "$out/vae/vae.safetensors" --dit "$out/dit/dit.safetensors" --judge "$out/judge" \
  --upscaler "$out/upscaler/upscaler.safetensors" --steps 16 --guidance 1.5 --temperature 0.4 --draft-steps 4 --out "$out/weights"
