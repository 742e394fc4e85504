#!/usr/bin/env bash
# The run behind the weights that ship: recipe `small`, about two hours on two idle CPU cores.
set -euo pipefail
out=${1:?usage: runs/reproduce_small.sh FOLDER}
train() { nice python -m vitascope.training "$@" --recipe small; }
train clips --out "$out/clips" --seed 11
train vae --minutes 30 --clips "$out/clips" --out "$out/vae"
train latents --clips "$out/clips" --vae "$out/vae/vae.safetensors" --out "$out/latents"
train dit --minutes 60 --vae "$out/vae/vae.safetensors" --shards "$out/latents" --out "$out/dit"
train judge --minutes 12 --out "$out/judge"
train export --vae "$out/vae/vae.safetensors" --dit "$out/dit/dit.safetensors" --judge "$out/judge" --out "$out/weights"
