"""Sends images of handwritten digits to the model API: what the image model's traffic looks like."""
