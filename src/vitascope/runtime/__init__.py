"""What runs a network: ONNX Runtime (ships) or torch (training, GPUs); one callable, NumPy in and out."""
