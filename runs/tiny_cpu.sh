#!/usr/bin/env bash
# Every stage of the training road at toy size, in half a minute on two CPU cores; CI runs it. The result is worth nothing.
set -euo pipefail
out=${1:-$(mktemp -d)}
# `python -m vitascope.training STAGE ... --smoke`, but all stages in one process: each would begin with importing torch.
train() { printf '%q ' "$@" --smoke && echo; }
python=(python -c 'if True:
    import shlex, sys
    from vitascope.training.__main__ import app
    for line in sys.stdin:
        app(shlex.split(line), standalone_mode=False)
')
{
  train clips --out "$out/clips"
  train vae --minutes 1 --clips "$out/clips" --out "$out/vae"
  train latents --clips "$out/clips" --vae "$out/vae/vae.safetensors" --out "$out/latents"
  train dit --minutes 1 --vae "$out/vae/vae.safetensors" \
    --shards "$out/latents" --out "$out/dit"
  train distil --minutes 1 --vae "$out/vae/vae.safetensors" --teacher "$out/dit/dit.safetensors" --shards "$out/latents" \
    --out "$out/adapter"
  train redraw --vae "$out/vae/vae.safetensors" --dit "$out/dit/dit.safetensors" --out "$out/redrawn"
  train redraw --vae "$out/vae/vae.safetensors" --dit "$out/dit/dit.safetensors" --out "$out/redrawn" --unseen
  train vae --minutes 1 --decoder-only --redrawn "$out/redrawn" --clips "$out/clips" --start "$out/vae/vae.safetensors" \
    --out "$out/decoder"
  train upscaler --minutes 1 --vae "$out/decoder/vae.safetensors" --redrawn "$out/redrawn" --out "$out/upscaler"
  train judge --minutes 1 --out "$out/judge"
  train export --vae "$out/decoder/vae.safetensors" --dit "$out/dit/dit.safetensors" --judge "$out/judge" \
    --adapter "$out/adapter/adapter.safetensors" --upscaler "$out/upscaler/upscaler.safetensors" \
    --out "$out/weights"
} | "${python[@]}"
ls -l "$out/weights"
