"""Sends applications for a credit to the model API: what the credit model's traffic looks like."""
