"""The Open Inference Protocol v2: bytes in, bytes out. Nothing here knows of routes or threads.

Source: https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md
"""
