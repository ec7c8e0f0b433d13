"""The model API: one row at `/predict`, batches by the Open Inference Protocol v2; `python -m api.train` trains."""
