"""Reads an untrusted model file, safetensors or ONNX, as a document of the form `shuyu-fitted-1`; nothing of it is run."""
